using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Net.Udp;

/// <summary>Many datagrams at once: all of them, in order, each with its own bytes and address.</summary>
public class UdpBatchTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Batches_of_any_size_and_contents_arrive_as_they_were_sent(int seed) => NetTest.Run(async () =>
    {
        var random = new Random(seed);
        using var server = UdpTest.Bind();
        using var one = UdpTest.Bind();
        using var two = UdpTest.Bind();
        for (var round = 0; round < 20; round++)
        {
            var sender = random.Next(2) == 0 ? one : two;
            var sent = new List<byte[]>();
            var outgoing = new DatagramBatch(random.Next(1, 150), 200);
            var count = random.Next(0, outgoing.Capacity + 1);
            for (var i = 0; i < count; i++)
            {
                var bytes = new byte[random.Next(4) == 0 ? 0 : random.Next(201)];
                random.NextBytes(bytes);
                sent.Add(bytes);
                outgoing.Add(bytes, server.LocalEndPoint!);
            }

            await sender.SendBatchAsync(outgoing);
            Assert.Equal(count, outgoing.SentCount);
            var received = new List<byte[]>();
            while (received.Count < count)
            {
                var incoming = new DatagramBatch(random.Next(1, 150), 200);
                var arrived = await server.ReceiveBatchAsync(incoming);
                Assert.Equal(incoming.Count, arrived);
                Assert.InRange(arrived, 1, incoming.Capacity);
                for (var i = 0; i < arrived; i++)
                {
                    Assert.Equal(sender.LocalEndPoint, incoming[i].GetEndPoint());
                    Assert.False(incoming[i].IsTruncated);
                    received.Add(incoming[i].Span.ToArray());
                }
            }

            Assert.Equal(sent, received);
        }
    });

    [Fact]
    public void A_batch_that_was_received_can_be_sent_back() => NetTest.Run(async () =>
    {
        using var server = UdpTest.Bind();
        var clients = new UdpSocket[5];
        for (var i = 0; i < clients.Length; i++)
        {
            clients[i] = await UdpSocket.ConnectAsync(server.LocalEndPoint!);
            await clients[i].SendAsync(NetTest.Pattern(i + 1));
        }

        var batch = new DatagramBatch(10, 100);
        Assert.Equal(clients.Length, await server.ReceiveBatchAsync(batch));
        for (var i = 0; i < batch.Count; i++)
        {
            // Answers are written in place, and may be longer.
            var datagram = batch[i];
            datagram.Length += 10;
        }

        await server.SendBatchAsync(batch);
        for (var i = 0; i < clients.Length; i++)
        {
            using var client = clients[i];
            var answer = await UdpTest.Receive(client);
            Assert.Equal(i + 11, answer.Length);
            Assert.Equal(NetTest.Pattern(i + 1), answer[..(i + 1)]);
        }
    });

    [Fact]
    public void A_receive_of_a_batch_waits_for_one_datagram_alone() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var batch = new DatagramBatch(8, 10);
        var receive = Coroutine.Start(UdpTest.Receive(server, batch));
        await NetTest.Iterate();
        Assert.False(receive.IsDone);
        await client.SendAsync(new byte[3]);
        Assert.Equal(1, await receive);
        Assert.Equal(3, batch[0].Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => batch[1]);
    });

    [Fact]
    public void What_does_not_fit_is_said_to_be_cut_off() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        foreach (var length in new[] { 9, 10, 11, 0 })
        {
            await client.SendAsync(NetTest.Pattern(length));
        }

        var batch = new DatagramBatch(8, 10);
        Assert.Equal(4, await server.ReceiveBatchAsync(batch));
        Assert.Equal([false, false, true, false], Enumerable.Range(0, 4).Select(i => batch[i].IsTruncated));
        Assert.Equal([9, 10, 10, 0], Enumerable.Range(0, 4).Select(i => batch[i].Length));
    });

    [Fact]
    public void A_connected_socket_sends_batches_to_its_peer() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var batch = new DatagramBatch(3, 10);
        batch.Add(new byte[1]);
        batch.Add(new byte[2], server.LocalEndPoint!);
        await client.SendBatchAsync(batch);
        Assert.Equal(2, await server.ReceiveBatchAsync(batch));
        await server.SendBatchAsync(batch);

        // What came from the peer can go back to it.
        Assert.Equal(2, await client.ReceiveBatchAsync(batch));
        await client.SendBatchAsync(batch);
        Assert.Equal(2, await server.ReceiveBatchAsync(batch));

        batch.Clear();
        batch.Add(new byte[1], client.LocalEndPoint!);
        Assert.Throws<ArgumentException>(() => { _ = client.SendBatchAsync(batch); });
        batch[0].SetAddress(null);
        Assert.Throws<InvalidOperationException>(() => { _ = server.SendBatchAsync(batch); });
        await client.SendBatchAsync(batch);
        Assert.Equal(1, await server.ReceiveBatchAsync(batch));
    });

    [Fact]
    public void A_default_receiver_gets_what_has_no_address() => NetTest.Run(async () =>
    {
        using var server = UdpTest.Bind();
        using var client = await UdpSocket.ConnectAsync(server.LocalEndPoint!, new UdpOptions { AllowBroadcast = true });
        var batch = new DatagramBatch(3, 10);
        batch.Add(new byte[1]);
        batch.Add(new byte[2], server.LocalEndPoint!);
        await client.SendBatchAsync(batch);
        Assert.Equal(2, await server.ReceiveBatchAsync(batch));
    });

    [Fact]
    public void A_datagram_in_a_batch_that_fails_is_named_and_the_others_can_go_on() => NetTest.Run(async () =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var batch = new DatagramBatch(5, 66_000);
        for (var i = 0; i < 5; i++)
        {
            batch.Add(new byte[i == 2 ? 65_600 : i + 1]);
        }

        var failure = await Assert.ThrowsAsync<SocketException>(async () => await client.SendBatchAsync(batch));
        Assert.Equal(SocketError.MessageSize, failure.SocketErrorCode);
        Assert.Equal(2, batch.SentCount);
        await client.SendBatchAsync(batch, batch.SentCount + 1);
        Assert.Equal(5, batch.SentCount);
        Assert.Equal(4, await server.ReceiveBatchAsync(batch));
        Assert.Equal([1, 2, 4, 5], Enumerable.Range(0, 4).Select(i => batch[i].Length));
    });

    [Fact]
    public void A_batch_that_the_system_takes_in_parts_is_sent_whole() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var calls = 0;
        test.Calls.OnSendMessages = (_, _) => (calls++ % 4) switch
        {
            0 => 2,
            1 => -Errno.EINTR,
            2 => 1,
            _ => -Errno.EAGAIN,
        };
        var batch = Numbered(20);
        var send = Coroutine.Start(UdpTest.Send(client, batch));
        while (!send.IsDone)
        {
            await UdpTest.TellOfRoom(client, server);
        }

        await send;
        Assert.Equal(20, batch.SentCount);
        await AssertNumbers(server, 20);
    });

    [Fact]
    public void A_batch_that_is_cancelled_says_how_many_have_left() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var left = 7;
        test.Calls.OnSendMessages = (_, count) =>
        {
            var most = Math.Min(left, count);
            left -= most;
            return most == 0 ? -Errno.EAGAIN : most;
        };
        var batch = Numbered(20);
        var send = Coroutine.Start(UdpTest.Send(client, batch));
        await NetTest.Until(() => batch.SentCount == 7);
        await NetTest.Iterate();
        Assert.False(send.IsDone);
        send.Cancel();
        await NetTest.AssertCancelled(send);
        Assert.Equal(7, batch.SentCount);
        await AssertNumbers(server, 7);

        // The others can follow.
        test.Calls.OnSendMessages = null;
        send = Coroutine.Start(SendFrom(client, batch, batch.SentCount));
        await UdpTest.TellOfRoom(client, server);
        await send;
        await AssertNumbers(server, 20, first: 7);
    });

    [Fact]
    public void Interrupted_calls_are_made_again() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await UdpTest.Connect();
        using var one = client;
        using var two = server;
        var calls = 0;
        test.Calls.OnSendMessages = (_, _) => calls++ % 2 == 0 ? -Errno.EINTR : null;
        test.Calls.OnReceiveMessages = (_, _) => calls++ % 2 == 0 ? -Errno.EINTR : null;
        await client.SendBatchAsync(Numbered(50));
        await AssertNumbers(server, 50);
    });

    [Fact]
    public void A_batch_has_limits_and_says_so()
    {
        var batch = new DatagramBatch(2, 3);
        Assert.Equal(2, batch.Capacity);
        Assert.Equal(3, batch.MaximumLength);
        Assert.Throws<ArgumentException>(() => { batch.Add(new byte[4]); });
        Assert.Equal(0, batch.Count);
        batch.Add(new byte[3]);
        var datagram = batch.Add();
        Assert.Equal(0, datagram.Length);
        Assert.Throws<ArgumentOutOfRangeException>(() => datagram.Length = 4);
        new byte[] { 1, 2 }.CopyTo(datagram.Space);
        datagram.Length = 2;
        Assert.Equal([1, 2], batch[1].Span.ToArray());
        Assert.Null(datagram.GetEndPoint());
        Assert.True(batch.IsFull);
        Assert.Throws<InvalidOperationException>(() => { batch.Add(default(ReadOnlySpan<byte>)); });
        Assert.Throws<ArgumentException>(() => datagram.SetAddress(new UnixDomainSocketEndPoint("/" + new string('x', 50)).Serialize()));
        batch.Clear();
        Assert.Equal(0, batch.Count);
        var endPoint = new IPEndPoint(IPAddress.Parse("fe80::7%3"), 99);
        Assert.Equal(endPoint, batch.Add([], endPoint).GetEndPoint());
        Assert.Throws<ArgumentOutOfRangeException>(() => new DatagramBatch(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new DatagramBatch(1, -1));
    }

    private static DatagramBatch Numbered(int count)
    {
        var batch = new DatagramBatch(count, 4);
        for (var i = 0; i < count; i++)
        {
            batch.Add(BitConverter.GetBytes(i));
        }

        return batch;
    }

    private static async Coroutine SendFrom(UdpSocket socket, DatagramBatch batch, int start) => await socket.SendBatchAsync(batch, start);

    private static async Coroutine AssertNumbers(UdpSocket socket, int count, int first = 0)
    {
        var batch = new DatagramBatch(8, 4);
        for (var next = first; next < count;)
        {
            await socket.ReceiveBatchAsync(batch);
            for (var i = 0; i < batch.Count; i++)
            {
                Assert.Equal(next++, BitConverter.ToInt32(batch[i].Span));
            }
        }
    }
}
