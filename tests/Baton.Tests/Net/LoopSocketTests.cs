using System.Net;
using System.Net.Sockets;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>What <see cref="LoopSocket"/> does when nothing goes wrong, and how it says what went wrong.</summary>
public class LoopSocketTests
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Two_sockets_connect_and_exchange_bytes(AddressFamily family) => NetTest.Run(async () =>
    {
        SkipWithout(family);
        var (client, server) = await NetTest.ConnectSockets(family);
        using (client)
        using (server)
        {
            Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
            Assert.Equal(server.LocalEndPoint, client.RemoteEndPoint);
            Assert.Equal(family, client.AddressFamily);

            await client.SendAllAsync("hello"u8.ToArray());
            Assert.Equal("hello", Encoding.UTF8.GetString(await NetTest.ReceiveAll(server, 5)));
            await server.SendAllAsync("bye"u8.ToArray());
            Assert.Equal("bye", Encoding.UTF8.GetString(await NetTest.ReceiveAll(client, 3)));
        }
    });

    [Fact]
    public void Local_sockets_work_too() => NetTest.Run(async () =>
    {
        var path = Path.Combine(Path.GetTempPath(), $"baton-{Guid.NewGuid():N}");
        try
        {
            using var listener = LoopSocket.Create(AddressFamily.Unix);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            listener.Listen();
            Assert.Equal(path, listener.LocalEndPoint!.ToString());
            using var client = LoopSocket.Create(AddressFamily.Unix);
            await client.ConnectAsync(new UnixDomainSocketEndPoint(path));
            using var server = await listener.AcceptAsync();
            Assert.Equal(path, client.RemoteEndPoint!.ToString());
            Assert.Null(server.RemoteEndPoint);
            await client.SendAllAsync(new byte[] { 1, 2, 3 });
            Assert.Equal([1, 2, 3], await NetTest.ReceiveAll(server, 3));
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Fact]
    public void A_receive_waits_for_data_and_the_end_of_the_peer_is_zero() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var receive = Coroutine.Start(Receive(server, 100));
        await NetTest.Iterate();
        Assert.False(receive.IsDone);
        await client.SendAllAsync(new byte[7]);
        Assert.Equal(7, await receive);

        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await Receive(server, 100));
        Assert.Equal(0, await Receive(server, 100));

        // The other direction still works.
        await server.SendAllAsync(new byte[3]);
        Assert.Equal(3, await Receive(client, 100));
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_reader_callback",
        Improvement =
            "A receive into an empty buffer waits until there is something to read; no callback has to be registered and removed.")]
    public void A_receive_without_a_buffer_waits_until_there_is_something_and_takes_nothing() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var wait = Coroutine.Start(Receive(server, 0));
        await NetTest.Iterate();
        Assert.False(wait.IsDone);
        await client.SendAllAsync(new byte[10]);
        Assert.Equal(0, await wait);
        Assert.Equal(0, await Receive(server, 0));
        Assert.Equal(10, await Receive(server, 100));

        var end = Coroutine.Start(Receive(server, 0));
        await NetTest.Iterate();
        Assert.False(end.IsDone);
        client.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, await end);
        Assert.Equal(0, await Receive(server, 100));
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_writer_callback",
        Improvement = "A send waits by itself until the system takes more; no callback has to be registered and removed.")]
    public void SendAll_sends_more_than_the_system_takes_at_once() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var bytes = NetTest.Pattern(8 << 20);
        var send = Coroutine.Start(SendAll(client, bytes));
        await NetTest.Iterate();
        Assert.False(send.IsDone);
        Assert.Equal(bytes, await NetTest.ReceiveAll(server, bytes.Length));
        await send;
    });

    [Fact]
    public void A_receive_and_a_send_may_be_in_progress_at_once_but_not_two_of_a_kind() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var receive = Coroutine.Start(Receive(client, 10));
        var send = Coroutine.Start(SendAll(client, new byte[8 << 20]));
        await NetTest.Iterate();

        var second = Assert.Throws<InvalidOperationException>(() => { _ = client.ReceiveAsync(new byte[1]); });
        Assert.Contains("receive", second.Message, StringComparison.Ordinal);
        Assert.Contains("still in progress", second.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => { _ = client.SendAsync(new byte[1]); });

        await server.SendAllAsync(new byte[2]);
        Assert.Equal(2, await receive);
        await NetTest.ReceiveAll(server, 8 << 20);
        await send;
    });

    [Fact]
    public void A_refused_connect_says_so_and_leaves_nothing() => NetTest.Run(async () =>
    {
        var free = NetTest.Listen();
        var endPoint = free.LocalEndPoint!;
        free.Dispose();
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(endPoint));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
        Assert.StartsWith($"Connecting to {endPoint} failed", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Connection refused", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_name_is_not_an_address_and_the_socket_is_still_good() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        var failure = Assert.Throws<ArgumentException>(() => { _ = socket.ConnectAsync(new DnsEndPoint("localhost", 80)); });
        Assert.Contains("Connection.ConnectAsync", failure.Message, StringComparison.Ordinal);
        await socket.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await listener.AcceptAsync();
    });

    [Fact]
    public void A_port_that_is_taken_is_named() => NetTest.Run(async () =>
    {
        using var first = NetTest.Listen();
        using var second = LoopSocket.Create(AddressFamily.InterNetwork);
        var failure = Assert.Throws<SocketException>(() => second.Bind(first.LocalEndPoint!));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Contains(first.LocalEndPoint!.ToString()!, failure.Message, StringComparison.Ordinal);
        await Coroutine.Yield();
    });

    [Fact]
    public void A_reset_fails_the_receive() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var receive = Coroutine.Start(Receive(server, 10));
        await NetTest.Iterate();
        client.Abort();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await receive);
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
    });

    [Fact]
    public void Disposing_fails_what_is_in_progress_and_what_comes_after() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var two = server;
        var receive = Coroutine.Start(Receive(client, 10));
        var send = Coroutine.Start(SendAll(client, new byte[8 << 20]));
        await NetTest.Iterate();
        client.Dispose();
        client.Dispose();
        Assert.Equal(SocketError.OperationAborted, (await Assert.ThrowsAsync<SocketException>(async () => await receive)).SocketErrorCode);
        Assert.Equal(SocketError.OperationAborted, (await Assert.ThrowsAsync<SocketException>(async () => await send)).SocketErrorCode);
        Assert.Throws<ObjectDisposedException>(() => { _ = client.ReceiveAsync(new byte[1]); });
        Assert.Throws<ObjectDisposedException>(() => client.Shutdown(SocketShutdown.Both));
        Assert.Equal(-1, client.Handle);
    });

    [Fact]
    public void Options_can_be_set_and_read() => NetTest.Run(async () =>
    {
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        Assert.False(socket.NoDelay);
        socket.NoDelay = true;
        Assert.True(socket.NoDelay);
        socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, 1);
        Assert.Equal(1, socket.GetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Throws<SocketException>(() => socket.SetOption(SocketOptionLevel.Udp, SocketOptionName.NoChecksum, 1));
        await Coroutine.Yield();
    });

    [Fact]
    public void Another_thread_is_turned_away() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        using var thread = LoopTest.StartThread(() =>
        {
            var failure = Assert.Throws<InvalidOperationException>(() => { _ = client.ReceiveAsync(new byte[1]); });
            Assert.Contains("CallSoonThreadSafe", failure.Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => { _ = client.SendAsync(new byte[1]); });
            Assert.Throws<InvalidOperationException>(client.Dispose);
        });
        thread.Join();
    });

    [Fact]
    public void A_receiver_whose_data_is_always_there_lets_others_run() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        await client.SendAllAsync(new byte[10_000]);
        var others = 0;
        var isDone = false;
        var other = Coroutine.Start(Count());
        var buffer = new byte[1];
        for (var i = 0; i < 10_000; i++)
        {
            Assert.Equal(1, await server.ReceiveAsync(buffer));
        }

        isDone = true;
        await other;
        Assert.InRange(others, 10_000 / 129 / 2, 10_000);

        async Coroutine Count()
        {
            while (!isDone)
            {
                others++;
                await Coroutine.Yield();
            }
        }
    });

    internal static void SkipWithout(AddressFamily family) =>
        Assert.SkipUnless(family != AddressFamily.InterNetworkV6 || Socket.OSSupportsIPv6, "This machine has no IPv6.");

    private static async Coroutine<int> Receive(LoopSocket socket, int length) => await socket.ReceiveAsync(new byte[length]);

    private static async Coroutine SendAll(LoopSocket socket, byte[] bytes) => await socket.SendAllAsync(bytes);
}
