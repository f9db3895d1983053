using System.Net;
using System.Net.Sockets;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>A <see cref="Server"/> and the connections that it has: how many at a time, and closing them all.</summary>
public class ServerClientsTests
{
    [Fact]
    [CPython("test_server.TestServer2.test_close_clients")]
    public void CloseClients_sends_what_was_written_and_ends_the_handlers() => NetTest.Run(async test =>
    {
        var handlers = new List<string>();
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            connection.Output.GetSpan(3)[..3].Fill(9);
            connection.Output.Advance(3);
            try
            {
                await connection.Input.ReadAsync();
            }
            finally
            {
                handlers.Add("ended");
            }
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        server.CloseClients();
        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.Equal(["ended"], handlers);
        Assert.Equal([9, 9, 9], await client.Input.ReadExactlyAsync(3));
        Assert.True((await client.Input.ReadAsync()).IsCompleted);

        // The server goes on; with StopAccepting before, it has come to its end.
        Assert.True(server.IsServing);
        await using var other = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        var closed = Coroutine.Start(server.WaitClosedAsync());
        await Coroutine.Yield();
        server.StopAccepting();
        Assert.False(closed.IsDone);
        server.CloseClients();
        await closed;
    });

    [Fact]
    [CPython("test_server.TestServer2.test_abort_clients")]
    public void AbortClients_drops_what_was_written_and_ends_the_handlers() => NetTest.Run(async test =>
    {
        var isWriting = false;
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            isWriting = true;
            await connection.WriteAsync(new byte[64 * 1024 * 1024]);
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => isWriting);
        var closed = Coroutine.Start(server.WaitClosedAsync());
        await NetTest.Iterate();
        server.StopAccepting();
        Assert.False(closed.IsDone);
        server.AbortClients();
        await closed;
        await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadExactlyAsync(64 * 1024 * 1024));
    });

    [Fact]
    public void A_client_that_does_not_read_cannot_keep_CloseClients_from_being_followed_by_an_abort() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            while (true)
            {
                await connection.WriteAsync(new byte[1024]);
            }
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        server.CloseClients();
        server.CloseClients();
        await NetTest.Iterate();
        await server.DisposeAsync();
    });

    [Fact]
    public void A_failure_that_has_nothing_to_do_with_the_closing_is_reported() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            try
            {
                await connection.Input.ReadAsync();
            }
            catch (IOException)
            {
                throw new InvalidOperationException("a bug");
            }
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        server.AbortClients();
        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.Equal("a bug", Assert.Single(test.TakeReports()).Exception!.Message);
    });

    [Fact]
    public void No_more_connections_are_served_than_there_may_be() => NetTest.Run(async test =>
    {
        var most = 0;
        Server? server = null;
        var options = new ServerOptions { MaxConnections = 3, Backlog = 64 };
        server = await Server.StartAsync([IPEndPoint.Parse("127.0.0.1:0"), IPEndPoint.Parse("127.0.0.2:0")], async connection =>
        {
            most = Math.Max(most, server!.ConnectionCount);
            await NetTest.Echo(connection);
        }, options);
        var clients = new List<LoopTask>();
        for (var i = 0; i < 40; i++)
        {
            clients.Add(Coroutine.Start(Use(server.EndPoints[i % 2])));
        }

        await Coroutine.Gather(clients.Select(static async Coroutine (client) => await client));
        Assert.Equal(3, most);
        Assert.Equal(40, server.AcceptedCount);
        await server.DisposeAsync();

        static async Coroutine Use(EndPoint endPoint)
        {
            await using var client = await Connection.ConnectAsync(endPoint);
            for (byte i = 0; i < 3; i++)
            {
                await client.WriteAsync(new[] { i });
                Assert.Equal([i], await client.Input.ReadExactlyAsync(1));
            }
        }
    });

    [Fact]
    public void A_full_server_leaves_those_who_come_in_the_queue_and_serves_them_later() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { MaxConnections = 1 });
        var first = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.ConnectionCount == 1);
        await using var second = await Connection.ConnectAsync(server.EndPoints[0]);
        await second.WriteAsync(new byte[] { 2 });
        await NetTest.Polls(5);
        Assert.Equal((1, 1L), (server.ConnectionCount, server.AcceptedCount));
        await first.DisposeAsync();
        Assert.Equal([2], await second.Input.ReadExactlyAsync(1));
        Assert.Equal((1, 2L), (server.ConnectionCount, server.AcceptedCount));
    });

    [Fact]
    public void A_full_server_can_be_stopped_at_once_and_aborted() => NetTest.Run(async test =>
    {
        foreach (var abort in new[] { false, true })
        {
            var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { MaxConnections = 1 });
            await using var first = await Connection.ConnectAsync(server.EndPoints[0]);
            await using var second = await Connection.ConnectAsync(server.EndPoints[0]);
            await NetTest.Until(() => server.ConnectionCount == 1);
            if (abort)
            {
                server.StopAccepting(); // Takes the second, which then waits.
                server.Abort();
                await server.WaitClosedAsync();
            }
            else
            {
                await server.DisposeAsync();
            }

            Assert.Equal(2, test.Driver.OpenSocketCount);
            await Record.ExceptionAsync(async () => Assert.True((await second.Input.ReadAsync()).IsCompleted));
        }
    });

    [Fact]
    public void Handlers_that_end_as_they_begin_do_not_pile_up_on_the_stack() => NetTest.Run(async test =>
    {
        var served = 0;
        var go = test.Loop.CreateFuture();
        var server = await Server.StartAsync(
            "127.0.0.1", 0, connection => served++ == 0 ? Wait() : default, new ServerOptions { MaxConnections = 1, Backlog = 1000 });
        var clients = new List<LoopSocket>();
        for (var i = 0; i < 300; i++)
        {
            var client = LoopSocket.Create(AddressFamily.InterNetwork);
            clients.Add(client);
            await client.ConnectAsync(server.EndPoints[0]);
        }

        await NetTest.Until(() => server.ConnectionCount == 1);
        server.StopAccepting();
        go.SetResult();
        await server.WaitClosedAsync();
        Assert.Equal(300, served);
        foreach (var client in clients)
        {
            client.Dispose();
        }

        async Coroutine Wait() => await go;
    });

    [Fact]
    public void There_must_be_room_for_one() =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new ServerOptions { MaxConnections = 0 });

    [Fact]
    public void Accepted_connections_are_probed_on_request() => NetTest.Run(async test =>
    {
        var options = new ServerOptions { KeepAlive = new KeepAliveOptions { Time = TimeSpan.FromSeconds(50) } };
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using var server = await Server.StartAsync(socket, NetTest.Echo, options);
        Assert.NotEqual(0, socket.GetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(50, socket.GetOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
    });
}
