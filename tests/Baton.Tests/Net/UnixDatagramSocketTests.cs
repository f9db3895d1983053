using System.Net.Sockets;
using System.Text;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>Datagrams between local sockets: names, senders, room, and what ends a wait for it.</summary>
public class UnixDatagramSocketTests
{
    [Fact]
    public void A_question_by_name_is_answered_by_name() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        using var server = UnixDatagramSocket.Bind(path.EndPoint);
        using var client = UnixDatagramSocket.Bind(null);
        Assert.Equal(path.EndPoint, server.LocalEndPoint);
        Assert.StartsWith("@", client.LocalEndPoint!.ToString(), StringComparison.Ordinal);
        var buffer = new byte[16];
        var asked = Coroutine.Start(server.ReceiveFromAsync(buffer));
        await NetTest.Iterate();
        await client.SendToAsync("why"u8.ToArray(), path.EndPoint);
        var question = await asked;
        Assert.Equal(new UnixDatagram(3, false, client.LocalEndPoint), question);
        await server.SendToAsync("because"u8.ToArray(), question.Sender!);
        var answer = await client.ReceiveFromAsync(buffer);
        Assert.Equal("because", Encoding.UTF8.GetString(buffer, 0, answer.Length));
        Assert.Equal(path.EndPoint, answer.Sender);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_sock_unix")]
    public void A_socket_without_a_name_can_send_and_be_closed() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        using var server = UnixDatagramSocket.Bind(path.EndPoint);
        var client = UnixDatagramSocket.Create();
        Assert.Null(client.LocalEndPoint);
        await client.SendToAsync(ReadOnlyMemory<byte>.Empty, path.EndPoint);
        Assert.Equal(new UnixDatagram(0, false, null), await server.ReceiveFromAsync(new byte[4]));
        client.Dispose();
        client.Dispose();
        Assert.Equal(-1, client.Handle);
        Assert.Equal("a closed local socket for datagrams", client.ToString());
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_datagram_endpoint_existing_sock_unix")]
    public void The_file_of_a_socket_that_is_no_more_is_replaced_and_ones_own_deleted() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        path.LeaveStale(SocketType.Dgram);
        using (UnixDatagramSocket.Bind(path.EndPoint, UnixFileMode.UserRead | UnixFileMode.UserWrite))
        {
            Assert.True(path.Exists);
            var failure = Assert.Throws<SocketException>(() => UnixDatagramSocket.Bind(path.EndPoint));
            Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        }

        Assert.False(path.Exists);
        using (UnixDatagramSocket.Bind(path.EndPoint, keepFile: true))
        {
        }

