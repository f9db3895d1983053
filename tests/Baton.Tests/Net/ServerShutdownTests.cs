using System.Net.Sockets;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>How a <see cref="Server"/> ends, in stages.</summary>
public class ServerShutdownTests
{
    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_server_close")]
    public void StopAccepting_leaves_connections_alone() => NetTest.Run(async test =>
    {
        // Where there are several, on an address at which nobody else listens: the port may be another program's a moment after it was given up.
        var address = OperatingSystem.IsLinux() ? "127.0.7.1" : "127.0.0.1";
        var server = await Server.StartAsync(address, 0, NetTest.Echo);
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        server.StopAccepting();
        server.StopAccepting();
        Assert.False(server.IsServing);
        Assert.False(server.IsClosed);
        var refusal = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(server.EndPoints[0]));
        Assert.Equal(SocketError.ConnectionRefused, refusal.SocketErrorCode);
        await client.WriteAsync(new byte[1]);
        await client.Input.ReadExactlyAsync(1);

        var closed = Coroutine.Start(server.WaitClosedAsync());
        await NetTest.Iterate();
        Assert.False(closed.IsDone);
        await client.DisposeAsync();
        await closed;
        Assert.True(server.IsClosed);
        await server.WaitClosedAsync();
        await server.DisposeAsync();
    });

    [Fact]
    [CPython("test_server.TestServer2.test_wait_closed_basic")]
    public void It_is_closed_when_it_has_stopped_and_the_last_connection_has_ended_and_not_before() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var waits = new List<LoopTask>();
        await Wait(); // No connection, not stopped.
        var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        await Wait(); // A connection, not stopped.
        server.StopAccepting();
        await Wait(); // A connection, and stopped.
        await client.DisposeAsync();
        foreach (var wait in waits)
        {
            await wait;
        }

        await server.WaitClosedAsync();

        async Coroutine Wait()
        {
            waits.Add(Coroutine.Start(server.WaitClosedAsync()));
            await NetTest.Iterate();
            Assert.All(waits, wait => Assert.False(wait.IsDone));
        }
    });

    [Fact]
    [CPython("test_server.TestServer2.test_wait_closed_race")]
    public void That_it_stops_as_the_last_connection_ends_is_not_missed() => NetTest.Run(async test =>
    {
        foreach (var stopsFirst in new[] { true, false })
        {
            var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
            var early = Coroutine.Start(server.WaitClosedAsync());
            var client = await Connection.ConnectAsync(server.EndPoints[0]);
            await NetTest.Until(() => server.ConnectionCount == 1);
            Action[] calls = [server.StopAccepting, client.Dispose];
            test.Loop.CallSoon(calls[stopsFirst ? 0 : 1]);
            test.Loop.CallSoon(calls[stopsFirst ? 1 : 0]);
            await server.WaitClosedAsync();
            await early;
        }
    });

    [Fact]
    public void Waiting_for_the_close_can_be_cancelled_and_others_go_on_waiting() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var first = Coroutine.Start(server.WaitClosedAsync());
        var second = Coroutine.Start(server.WaitClosedAsync());
        await Coroutine.Yield();
        first.Cancel();
        await NetTest.AssertCancelled(first);
        Assert.False(second.IsDone);
        server.StopAccepting();
        await second;
    });

    [Fact]
    public void Shutdown_lets_handlers_finish() => NetTest.RunInVirtualTime(async test =>
    {
        var order = new List<string>();
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(3));
            await connection.WriteAsync(new byte[] { 1 });
            order.Add("handler done");
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        await server.ShutdownAsync(TimeSpan.FromSeconds(10));
        order.Add("shut down");
        Assert.Equal(["handler done", "shut down"], order);
        Assert.Equal([1], await client.Input.ReadExactlyAsync(1));
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void Shutdown_cancels_handlers_at_the_deadline_and_aborts_those_that_do_not_listen() => NetTest.RunInVirtualTime(async test =>
    {
        var start = test.Loop.Time;
        var order = new List<string>();
        var number = 0;
        var options = new ServerOptions { CancelGracePeriod = TimeSpan.FromSeconds(2) };
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var isStubborn = number++ == 1;
            while (true)
            {
                try
                {
                    await connection.Input.ReadAsync();
                }
                catch (CancelledException)
                {
                    order.Add($"{Seconds()} cancelled");
                    if (!isStubborn)
                    {
                        throw;
                    }
                }
                catch (IOException)
                {
                    order.Add($"{Seconds()} aborted");
                    return;
                }
            }
        }, options);
        await using var polite = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        await using var stubborn = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 2);
        await server.ShutdownAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(12, Seconds());
        Assert.Equal(["10 cancelled", "10 cancelled", "12 cancelled", "12 aborted"], order);
        Assert.True((await polite.Input.ReadAsync()).IsCompleted);
        await Assert.ThrowsAsync<IOException>(async () => await stubborn.Input.ReadAsync());

        long Seconds() => (test.Loop.Time - start) / 1_000_000_000;
    });

    [Fact]
    public void Cancelling_a_shutdown_aborts() => NetTest.RunInVirtualTime(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        var shutdown = Coroutine.Start(server.ShutdownAsync(Timeout.InfiniteTimeSpan));
        await NetTest.Iterate();
        shutdown.Cancel();
        await NetTest.AssertCancelled(shutdown);
        await server.WaitClosedAsync();
        await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadExactlyAsync(1));
    });

    [Fact]
    [CPython("regressions.Network.gh-123720")]
    public void Serving_forever_ends_with_a_cancel_which_ends_the_handlers() => NetTest.Run(async test =>
    {
        var ended = 0;
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            try
            {
                await connection.Input.ReadAsync();
            }
            finally
            {
                ended++;
            }
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        var serve = Coroutine.Start(server.ServeForeverAsync());
        await Coroutine.Yield();
        await NetTest.Until(() => server.ConnectionCount == 1);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await server.ServeForeverAsync());
        serve.Cancel();
        await NetTest.AssertCancelled(serve);
        Assert.Equal(1, ended);
        Assert.True(server.IsClosed);
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void Serving_forever_returns_when_the_server_is_stopped_otherwise() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var serve = Coroutine.Start(server.ServeForeverAsync());
        await Coroutine.Yield();
        server.StopAccepting();
        await serve;
    });

    [Fact]
    public void Disposing_cancels_the_handlers_and_waits_for_them() => NetTest.Run(async test =>
    {
        var order = new List<string>();
        await using var client = await StartAndLeave();
        Assert.Equal(["cleaned up"], order);
        Assert.True((await client.Input.ReadAsync()).IsCompleted);

        async Coroutine<Connection> StartAndLeave()
        {
            await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
            {
                try
                {
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                finally
                {
                    await Coroutine.Yield();
                    order.Add("cleaned up");
                }
            });
            var client = await Connection.ConnectAsync(server.EndPoints[0]);
            await NetTest.Until(() => server.ConnectionCount == 1);
            return client;
        }
    });

    [Fact]
    public void A_handler_may_stop_the_server_and_even_abort_it() => NetTest.Run(async test =>
    {
        foreach (var abort in new[] { false, true })
        {
            Server? server = null;
            server = await Server.StartAsync("127.0.0.1", 0, async connection =>
            {
                await connection.Input.ReadExactlyAsync(1);
                if (abort)
                {
                    server!.Abort();
                }
                else
                {
                    server!.StopAccepting();
                }
            });
            await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
            await client.WriteAsync(new byte[1]);
            await server.WaitClosedAsync();
        }
    });

    [Fact]
    public void A_connection_that_arrives_while_the_server_stops_is_closed() => NetTest.Run(async test =>
    {
        for (var i = 0; i < 20; i++)
        {
            var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
            await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
            for (var n = 0; n < i; n++)
            {
                await Coroutine.Yield();
            }

            await server.DisposeAsync();
            Assert.True(server.IsClosed);
            Assert.Equal(1, test.Driver.OpenSocketCount);
        }
    });
}
