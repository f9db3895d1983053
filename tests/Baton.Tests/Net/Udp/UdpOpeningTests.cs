using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Udp;

/// <summary>How a <see cref="UdpSocket"/> comes about, and what is left when it does not.</summary>
public class UdpOpeningTests
{
    [Fact]
    public void A_socket_without_an_address_gets_one_when_it_sends() => NetTest.Run(async () =>
    {
        using var server = UdpTest.Bind();
        using var client = UdpSocket.Create(AddressFamily.InterNetwork);
        Assert.Null(client.LocalEndPoint);
        await client.SendToAsync(new byte[1], server.LocalEndPoint!);
        var received = await server.ReceiveFromAsync(new byte[10]);
        Assert.Equal(client.LocalEndPoint!.Port, received.RemoteEndPoint!.Port);
    });

    [Fact]
    public void Names_are_resolved_for_both_ends() => NetTest.Run(async () =>
    {
        using var server = await UdpSocket.BindAsync("localhost", 0);
        Assert.True(IPAddress.IsLoopback(server.LocalEndPoint!.Address));
        using var client = await UdpSocket.OpenAsync(new DnsEndPoint("localhost", 0), server.LocalEndPoint!);
        await client.SendAsync(new byte[1]);
        Assert.Equal(client.LocalEndPoint, (await server.ReceiveFromAsync(new byte[10])).RemoteEndPoint);
        using var other = await UdpSocket.ConnectAsync(server.LocalEndPoint!.Address.ToString(), server.LocalEndPoint.Port);
        Assert.Equal(server.LocalEndPoint, other.RemoteEndPoint);
    });

    [Fact]
    public void Both_families_are_heard_at_all_addresses() => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
        using var server = await UdpSocket.BindAsync(null, 0);
        var port = server.LocalEndPoint!.Port;
        foreach (var address in new[] { IPAddress.Loopback, IPAddress.IPv6Loopback })
        {
            using var client = await UdpSocket.ConnectAsync(new IPEndPoint(address, port));
            await client.SendAsync(new byte[2]);
            var received = await server.ReceiveFromAsync(new byte[10]);
            Assert.Equal(address.MapToIPv6(), received.RemoteEndPoint!.Address);

            // As it came, and by an address of IPv4, which is mapped.
            await server.SendToAsync(new byte[3], received.RemoteEndPoint);
            Assert.Equal(3, await client.ReceiveAsync(new byte[10]));
            await server.SendToAsync(new byte[4], client.LocalEndPoint!);
            Assert.Equal(4, await client.ReceiveAsync(new byte[10]));
        }
    });

    [Fact]
    public void A_socket_of_IPv6_alone_leaves_IPv4_to_others() => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
        using var six = await UdpSocket.BindAsync(null, 0, new UdpOptions { DualMode = false });
        using var four = UdpSocket.Bind(new IPEndPoint(IPAddress.Any, six.LocalEndPoint!.Port));
        Assert.Equal(six.LocalEndPoint.Port, four.LocalEndPoint!.Port);
    });

    [Fact]
    public void An_address_that_is_taken_says_so_and_leaves_nothing() => NetTest.Run(async test =>
    {
        using var first = UdpTest.Bind();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await UdpSocket.OpenAsync(first.LocalEndPoint, null));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Throws<SocketException>(() => UdpSocket.Bind(first.LocalEndPoint!));
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void Several_sockets_share_a_port_when_they_say_so() => NetTest.Run(async () =>
    {
        await Coroutine.Yield();
        var options = new UdpOptions { ReusePort = true };
        using var one = UdpTest.Bind(options: options);
        using var two = UdpSocket.Bind(one.LocalEndPoint!, options);
        Assert.Equal(one.LocalEndPoint, two.LocalEndPoint);
    });

    [Fact]
    public void A_broadcast_reaches_sockets_at_all_addresses() => NetTest.Run(async () =>
    {
        using var server = UdpSocket.Bind(new IPEndPoint(IPAddress.Any, 0));
        var everybody = new IPEndPoint(IPAddress.Parse("127.255.255.255"), server.LocalEndPoint!.Port);
        var refusal = await Assert.ThrowsAsync<SocketException>(async () => await UdpSocket.ConnectAsync(everybody));
        Assert.Equal(SocketError.AccessDenied, refusal.SocketErrorCode);

        // Not connected, since nobody answers from the address of everybody.
        using var client = await UdpSocket.ConnectAsync(everybody, new UdpOptions { AllowBroadcast = true });
        Assert.Equal(everybody, client.RemoteEndPoint);
        await client.SendAsync(new byte[1]);
        var received = await server.ReceiveFromAsync(new byte[10]);
        await client.SendToAsync(new byte[2], everybody);
        Assert.Equal(2, (await server.ReceiveFromAsync(new byte[10])).Count);
        Assert.Throws<ArgumentException>(() => { _ = client.SendToAsync(new byte[2], server.LocalEndPoint!); });
        await server.SendToAsync(new byte[3], received.RemoteEndPoint!);
        Assert.Equal(3, await client.ReceiveAsync(new byte[10]));
    });

    [Fact]
    public void A_socket_can_be_made_of_one_that_is_connected() => NetTest.Run(async () =>
    {
        using var server = UdpTest.Bind();
        var bare = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        await bare.ConnectAsync(server.LocalEndPoint!);
        using var client = new UdpSocket(bare);
        Assert.Equal(server.LocalEndPoint, client.RemoteEndPoint);
        await client.SendAsync(new byte[1]);
        Assert.Equal(1, (await server.ReceiveFromAsync(new byte[10])).Count);
    });

    [Fact]
    public void A_scope_is_part_of_an_address() => NetTest.Run(async test =>
    {
        LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
        await Coroutine.Yield();
        using var socket = UdpSocket.Create(AddressFamily.InterNetworkV6);
        var refusal = await Assert.ThrowsAsync<SocketException>(
            async () => await socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Parse("fe80::1%9999"), 9)));

        // There is no such interface.
        Assert.NotEqual(SocketError.Success, refusal.SocketErrorCode);
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void An_end_point_of_something_else_is_refused() => NetTest.Run(async () =>
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await UdpSocket.ConnectAsync(new UnixDomainSocketEndPoint("/x")));
        using var socket = LoopSocket.Create(AddressFamily.Unix, SocketType.Dgram);
        Assert.Throws<ArgumentException>(() => new UdpSocket(socket));
    });
}
