using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Drivers;

/// <summary>What is peculiar to epoll: registrations, edges, wake-ups, and the numbers of descriptors that come again.</summary>
public class EpollDriverTests
{
    [Fact]
    public void An_echo_costs_two_calls_and_a_share_of_a_wait() => NetTest.RunOnEpoll(async test =>
    {
        const int Connections = 32;
        const int Rounds = 100;
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var clients = new List<Connection>();
        for (var i = 0; i < Connections; i++)
        {
            clients.Add(await Connection.ConnectAsync(server.EndPoints[0]));
        }

        await Round();
        var before = test.Driver.Statistics;
        for (var i = 0; i < Rounds; i++)
        {
            await Round();
        }

        // Both ends run here: two receives and two sends for each message, and no receive that finds nothing.
        var calls = test.Driver.Statistics - before;
        Assert.Equal(2 * Connections * Rounds, calls.Receives);
        Assert.Equal(2 * Connections * Rounds, calls.Sends);
        Assert.Equal(0, calls.Registrations);
        Assert.Equal(0, calls.Others);
        Assert.InRange(calls.Waits, 1, Connections * Rounds);
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);

        async Coroutine Round()
        {
            var echoes = clients.Select(client => Coroutine.Start(EchoOnce(client))).ToList();
            foreach (var echo in echoes)
            {
                await echo;
            }
        }
    });

    [Fact]
    public void A_socket_that_never_waits_is_never_registered() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var before = test.Driver.Statistics;
        await client.SendAllAsync(new byte[10]);
        Assert.Equal(10, await server.ReceiveAsync(new byte[100]));
        await server.SendAllAsync(new byte[10]);
        Assert.Equal(10, await client.ReceiveAsync(new byte[100]));
        var calls = test.Driver.Statistics - before;
        Assert.Equal(0, calls.Registrations);
        Assert.Equal(4, calls.SystemCalls);
    });

    [Fact]
    public void A_short_receive_saves_the_one_that_would_find_nothing_until_the_peer_ends() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        await client.SendAllAsync(new byte[10]);
        await server.ReceiveAsync(new byte[100]);
        var before = test.Driver.Statistics;
        var wait = server.ReceiveAsync(new byte[100]);
        Assert.False(wait.IsCompleted);
        Assert.Equal(0, (test.Driver.Statistics - before).Receives);

        // Data and the end in one event: the end must not be missed.
        await client.SendAllAsync(new byte[10]);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(10, await wait);
        Assert.Equal(0, await server.ReceiveAsync(new byte[100]));
    });

    [Fact]
    public void Urgent_data_does_not_hide_what_is_behind_it() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        client.Connect(listener.LocalEndPoint!);
        using var server = await listener.AcceptAsync();
        var wait = server.ReceiveAsync(new byte[100]);
        Assert.False(wait.IsCompleted);
        client.Send(new byte[3]);
        client.Send(new byte[1], SocketFlags.OutOfBand);
        client.Send(new byte[5]);
        var received = await wait;
        while (received < 8)
        {
            received += await server.ReceiveAsync(new byte[100]);
        }

        Assert.Equal(8, received);
    });

    [Fact]
    public void A_descriptor_whose_number_comes_again_is_not_taken_for_the_old_one() => NetTest.RunOnEpoll(async test =>
    {
        for (var i = 0; i < 200; i++)
        {
            var (client, server) = await NetTest.ConnectSockets();
            var wait = Coroutine.Start(Receive(server));
            await Coroutine.Yield();

            // An event is on its way; the socket goes, and another gets its number.
            await client.SendAllAsync(new byte[1]);
            wait.Cancel();
            await NetTest.AssertCancelled(wait);
            client.Dispose();
            server.Dispose();
            var (next, other) = await NetTest.ConnectSockets();
            var none = Coroutine.Start(Receive(other));
            await NetTest.Iterate(3);
            Assert.False(none.IsDone);
            await next.SendAllAsync(new byte[7]);
            Assert.Equal(7, await none);
            next.Dispose();
            other.Dispose();
        }
    });

    [Fact]
    public void More_events_than_the_buffer_holds_are_not_lost() => NetTest.RunOnEpoll(async test =>
    {
        const int Count = 300;
        var pairs = new List<(LoopSocket Client, LoopSocket Server)>();
        var waits = new List<LoopTask<int>>();
        for (var i = 0; i < Count; i++)
        {
            pairs.Add(await NetTest.ConnectSockets());
            waits.Add(Coroutine.Start(Receive(pairs[i].Server)));
        }

        await NetTest.Polls(1);
        for (var round = 0; round < 3; round++)
        {
            foreach (var (client, _) in pairs)
            {
                await client.SendAllAsync(new byte[2]);
            }

            for (var i = 0; i < Count; i++)
            {
                Assert.Equal(2, await waits[i]);
                waits[i] = Coroutine.Start(Receive(pairs[i].Server));
            }
        }

        await Coroutine.Yield();
        foreach (var (client, server) in pairs)
        {
            client.Dispose();
            server.Dispose();
        }

        foreach (var wait in waits)
        {
            await Assert.ThrowsAsync<SocketException>(async () => await wait);
        }
    });

    [Fact]
    public void Another_thread_wakes_the_loop_with_one_write_for_each_sleep() => NetTest.RunOnEpoll(async test =>
    {
        const int Count = 1000;
        var before = test.Driver.Statistics;
        var called = 0;
        using (LoopTest.StartThread(() =>
        {
            for (var i = 0; i < Count; i++)
            {
                test.Loop.CallSoonThreadSafe(() => called++);
            }
        }))
        {
            await NetTest.Until(() => called == Count);
        }

        var calls = test.Driver.Statistics - before;
        Assert.InRange(calls.Wakes, 0, Math.Min(Count, calls.Waits));
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_internal_fds")]
    public void A_loop_gives_its_own_descriptors_back_when_it_closes() => LoopTest.OnThread(() =>
    {
        var calls = new ScriptedCalls();
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create(calls) });
        Assert.Equal(1, calls.OpenDescriptors);
        loop.RunUntilComplete(Coroutine.Sleep(TimeSpan.FromTicks(1)));
        loop.Dispose();
        Assert.Equal(0, calls.OpenDescriptors);
        loop.Dispose();
        Assert.Equal(0, calls.OpenDescriptors);

        // The descriptor by which other threads wake the loop is gone too: nothing is written to one that may be somebody else's by now.
        loop.Driver.Wake();
    });

    [Fact]
    public void A_wake_before_the_poll_is_not_lost() => LoopTest.OnThread(() =>
    {
        using var driver = TestDriver.Create(new ScriptedCalls());
        for (var i = 0; i < 100; i++)
        {
            driver.Wake();
            driver.Wake();
            driver.Poll(-1);
        }

        driver.Poll(0);
    });

    [Fact]
    public void A_wake_after_the_end_reaches_nobody() => LoopTest.OnThread(() =>
    {
        var driver = TestDriver.Create(new ScriptedCalls());
        driver.Dispose();
        driver.Dispose();
        driver.Wake();
    });

    [Fact]
    public void A_wait_is_not_shorter_than_asked_and_counts_nanoseconds() => LoopTest.OnThread(() =>
    {
        using var driver = TestDriver.Create(new ScriptedCalls());
        foreach (var timeout in new long[] { 0, 1, 100_000, 1_500_000 })
        {
            var start = LoopClock.System.Now;
            driver.Poll(timeout);
            Assert.InRange(LoopClock.System.Now - start, timeout, timeout + 1_000_000_000);
        }
    });

    [Theory]
    [InlineData(-Errno.ENOSYS)]
    [InlineData(-Errno.EPERM)]
    public void Where_the_system_cannot_wait_for_nanoseconds_it_waits_for_the_next_millisecond(int error) => LoopTest.OnThread(() =>
    {
        using var driver = TestDriver.Create(new ScriptedCalls { NoPreciseWait = error });
        foreach (var timeout in new long[] { 0, 1, 1_500_000 })
        {
            var start = LoopClock.System.Now;
            driver.Poll(timeout);
            Assert.InRange(LoopClock.System.Now - start, timeout, timeout + 1_000_000_000);
        }

        driver.Wake();
        driver.Poll(-1);
    });

    [Fact]
    public void A_signal_that_interrupts_the_wait_ends_no_timer_early() => NetTest.RunOnEpoll(async test =>
    {
        var interrupts = 0;
        test.Calls.OnWait = timeout => timeout != 0 && interrupts++ < 100 ? -Errno.EINTR : null;
        var start = test.Loop.Time;
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(2));
        Assert.InRange(test.Loop.Time - start, 2_000_000, long.MaxValue);
        Assert.InRange(interrupts, 1, 101);
    });

    [Fact]
    public void Collections_while_the_loop_waits_do_not_disturb_it() => NetTest.RunOnEpoll(async test =>
    {
        var isDone = false;
        using (LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 20; i++)
            {
                GC.Collect();
            }

            test.Loop.CallSoonThreadSafe(() => isDone = true);
        }))
        {
            await NetTest.Until(() => isDone);
        }
    });

    private static async Coroutine<int> Receive(LoopSocket socket) => await socket.ReceiveAsync(new byte[100]);

    private static async Coroutine EchoOnce(Connection client)
    {
        await client.WriteAsync(new byte[1024]);
        var result = await client.Input.ReadAtLeastAsync(1024);
        client.Input.AdvanceTo(result.Buffer.End);
    }
}
