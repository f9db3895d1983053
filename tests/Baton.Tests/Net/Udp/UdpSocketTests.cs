using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Udp;

/// <summary>What a <see cref="UdpSocket"/> does, one datagram at a time.</summary>
public class UdpSocketTests
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Datagrams_go_to_and_fro_with_their_senders(AddressFamily family) => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(family);
        using var server = UdpTest.Bind(family);
        using var client = await UdpSocket.ConnectAsync(server.LocalEndPoint!);
        Assert.Equal(server.LocalEndPoint, client.RemoteEndPoint);
        Assert.Null(server.RemoteEndPoint);
        Assert.Equal(family, client.AddressFamily);
        var buffer = new byte[100];
        for (var length = 0; length < 5; length++)
        {
            await client.SendAsync(NetTest.Pattern(length));
            var received = await server.ReceiveFromAsync(buffer);
            Assert.Equal(new ReceivedDatagram(length, false, client.LocalEndPoint), received);
            Assert.Equal(NetTest.Pattern(length), buffer[..length]);
            await server.SendToAsync(buffer.AsMemory(0, length), received.RemoteEndPoint!);
            Assert.Equal(length, await client.ReceiveAsync(buffer));
        }
    });

    [Fact]
    public void The_senders_of_many_datagrams_are_named_by_few_objects() => NetTest.Run(async () =>
    {
        using var server = UdpTest.Bind();
        using var one = UdpTest.Bind();
        using var two = UdpTest.Bind();
        var seen = new HashSet<object>(ReferenceEqualityComparer.Instance);
        for (var i = 0; i < 10; i++)
        {
            var sender = i % 2 == 0 ? one : two;
            await sender.SendToAsync(new byte[1], server.LocalEndPoint!);
            var received = await server.ReceiveFromAsync(new byte[10]);
            Assert.Equal(sender.LocalEndPoint, received.RemoteEndPoint);
            seen.Add(received.RemoteEndPoint!);
        }

        // Two, unless both have the same place, which they then take from each other.
        Assert.True(seen.Count is 2 or 10);
    });

    [Fact]
    public void An_address_can_be_received_and_answered_without_an_end_point() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var sender = new SocketAddress(AddressFamily.InterNetwork);
        await client.SendAsync(new byte[3]);
        Assert.Equal(new ReceivedDatagram(3, false, null), await server.ReceiveFromAsync(new byte[10], sender));
        Assert.Equal(client.LocalEndPoint!.Serialize(), sender);
        await server.SendToAsync(new byte[4], sender);
        Assert.Equal(4, await client.ReceiveAsync(new byte[10]));
    });

    [Fact]
    public void A_receive_waits() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var receive = Coroutine.Start(UdpTest.ReceiveFrom(server, new byte[10]));
        await NetTest.Iterate();
        Assert.False(receive.IsDone);
        var second = Assert.Throws<InvalidOperationException>(() => { _ = server.ReceiveFromAsync(new byte[1]); });
        Assert.Contains("receives for one at a time", second.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { _ = server.ReceiveAsync(new byte[1]); });
        Assert.Throws<InvalidOperationException>(() => { _ = server.ReceiveBatchAsync(new DatagramBatch(1, 1)); });
        await client.SendAsync(default);
        Assert.Equal(new ReceivedDatagram(0, false, client.LocalEndPoint), await receive);
    });

    [Fact]
    public void A_datagram_that_does_not_fit_is_said_to_be_cut_off() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        foreach (var isThere in new[] { true, false })
        {
            var buffer = new byte[5];
            var wait = isThere ? null : Coroutine.Start(UdpTest.ReceiveFrom(server, buffer));
            await NetTest.Iterate();
            await client.SendAsync(NetTest.Pattern(6));
            var received = wait is null ? await server.ReceiveFromAsync(buffer) : await wait;
            Assert.Equal(new ReceivedDatagram(5, true, client.LocalEndPoint), received);
            Assert.Equal(NetTest.Pattern(5), buffer);
        }

        // Whoever asks for a number of bytes alone cannot be told so.
        await client.SendAsync(new byte[6]);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await server.ReceiveAsync(new byte[5]));
        Assert.Equal(SocketError.MessageSize, failure.SocketErrorCode);
        await client.SendAsync(new byte[5]);
        Assert.Equal(5, await server.ReceiveAsync(new byte[5]));
    });

    [Fact]
    public void A_datagram_that_is_too_long_to_send_says_so() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await client.SendAsync(new byte[65_508]));
        Assert.Equal(SocketError.MessageSize, failure.SocketErrorCode);
        Assert.Contains("send on UDP socket", failure.Message, StringComparison.Ordinal);
        await client.SendAsync(NetTest.Pattern(65_507));
        Assert.Equal(NetTest.Pattern(65_507), await UdpTest.Receive(server));
    });

    [Fact]
    public void A_connected_socket_sends_to_its_peer_alone() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        await client.SendToAsync(new byte[2], server.LocalEndPoint!);
        Assert.Equal(2, (await server.ReceiveFromAsync(new byte[10])).Count);
        var refusal = Assert.Throws<ArgumentException>(() => { _ = client.SendToAsync(new byte[2], client.LocalEndPoint!); });
        Assert.Contains(server.LocalEndPoint!.ToString(), refusal.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { _ = server.SendAsync(new byte[2]); });
    });

    [Fact]
    public void A_connected_socket_hears_its_peer_alone() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        using var stranger = UdpTest.Bind();
        await stranger.SendToAsync(new byte[1], client.LocalEndPoint!);
        await server.SendToAsync(new byte[2], client.LocalEndPoint!);
        Assert.Equal(2, await client.ReceiveAsync(new byte[10]));
    });

    [Fact]
    public void A_socket_that_is_closed_ends_what_waits() => NetTest.Run(async () =>
    {
        var socket = UdpTest.Bind();
        var receive = Coroutine.Start(UdpTest.ReceiveFrom(socket, new byte[10]));
        await NetTest.Iterate();
        socket.Dispose();
        socket.Dispose();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await receive);
        Assert.Equal(SocketError.OperationAborted, failure.SocketErrorCode);
        Assert.Equal(-1, socket.Handle);
        Assert.Equal("a closed UDP socket", socket.ToString());
        Assert.Throws<ObjectDisposedException>(() => { _ = socket.ReceiveFromAsync(new byte[1]); });
        Assert.Throws<ObjectDisposedException>(() => { _ = socket.SendToAsync(new byte[1], new IPEndPoint(IPAddress.Loopback, 1)); });
        Assert.Throws<ObjectDisposedException>(() => socket.TimeToLive);
    });

    [Fact]
    public void A_receiver_whose_datagrams_never_end_lets_others_run() => NetTest.Run(async () =>
    {
        using var socket = UdpTest.Bind();
        var isOver = false;
        var turns = 0;
        var other = Coroutine.Start(Count());
        var buffer = new byte[10];
        for (var i = 0; i < 1000; i++)
        {
            await socket.SendToAsync(buffer, socket.LocalEndPoint!);
            await socket.ReceiveFromAsync(buffer);
        }

        isOver = true;
        await other;

        // 128 operations a step.
        Assert.InRange(turns, 2000 / 129, 2000);

        async Coroutine Count()
        {
            while (!isOver)
            {
                turns++;
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void It_talks_to_the_sockets_of_the_BCL() => NetTest.Run(async () =>
    {
        using var other = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        using var socket = UdpTest.Bind();
        await socket.SendToAsync(NetTest.Pattern(9), (IPEndPoint)other.Client.LocalEndPoint!);
        var received = await Coroutine.FromTask(other.ReceiveAsync());
        Assert.Equal(NetTest.Pattern(9), received.Buffer);
        await Coroutine.FromTask(other.SendAsync(NetTest.Pattern(7), 7, received.RemoteEndPoint));
        var buffer = new byte[10];
        Assert.Equal(new ReceivedDatagram(7, false, (IPEndPoint)other.Client.LocalEndPoint!), await socket.ReceiveFromAsync(buffer));
    });

    [Fact]
    public void Options_are_those_of_the_system() => NetTest.Run(async () =>
    {
        await Coroutine.Yield();
        using var socket = UdpTest.Bind(
            options: new UdpOptions { ReceiveBufferSize = 50_000, SendBufferSize = 40_000, AllowBroadcast = true });
        Assert.InRange(socket.ReceiveBufferSize, 50_000, 100_000);
        Assert.InRange(socket.SendBufferSize, 40_000, 80_000);
        Assert.True(socket.EnableBroadcast);
        socket.EnableBroadcast = false;
        Assert.False(socket.EnableBroadcast);
        socket.ReceiveBufferSize = 60_000;
        Assert.InRange(socket.ReceiveBufferSize, 60_000, 120_000);
        socket.SendBufferSize = 70_000;
        Assert.InRange(socket.SendBufferSize, 70_000, 140_000);
        socket.TimeToLive = 7;
        Assert.Equal(7, socket.TimeToLive);
        Assert.False(socket.DontFragment);
        socket.DontFragment = true;
        Assert.True(socket.DontFragment);
    });
}
