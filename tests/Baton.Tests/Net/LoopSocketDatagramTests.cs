using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>Datagrams on a <see cref="LoopSocket"/>: whole, in order, with their addresses, and none lost.</summary>
public class LoopSocketDatagramTests
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void A_datagram_arrives_whole_with_its_sender(AddressFamily family) => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(family);
        using var one = Bound(family);
        using var two = Bound(family);
        Assert.Equal(3, await one.SendToAsync(new byte[] { 1, 2, 3 }, two.LocalEndPoint!));
        Assert.Equal(2, await one.SendToAsync(new byte[] { 4, 5 }, two.LocalEndPoint!));
        var buffer = new byte[10];
        var first = await two.ReceiveFromAsync(buffer);
        Assert.Equal(3, first.ReceivedBytes);
        Assert.Equal(one.LocalEndPoint, first.RemoteEndPoint);
        Assert.Equal([1, 2, 3], buffer[..3]);

        var sender = new SocketAddress(family);
        Assert.Equal(2, await two.ReceiveFromAsync(buffer, sender));
        Assert.Equal([4, 5], buffer[..2]);
        Assert.Equal(one.LocalEndPoint!.Serialize(), sender);

        // The address is good to answer to.
        Assert.Equal(1, await two.SendToAsync(new byte[] { 6 }, sender));
        Assert.Equal(1, (await one.ReceiveFromAsync(buffer)).ReceivedBytes);
    });

    [Fact]
    public void A_receive_waits_for_a_datagram() => NetTest.Run(async () =>
    {
        using var one = Bound();
        using var two = Bound();
        var buffer = new byte[10];
        var receive = Coroutine.Start(ReceiveFrom(two, buffer));
        await NetTest.Iterate();
        Assert.False(receive.IsDone);
        await one.SendToAsync(new byte[] { 7 }, two.LocalEndPoint!);
        Assert.Equal(one.LocalEndPoint, (await receive).RemoteEndPoint);
        Assert.Equal(7, buffer[0]);
    });

    [Fact]
    public void An_empty_datagram_is_a_datagram() => NetTest.Run(async () =>
    {
        using var one = Bound();
        using var two = Bound();
        var receive = Coroutine.Start(ReceiveFrom(two, new byte[10]));
        await NetTest.Iterate();
        await one.SendToAsync(default, two.LocalEndPoint!);
        var result = await receive;
        Assert.Equal(0, result.ReceivedBytes);
        Assert.Equal(one.LocalEndPoint, result.RemoteEndPoint);

        // It ends nothing.
        await one.SendToAsync(new byte[1], two.LocalEndPoint!);
        Assert.Equal(1, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);
    });

    [Fact]
    public void A_wait_without_a_buffer_takes_no_datagram() => NetTest.Run(async () =>
    {
        using var one = Bound();
        using var two = Bound();
        var wait = Coroutine.Start(Receive(two, Memory<byte>.Empty));
        await NetTest.Iterate();
        Assert.False(wait.IsDone);
        await one.SendToAsync(default, two.LocalEndPoint!);
        await one.SendToAsync(new byte[2], two.LocalEndPoint!);
        await wait;
        Assert.Equal(0, await Receive(two, Memory<byte>.Empty));
        Assert.Equal(0, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);
        Assert.Equal(2, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);
    });

    [Fact]
    public void A_wait_without_a_buffer_does_not_swallow_an_error() => NetTest.Run(async () =>
    {
        using var socket = await ConnectedToNobody();
        await socket.SendAsync(new byte[1]);
        await Receive(socket, Memory<byte>.Empty);

        // Once more, now that it is known.
        await Receive(socket, Memory<byte>.Empty);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await socket.ReceiveFromAsync(new byte[10]));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);

        // Reported once.
        var receive = Coroutine.Start(ReceiveFrom(socket, new byte[10]));
        await NetTest.Iterate();
        Assert.False(receive.IsDone);
        receive.Cancel();
        await NetTest.AssertCancelled(receive);
    });

    [Fact]
    public void A_wait_without_a_buffer_does_not_make_a_reset_look_like_an_end() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        server.Abort();

        // Looked at before any event told of it.
        await Receive(client, Memory<byte>.Empty);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[10]));
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    });

    [Fact]
    public void A_cancelled_receive_takes_no_datagram() => NetTest.Run(async () =>
    {
        using var one = Bound();
        using var two = Bound();
        var receive = Coroutine.Start(ReceiveFrom(two, new byte[10]));
        await NetTest.Iterate();
        receive.Cancel();
        await NetTest.AssertCancelled(receive);
        await one.SendToAsync(new byte[5], two.LocalEndPoint!);
        Assert.Equal(5, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);
    });

    [Fact]
    public void A_cancel_that_comes_after_the_datagram_delivers_it() => NetTest.Run(async test =>
    {
        using var one = Bound();
        using var two = Bound();
        for (var i = 0; i < 20; i++)
        {
            var receive = Coroutine.Start(ReceiveFrom(two, new byte[10]));
            await NetTest.Iterate();
            await one.SendToAsync(new byte[] { 1 }, two.LocalEndPoint!);
            for (var j = i % 4; j > 0; j--)
            {
                await NetTest.Polls(1);
            }

            receive.Cancel();
            if (receive.IsDone || await EndsWithResult(receive))
            {
                continue;
            }

            // Cancelled before it was there: then the next gets it.
            Assert.Equal(1, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);
        }
    });

    [Fact]
    public void A_send_that_finds_no_room_waits_and_a_cancel_sends_nothing() => NetTest.RunOnEpoll(async test =>
    {
        using var one = Bound();
        using var two = Bound();
        var refusals = 0;
        test.Calls.OnSendTo = (_, _) => refusals-- > 0 ? -Errno.EAGAIN : null;

        // The wait registers the descriptor, and is told at once that there is room.
        refusals = 1;
        Assert.Equal(4, await one.SendToAsync(new byte[4], two.LocalEndPoint!));
        Assert.Equal(4, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);

        refusals = int.MaxValue;
        var send = Coroutine.Start(SendTo(one, new byte[1], two.LocalEndPoint!));
        await NetTest.Iterate();
        Assert.False(send.IsDone);
        Assert.Throws<InvalidOperationException>(() => { _ = one.SendToAsync(new byte[1], two.LocalEndPoint!); });
        send.Cancel();
        await NetTest.AssertCancelled(send);
    });

    [Fact]
    public void Interrupted_calls_are_made_again() => NetTest.RunOnEpoll(async test =>
    {
        var count = 0;
        test.Calls.OnSendTo = (_, _) => count++ % 3 != 2 ? -Errno.EINTR : null;
        test.Calls.OnReceiveFrom = (_, _) => count++ % 3 != 2 ? -Errno.EINTR : null;
        using var one = Bound();
        using var two = Bound();
        for (var i = 0; i < 10; i++)
        {
            await one.SendToAsync(new byte[i], two.LocalEndPoint!);
            Assert.Equal(i, (await two.ReceiveFromAsync(new byte[10])).ReceivedBytes);
        }
    });

    [Fact]
    public void A_datagram_that_is_too_long_says_so() => NetTest.Run(async () =>
    {
        using var one = Bound();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await one.SendToAsync(new byte[70_000], one.LocalEndPoint!));
        Assert.Equal(SocketError.MessageSize, failure.SocketErrorCode);
    });

    [Fact]
    public void A_socket_that_is_disposed_of_ends_what_waits() => NetTest.Run(async () =>
    {
        var socket = Bound();
        var receive = Coroutine.Start(ReceiveFrom(socket, new byte[10]));
        await NetTest.Iterate();
        Assert.Throws<InvalidOperationException>(() => { _ = socket.ReceiveFromAsync(new byte[1]); });
        socket.Dispose();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await receive);
        Assert.Equal(SocketError.OperationAborted, failure.SocketErrorCode);
    });

    [Fact]
    public void An_IPv6_socket_sends_to_an_IPv4_address() => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
        using var one = LoopSocket.Create(AddressFamily.InterNetworkV6, SocketType.Dgram);
        one.SetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, 0);
        one.Bind(new IPEndPoint(IPAddress.IPv6Any, 0));
        using var two = Bound();
        await one.SendToAsync(new byte[1], two.LocalEndPoint!);
        var result = await two.ReceiveFromAsync(new byte[10]);
        Assert.Equal(new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)one.LocalEndPoint!).Port), result.RemoteEndPoint);
    });

    private static async Coroutine<LoopSocket> ConnectedToNobody()
    {
        EndPoint free;
        using (var socket = Bound())
        {
            free = socket.LocalEndPoint!;
        }

        var result = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        await result.ConnectAsync(free);
        return result;
    }

    private static async Coroutine<bool> EndsWithResult(LoopTask<SocketReceiveFromResult> task)
    {
        try
        {
            Assert.Equal(1, (await task).ReceivedBytes);
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    private static LoopSocket Bound(AddressFamily family = AddressFamily.InterNetwork)
    {
        var socket = LoopSocket.Create(family, SocketType.Dgram);
        socket.Bind(new IPEndPoint(family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0));
        return socket;
    }

    private static async Coroutine<SocketReceiveFromResult> ReceiveFrom(LoopSocket socket, Memory<byte> buffer) =>
        await socket.ReceiveFromAsync(buffer);

    private static async Coroutine<int> Receive(LoopSocket socket, Memory<byte> buffer) => await socket.ReceiveAsync(buffer);

    private static async Coroutine<int> SendTo(LoopSocket socket, byte[] bytes, EndPoint receiver) =>
        await socket.SendToAsync(bytes, receiver);
}
