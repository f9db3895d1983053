using System.Net;
using System.Net.Sockets;
using System.Text;
using Baton.Drivers;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's tests ask of the <c>sock_*</c> methods.</summary>
public class LoopSocketConformanceTests
{
    private static readonly byte[] Request = Encoding.ASCII.GetBytes("GET / HTTP/1.0\r\n\r\n");
    private static readonly byte[] Answer = Encoding.ASCII.GetBytes("HTTP/1.0 200 OK\r\nContent-Length: 4\r\n\r\nTest");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_sock_client_ops", Improvement = "There are no blocking sockets, so none has to be refused in debug mode.")]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_unix_sock_client_ops",
        Improvement = "There are no blocking sockets, so none has to be refused in debug mode.")]
    public void A_client_connects_sends_and_receives(bool isLocal) => NetTest.Run(async () =>
    {
        await using var server = await StartAsync(isLocal);
        using var socket = await ConnectAsync(server);
        await socket.SendAllAsync(Request);
        Assert.Equal(Answer, await NetTest.ReceiveAll(socket, Answer.Length));
        Assert.Equal(0, await socket.ReceiveAsync(new byte[1024]));
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_sock_client_racing")]
    public void What_was_cancelled_is_out_of_the_way_of_the_next() => NetTest.Run(async () =>
    {
        await using (var server = await StartAsync(isLocal: false))
        {
            using var socket = await ConnectAsync(server);
            var receive = Coroutine.Start(ReceiveAsync(socket));
            await Coroutine.Yield();
            receive.Cancel();
            await NetTest.AssertCancelled(receive);
            var send = Coroutine.Start(SendAsync(socket, Request));
            Assert.Equal(Answer, await NetTest.ReceiveAll(socket, Answer.Length));
            Assert.Equal(0, await socket.ReceiveAsync(new byte[1024]));
            await send;
        }

        var (client, peer) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = peer;
        client.SetOption(SocketOptionLevel.Socket, SocketOptionName.SendBuffer, 1024);
        var filling = Coroutine.Start(SendAsync(client, Encoding.ASCII.GetBytes(new string(' ', 16 << 20))));
        await NetTest.Iterate();
        filling.Cancel();
        await NetTest.AssertCancelled(filling);
        var blocked = Coroutine.Start(SendAsync(client, Encoding.ASCII.GetBytes("hello")));
        await Coroutine.Yield();
        blocked.Cancel();
        await NetTest.AssertCancelled(blocked);
        var all = Coroutine.Start(ReceiveToEnd(peer));
        await client.SendAllAsync(Encoding.ASCII.GetBytes("world"));
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal("world", (await all).Trim());
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_sock_client_connect_racing")]
    public void A_connect_that_was_cancelled_can_be_tried_again() => NetTest.RunOnEpoll(async _ =>
    {
        // More than the contract of drivers promises: the BCL's sockets connect once.
        using var listener = LoopSocket.Create(AddressFamily.InterNetwork);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        var connect = Coroutine.Start(ConnectAsync(socket, listener.LocalEndPoint!));
        await Coroutine.Yield();
        connect.Cancel();
        listener.Listen(1);
        await Assert.ThrowsAnyAsync<Exception>(async () => await connect);
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                await socket.ConnectAsync(listener.LocalEndPoint!);
                break;
            }
            catch (SocketException) when (attempt < 128)
            {
                // The system tells of the first attempt first.
            }
        }

        using var accepted = await listener.AcceptAsync();
        Assert.Equal(socket.LocalEndPoint, accepted.RemoteEndPoint);
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_huge_content")]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_huge_content_recvinto")]
    public void A_megabyte_goes_and_comes_at_once() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        await socket.ConnectAsync(server.EndPoints[0]);
        var bytes = NetTest.Pattern(1_000_000);
        var send = Coroutine.Start(SendAsync(socket, bytes));
        Assert.Equal(bytes, await NetTest.ReceiveAll(socket, bytes.Length));
        await send;
        socket.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await socket.ReceiveAsync(new byte[10]));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_recvfrom")]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_recvfrom_into")]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_sendto_blocking")]
    public void A_datagram_comes_back_with_the_address_of_who_sent_it(bool isFullFirst) => NetTest.RunOnEpoll(async test =>
    {
        using var server = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        server.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var echo = Coroutine.Start(EchoDatagrams(server, 3));
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        var refusals = isFullFirst ? 1 : 0;
        test.Calls.OnSendTo = (_, _) => refusals-- > 0 ? -Errno.EAGAIN : null;
        var bytes = NetTest.Pattern(4096);
        foreach (var room in new[] { 4096, 8192 })
        {
            Assert.Equal(bytes.Length, await socket.SendToAsync(bytes, server.LocalEndPoint!));
            var buffer = new byte[room];
            var received = await socket.ReceiveFromAsync(buffer.AsMemory(0, 4096));
            Assert.Equal(bytes.Length, received.ReceivedBytes);
            Assert.Equal(bytes, buffer[..4096]);
            Assert.Equal(server.LocalEndPoint, received.RemoteEndPoint);
        }

        var sender = new SocketAddress(AddressFamily.InterNetwork);
        await socket.SendToAsync(bytes, server.LocalEndPoint!);
        Assert.Equal(bytes.Length, await socket.ReceiveFromAsync(new byte[4096], sender));
        Assert.Equal(server.LocalEndPoint!.Serialize(), sender);
        await echo;
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_sock_client_fail")]
    public void A_connect_to_where_nobody_listens_is_refused() => NetTest.Run(async () =>
    {
        var listener = NetTest.Listen();
        var endPoint = listener.LocalEndPoint!;
        listener.Dispose();
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(endPoint));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_sock_accept")]
    public void An_accepted_socket_knows_both_ends() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await listener.AcceptAsync();
        Assert.Equal(client.LocalEndPoint, accepted.RemoteEndPoint);
        Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_cancel_sock_accept")]
    public void An_accept_that_was_given_up_leaves_the_listener_to_be_closed() => NetTest.RunInVirtualTime(async _ =>
    {
        var listener = NetTest.Listen();
        var endPoint = listener.LocalEndPoint!;
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await Coroutine.WaitFor(NetTest.AcceptAsync(listener), TimeSpan.FromSeconds(0.1)));
        listener.Dispose();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await client.ConnectAsync(endPoint));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
    });

    [Fact]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_create_connection_sock")]
    public void A_connection_is_made_of_a_socket_that_was_connected_by_hand() => NetTest.Run(async () =>
    {
        await using var server = await StartAsync(isLocal: false);
        await using var connection = new Connection(await ConnectAsync(server));
        await connection.WriteAsync(Request);
        Assert.Equal(Answer, await connection.Input.ReadExactlyAsync(Answer.Length));
        var end = await connection.Input.ReadAsync();
        Assert.True(end.IsCompleted && end.Buffer.IsEmpty);
        connection.Input.AdvanceTo(end.Buffer.End);
    });

    private static Coroutine<Server> StartAsync(bool isLocal) => isLocal
        ? Server.StartAsync(new UnixDomainSocketEndPoint($"\0baton-{Guid.NewGuid():N}"), AnswerAsync)
        : Server.StartAsync("127.0.0.1", 0, AnswerAsync);

    private static async Coroutine AnswerAsync(Connection connection)
    {
        await connection.Input.ReadExactlyAsync(Request.Length);
        await connection.WriteAsync(Answer);
        connection.Output.Complete();
    }

    private static async Coroutine<LoopSocket> ConnectAsync(Server server)
    {
        var socket = LoopSocket.Create(server.EndPoints[0].AddressFamily);
        await socket.ConnectAsync(server.EndPoints[0]);
        return socket;
    }

    private static async Coroutine ConnectAsync(LoopSocket socket, EndPoint endPoint) => await socket.ConnectAsync(endPoint);

    private static async Coroutine<int> ReceiveAsync(LoopSocket socket) => await socket.ReceiveAsync(new byte[1024]);

    private static async Coroutine SendAsync(LoopSocket socket, byte[] bytes) => await socket.SendAllAsync(bytes);

    private static async Coroutine EchoDatagrams(LoopSocket socket, int count)
    {
        var buffer = new byte[65_536];
        for (var i = 0; i < count; i++)
        {
            var received = await socket.ReceiveFromAsync(buffer);
            await socket.SendToAsync(buffer.AsMemory(0, received.ReceivedBytes), received.RemoteEndPoint);
        }
    }

    private static async Coroutine<string> ReceiveToEnd(LoopSocket socket)
    {
        var text = new StringBuilder();
        var buffer = new byte[8192];
        while (await socket.ReceiveAsync(buffer) is var count and > 0)
        {
            text.Append(Encoding.ASCII.GetString(buffer, 0, count));
        }

        return text.ToString();
    }
}
