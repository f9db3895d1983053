using System.Net;
using System.Net.Sockets;
using System.Text;
using Baton.Drivers;
using Baton.Tests.Net;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's tests ask of <c>create_datagram_endpoint</c>.</summary>
public class DatagramEndpointConformanceTests
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    [CPython("test_events.EventLoopTestsMixin.test_create_datagram_endpoint")]
    [CPython("test_events.EventLoopTestsMixin.test_create_datagram_endpoint_ipv6")]
    public void A_server_answers_a_client(AddressFamily family) => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(family);
        var any = new IPEndPoint(family == AddressFamily.InterNetwork ? IPAddress.Loopback : IPAddress.IPv6Loopback, 0);
        using var server = await UdpSocket.OpenAsync(any, null);
        using var client = await UdpSocket.OpenAsync(null, server.LocalEndPoint);
        Assert.Equal(server.LocalEndPoint, client.RemoteEndPoint);
        await client.SendAsync(Encoding.ASCII.GetBytes("xxx"));
        var buffer = new byte[100];
        var received = await server.ReceiveFromAsync(buffer);
        Assert.Equal(3, received.Count);
        await server.SendToAsync(Encoding.ASCII.GetBytes("resp:xxx"), received.RemoteEndPoint!);
        Assert.Equal("resp:xxx", Encoding.ASCII.GetString(buffer, 0, await client.ReceiveAsync(buffer)));
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_datagram_endpoint_sock")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_sock")]
    public void A_socket_of_ones_own_will_do() => NetTest.Run(async test =>
    {
        var own = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        own.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var endPoint = (IPEndPoint)own.LocalEndPoint!;
        using (var socket = new UdpSocket(LoopSocket.FromSocket(own)))
        {
            Assert.Equal(endPoint, socket.LocalEndPoint);
            await socket.SendToAsync(new byte[1], endPoint);
            Assert.Equal(endPoint, (await socket.ReceiveFromAsync(new byte[10])).RemoteEndPoint);
        }

        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_wrong_sock")]
    public void A_socket_for_streams_is_refused() => NetTest.Run(async () =>
    {
        await Coroutine.Yield();
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        var refusal = Assert.Throws<ArgumentException>(() => new UdpSocket(socket));
        Assert.Contains("socket for datagrams", refusal.Message, StringComparison.Ordinal);
        Assert.True(socket.Handle >= 0);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_events.EventLoopTestsMixin.test_datagram_send_to_non_listening_address")]
    [CPython("test_sock_lowlevel.ProactorEventLoopTests.test_datagram_send_to_non_listening_address_recvfrom",
        Improvement = "The receive goes on; it does not give an empty datagram that nobody sent.")]
    [CPython("test_sock_lowlevel.ProactorEventLoopTests.test_datagram_send_to_non_listening_address_recvfrom_into",
        Improvement = "The receive goes on; it does not give an empty datagram that nobody sent.")]
    public void A_socket_receives_after_it_has_sent_to_where_nobody_listens(bool isUdpSocket) => NetTest.Run(async () =>
    {
        using var one = Bound();
        using var two = Bound();
        using var gone = Bound();
        var nobody = gone.LocalEndPoint!;
        gone.Dispose();
        var udp = isUdpSocket ? new UdpSocket(one) : null;
        using var owned = udp;

        var receive = Coroutine.Start(ReceiveOne());
        await Coroutine.Yield();
        await one.SendToAsync("a"u8.ToArray(), two.LocalEndPoint!);
        var buffer = new byte[10];
        Assert.Equal(1, (await two.ReceiveFromAsync(buffer)).ReceivedBytes);
        await two.SendToAsync("b"u8.ToArray(), one.LocalEndPoint!);
        Assert.Equal((byte)'b', await receive);

        receive = Coroutine.Start(ReceiveOne());
        await Coroutine.Yield();
        await one.SendToAsync("c"u8.ToArray(), nobody);
        await NetTest.Polls(2);
        Assert.False(receive.IsDone);
        await two.SendToAsync("d"u8.ToArray(), one.LocalEndPoint!);
        Assert.Equal((byte)'d', await receive);

        async Coroutine<byte> ReceiveOne()
        {
            var own = new byte[10];
            Assert.Equal(1, udp is null ? (await one.ReceiveFromAsync(own)).ReceivedBytes : (await udp.ReceiveFromAsync(own)).Count);
            return own[0];
        }
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_no_addrinfo")]
    public void A_name_without_addresses_is_an_error() => OnResolver(new NoNames(), async () =>
    {
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await UdpSocket.BindAsync("localhost", 0));
        Assert.Contains("localhost", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_ip_addr")]
    public void An_address_in_figures_is_not_resolved() => OnResolver(new NoNames { IsForbidden = true }, async () =>
    {
        using var socket = await UdpSocket.BindAsync("127.0.0.1", 0, new UdpOptions { ReusePort = true });
        Assert.Equal(IPAddress.Loopback, socket.LocalEndPoint!.Address);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_connect_err")]
    public void A_connect_that_fails_closes_the_socket() => NetTest.Run(async test =>
    {
        // Without the permission to broadcast.
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await UdpSocket.ConnectAsync("127.255.255.255", 9));
        Assert.Equal(SocketError.AccessDenied, failure.SocketErrorCode);
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_allow_broadcast")]
    public void A_socket_for_broadcasts_is_not_connected() => NetTest.RunOnEpoll(async test =>
    {
        test.Calls.OnConnect = _ => throw new InvalidOperationException("It was connected.");
        using var socket = await UdpSocket.ConnectAsync("127.0.0.1", 9, new UdpOptions { AllowBroadcast = true });
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, 9), socket.RemoteEndPoint);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_socket_err")]
    public void A_socket_that_the_system_refuses_is_an_error() => NetTest.RunOnEpoll(async test =>
    {
        test.Calls.OnSocket = () => -Errno.EMFILE;
        Assert.Throws<SocketException>(() => UdpSocket.Create(AddressFamily.InterNetwork));
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await UdpSocket.BindAsync("127.0.0.1", 0));
        Assert.Equal(SocketError.TooManyOpenSockets, failure.SocketErrorCode);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_no_matching_family",
        Improvement = "It is an error of sockets and not of arguments, since the families of names show only when they are resolved.")]
    public void Two_ends_of_different_families_are_an_error() => NetTest.Run(async () =>
    {
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await UdpSocket.OpenAsync(new IPEndPoint(IPAddress.IPv6Loopback, 0), new IPEndPoint(IPAddress.Loopback, 9)));
        Assert.Equal(SocketError.AddressFamilyNotSupported, failure.SocketErrorCode);
        Assert.Contains("no address family in common", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_noaddr_nofamily")]
    public void Neither_end_is_too_little() => NetTest.Run(async () =>
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await UdpSocket.OpenAsync(null, null));
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_cant_bind")]
    public void A_bind_that_fails_closes_the_socket() => NetTest.RunOnEpoll(async test =>
    {
        var closed = 0;
        test.Calls.OnBind = _ => -Errno.EPERM;
        test.Calls.OnClose = _ =>
        {
            closed++;
            return null;
        };
        await Assert.ThrowsAsync<SocketException>(async () => await UdpSocket.BindAsync("127.0.0.1", 0));
        Assert.Throws<SocketException>(() => UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0)));
        Assert.Equal(2, closed);
        test.Calls.OnClose = null;
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_sockopts")]
    public void Options_are_set_when_they_are_asked_for() => NetTest.Run(async () =>
    {
        using var plain = await UdpSocket.BindAsync("127.0.0.1", 0);
        Assert.False(plain.EnableBroadcast);
        Assert.Throws<SocketException>(() => UdpSocket.Bind(plain.LocalEndPoint!, new UdpOptions { ReusePort = true }));

        var options = new UdpOptions { ReusePort = true, AllowBroadcast = true };
        using var shared = await UdpSocket.BindAsync("127.0.0.1", 0, options);
        Assert.True(shared.EnableBroadcast);
        using var other = UdpSocket.Bind(shared.LocalEndPoint!, options);
        Assert.Throws<SocketException>(() => UdpSocket.Bind(shared.LocalEndPoint!, new UdpOptions { ReuseAddress = true }));
    });

    private static LoopSocket Bound()
    {
        var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    private static void OnResolver(NameResolver resolver, Func<Coroutine> main) => LoopTest.OnThread(() =>
    {
        using var loop = new EventLoop(new EventLoopOptions { NameResolver = resolver });
        loop.RunUntilComplete(main());
        Assert.Equal(0, loop.Driver.OpenSocketCount);
    });

    private sealed class NoNames : NameResolver
    {
        public bool IsForbidden { get; init; }

        public override Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family) =>
            IsForbidden ? throw new InvalidOperationException("It was asked.") : Coroutine.FromResult<IPAddress[]>([]);
    }
}
