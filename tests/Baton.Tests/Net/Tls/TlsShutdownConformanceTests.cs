using System.Net.Sockets;
using Baton.Tests.Conformance;
using Baton.Tests.Net.Protocols;

namespace Baton.Tests.Net.Tls;

/// <summary>What CPython's tests of TLS pin down about the ends of sessions, with the BCL's blocking streams at the other end.</summary>
public class TlsShutdownConformanceTests
{
    private const int Size = 32 * 128 * 1024;

    private static ConnectOptions Options => new() { Tls = TlsTest.ClientOptions() };

    [Fact]
    [CPython("test_ssl.TestSSL.test_shutdown_cleanly")]
    public void A_session_that_the_server_ends_reads_to_its_end() => NetTest.Run(async () =>
    {
        const int Clients = 25;
        var message = NetTest.Pattern(100_000);
        var (endPoint, done) = BlockingPeer.Serve(
            stream =>
            {
                using var tls = BlockingPeer.StartServer(stream);
                Assert.Equal(message, BlockingPeer.ReadExactly(tls, message.Length));
                tls.Write("OK"u8);
                tls.ShutdownAsync().GetAwaiter().GetResult();

                // The client ends its side too.
                Assert.Equal(-1, tls.ReadByte());
            },
            Clients);
        await Coroutine.Gather(Enumerable.Range(0, Clients).Select(_ => Talk()));
        await done;

        async Coroutine Talk()
        {
            var client = await Connection.ConnectAsync(endPoint, Options);
            await client.WriteAsync(message);
            Assert.Equal("OK"u8.ToArray(), await client.Input.ReadExactlyAsync(2));
            Assert.Empty(await TlsTest.ReadToEnd(client));
            await client.CloseAsync();
        }
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_flush_before_shutdown")]
    public void Closing_sends_everything_and_then_ends_the_session() => NetTest.Run(async () =>
    {
        var bytes = NetTest.Pattern(Size);
        using var closing = new ManualResetEventSlim();
        var (endPoint, done) = BlockingPeer.Serve(stream =>
        {
            using var tls = BlockingPeer.StartServer(stream);
            Assert.Equal("ping"u8.ToArray(), BlockingPeer.ReadExactly(tls, 4));
            tls.Write("pong"u8);
            closing.Wait();
            Assert.Equal(bytes, BlockingPeer.ReadExactly(tls, Size));
            Assert.Equal(-1, tls.ReadByte());
        });
        var client = await Connection.ConnectAsync(endPoint, Options);
        await client.WriteAsync("ping"u8.ToArray());
        Assert.Equal("pong"u8.ToArray(), await client.Input.ReadExactlyAsync(4));
        bytes.CopyTo(client.Output.GetMemory(Size));
        client.Output.Advance(Size);
        var close = Coroutine.Start(Close(client));
        await NetTest.Polls(3);
        Assert.False(close.IsDone);
        closing.Set();
        await close;
        await done;
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_ssl.TestSSL.test_remote_shutdown_receives_trailing_data")]
    [CPython("test_ssl.TestSSL.test_remote_shutdown_receives_trailing_data_on_slow_socket")]
    public void A_server_that_has_ended_its_side_gets_all_that_was_under_way(bool isSlow) => NetTest.Run(async () =>
    {
        foreach (var isTruncated in new[] { false, true })
        {
            var bytes = NetTest.Pattern(Size);
            using var written = new ManualResetEventSlim();
            var (endPoint, done) = BlockingPeer.Serve(stream =>
            {
                using var tls = BlockingPeer.StartServer(stream);
                Assert.Equal("ping"u8.ToArray(), BlockingPeer.ReadExactly(tls, 4));
                tls.Write("pong"u8);
                written.Wait();
                if (isTruncated)
                {
                    stream.Socket.Shutdown(SocketShutdown.Send);
                }
                else
                {
                    tls.ShutdownAsync().GetAwaiter().GetResult();
                }

                Assert.Equal(bytes, BlockingPeer.ReadExactly(tls, Size));
                Assert.Equal(-1, tls.ReadByte());
            });
            var options = Options;
            options.SendBufferSize = isSlow ? 1 : null;
            var client = await Connection.ConnectAsync(endPoint, options);
            await client.WriteAsync("ping"u8.ToArray());
            Assert.Equal("pong"u8.ToArray(), await client.Input.ReadExactlyAsync(4));
            var write = Coroutine.Start(TlsTest.Write(client, bytes));
            await NetTest.Polls(3);
            Assert.False(write.IsDone);
            written.Set();
            if (isTruncated)
            {
                await Assert.ThrowsAsync<TlsTruncatedException>(async () => await client.Input.ReadAsync());
            }
            else
            {
                Assert.Empty(await TlsTest.ReadToEnd(client));
            }

            await write;
            await client.CloseAsync();
            await done;
        }
    });

    [Fact]
    [CPython(
        "test_ssl.TestSSL.test_shutdown_timeout_handler_not_set",
        Improvement = "The bytes before the end arrive as in asyncio; that the end was not one of TLS is then said, instead of passing for a clean one.")]
    public void Bytes_that_nobody_has_read_yet_survive_the_end() => NetTest.Run(async () =>
    {
        using var isRead = new ManualResetEventSlim();
        var (endPoint, done) = BlockingPeer.Serve(stream =>
        {
            using var tls = BlockingPeer.StartServer(stream);
            tls.Write("hello"u8);
            Assert.Equal("world"u8.ToArray(), BlockingPeer.ReadExactly(tls, 5));
            tls.Write("extra bytes"u8);
            stream.Socket.Shutdown(SocketShutdown.Send);
            isRead.Wait();
            Assert.Equal(-1, tls.ReadByte());
        });
        var client = await Connection.ConnectAsync(endPoint, Options);
        Assert.Equal("hello"u8.ToArray(), await client.Input.ReadExactlyAsync(5));
        await client.WriteAsync("world"u8.ToArray());
        await NetTest.Polls(20);
        Assert.Equal("extra bytes"u8.ToArray(), await client.Input.ReadExactlyAsync(11));
        await Assert.ThrowsAsync<TlsTruncatedException>(async () => await client.Input.ReadAsync());
        isRead.Set();
        await client.CloseAsync();
        await done;
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_close_during_ssl_over_ssl")]
    public void Closing_in_the_handshake_of_a_session_within_a_session_is_quiet() => NetTest.Run(async test =>
    {
        var (client, server) = await TlsTest.Connect();
        var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        await NetTest.Polls(3);
        await client.CloseAsync();
        var failure = await Assert.ThrowsAsync<IOException>(async () => await upgrade);
        Assert.Contains("closed on this side", failure.Message, StringComparison.Ordinal);
        Assert.Empty(test.TakeReports());
        server.Dispose();
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_get_extra_info_on_closed_connection")]
    public void What_a_session_tells_comes_with_it_and_its_socket_goes() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        Assert.Null(client.Tls);
        await TlsTest.Upgrade(client, server);
        Assert.NotNull(client.Tls);
        Assert.True(client.Handle >= 0);
        await client.CloseAsync();
        Assert.Equal(-1, client.Handle);
        Assert.NotEqual(default, client.Tls.CipherSuite);
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_set_new_app_protocol")]
    public void A_transport_with_tls_takes_another_protocol() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        var first = new TraceProtocol();
        var second = new TraceProtocol();
        var transport = await server.AttachAsync(first);
        transport.Protocol = second;
        Assert.Same(second, transport.Protocol);
        await client.WriteAsync("data"u8.ToArray());
        await NetTest.Until(() => second.Received.Count == 4);
        Assert.Empty(first.Received);
        await client.CloseAsync();
        await NetTest.Until(() => second.IsLost);
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_data_received_after_closing")]
    public void Bytes_that_come_when_the_session_is_being_closed_are_nobodys_concern() => NetTest.Run(async test =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var two = server;
        await TlsTest.Write(client, default);
        var rest = new byte[16 << 20];
        rest.CopyTo(client.Output.GetMemory(rest.Length));
        client.Output.Advance(rest.Length);
        var close = Coroutine.Start(Close(client));
        await NetTest.Polls(3);
        Assert.False(close.IsDone);
        await server.WriteAsync("too late"u8.ToArray());
        Assert.Equal(rest.Length, (await server.Input.ReadExactlyAsync(rest.Length)).Length);
        await close;
        Assert.Empty(test.TakeReports());
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_connection_lost_when_busy")]
    public void A_write_that_meets_a_broken_connection_ends_the_session() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var two = relay.Server;
        await TlsTest.Upgrade(relay.Client, two);
        var protocol = new TraceProtocol();
        var transport = await two.AttachAsync(protocol);
        await relay.ResetServer();
        transport.Write("an interesting message"u8);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.True(two.IsClosed);
        relay.Client.Dispose();
    });

    private static async Coroutine Close(Connection connection) => await connection.CloseAsync();
}
