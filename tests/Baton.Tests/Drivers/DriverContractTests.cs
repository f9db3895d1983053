using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Drivers;

/// <summary>What every driver owes to those above it, on streams. Run on each, whichever driver the run is for.</summary>
public abstract partial class DriverContractTests
{
    private static readonly byte[] Hello = "hello"u8.ToArray();

    protected abstract IoDriver CreateDriver();

    /// <summary>Whether connections may receive before they are asked.</summary>
    protected virtual bool ReceivesAhead => false;

    [Fact]
    public void A_wait_for_data_ends_when_there_is_some_and_takes_nothing() => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        Assert.Equal(0, server.TryReceive(new byte[10], out var error));
        Assert.Equal(SocketError.WouldBlock, error);
        var wait = test.Submit(server, IoOperationKind.Receive);
        test.PollSome();
        Assert.False(wait.IsFinished);
        Assert.Equal(5, client.TrySend(Hello, out _));
        test.PollUntil(wait);
        Assert.Equal((SocketError.Success, 0), (wait.Error, wait.BytesTransferred));
        Assert.Equal(Hello, test.Receive(server, 5, out error));
        Assert.Equal(SocketError.Success, error);
    });

    [Fact]
    public void A_receive_gets_what_is_there_and_then_the_end() => Run(test =>
    {
        var (client, server) = test.Connect(AddressFamily.InterNetworkV6);
        using var one = client;
        using var two = server;
        var buffer = new byte[100];
        var receive = test.Submit(server, IoOperationKind.Receive, buffer);
        Assert.False(receive.IsFinished);
        client.TrySend(Hello, out _);
        client.Shutdown(SocketShutdown.Send);
        test.PollUntil(receive);
        Assert.Equal((SocketError.Success, 5), (receive.Error, receive.BytesTransferred));
        Assert.Equal(Hello, buffer[..5]);
        test.WaitToReceive(server);
        Assert.Equal(0, server.TryReceive(buffer, out var error));
        Assert.Equal(SocketError.Success, error);
        Assert.Equal(1, receive.Finishes);
    });

    [Fact]
    public void A_reset_ends_a_wait_and_is_reported_by_the_receive_that_follows() => Run(test =>
    {
        var (client, server) = test.Connect();
        using var two = server;
        var wait = test.Submit(server, IoOperationKind.Receive);
        client.Abort();
        test.PollUntil(wait);
        Assert.Equal(SocketError.Success, wait.Error);
        Assert.Equal(0, server.TryReceive(new byte[10], out var error));
        Assert.Equal(SocketError.ConnectionReset, error);
    });

    [Fact]
    public void A_cancelled_wait_is_finished_once_and_the_next_misses_nothing() => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        for (var i = 0; i < 50; i++)
        {
            var wait = test.Submit(server, IoOperationKind.Receive);
            server.Cancel(wait);
            server.Cancel(wait);
            test.PollUntil(wait);
            Assert.Equal(SocketError.OperationAborted, wait.Error);
            client.TrySend(Hello, out _);
            if (i % 2 == 0)
            {
                test.PollSome(1);
            }

            Assert.Equal(Hello, test.Receive(server, 5, out _));
            Assert.Equal(1, wait.Finishes);
        }
    });

    [Fact]
    public void A_cancelled_accept_loses_no_connection() => Run(test =>
    {
        using var listener = test.Listen();
        var accept = test.Submit(listener, IoOperationKind.Accept);
        Assert.False(accept.IsFinished);
        listener.Cancel(accept);
        test.PollUntil(accept);
        Assert.Equal((SocketError.OperationAborted, null), (accept.Error, accept.Accepted));
        using var client = test.CreateSocket();
        Assert.Equal(SocketError.Success, test.Connect(client, listener.GetEndPoint(peer: false)!));
        test.PollSome();
        using var server = test.Accept(listener);
        Assert.Equal(client.GetEndPoint(peer: false), server.GetEndPoint(peer: true));
        Assert.Equal(5, client.TrySend(Hello, out _));
        Assert.Equal(Hello, test.Receive(server, 5, out _));
        Assert.Equal(1, accept.Finishes);
    });

    [Fact]
    public void A_connection_that_nobody_accepted_goes_with_its_listener() => Run(test =>
    {
        var listener = test.Listen();
        var accept = test.Submit(listener, IoOperationKind.Accept);
        listener.Cancel(accept);
        test.PollUntil(accept);
        using var client = test.CreateSocket();
        Assert.Equal(SocketError.Success, test.Connect(client, listener.GetEndPoint(peer: false)!));
        test.PollSome();
        listener.Dispose();
        Assert.Empty(test.Receive(client, 1, out _));
    });

    [Fact]
    public void A_send_that_finds_no_room_waits_for_some() => Run(test =>
    {
        var (client, server) = test.ConnectWithLittleRoom();
        using var one = client;
        using var two = server;
        var bytes = NetTest.Pattern(200_000);
        var (send, filled) = test.SendUntilFull(client, bytes);
        Assert.Equal(filled, test.Receive(server, filled, out _).Length);
        test.PollUntil(send);
        Assert.Equal(SocketError.Success, send.Error);
        Assert.InRange(send.BytesTransferred, 1, bytes.Length);
        Assert.Equal(bytes[..send.BytesTransferred], test.Receive(server, send.BytesTransferred, out _));
        Assert.Equal(1, send.Finishes);
    });

    [Fact]
    public void A_cancelled_send_has_sent_what_it_says() => Run(test =>
    {
        var (client, server) = test.ConnectWithLittleRoom();
        using var one = client;
        using var two = server;
        var filled = test.Fill(client);
        var bytes = NetTest.Pattern(1000);
        var sent = new List<byte>();
        var cancelled = 0;
        for (var i = 0; i < 20; i++)
        {
            var send = test.Submit(client, IoOperationKind.Send, bytes);
            client.Cancel(send);
            client.Cancel(send);
            test.PollUntil(send);
            Assert.Equal(1, send.Finishes);
            Assert.Equal(send.Error == SocketError.Success ? SocketError.Success : SocketError.OperationAborted, send.Error);
            Assert.Equal(send.Error == SocketError.Success, send.BytesTransferred > 0);
            sent.AddRange(bytes[..send.BytesTransferred]);
            cancelled += send.Error == SocketError.OperationAborted ? 1 : 0;
        }

        // A little room may turn up even so: the system probes.
        Assert.InRange(cancelled, 1, 20);
        var last = test.Submit(client, IoOperationKind.Send, Hello);
        test.Receive(server, filled, out _);
        test.PollUntil(last);
        sent.AddRange(Hello[..last.BytesTransferred]);
        Assert.Equal(sent, test.Receive(server, sent.Count, out _));
    });

    [Theory]
    [InlineData(10)]
    [InlineData(40_000)]
    [InlineData(300_000)]
    public void A_send_of_several_buffers_keeps_their_order(int length) => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        var bytes = NetTest.Pattern(length);
        var request = new ContractRequest(test.Loop)
        {
            Kind = IoOperationKind.SendVectored,
            Buffers = [bytes.AsMemory(0, 3), ReadOnlyMemory<byte>.Empty, bytes.AsMemory(3, 4), bytes.AsMemory(7)],
            BufferCount = 4,
        };
        request.Submit(client);
        test.PollUntil(request);
        Assert.Equal(SocketError.Success, request.Error);
        Assert.InRange(request.BytesTransferred, 1, length);
        Assert.Equal(bytes[..request.BytesTransferred], test.Receive(server, request.BytesTransferred, out _));
    });

    [Fact]
    public void A_socket_whose_connect_was_refused_is_fit_only_to_be_closed() => Run(test =>
    {
        EndPoint nobody;
        using (var listener = test.Listen())
        {
            nobody = listener.GetEndPoint(peer: false)!;
        }

        using var client = test.CreateSocket();
        Assert.Equal(SocketError.ConnectionRefused, test.Connect(client, nobody));
        Assert.Null(client.GetEndPoint(peer: true));
        using var other = test.Listen();
        Assert.Equal(SocketError.ConnectionAborted, test.Connect(client, other.GetEndPoint(peer: false)!));
    });

    [Fact]
    public void An_address_of_another_family_is_refused() => Run(test =>
    {
        using var client = test.CreateSocket();
        Assert.Equal(SocketError.AddressFamilyNotSupported, test.Connect(client, new IPEndPoint(IPAddress.IPv6Loopback, 1)));
        Assert.Throws<ArgumentException>(() => test.Connect(client, new DnsEndPoint("localhost", 1)));
    });

    [Fact]
    public void A_close_ends_what_is_pending_at_once() => Run(test =>
    {
        var (client, server) = test.ConnectWithLittleRoom();
        using var two = server;
        var receive = test.Submit(client, IoOperationKind.Receive, new byte[10]);
        var (send, _) = test.SendUntilFull(client, new byte[10]);
        client.Dispose();
        client.Dispose();
        Assert.Equal((1, 1), (receive.Finishes, send.Finishes));
        Assert.Equal((SocketError.OperationAborted, SocketError.OperationAborted), (receive.Error, send.Error));
        Assert.Equal(-1, client.Handle);
        test.PollSome();
        Assert.Equal((1, 1), (receive.Finishes, send.Finishes));
        Assert.Equal(SocketError.OperationAborted, test.Submit(client, IoOperationKind.Receive).Error);
        Assert.Equal(0, client.TryReceive(new byte[1], out var error));
        Assert.Equal(SocketError.WouldBlock, error);
        Assert.Equal(0, client.TrySend(new byte[1], out error));
        Assert.Equal(SocketError.WouldBlock, error);
        Assert.Throws<ObjectDisposedException>(() => client.Bind(new IPEndPoint(IPAddress.Loopback, 0)));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_close_while_a_wait_is_in_progress_delivers_everything_and_the_end(bool isCancelled) => Run(test =>
    {
        var (client, server) = test.Connect();
        using var two = server;
        var wait = test.Submit(client, IoOperationKind.Receive);
        var bytes = NetTest.Pattern(300_000);
        Assert.Equal(bytes.Length, client.TrySend(bytes, out _));
        if (isCancelled)
        {
            client.Cancel(wait);
        }

        client.Dispose();
        Assert.Equal(bytes, test.Receive(server, bytes.Length, out _));
        Assert.Empty(test.Receive(server, 1, out var error));
        Assert.Equal(SocketError.Success, error);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_abort_is_a_reset(bool isWaiting) => Run(test =>
    {
        var (client, server) = test.Connect();
        using var two = server;
        client.TrySend(Hello, out _);
        var wait = isWaiting ? test.Submit(client, IoOperationKind.Receive) : null;
        client.Abort();
        client.Abort();
        Assert.Equal(isWaiting ? 1 : 0, wait?.Finishes ?? 0);
        test.Receive(server, 10, out var error);
        Assert.Equal(SocketError.ConnectionReset, error);
    });

    [Fact]
    public void A_socket_counts_from_its_making_to_its_close() => Run(test =>
    {
        Assert.Equal(0, test.Driver.OpenSocketCount);
        var listener = test.Listen();
        var client = test.CreateSocket();
        Assert.Equal(2, test.Driver.OpenSocketCount);
        test.Connect(client, listener.GetEndPoint(peer: false)!);
        var server = test.Accept(listener);
        Assert.Equal(3, test.Driver.OpenSocketCount);
        listener.Dispose();
        client.Abort();
        Assert.Equal(1, test.Driver.OpenSocketCount);
        server.Dispose();
        server.Dispose();
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void A_driver_that_is_disposed_of_closes_what_is_left() => LoopTest.OnThread(() =>
    {
        var driver = CreateDriver();
        using var loop = new EventLoop(new EventLoopOptions { Driver = driver });
        var socket = driver.CreateSocket(loop, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Unspecified);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen(1);
        var accept = new ContractRequest(loop) { Kind = IoOperationKind.Accept };
        accept.Submit(socket);
        driver.Dispose();
        driver.Dispose();
        Assert.Equal((1, SocketError.OperationAborted), (accept.Finishes, accept.Error));
        Assert.Equal(-1, socket.Handle);
        driver.Wake();
        Assert.Throws<ObjectDisposedException>(
            () => driver.CreateSocket(loop, AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Unspecified));
    });

    private void Run(Action<ContractTest> body) => ContractTest.Run(CreateDriver, body, ReceivesAhead);
}

/// <summary>The contract on epoll.</summary>
public class EpollContractTests : DriverContractTests
{
    protected override IoDriver CreateDriver()
    {
        Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
        return new EpollDriver();
    }
}

/// <summary>The contract on io_uring, of sockets that are told of their readiness.</summary>
public class IoUringContractTests : DriverContractTests
{
    protected override IoDriver CreateDriver() => TestDriver.CreateForRings();
}

/// <summary>The contract on io_uring, of connections for which the kernel receives.</summary>
public class IoUringAheadContractTests : IoUringContractTests
{
    protected override bool ReceivesAhead => true;
}

/// <summary>The contract on the BCL's sockets.</summary>
public class PortableContractTests : DriverContractTests
{
    protected override IoDriver CreateDriver() => new PortableDriver();
}
