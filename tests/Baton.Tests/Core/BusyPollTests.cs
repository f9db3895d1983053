namespace Baton.Tests.Core;

/// <summary>Asking the driver again and again before waiting in it.</summary>
public class BusyPollTests
{
    private static readonly Action<EventLoopOptions> ForMicroseconds = options => options.BusyPoll = TimeSpan.FromMicroseconds(100);

    [Fact]
    public void A_loop_without_work_polls_for_that_long_before_it_waits() => LoopTest.On(ForMicroseconds, test =>
    {
        // Each poll takes 10 µs of the loop's clock.
        test.Driver.Polling = timeout => test.Clock.Advance(timeout == 0 ? 10_000 : 0);
        test.Loop.CallLater(TimeSpan.FromMilliseconds(1), test.Loop.Stop);
        test.Loop.RunForever();

        // Ten that do not wait, and one for what is left of the millisecond.
        Assert.Equal(Enumerable.Repeat(0L, 10).Append(900_000), test.Driver.Timeouts);
    });

    [Fact]
    public void Without_a_timer_it_waits_without_limit_after_that() => LoopTest.On(ForMicroseconds, test =>
    {
        test.Driver.Polling = timeout => test.Clock.Advance(timeout == 0 ? 25_000 : 0);
        using var waiting = new ManualResetEvent(false);
        test.Driver.Waiting = () => waiting.Set();
        using (LoopTest.StartThread(() =>
        {
            LoopTest.Await(waiting);
            test.Loop.CallSoonThreadSafe(test.Loop.Stop);
        }))
        {
            test.Loop.RunForever();
        }

        Assert.Equal([0, 0, 0, 0, -1], test.Driver.Timeouts);
        Assert.Equal(1, test.Driver.Wakes);
    });

    [Fact]
    public void What_completes_meanwhile_runs_at_once() => LoopTest.On(ForMicroseconds, test =>
    {
        test.Driver.Polling = timeout => test.Clock.Advance(timeout == 0 ? 10_000 : 0);
        var operation = new TestOperation(test.Loop);
        test.Driver.CompleteAt(test.Clock.Now + 30_000, () => operation.Succeed());
        test.Loop.RunUntilComplete(Receive());
        Assert.All(test.Driver.Timeouts, timeout => Assert.Equal(0, timeout));

        async Coroutine Receive() => await operation.Start();
    });

    [Fact]
    public void Another_thread_does_not_have_to_wake_it() => LoopTest.On(options => options.BusyPoll = TimeSpan.FromDays(1), test =>
    {
        var polls = 0;
        using var polling = new ManualResetEvent(false);
        test.Driver.Polling = timeout =>
        {
            test.Clock.Advance(1);
            if (++polls == 5)
            {
                polling.Set();
            }
        };
        using (LoopTest.StartThread(() =>
        {
            LoopTest.Await(polling);
            test.Loop.CallSoonThreadSafe(test.Loop.Stop);
        }))
        {
            test.Loop.RunForever();
        }

        Assert.Equal(0, test.Driver.Wakes);
        Assert.All(test.Driver.Timeouts, timeout => Assert.Equal(0, timeout));
    });

    [Fact]
    public void A_timer_that_is_due_sooner_ends_it() => LoopTest.On(ForMicroseconds, test =>
    {
        test.Driver.Polling = timeout => test.Clock.Advance(timeout == 0 ? 10_000 : 0);
        test.Loop.CallLater(TimeSpan.FromMicroseconds(35), test.Loop.Stop);
        test.Loop.RunForever();

        // Four until it is due, and the one that finds it.
        Assert.Equal([0, 0, 0, 0, 0], test.Driver.Timeouts);
    });

    [Fact]
    public void A_clock_that_stands_still_does_not_keep_it_for_ever() => LoopTest.On(ForMicroseconds, test =>
    {
        test.Loop.CallLater(TimeSpan.FromSeconds(1), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.Equal(1_000_000_000, test.Driver.Timeouts[^1]);
        Assert.All(test.Driver.Timeouts.SkipLast(1), timeout => Assert.Equal(0, timeout));
    });

    [Fact]
    public void Nothing_changes_where_it_is_off() => LoopTest.On(test =>
    {
        Assert.Equal(TimeSpan.Zero, new EventLoopOptions().BusyPoll);
        test.Loop.CallLater(TimeSpan.FromSeconds(1), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.Equal([1_000_000_000], test.Driver.Timeouts);
        Assert.Throws<ArgumentOutOfRangeException>(() => new EventLoopOptions().BusyPoll = TimeSpan.FromTicks(-1));
    });

    [Fact]
    public void It_works_with_sockets() => NetTest.Run(ForMicroseconds, async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        for (var i = 0; i < 100; i++)
        {
            await client.SendAsync(new byte[] { (byte)i });
            Assert.Equal([(byte)i], await NetTest.ReceiveAll(server, 1));
            await Coroutine.Sleep(TimeSpan.FromMicroseconds(i * 5));
        }

        client.Dispose();
        server.Dispose();
    });
}
