using System.Net.Sockets;
using System.Text;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>Streams over local sockets: names, errors, pairs, and who is at the other end.</summary>
public class UnixSocketTests
{
    [Fact]
    public void An_abstract_name_needs_no_file() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        var name = $"baton-{Guid.NewGuid():N}";
        var endPoint = new UnixDomainSocketEndPoint("\0" + name);
        await using var server = await Server.StartAsync(endPoint, NetTest.Echo);
        Assert.Equal("@" + name, server.EndPoints[0].ToString());
        Assert.Equal($"The server at @{name}", server.ToString());
        await using var client = await Connection.ConnectAsync(endPoint);
        Assert.Equal($"connection (unnamed) -> @{name}", client.ToString());
        Assert.Null(client.LocalEndPoint);
        await client.WriteAsync("hello\n"u8.ToArray());
        Assert.Equal("hello", await client.Input.ReadLineAsync());
        Assert.False(File.Exists("@" + name));

        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync(endPoint, NetTest.Echo));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.StartsWith($"Binding to @{name} failed", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void An_abstract_name_that_nobody_has_refuses() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        var name = $"baton-{Guid.NewGuid():N}";
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Connection.ConnectAsync(new UnixDomainSocketEndPoint("\0" + name)));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
        Assert.StartsWith($"Connecting to @{name} failed", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void An_abstract_name_stays_itself_when_the_system_tells_it() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        using var socket = LoopSocket.Create(AddressFamily.Unix);
        var endPoint = new UnixDomainSocketEndPoint($"\0baton-{Guid.NewGuid():N}");
        socket.Bind(endPoint);
        Assert.Equal(endPoint, socket.LocalEndPoint);
        socket.Listen();
        using var client = LoopSocket.Create(AddressFamily.Unix);
        await client.ConnectAsync(socket.LocalEndPoint!);
        Assert.Equal(endPoint, client.RemoteEndPoint);
    });

    [Fact]
    public void The_longest_path_works_and_a_longer_one_is_refused_with_its_limit() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        using var path = new SocketPath();
        var longest = path.Path + new string('x', 107 - path.Path.Length);
        await using (await Server.StartAsync(new UnixDomainSocketEndPoint(longest), NetTest.Echo))
        {
            await using var client = await Connection.ConnectAsync(new UnixDomainSocketEndPoint(longest));
            Assert.Equal(longest, client.RemoteEndPoint!.ToString());
            using var socket = LoopSocket.Create(AddressFamily.Unix);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(longest));
            Assert.Equal(longest, socket.RemoteEndPoint!.ToString());
        }

        Assert.False(File.Exists(longest));
        var failure = Assert.Throws<ArgumentOutOfRangeException>(() => new UnixDomainSocketEndPoint(longest + "xx"));
        Assert.Contains("108", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_open_unix_connection_error")]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_connection_pathlike")]
    public void A_path_where_nothing_is_says_so() => NetTest.Run(async test =>
    {
        Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets, "There are no local sockets here.");
        using var path = new SocketPath();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(path.EndPoint));
        Assert.Equal($"Connecting to {path.Path} failed: No such file or directory", failure.Message);
        Assert.Equal(SocketError.AddressNotAvailable, failure.SocketErrorCode);
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void A_path_of_a_socket_of_another_type_says_so() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        using var path = new SocketPath();
        using var other = LoopSocket.Create(AddressFamily.Unix, SocketType.Dgram);
        other.Bind(path.EndPoint);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(path.EndPoint));
        Assert.Equal($"Connecting to {path.Path} failed: The socket that is there is of another type", failure.Message);
    });

    [Fact]
    public void A_listener_without_room_is_an_error_and_not_a_wait_for_ever() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        using var path = new SocketPath();
        using var listener = LoopSocket.Create(AddressFamily.Unix);
        listener.Bind(path.EndPoint);
        listener.Listen(0);
        await using var first = await Connection.ConnectAsync(path.EndPoint);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(path.EndPoint));
        Assert.Equal(SocketError.NoBufferSpaceAvailable, failure.SocketErrorCode);
        Assert.EndsWith("wait there to be accepted", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_open_unix_connection")]
    [CPython("test_streams.StreamTests.test_start_unix_server")]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_pathlike")]
    [CPython("test_sock_lowlevel.BaseSockTestsMixin.test_unix_sock_client_ops")]
    public void A_server_at_a_path_serves_as_one_at_a_port() => NetTest.Run(async () =>
    {
        Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets, "There are no local sockets here.");
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        Assert.Equal(path.Path, Assert.Single(server.EndPoints).ToString());
        await using (var client = await Connection.ConnectAsync(path.EndPoint))
        {
            await client.WriteAsync("hello world\n"u8.ToArray());
            Assert.Equal("hello world", await client.Input.ReadLineAsync());
            var much = NetTest.Pattern(1 << 20);
            var writing = Coroutine.Start(WriteAsync(client, much));
            Assert.Equal(much, await client.Input.ReadExactlyAsync(much.Length));
            await writing;
            await client.CompleteOutputAsync();
            Assert.True((await client.Input.ReadAsync()).IsCompleted);
        }

        // And the socket by itself.
        using var socket = LoopSocket.Create(AddressFamily.Unix);
        await socket.ConnectAsync(path.EndPoint);
        await socket.SendAllAsync("raw"u8.ToArray());
        Assert.Equal("raw", Encoding.UTF8.GetString(await NetTest.ReceiveAll(socket, 3)));
        socket.Dispose();
        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    [CPython("test_server.SelectorStartServerTests.test_start_unix_server_1")]
    public void To_cancel_who_serves_at_a_path_stops_the_server() => NetTest.Run(async () =>
    {
        Assert.SkipUnless(Socket.OSSupportsUnixDomainSockets, "There are no local sockets here.");
        using var path = new SocketPath();
        LoopTask? serving = null;
        var server = await Server.StartAsync(path.EndPoint, async Coroutine (connection) =>
        {
            await connection.Input.ReadLineAsync();
            await connection.WriteAsync("1"u8.ToArray());
            await connection.CloseAsync();
            serving!.Cancel();
        });
        Assert.True(server.IsServing);
        serving = Coroutine.Start(server.ServeForeverAsync());
        await using var client = await Connection.ConnectAsync(path.EndPoint);
        await client.WriteAsync(Encoding.UTF8.GetBytes(new string('1', 5 * 1024) + "\n"));
        Assert.Equal("1"u8.ToArray(), await client.Input.ReadExactlyAsync(1));
        await NetTest.AssertCancelled(serving);
        Assert.False(server.IsServing);
        Assert.True(server.IsClosed);
        Assert.False(path.Exists);
    });

    [Fact]
    public void A_pair_is_connected_to_itself() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        var (first, second) = Connection.CreatePair();
        await using (first)
        await using (second)
        {
            Assert.Equal("connection (unnamed) -> (unnamed)", first.ToString());
            var reading = Coroutine.Start(second.Input.ReadLineAsync());
            await NetTest.Iterate();
            await first.WriteAsync("there\n"u8.ToArray());
            Assert.Equal("there", await reading);
            await second.WriteAsync("back\n"u8.ToArray());
            Assert.Equal("back", await first.Input.ReadLineAsync());
            await second.CloseAsync();
            Assert.True((await first.Input.ReadAsync()).IsCompleted);
        }
    });

    [Theory]
    [InlineData(SocketType.Dgram)]
    [InlineData(SocketType.Seqpacket)]
    public void A_pair_may_keep_the_borders_between_messages(SocketType type) => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        var (first, second) = LoopSocket.CreatePair(type);
        using (first)
        using (second)
        {
            await first.SendAsync(new byte[] { 1, 2, 3 });
            await first.SendAsync(new byte[] { 4 });
            var buffer = new byte[16];
            Assert.Equal(3, await second.ReceiveAsync(buffer));
            Assert.Equal(1, await second.ReceiveAsync(buffer));
            Assert.Equal(4, buffer[0]);
        }
    });

    [Fact]
    public void A_pair_that_cannot_be_adopted_leaves_nothing() => NetTest.RunOnEpoll(async test =>
    {
        var duplicates = 0;
        test.Calls.OnDuplicate = _ => duplicates++ == 1 ? -Errno.EMFILE : null;
        var failure = Assert.Throws<SocketException>(() => LoopSocket.CreatePair());
        Assert.Equal(SocketError.TooManyOpenSockets, failure.SocketErrorCode);
        Assert.Equal(0, test.Driver.OpenSocketCount);
        await NetTest.Iterate(1);
    });

    [Fact]
    public void The_credentials_of_the_peer_are_the_systems_word() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        using var path = new SocketPath();
        UnixCredentials? seen = null;
        await using var server = await Server.StartAsync(path.EndPoint, async Coroutine (connection) =>
        {
            seen = connection.PeerCredentials;
            await connection.WriteAsync(new byte[1]);
        });
        await using var client = await Connection.ConnectAsync(path.EndPoint);
        await client.Input.ReadExactlyAsync(1);
        Assert.Equal(Environment.ProcessId, seen!.Value.ProcessId);
        Assert.Equal(seen, client.PeerCredentials);
        var (first, second) = LoopSocket.CreatePair();
        using (first)
        using (second)
        {
            Assert.Equal(seen, first.PeerCredentials);
        }

        Assert.Throws<ObjectDisposedException>(() => first.PeerCredentials);
        await client.CloseAsync();
        Assert.Throws<ObjectDisposedException>(() => client.PeerCredentials);
    });

    [Fact]
    public void Where_there_are_no_credentials_that_is_said() => NetTest.Run(async () =>
    {
        SkipWithoutLinux();
        var (client, server) = await NetTest.ConnectSockets();
        using (client)
        using (server)
        {
            var failure = Assert.Throws<SocketException>(() => client.PeerCredentials);
            Assert.Equal(SocketError.OperationNotSupported, failure.SocketErrorCode);
            Assert.Contains("InterNetwork", failure.Message, StringComparison.Ordinal);
        }

        using var lonely = LoopSocket.Create(AddressFamily.Unix);
        Assert.Equal(SocketError.NotConnected, Assert.Throws<SocketException>(() => lonely.PeerCredentials).SocketErrorCode);
    });

    private static async Coroutine WriteAsync(Connection connection, byte[] bytes) => await connection.WriteAsync(bytes);

    private static void SkipWithoutLinux() => Assert.SkipUnless(OperatingSystem.IsLinux(), "That is Linux's.");
}
