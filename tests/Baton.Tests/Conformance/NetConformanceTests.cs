using System.Net;
using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Net;

namespace Baton.Tests.Conformance;

/// <summary>
/// What asyncio's tests of connections and servers in its files about the loop pin down and our tests of the network do not.
/// </summary>
public class NetConformanceTests
{
    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_server")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_create_server")]
    public void The_handler_of_a_server_on_every_interface_gets_the_bytes_and_knows_both_ends() => NetTest.Run(async test =>
    {
        var seen = test.Loop.CreateFuture<(byte[] Bytes, EndPoint? Local, EndPoint? Remote)>();
        await using var server = await Server.StartAsync("0.0.0.0", 0, async connection =>
            seen.SetResult((await connection.Input.ReadExactlyAsync(3), connection.LocalEndPoint, connection.RemoteEndPoint)));
        var listening = Assert.IsType<IPEndPoint>(Assert.Single(server.EndPoints));
        Assert.Equal(IPAddress.Any, listening.Address);
        await using var client = await Connection.ConnectAsync("127.0.0.1", listening.Port);
        await client.WriteAsync("xxx"u8.ToArray());
        var (bytes, local, remote) = await seen;
        Assert.Equal("xxx"u8.ToArray(), bytes);
        Assert.Equal(client.RemoteEndPoint, local);
        Assert.Equal(client.LocalEndPoint, remote);
        Assert.Equal(IPAddress.Loopback, ((IPEndPoint)remote!).Address);
        Assert.True((await client.Input.ReadAsync()).IsCompleted); // The handler has returned, so the connection is closed.
    });

    [Fact]
    [CPython("test_events.TestServer.test_get_loop")]
    public void A_server_knows_its_loop() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("0.0.0.0", 0, NetTest.Echo);
        Assert.Same(test.Loop, server.Loop);
    });

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.2")]
    [InlineData("::1", null)]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_multiple_hosts_ipv4")]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_multiple_hosts_ipv6")]
    public void An_address_that_is_named_twice_is_listened_at_once(string host, string? other) => NetTest.Run(async () =>
    {
        string[] unique = other is null ? [host] : [host, other];
        LoopSocketTests.SkipWithout(IPAddress.Parse(host).AddressFamily);
        await using var server = await Server.StartAsync(
            unique.Append(host).Select(address => new IPEndPoint(IPAddress.Parse(address), 0)), NetTest.Echo);
        Assert.Equal(unique, server.EndPoints.Select(endPoint => ((IPEndPoint)endPoint).Address.ToString()));
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_server_no_getaddrinfo")]
    public void A_server_cannot_start_at_a_name_that_does_not_exist() => NetTest.Run(async test =>
    {
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync("no-such-host.invalid", 0, NetTest.Echo));
        Assert.Contains("no-such-host.invalid", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_connect_accepted_socket")]
    public void A_socket_that_was_accepted_becomes_a_connection() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        byte[]? response = null;
        using var thread = LoopTest.StartThread(() =>
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(listener.LocalEndPoint!);
            client.Send("test data"u8);
            var buffer = new byte[99];
            response = buffer[..client.Receive(buffer)];
        });
        await using (var connection = new Connection(await listener.AcceptAsync()))
        {
            Assert.Equal("test data"u8.ToArray(), await connection.Input.ReadExactlyAsync(9));
            await connection.WriteAsync("roger"u8.ToArray());
            Assert.True((await connection.Input.ReadAsync()).IsCompleted);
        }

        thread.Join();
        Assert.Equal("roger"u8.ToArray(), response);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_connection_local_addr")]
    public void A_connection_comes_from_the_port_that_was_asked_for() => NetTest.Run(async () =>
    {
        var free = NetTest.Listen();
        var local = (IPEndPoint)free.LocalEndPoint!;
        free.Dispose();
        using var listener = NetTest.Listen();
        await using var client = await Connection.ConnectAsync(listener.LocalEndPoint!, new ConnectOptions { LocalEndPoint = local });
        Assert.Equal(local, client.LocalEndPoint);
        using var server = await listener.AcceptAsync();
        Assert.Equal(local, server.RemoteEndPoint);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_connection_local_addr_in_use")]
    public void A_port_to_connect_from_that_is_taken_is_named() => NetTest.Run(async test =>
    {
        using var listener = NetTest.Listen();
        var taken = (IPEndPoint)listener.LocalEndPoint!;
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Connection.ConnectAsync(taken, new ConnectOptions { LocalEndPoint = taken }));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Contains(taken.ToString(), failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_connection_local_addr_nomatch_family")]
    public void An_address_to_connect_from_that_is_of_another_family_than_all_of_the_host_is_an_error() => NetTest.Run(async test =>
    {
        var options = new ConnectOptions { LocalEndPoint = new IPEndPoint(IPAddress.IPv6Loopback, 0) };
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync("127.0.0.1", 1, options));
        Assert.Equal(SocketError.AddressFamilyNotSupported, failure.SocketErrorCode);
        Assert.Contains("[::1]:0", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_accept_connection_retry")]
    public void A_listener_that_finds_no_connection_after_all_goes_on_waiting() => NetTest.RunOnEpoll(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await Coroutine.Yield();
        var attempts = 0;
        test.Calls.OnAccept = _ => attempts++ == 0 ? -Errno.EAGAIN : null;
        await using var first = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => attempts > 0);
        Assert.Equal(0, server.AcceptedCount);
        Assert.True(server.IsServing);
        await using var second = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => server.AcceptedCount == 2); // And nothing has been reported.
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_add_fds_after_closing")]
    [CPython("test_events.EventLoopTestsMixin.test_remove_fds_after_closing")]
    public void A_socket_that_outlives_its_loop_is_closed_refuses_to_wait_and_can_be_disposed_of() => LoopTest.OnThread(() =>
    {
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create(), Debug = false, ExceptionHandler = (_, _) => { } });
        var (client, server) = loop.RunUntilComplete(NetTest.ConnectSockets());
        loop.Dispose();
        Assert.Equal((-1, -1), (client.Handle, server.Handle)); // The loop has closed what was left.
        Assert.Throws<ObjectDisposedException>(() => { _ = client.ReceiveAsync(new byte[1]).AsTask(); });
        Assert.Throws<ObjectDisposedException>(() => { _ = server.SendAllAsync(new byte[1]).AsTask(); });
        client.Dispose();
        server.Dispose();
    });

    [Theory]
    [InlineData("1.2.3.4", AddressFamily.InterNetwork, 0)]
    [InlineData("::3", AddressFamily.InterNetworkV6, 0)]
    [InlineData("::3%7", AddressFamily.InterNetworkV6, 7)]
    [CPython("test_base_events.BaseEventTests.test_ipaddr_info")]
    public void An_address_in_figures_is_not_looked_up(string host, AddressFamily family, long scope) => NetTest.Run(async test =>
    {
        var lookUp = Coroutine.Start(NameResolution.GetHostAddressesAsync(host), eager: true);
        Assert.True(lookUp.IsDone);
        var address = Assert.Single(await lookUp);
        Assert.Equal(family, address.AddressFamily);
        Assert.Equal(scope, family == AddressFamily.InterNetworkV6 ? address.ScopeId : 0);
    });
}
