using Baton.Drivers;
using Baton.Tests.Conformance;
using Baton.Tests.Samples;

namespace Baton.Tests.Core;

/// <summary>A sample of the core's tests in real time, on the driver that programs get.</summary>
public class DefaultDriverTests
{
    [Theory]
    [InlineData("epoll", "epoll")]
    [InlineData("portable", "portable")]
    [InlineData("", "epoll")]
    [CPython("test_runners.RunTests.test_loop_factory_default_event_loop")]
    public async Task It_is_the_one_that_the_environment_names_or_else_the_best_of_the_platform(string name, string expected)
    {
        Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
        await using var host = SampleProcess.StartSampleWithVariable($"BATON_DRIVER={name}", "Baton.SignalHost", "driver");
        var result = await host.WaitForExitAsync();
        Assert.Equal(0, result.WithoutStackTrace().ExitCode);
        Assert.Equal(expected, result.Output.Split(Environment.NewLine)[1]);
    }

    [Fact]
    public async Task A_name_that_no_driver_has_is_an_error_that_tells_those_there_are()
    {
        Assert.SkipUnless(EpollDriver.IsSupported, "There is no program named env on every platform.");
        await using var host = SampleProcess.StartSampleWithVariable("BATON_DRIVER=kqueue", "Baton.SignalHost", "driver");
        var result = await host.WaitForExitAsync();
        Assert.NotEqual(0, result.ExitCode);
        Assert.Contains(
            "The environment variable BATON_DRIVER names a driver that there is not: 'kqueue'.", result.Errors, StringComparison.Ordinal);
        Assert.Contains("'epoll', 'iouring' and 'portable'", result.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_io_uring_where_that_is_asked_for_and_allowed()
    {
        TestDriver.CreateForRings().Dispose();
        await using var host = SampleProcess.StartSampleWithVariable("BATON_DRIVER=iouring", "Baton.SignalHost", "driver");
        var result = await host.WaitForExitAsync();
        Assert.Equal("iouring", result.WithoutStackTrace().Output.Split(Environment.NewLine)[1]);
    }

    [Fact]
    public async Task It_is_epoll_where_io_uring_is_asked_for_and_denied()
    {
        Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
        const int RingSetup = 425;
        await using var host = SampleProcess.StartSampleWithoutSystemCall(RingSetup, "BATON_DRIVER=iouring", "Baton.SignalHost", "driver");
        var result = await host.WaitForExitAsync();
        Assert.Equal("epoll", result.WithoutStackTrace().Output.Split(Environment.NewLine)[1]);
        await using var logging = SampleProcess.StartSampleWithoutSystemCall(RingSetup, "BATON_DRIVER=iouring", "Baton.SignalHost", "log");
        await logging.WaitForLineAsync("io_uring was asked for, and cannot be used: a security policy");
    }

    [Fact]
    public void In_these_tests_it_is_the_one_that_they_run_on() => LoopTest.RunOnDefaultDriver(async test =>
    {
        await Coroutine.Yield();
        Assert.Equal(TestDriver.Name, test.Loop.Driver.Name);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_run_until_complete")]
    public void A_sleep_lasts_at_least_its_time() => LoopTest.RunOnDefaultDriver(async test =>
    {
        foreach (var delay in new[] { TimeSpan.FromTicks(1), TimeSpan.FromMicroseconds(200), TimeSpan.FromMilliseconds(20) })
        {
            var start = test.Loop.Time;
            await Coroutine.Sleep(delay);
            Assert.InRange(test.Loop.Time - start, delay.Ticks * 100, long.MaxValue);
        }
    });

    [Fact]
    public void Timers_and_callbacks_keep_their_order() => LoopTest.RunOnDefaultDriver(async test =>
    {
        var order = new List<int>();
        var when = test.Loop.Time + 1_000_000;
        for (var i = 0; i < 1000; i++)
        {
            test.Loop.CallAt(when, state => order.Add((int)state!), i);
        }

        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        Assert.Equal(Enumerable.Range(0, 1000), order);
    });

    [Fact]
    public void Another_thread_wakes_a_sleeping_loop() => LoopTest.RunOnDefaultDriver(async test =>
    {
        for (var i = 0; i < 100; i++)
        {
            var future = test.Loop.CreateFuture<int>();
            using var thread = LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(() => future.SetResult(i)));
            Assert.Equal(i, await future);
        }
    });

    [Fact]
    public void Ping_pong_between_two_loops_never_misses_a_wake_up() => LoopTest.RunOnDefaultDriver(async test =>
    {
        const int Rounds = 5000;
        EventLoop? other = null;
        using var ready = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() =>
        {
            using var loop = new EventLoop();
            other = loop;
            ready.Set();
            loop.RunForever();
        });
        LoopTest.Await(ready);
        for (var i = 0; i < Rounds; i++)
        {
            Assert.Equal(i, await other!.RunCoroutineThreadSafe(Coroutine.FromResult(i)));
            Assert.True(test.Loop.IsOnLoopThread);
        }

        other!.CallSoonThreadSafe(other.Stop);
    });

    [Fact]
    public void Foreign_awaits_come_back() => LoopTest.RunOnDefaultDriver(async test =>
    {
        var task = LoopTask.Current;
        for (var i = 0; i < 50; i++)
        {
            await Task.Run(() => { });
            await Task.Delay(1).ConfigureAwait(false);
            await Task.Yield();
            await Plain();
            Assert.True(test.Loop.IsOnLoopThread);
            Assert.Same(task, LoopTask.Current);
        }

        static async Task Plain()
        {
            await Task.Run(() => { });
            await Coroutine.Sleep(TimeSpan.FromTicks(1));
        }
    });

    [Fact]
    public void Cancellation_reaches_a_sleep() => LoopTest.RunOnDefaultDriver(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)));
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
    });

    [Fact]
    public void Run_returns_the_result_and_cleans_up()
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        LoopTest.OnThread(() =>
        {
            var cleaned = false;
            Assert.Equal(3, EventLoop.Run(Main));
            Assert.True(cleaned);

            async Coroutine<int> Main()
            {
                _ = Coroutine.Start(Child());
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                return 3;
            }

            async Coroutine Child()
            {
                try
                {
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                    cleaned = true;
                }
            }
        });
    }
}
