using System.Net;
using System.Net.Sockets;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>Starting a <see cref="Server"/>: at several hosts, on sockets of one's own, and bound but not serving yet.</summary>
public class ServerStartTests
{
    [Fact]
    public void Several_hosts_are_listened_at_each_once() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync(["127.0.0.1", "127.0.0.2", "localhost", "127.0.0.1"], 0, NetTest.Echo);
        var addresses = server.EndPoints.Select(endPoint => ((IPEndPoint)endPoint).Address).ToList();
        Assert.Equal(addresses.Distinct(), addresses);
        Assert.Contains(IPAddress.Loopback, addresses);
        Assert.Contains(IPAddress.Parse("127.0.0.2"), addresses);
        Assert.Single(server.EndPoints.Select(endPoint => ((IPEndPoint)endPoint).Port).Distinct());
    });

    [Fact]
    public void One_host_that_is_unknown_or_taken_leaves_nothing_open() => NetTest.Run(async test =>
    {
        var unknown = await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync(["127.0.0.1", "no-such-host.invalid"], 0, NetTest.Echo));
        Assert.Contains("no-such-host.invalid", unknown.Message, StringComparison.Ordinal);
        using var taken = NetTest.Listen();
        await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync(["127.0.0.2", "127.0.0.1"], ((IPEndPoint)taken.LocalEndPoint!).Port, NetTest.Echo));
        Assert.Equal(1, test.Driver.OpenSocketCount);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Server.StartAsync(Array.Empty<string>(), 0, NetTest.Echo));
    });

    [Fact]
    public void Cancelling_at_any_moment_leaves_nothing_open() => NetTest.Run(async test =>
    {
        var started = 0;
        for (var iterations = 0; iterations < 12; iterations++)
        {
            var start = Coroutine.Start(Server.StartAsync(["127.0.0.1", "127.0.0.2", "127.0.0.3"], 0, NetTest.Echo));
            await NetTest.Iterate(iterations);
            start.Cancel();
            try
            {
                await (await start).DisposeAsync();
                started++;
            }
            catch (CancelledException)
            {
                Assert.True(start.IsCancelled);
            }

            Assert.Equal(0, test.Driver.OpenSocketCount);
        }

        Assert.InRange(started, 1, 11);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_sock")]
    public void A_socket_of_ones_own_is_served_whether_it_listens_or_not(bool listens) => NetTest.Run(async test =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Any, 0));
        if (listens)
        {
            socket.Listen();
        }

        var listener = LoopSocket.FromSocket(socket);
        await using (var server = await Server.StartAsync(listener, NetTest.Echo))
        {
            var endPoint = Assert.IsType<IPEndPoint>(Assert.Single(server.EndPoints));
            Assert.Equal((IPAddress.Any, listener.LocalEndPoint), (endPoint.Address, endPoint));
            await using var client = await Connection.ConnectAsync("127.0.0.1", endPoint.Port);
            await client.WriteAsync("xxx"u8.ToArray());
            Assert.Equal("xxx"u8.ToArray(), await client.Input.ReadExactlyAsync(3));
        }

        Assert.Equal(-1, listener.Handle);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_server_wrong_sock")]
    public void A_socket_that_is_no_stream_is_refused_and_stays_the_callers() => NetTest.Run(async test =>
    {
        using var listener = NetTest.Listen();
        using var datagrams = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        var refusal = await Assert.ThrowsAsync<ArgumentException>(async () => await Server.StartAsync([listener, datagrams], NetTest.Echo));
        Assert.Contains("stream sockets", refusal.Message, StringComparison.Ordinal);
        Assert.True(listener.Handle >= 0 && datagrams.Handle >= 0);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Server.StartAsync(Array.Empty<LoopSocket>(), NetTest.Echo));
    });

    [Fact]
    public void A_socket_that_cannot_listen_is_closed() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var other = server;
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync(client, NetTest.Echo));
        Assert.Equal(SocketError.InvalidArgument, failure.SocketErrorCode);
        Assert.Equal(-1, client.Handle);
    });

    [Fact]
    public void A_server_that_does_not_serve_yet_has_its_end_point_and_refuses() => NetTest.Run(async test =>
    {
        var local = new AsyncLocal<string?> { Value = "made" };
        string? seen = null;
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            seen = local.Value;
            await NetTest.Echo(connection);
        }, new ServerOptions { StartServing = false });
        local.Value = "started";
        Assert.False(server.IsServing);
        Assert.False(server.IsClosed);
        Assert.NotEqual(0, ((IPEndPoint)server.EndPoints[0]).Port);
        var refusal = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(server.EndPoints[0]));
        Assert.Equal(SocketError.ConnectionRefused, refusal.SocketErrorCode);

        server.StartServing();
        server.StartServing();
        Assert.True(server.IsServing);
        Assert.Equal("started", local.Value);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.WriteAsync(new byte[1]);
        await client.Input.ReadExactlyAsync(1);
        Assert.Equal("made", seen);
        server.StopAccepting();
        Assert.Throws<InvalidOperationException>(server.StartServing);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await server.ServeForeverAsync());
    });

    [Fact]
    public void A_server_that_never_served_can_be_stopped() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { StartServing = false });
        server.StopAccepting();
        Assert.True(server.IsClosed);
        await server.WaitClosedAsync();
    });

    [Fact]
    public void A_port_that_somebody_else_listens_at_meanwhile_stops_the_server() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync(["127.0.0.1", "127.0.0.2"], 0, NetTest.Echo, new ServerOptions { StartServing = false });
        await using var other = await Server.StartAsync(server.EndPoints[1], NetTest.Echo);
        var failure = Assert.Throws<SocketException>(server.StartServing);
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.True(server.IsClosed);
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_server.BaseStartServer.test_start_server_1")]
    public void A_handler_may_cancel_the_task_that_serves() => NetTest.Run(async test =>
    {
        LoopTask? main = null;
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await connection.Input.ReadLineAsync(limit: 6 * 1024);
            main!.Cancel();
            await connection.WriteAsync("1"u8.ToArray());
            await connection.CloseAsync();
        }, new ServerOptions { StartServing = false });
        Assert.False(server.IsServing);
        main = Coroutine.Start(Serve());
        await NetTest.Until(() => server.IsServing);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.WriteAsync((byte[])[.. Enumerable.Repeat((byte)'1', 5 * 1024), (byte)'\n']);
        Assert.Equal("1"u8.ToArray(), await client.Input.ReadExactlyAsync(1));
        await NetTest.AssertCancelled(main);
        Assert.False(server.IsServing);
        Assert.True(server.IsClosed);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await server.ServeForeverAsync());

        async Coroutine Serve()
        {
            await using (server)
            {
                await server.ServeForeverAsync();
            }
        }
    });
}
