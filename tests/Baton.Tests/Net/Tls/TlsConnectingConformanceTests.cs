using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using Baton.Tests.Conformance;
using Baton.Tests.Net.Protocols;

namespace Baton.Tests.Net.Tls;

/// <summary>What CPython's tests of TLS pin down about the client's side, with the BCL's blocking streams as servers.</summary>
public class TlsConnectingConformanceTests
{
    private const int Clients = 25;
    private static readonly byte[] Message = NetTest.Pattern(100_000);

    private static ConnectOptions Options => new() { Tls = TlsTest.ClientOptions() };

    [Fact]
    [CPython("test_ssl.TestSSL.test_create_connection_ssl_1")]
    public void Many_clients_talk_to_a_server_of_another_make() => NetTest.Run(async () =>
    {
        foreach (var isAdopted in new[] { false, true })
        {
            var (endPoint, done) = BlockingPeer.Serve(
                stream =>
                {
                    using var tls = BlockingPeer.StartServer(stream);
                    Assert.Equal(Message, BlockingPeer.ReadExactly(tls, Message.Length));
                    tls.Write("OK"u8);
                    Assert.Equal(Message, BlockingPeer.ReadExactly(tls, Message.Length));
                    tls.Write("SPAM"u8);
                },
                Clients);
            await Coroutine.Gather(Enumerable.Range(0, Clients).Select(_ => Talk(endPoint, isAdopted)));
            await done;
        }

        static async Coroutine Talk(EndPoint endPoint, bool isAdopted)
        {
            await using var client = isAdopted ? await Adopt(endPoint) : await Connection.ConnectAsync(endPoint, Options);
            _ = client.WriteAsync(Message);
            Assert.Equal("OK"u8.ToArray(), await client.Input.ReadExactlyAsync(2));
            _ = client.WriteAsync(Message);
            Assert.Equal("SPAM"u8.ToArray(), await client.Input.ReadExactlyAsync(4));
        }

        static async Coroutine<Connection> Adopt(EndPoint endPoint)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Connect(endPoint);
            var connection = new Connection(LoopSocket.FromSocket(socket));
            await connection.UpgradeToTlsAsync(TlsTest.ClientOptions());
            return connection;
        }
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_open_connection_no_loop_ssl")]
    public void A_page_is_fetched_over_tls() => NetTest.Run(async () =>
    {
        var (endPoint, done) = BlockingPeer.Serve(stream =>
        {
            using var tls = BlockingPeer.StartServer(stream);
            using var reader = new StreamReader(tls, Encoding.ASCII);
            while (reader.ReadLine() is { Length: > 0 })
            {
            }

            tls.Write("HTTP/1.0 200 OK\r\n\r\nTest message"u8);
            tls.ShutdownAsync().GetAwaiter().GetResult();
        });
        await using var client = await Connection.ConnectAsync(endPoint, Options);
        await client.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        Assert.EndsWith("\r\n\r\nTest message", Encoding.ASCII.GetString(await TlsTest.ReadToEnd(client)), StringComparison.Ordinal);
        await done;
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_ssl_connection")]
    public void A_server_of_another_make_is_accepted_or_refused_as_the_options_say() => NetTest.Run(async () =>
    {
        var (endPoint, done) = BlockingPeer.Serve(
            stream =>
            {
                try
                {
                    using var tls = BlockingPeer.StartServer(stream);
                    tls.Write("data"u8);
                    tls.CopyTo(Stream.Null);
                }
                catch (Exception exception) when (exception is IOException or System.Security.Authentication.AuthenticationException)
                {
                    // The client that refuses the certificate.
                }
            },
            count: 2);
        await using (var client = await Connection.ConnectAsync(endPoint, Options))
        {
            Assert.Equal(endPoint, client.RemoteEndPoint);
            Assert.NotNull(client.Tls!.RemoteCertificate);
            Assert.NotEqual(default, client.Tls.CipherSuite);
            Assert.Equal("data"u8.ToArray(), await client.Input.ReadExactlyAsync(4));
        }

        var failure = await Assert.ThrowsAsync<TlsHandshakeException>(
            async () => await Connection.ConnectAsync(endPoint, new ConnectOptions { Tls = new() }));
        Assert.IsType<System.Security.Authentication.AuthenticationException>(failure.InnerException);
        await done;
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_start_tls_client_corrupted_ssl")]
    [CPython("test_sslproto.BaseStartTLS.test_start_tls_client_corrupted_ssl")]
    public void A_server_that_corrupts_the_session_is_found_out() => NetTest.Run(async () =>
    {
        var (endPoint, done) = BlockingPeer.Serve(stream =>
        {
            using var tls = BlockingPeer.StartServer(stream);
            tls.Write("A\n"u8);
            Assert.Equal('B', tls.ReadByte());
            stream.Write("please corrupt the TLS connection"u8);
        });
        await using var client = await Connection.ConnectAsync(endPoint, Options);
        Assert.Equal("A", await client.Input.ReadLineAsync());
        await client.WriteAsync("B"u8.ToArray());
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadLineAsync());
        Assert.IsNotType<SocketException>(failure.InnerException);
        await done;
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_start_tls_client_reg_proto_1")]
    [CPython("test_sslproto.BaseStartTLS.test_start_tls_client_reg_proto_1")]
    public void A_client_starts_tls_after_plain_bytes() => NetTest.Run(async () =>
    {
        var reference = await StartAndDrop();
        Collect();
        Assert.False(reference.IsAlive);

        static async Coroutine<WeakReference> StartAndDrop()
        {
            var (endPoint, done) = ServeStartTls();
            var protocol = new TraceProtocol();
            var (transport, _) = await EventLoop.Current.CreateConnectionAsync(() => protocol, endPoint);
            transport.Write(Message);
            var options = TlsTest.ClientOptions();
            await transport.StartTlsAsync(options);
            await NetTest.Until(() => protocol.Received.Count == 1);
            transport.Write(Message);
            await ProtocolTest.WaitUntilLost(protocol);
            Assert.Equal("made", protocol.Trace[0]);
            Assert.Equal("data O", protocol.Trace[1]);
            await done;
            return new WeakReference(options);
        }
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_start_tls_client_buf_proto_1")]
    [CPython("test_sslproto.BaseStartTLS.test_start_tls_client_buf_proto_1")]
    public void A_client_with_a_buffer_of_its_own_starts_tls_after_plain_bytes() => NetTest.Run(async () =>
    {
        var (endPoint, done) = ServeStartTls();
        var protocol = new BufferProtocol();
        var (transport, _) = await EventLoop.Current.CreateConnectionAsync(() => protocol, endPoint);
        transport.Write(Message);
        await transport.StartTlsAsync(TlsTest.ClientOptions());
        await NetTest.Until(() => protocol.Count == 1);
        Assert.Equal((byte)'O', protocol.Buffer[0]);
        transport.Write(Message);
        await NetTest.Until(() => protocol.IsLost);
        await done;
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_create_connection_memory_leak")]
    [CPython("test_sslproto.BaseStartTLS.test_create_connection_memory_leak")]
    [CPython("test_ssl.TestSSL.test_shutdown_timeout_handler_leak")]
    public void A_session_leaves_no_garbage_even_if_its_parts_hold_each_other() => NetTest.Run(async test =>
    {
        var reference = await ConnectAndDrop();
        Assert.Equal(0, test.Loop.TimerCount);
        Collect();
        Assert.False(reference.IsAlive);

        static async Coroutine<WeakReference> ConnectAndDrop()
        {
            var (endPoint, done) = BlockingPeer.Serve(stream =>
            {
                using var tls = BlockingPeer.StartServer(stream);
                tls.Write("O"u8);
                Assert.Equal(Message, BlockingPeer.ReadExactly(tls, Message.Length));
            });
            var holder = new Holder();
            var options = TlsTest.ClientOptions();
            options.RemoteCertificateValidationCallback = (_, _, _, _) => holder.Connection is null;
            holder.Connection = await Connection.ConnectAsync(endPoint, new ConnectOptions { Tls = options });
            Assert.Equal("O"u8.ToArray(), await holder.Connection.Input.ReadExactlyAsync(1));
            await holder.Connection.WriteAsync(Message);
            await done;
            await holder.Connection.CloseAsync();
            return new WeakReference(options);
        }
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_ssl_handshake_timeout")]
    [CPython("test_ssl.TestSSL.test_handshake_timeout_handler_leak")]
    [CPython("test_sslproto.BaseStartTLS.test_handshake_timeout")]
    public void A_connect_that_is_given_up_in_the_handshake_leaves_nothing() => NetTest.Run(async test =>
    {
        var reference = await ConnectAndDrop();
        Assert.Equal(0, test.Loop.TimerCount);
        Assert.Empty(test.TakeReports());
        Collect();
        Assert.False(reference.IsAlive);

        static async Coroutine<WeakReference> ConnectAndDrop()
        {
            // It sees the end, in whatever manner, because the connection is aborted.
            var (endPoint, done) = BlockingPeer.Serve(
                stream => Assert.ThrowsAny<IOException>(() => BlockingPeer.ReadExactly(stream, 1 << 20)));
            var options = TlsTest.ClientOptions();
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(
                TimeSpan.FromMilliseconds(100),
                async () =>
                    await Connection.ConnectAsync(
                        endPoint, new ConnectOptions { Tls = options, TlsHandshakeTimeout = TimeSpan.FromSeconds(10) })));
            await done;
            return new WeakReference(options);
        }
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_start_tls_slow_client_cancel")]
    [CPython("test_sslproto.BaseStartTLS.test_start_tls_slow_client_cancel")]
    public void Giving_up_an_upgrade_that_the_server_never_answers_closes_the_connection() => NetTest.Run(async () =>
    {
        var (endPoint, done) = BlockingPeer.Serve(stream =>
        {
            Assert.Equal(Message, BlockingPeer.ReadExactly(stream, Message.Length));
            Assert.ThrowsAny<IOException>(() => BlockingPeer.ReadExactly(stream, 1 << 20));
        });
        await using var client = await Connection.ConnectAsync(endPoint);
        await client.WriteAsync(Message);
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(
            client.UpgradeToTlsAsync(TlsTest.ClientOptions()), TimeSpan.FromMilliseconds(100)));
        Assert.True(client.IsClosed);
        await done;
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_connect_timeout_warning")]
    public void A_connect_that_fails_leaves_no_socket() => NetTest.Run(async test =>
    {
        using var bound = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        bound.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () => await LoopTimeout.Run(
            TimeSpan.FromMilliseconds(100), async () => await Connection.ConnectAsync(bound.LocalEndPoint!, Options)));
        Assert.True(failure is TimeoutException or SocketException { SocketErrorCode: SocketError.ConnectionRefused });
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Collect()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }
    }

    private static (EndPoint EndPoint, Task Done) ServeStartTls() => BlockingPeer.Serve(stream =>
    {
        Assert.Equal(Message, BlockingPeer.ReadExactly(stream, Message.Length));
        using var tls = BlockingPeer.StartServer(stream);
        tls.Write("O"u8);
        Assert.Equal(Message, BlockingPeer.ReadExactly(tls, Message.Length));
    });

    private sealed class Holder
    {
        internal Connection? Connection { get; set; }
    }

    private sealed class BufferProtocol : IBufferedProtocol
    {
        internal byte[] Buffer { get; } = new byte[100];

        internal int Count { get; private set; }

        internal bool IsLost { get; private set; }

        public Memory<byte> GetBuffer(int sizeHint) => Buffer.AsMemory(Count);

        public void BufferUpdated(int count) => Count += count;

        public void ConnectionMade(IStreamTransport transport)
        {
        }

        public bool EofReceived() => false;

        public void ConnectionLost(Exception? exception) => IsLost = true;

        public void PauseWriting()
        {
        }

        public void ResumeWriting()
        {
        }
    }
}
