using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Drivers;

// Polls, datagrams, local sockets, options, and sockets that come and go.
public abstract partial class DriverContractTests
{
    [Fact]
    public void A_poll_waits_for_its_time_and_not_less() => Run(test =>
    {
        var polls = test.Driver.PollCount;
        foreach (var timeout in new long[] { 0, 1, 100_000, 1_500_000, 30_000_000 })
        {
            var start = LoopClock.System.Now;
            test.Driver.Poll(timeout);
            Assert.InRange(LoopClock.System.Now - start, timeout, timeout + 2_000_000_000);
        }

        Assert.Equal(polls + 5, test.Driver.PollCount);
    });

    [Fact]
    public void A_wake_is_not_lost_whenever_it_comes() => Run(test =>
    {
        for (var i = 0; i < 200; i++)
        {
            test.Driver.Wake();
            test.Driver.Wake();
            test.Driver.Poll(-1);
        }

        using var thread = LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 5000; i++)
            {
                test.Driver.Wake();
            }
        });
        while (thread.IsRunning)
        {
            test.Driver.Poll(1_000_000_000);
        }
    });

    [Fact]
    public void A_wait_for_a_datagram_takes_none_not_even_an_empty_one() => Run(test =>
    {
        var (one, two) = OpenDatagrams(test);
        using var first = one;
        using var second = two;
        var address = two.GetEndPoint(peer: false)!.Serialize();
        var sender = new SocketAddress(AddressFamily.InterNetworkV6, 64);
        foreach (var datagram in new byte[][] { Hello, [], NetTest.Pattern(60_000) })
        {
            var wait = test.Submit(two, IoOperationKind.Receive);
            test.PollSome(1);
            Assert.False(wait.IsFinished);
            Assert.Equal(datagram.Length, one.TrySendTo(datagram, address, out var error));
            Assert.Equal(SocketError.Success, error);
            test.PollUntil(wait);
            Assert.Equal((SocketError.Success, 0), (wait.Error, wait.BytesTransferred));

            // And again: it is still there.
            test.WaitToReceive(two);
            var buffer = new byte[65536];
            Assert.Equal(datagram.Length, two.TryReceiveFrom(buffer, sender, out var isTruncated, out error));
            Assert.Equal((SocketError.Success, false), (error, isTruncated));
            Assert.Equal(datagram, buffer[..datagram.Length]);
            Assert.Equal(one.GetEndPoint(peer: false), new IPEndPoint(IPAddress.Any, 0).Create(sender));
            two.TryReceiveFrom(buffer, sender, out _, out error);
            Assert.Equal(SocketError.WouldBlock, error);
        }
    });

    [Fact]
    public void A_datagram_that_does_not_fit_is_cut_off_and_said_to_be() => Run(test =>
    {
        var (one, two) = OpenDatagrams(test);
        using var first = one;
        using var second = two;
        var address = two.GetEndPoint(peer: false)!.Serialize();
        for (var i = 0; i < 3; i++)
        {
            one.TrySendTo(Hello, address, out _);
        }

        var buffer = new byte[5];
        test.WaitToReceive(two);
        Assert.Equal(3, two.TryReceiveFrom(buffer.AsSpan(0, 3), null, out var isTruncated, out _));
        Assert.True(isTruncated);
        Assert.Equal(Hello[..3], buffer[..3]);
        Assert.Equal(5, two.TryReceiveFrom(buffer, null, out isTruncated, out _));
        Assert.False(isTruncated);

        // Without room it is thrown away.
        Assert.Equal(0, two.TryReceiveFrom([], null, out isTruncated, out var error));
        Assert.Equal((SocketError.Success, true), (error, isTruncated));
        two.TryReceiveFrom(buffer, null, out _, out error);
        Assert.Equal(SocketError.WouldBlock, error);
    });

    [Fact]
    public void A_datagram_that_nobody_was_there_to_receive_is_an_error_once() => Run(test =>
    {
        EndPoint nobody;
        using (var socket = test.CreateSocket(type: SocketType.Dgram))
        {
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            nobody = socket.GetEndPoint(peer: false)!;
        }

        using var sender = test.CreateSocket(type: SocketType.Dgram);
        Assert.Equal(SocketError.Success, test.Connect(sender, nobody));
        var wait = test.Submit(sender, IoOperationKind.Receive);
        sender.TrySendTo(Hello, null, out _);
        test.PollUntil(wait);
        Assert.Equal(SocketError.Success, wait.Error);
        sender.TryReceiveFrom(new byte[10], null, out _, out var error);
        Assert.Equal(SocketError.ConnectionRefused, error);
        sender.TryReceiveFrom(new byte[10], null, out _, out error);
        Assert.Equal(SocketError.WouldBlock, error);
    });

    [Fact]
    public void A_wait_to_send_moves_nothing_and_ends_when_a_send_is_worth_a_try() => Run(test =>
    {
        Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets && OperatingSystem.IsLinux(), "There are no local datagrams here.");
        using var receiver = test.CreateSocket(AddressFamily.Unix, SocketType.Dgram);
        receiver.Bind(new UnixDomainSocketEndPoint($"\0baton-{Guid.NewGuid():N}"));
        using var sender = test.CreateSocket(AddressFamily.Unix, SocketType.Dgram);
        Assert.Equal(SocketError.Success, test.Connect(sender, receiver.GetEndPoint(peer: false)!));
        var sent = 0;
        SocketError error;
        while (sender.TrySendTo(Hello, null, out error) == 5)
        {
            sent++;
        }

        Assert.Equal(SocketError.WouldBlock, error);
        var wait = test.Submit(sender, IoOperationKind.WaitToSend);
        Assert.False(wait.IsFinished);
        test.PollSome(30);
        Assert.False(wait.IsFinished);
        var cancelled = wait;
        sender.Cancel(cancelled);
        Assert.Equal((1, SocketError.OperationAborted), (cancelled.Finishes, cancelled.Error));
        wait = test.Submit(sender, IoOperationKind.WaitToSend);
        for (var i = 0; i < sent; i++)
        {
            Assert.Equal(5, receiver.TryReceiveFrom(new byte[10], null, out _, out _));
        }

        test.PollUntil(wait);
        Assert.Equal(SocketError.Success, wait.Error);
        Assert.Equal(5, sender.TrySendTo(Hello, null, out _));
        Assert.Equal(1, cancelled.Finishes);
    });

    [Fact]
    public void Datagrams_go_in_batches() => Run(test =>
    {
        var (one, two) = OpenDatagrams(test);
        using var first = one;
        using var second = two;
        var address = two.GetEndPoint(peer: false)!.Serialize();
        var batch = new DatagramBatch(8, 100);
        for (var i = 0; i < 8; i++)
        {
            batch.Add(new byte[] { (byte)i, 1, 2 }.AsSpan(0, 1 + (i % 3)), address);
        }

        Assert.Equal(8, one.TrySendBatch(batch, 0, isConnected: false, out var error));
        Assert.Equal(SocketError.Success, error);
        var received = new DatagramBatch(20, 2);
        test.WaitToReceive(two);
        Assert.Equal(8, two.TryReceiveBatch(received, out error));
        Assert.Equal(SocketError.WouldBlock, error);
        for (var i = 0; i < 8; i++)
        {
            Assert.Equal((byte)i, received[i].Span[0]);
            Assert.Equal(i % 3 == 2, received[i].IsTruncated);
            Assert.Equal(one.GetEndPoint(peer: false), received[i].GetEndPoint());
        }
    });

    [Fact]
    public void A_local_socket_leaves_its_file_and_a_client_without_a_name_has_none() => Run(test =>
    {
        Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets, "There are no local sockets here.");
        var path = Path.Combine(Path.GetTempPath(), $"baton-{Guid.NewGuid():N}.sock");
        try
        {
            var listener = test.CreateSocket(AddressFamily.Unix);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen(1);
            Assert.Equal(path, listener.GetEndPoint(peer: false)!.ToString());
            var client = test.CreateSocket(AddressFamily.Unix);
            Assert.Equal(SocketError.Success, test.Connect(client, new UnixDomainSocketEndPoint(path)));
            var server = test.Accept(listener);
            Assert.Null(server.GetEndPoint(peer: true));
            Assert.Null(client.GetEndPoint(peer: false));
            Assert.Equal(path, client.GetEndPoint(peer: true)!.ToString());
            client.TrySend(Hello, out _);
            Assert.Equal(Hello, test.Receive(server, 5, out _));
            listener.Dispose();
            client.Dispose();
            server.Dispose();
            Assert.True(File.Exists(path));
            using var other = test.CreateSocket(AddressFamily.Unix);
            Assert.Equal(SocketError.ConnectionRefused, test.Connect(other, new UnixDomainSocketEndPoint(path)));
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Fact]
    public void To_reuse_an_address_does_not_take_it_from_another() => Run(test =>
    {
        using var listener = test.CreateSocket();
        listener.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, 1);
        Assert.NotEqual(0, listener.GetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress));
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var endPoint = listener.GetEndPoint(peer: false)!;
        using var other = test.CreateSocket();
        other.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, 1);
        var failure = Assert.Throws<SocketException>(() => other.Bind(endPoint));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.StartsWith($"Binding to {endPoint} failed: ", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Sockets_that_share_a_port_say_so_before_they_bind() => Run(test =>
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows does not spread connections between sockets.");
        using var one = test.CreateSocket();
        one.SetReusePort(true);
        one.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        one.Listen(1);
        using var two = test.CreateSocket();
        two.SetReusePort(true);
        two.Bind(one.GetEndPoint(peer: false)!);
        two.Listen(1);
        Assert.Equal(one.GetEndPoint(peer: false), two.GetEndPoint(peer: false));
    });

    [Fact]
    public void A_socket_for_IPv6_takes_IPv4_too_unless_told_otherwise() => Run(test =>
    {
        using var socket = test.CreateSocket(AddressFamily.InterNetworkV6);
        Assert.Equal(0, socket.GetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only));
        socket.SetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, 1);
        Assert.Equal(1, socket.GetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only));
    });

    [Fact]
    public void An_accept_on_what_does_not_listen_is_an_error() => Run(test =>
    {
        using var socket = test.CreateSocket();
        var accept = test.Submit(socket, IoOperationKind.Accept);
        Assert.Equal((1, SocketError.InvalidArgument), (accept.Finishes, accept.Error));
    });

    [Fact]
    public void A_socket_of_the_BCL_comes_and_goes_with_its_connection() => Run(test =>
    {
        using var listener = test.Listen();
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Connect(listener.GetEndPoint(peer: false)!);
        using var server = test.Accept(listener);
        var client = test.Driver.AdoptSocket(test.Loop, socket.SafeHandle);
        GC.SuppressFinalize(socket);
        Assert.Equal(server.GetEndPoint(peer: true), client.GetEndPoint(peer: false));
        client.TrySend(Hello, out _);
        Assert.Equal(Hello, test.Receive(server, 5, out _));

        // With a wait behind it that was cancelled, which must not make a reset of the close.
        var wait = test.Submit(client, IoOperationKind.Receive);
        client.Cancel(wait);
        test.PollUntil(wait);
        var handle = client.Detach();
        Assert.Equal(-1, client.Handle);
        using (var detached = new Socket(handle) { Blocking = true })
        {
            detached.Send(Hello);
        }

        Assert.Equal(Hello, test.Receive(server, 5, out _));
        Assert.Empty(test.Receive(server, 1, out var error));
        Assert.Equal(SocketError.Success, error);
    });

    [Fact]
    public void A_listener_of_the_BCL_accepts() => Run(test =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        using var listener = test.Driver.AdoptSocket(test.Loop, socket.SafeHandle);
        GC.SuppressFinalize(socket);
        using var client = test.CreateSocket();
        Assert.Equal(SocketError.Success, test.Connect(client, listener.GetEndPoint(peer: false)!));
        using var server = test.Accept(listener);
        Assert.Equal(client.GetEndPoint(peer: false), server.GetEndPoint(peer: true));
    });

    private static (IoSocket One, IoSocket Two) OpenDatagrams(ContractTest test)
    {
        var one = test.CreateSocket(type: SocketType.Dgram);
        one.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var two = test.CreateSocket(type: SocketType.Dgram);
        two.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (one, two);
    }
}