        Assert.True(path.Exists);
        await NetTest.Iterate(1);
    });

    [Fact]
    public void A_connected_socket_hears_its_peer_alone() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        using var server = UnixDatagramSocket.Bind(path.EndPoint);
        using var client = UnixDatagramSocket.Bind(null);
        using var stranger = UnixDatagramSocket.Create();
        await client.ConnectAsync(path.EndPoint);
        Assert.Equal(path.EndPoint, client.RemoteEndPoint);
        await Assert.ThrowsAsync<SocketException>(async () => await stranger.SendToAsync(new byte[1], client.LocalEndPoint!));
        await client.SendAsync(new byte[] { 1, 2, 3 });
        Assert.Equal(new UnixDatagram(2, true, client.LocalEndPoint), await server.ReceiveFromAsync(new byte[2]));
        await Assert.ThrowsAsync<SocketException>(async () => await stranger.SendAsync(new byte[1]));
    });

    [Fact]
    public void Receivers_that_are_not_there_are_named() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        using var client = UnixDatagramSocket.Create();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await client.SendToAsync(new byte[1], path.EndPoint));
        Assert.Equal($"Sending to {path.Path} failed: No such file or directory", failure.Message);
        path.LeaveStale(SocketType.Dgram);
        failure = await Assert.ThrowsAsync<SocketException>(async () => await client.SendToAsync(new byte[1], path.EndPoint));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_send_waits_while_the_receiver_is_full_of_ones_own_datagrams(bool isConnected) => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        using var server = UnixDatagramSocket.Bind(path.EndPoint);
        using var client = UnixDatagramSocket.Create();
        if (isConnected)
        {
            await client.ConnectAsync(path.EndPoint);
        }

        const int Count = 5000;
        var sending = Coroutine.Start(SendMany());
        await NetTest.Polls(3);
        Assert.False(sending.IsDone);
        var buffer = new byte[4];
        for (var i = 0; i < Count; i++)
        {
            Assert.Equal(4, (await server.ReceiveFromAsync(buffer)).Length);
            Assert.Equal(i, BitConverter.ToInt32(buffer));
        }

        await sending;

        async Coroutine SendMany()
        {
            for (var i = 0; i < Count; i++)
            {
                var datagram = BitConverter.GetBytes(i);
                await (isConnected ? client.SendAsync(datagram) : client.SendToAsync(datagram, path.EndPoint));
            }
        }
    });

    [Fact]
    public void A_send_waits_while_the_receiver_is_full_of_the_datagrams_of_others() => RunOnLinux(async test =>
    {
        using var path = new SocketPath();
        using var server = UnixDatagramSocket.Bind(path.EndPoint);
        var filled = await Fill(path);
        using var client = UnixDatagramSocket.Create();
        var cancelled = Coroutine.Start(client.SendToAsync("no"u8.ToArray(), path.EndPoint));
        await NetTest.Iterate();
        cancelled.Cancel();
        await NetTest.AssertCancelled(cancelled);
        Assert.Equal(0, test.Loop.TimerCount);

        var waiting = Coroutine.Start(client.SendToAsync("yes"u8.ToArray(), path.EndPoint));
        await NetTest.Polls(3);
        Assert.False(waiting.IsDone);
        var buffer = new byte[16];
        for (var i = 0; i < filled; i++)
        {
            Assert.Equal(1, (await server.ReceiveFromAsync(buffer)).Length);
        }

        await waiting;
        var last = await server.ReceiveFromAsync(buffer);
        Assert.Equal("yes", Encoding.UTF8.GetString(buffer, 0, last.Length));
    });

    [Fact]
    public void One_full_receiver_does_not_keep_a_socket_from_sending_to_another() => RunOnLinux(async _ =>
    {
        using var full = new SocketPath();
        using var free = new SocketPath();
        using var fullServer = UnixDatagramSocket.Bind(full.EndPoint);
        using var freeServer = UnixDatagramSocket.Bind(free.EndPoint);
        await Fill(full);
        using var client = UnixDatagramSocket.Create();
        var cancelled = Coroutine.Start(client.SendToAsync(new byte[1], full.EndPoint));
        await NetTest.Polls(2);
        cancelled.Cancel();
        await NetTest.AssertCancelled(cancelled);
        await client.SendToAsync(new byte[1], free.EndPoint);
        Assert.Equal(1, (await freeServer.ReceiveFromAsync(new byte[4])).Length);
    });

    [Fact]
    public void To_dispose_of_a_socket_ends_what_waits() => RunOnLinux(async test =>
    {
        using var path = new SocketPath();
        using var server = UnixDatagramSocket.Bind(path.EndPoint);
        await Fill(path);
        var client = UnixDatagramSocket.Bind(null);
        var sending = Coroutine.Start(client.SendToAsync(new byte[1], path.EndPoint));
        var receiving = Coroutine.Start(client.ReceiveFromAsync(new byte[1]));
        await NetTest.Polls(2);
        client.Dispose();
        Assert.Equal(SocketError.OperationAborted, (await Assert.ThrowsAsync<SocketException>(async () => await sending)).SocketErrorCode);
        Assert.Equal(
            SocketError.OperationAborted, (await Assert.ThrowsAsync<SocketException>(async () => await receiving)).SocketErrorCode);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await client.ReceiveFromAsync(new byte[1]));
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void A_receive_that_is_cancelled_loses_no_datagram() => RunOnLinux(async _ =>
    {
        var (first, second) = UnixDatagramSocket.CreatePair();
        using (first)
        using (second)
        {
            var receiving = Coroutine.Start(second.ReceiveFromAsync(new byte[1]));
            await NetTest.Iterate();
            receiving.Cancel();
            await NetTest.AssertCancelled(receiving);
            await first.SendAsync(new byte[] { 7 });
            var buffer = new byte[1];
            await second.ReceiveFromAsync(buffer);
            Assert.Equal(7, buffer[0]);
            Assert.Equal(Environment.ProcessId, second.PeerCredentials.ProcessId);
        }
    });

    [Fact]
    public void Descriptors_travel_with_datagrams() => RunOnLinux(async _ =>
    {
        var (first, second) = UnixDatagramSocket.CreatePair();
        using (first)
        using (second)
        using (var file = File.OpenHandle("/dev/null"))
        {
            await first.SendDescriptorsAsync(new byte[3], file);
            using var message = await second.ReceiveDescriptorsAsync(new byte[8]);
            Assert.Equal((3, 1), (message.Length, message.DescriptorCount));
        }
    });

    [Fact]
    public void Other_sockets_are_refused() => RunOnLinux(async _ =>
    {
        using var stream = LoopSocket.Create(AddressFamily.Unix);
        Assert.Contains("Stream", Assert.Throws<ArgumentException>(() => new UnixDatagramSocket(stream)).Message, StringComparison.Ordinal);
        using var udp = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        Assert.Throws<ArgumentException>(() => new UnixDatagramSocket(udp));
        await NetTest.Iterate(1);
    });

    [Fact]
    public void A_failure_to_receive_is_told_and_the_socket_goes_on() => RunOnLinux(async test =>
    {
        var (first, second) = UnixDatagramSocket.CreatePair();
        using (first)
        using (second)
        {
            test.Calls.OnReceiveFrom = (_, _) => -Errno.ENOMEM;
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await second.ReceiveFromAsync(new byte[1]));
            Assert.StartsWith("The receive on local socket for datagrams (unnamed) failed", failure.Message, StringComparison.Ordinal);
            test.Calls.OnReceiveFrom = null;
            await first.SendAsync(new byte[1]);
            Assert.Equal(1, (await second.ReceiveFromAsync(new byte[1])).Length);
        }
    });

    /// <summary>Fills a receiver by sockets that are gone afterwards; returns with how many datagrams.</summary>
    private static async Coroutine<int> Fill(SocketPath path)
    {
        var sent = 0;
        while (true)
        {
            // Each of its own, so that it is the receiver that has no room and not the sender.
            using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
            try
            {
                sent += socket.SendTo(new byte[1], path.EndPoint);
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.WouldBlock)
            {
                await NetTest.Iterate(1);
                return sent;
            }
        }
    }

    private static void RunOnLinux(Func<NetTest, Coroutine> main)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Local sockets for datagrams are Linux's.");
        NetTest.RunOnEpoll(main);
    }
}
