using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Net.Udp;

/// <summary>A cancel loses no datagram and sends none, wherever it comes; sends that wait keep their order.</summary>
public class UdpCancellationTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cancelled_receive_leaves_the_datagram_to_the_next(bool isBatch) => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        LoopTask receive = isBatch
            ? Coroutine.Start(UdpTest.Receive(server, new DatagramBatch(4, 10)))
            : Coroutine.Start(UdpTest.ReceiveFrom(server, new byte[10]));
        await NetTest.Iterate();
        receive.Cancel();
        await NetTest.AssertCancelled(receive);
        await client.SendAsync(new byte[5]);
        Assert.Equal(5, (await server.ReceiveFromAsync(new byte[10])).Count);
    });

    [Fact]
    public void A_cancel_at_any_moment_delivers_each_datagram_once() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var next = 0;
        for (var i = 0; i < 60; i++)
        {
            var receive = Coroutine.Start(ReceiveNumber());
            await NetTest.Iterate(i % 3);
            await client.SendAsync(BitConverter.GetBytes(i));
            if (i % 5 > 0)
            {
                await NetTest.Iterate((i % 5) - 1);
            }

            receive.Cancel();
            try
            {
                Assert.Equal(next, await receive);
                next++;
            }
            catch (OperationCanceledException)
            {
                // Then it is still there.
            }

            while (next <= i)
            {
                Assert.Equal(next++, await ReceiveNumber());
            }
        }

        async Coroutine<int> ReceiveNumber()
        {
            var buffer = new byte[4];
            await server.ReceiveAsync(buffer);
            return BitConverter.ToInt32(buffer);
        }
    });

    [Fact]
    public void Sends_that_find_no_room_wait_in_their_order() => NetTest.RunOnEpoll(async test =>
    {
        using var server = UdpTest.Bind();
        using var client = UdpTest.Bind();
        var isFull = true;
        var descriptor = (int)client.Handle;
        test.Calls.OnSendTo = (socket, _) => isFull && socket == descriptor ? -Errno.EAGAIN : null;
        test.Calls.OnSendMessages = (_, _) => isFull ? -Errno.EAGAIN : null;
        var sends = new List<LoopTask>();
        for (var i = 0; i < 6; i++)
        {
            var batch = new DatagramBatch(2, 10);
            batch.Add(new byte[i], server.LocalEndPoint!);
            batch.Add(new byte[i], server.LocalEndPoint!);
            sends.Add(Coroutine.Start(i % 2 == 0 ? UdpTest.Send(client, new byte[i], server.LocalEndPoint!) : UdpTest.Send(client, batch)));
        }

        await NetTest.Polls(3);
        Assert.All(sends, send => Assert.False(send.IsDone));

        // One in the middle, the first, and the last leave the queue.
        foreach (var index in new[] { 2, 0, 5 })
        {
            sends[index].Cancel();
            await NetTest.AssertCancelled(sends[index]);
        }

        // Nobody overtakes those who wait.
        isFull = false;
        sends.Add(Coroutine.Start(UdpTest.Send(client, new byte[9], server.LocalEndPoint!)));
        await NetTest.Iterate();
        Assert.False(sends[^1].IsDone);

        await UdpTest.TellOfRoom(client, server);
        foreach (var index in new[] { 1, 3, 4, 6 })
        {
            await sends[index];
        }

        foreach (var length in new[] { 1, 1, 3, 3, 4, 9 })
        {
            Assert.Equal(length, (await UdpTest.Receive(server)).Length);
        }

        // The queue is empty: the next goes at once.
        var last = client.SendToAsync(new byte[2], server.LocalEndPoint!);
        Assert.True(last.IsCompletedSuccessfully);
        await last;
    });

    [Fact]
    public void A_socket_that_is_closed_ends_all_sends_that_wait() => NetTest.RunOnEpoll(async test =>
    {
        using var server = UdpTest.Bind();
        var client = UdpTest.Bind();
        test.Calls.OnSendTo = (_, _) => -Errno.EAGAIN;
        var sends = Enumerable.Range(0, 4).Select(i => Coroutine.Start(UdpTest.Send(client, new byte[i], server.LocalEndPoint!))).ToList();
        await NetTest.Polls(3);
        sends[1].Cancel();
        client.Dispose();
        foreach (var send in sends)
        {
            if (send == sends[1])
            {
                await NetTest.AssertCancelled(send);
                continue;
            }

            var failure = await Assert.ThrowsAsync<SocketException>(async () => await send);
            Assert.Equal(SocketError.OperationAborted, failure.SocketErrorCode);
        }
    });

    [Fact]
    public void A_send_that_fails_while_others_wait_fails_alone() => NetTest.RunOnEpoll(async test =>
    {
        using var server = UdpTest.Bind();
        using var client = UdpTest.Bind();
        var isFull = true;
        var descriptor = (int)client.Handle;
        test.Calls.OnSendTo = (socket, length) =>
            socket != descriptor ? null : isFull ? -Errno.EAGAIN : length == 1 ? -Errno.ENOBUFS : null;
        var sends = Enumerable.Range(0, 3).Select(i => Coroutine.Start(UdpTest.Send(client, new byte[i], server.LocalEndPoint!))).ToList();
        await NetTest.Polls(3);
        isFull = false;
        await UdpTest.TellOfRoom(client, server);
        await sends[0];
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await sends[1]);
        Assert.Equal(SocketError.NoBufferSpaceAvailable, failure.SocketErrorCode);
        await sends[2];
        Assert.Empty(await UdpTest.Receive(server));
        Assert.Equal(2, (await UdpTest.Receive(server)).Length);
    });

    [Fact]
    public void Opening_can_be_cancelled_and_leaves_nothing() => NetTest.Run(async test =>
    {
        var open = Coroutine.Start(UdpSocket.ConnectAsync("localhost", 9));
        await Coroutine.Yield();
        open.Cancel();
        try
        {
            (await open).Dispose();
        }
        catch (OperationCanceledException)
        {
            // The name was still being looked up.
        }

        Assert.Equal(0, test.Driver.OpenSocketCount);
    });
}
