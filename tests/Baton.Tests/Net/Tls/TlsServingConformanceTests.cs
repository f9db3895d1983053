using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Baton.Tests.Conformance;
using Baton.Tests.Net.Protocols;

namespace Baton.Tests.Net.Tls;

/// <summary>What CPython's tests of TLS pin down about the server's side, with the BCL's blocking streams as clients.</summary>
public class TlsServingConformanceTests
{
    private const int Clients = 25;
    private static readonly byte[] First = NetTest.Pattern(200_000);
    private static readonly byte[] Second = NetTest.Pattern(300_000);

    [Fact]
    [CPython("test_ssl.TestSSL.test_create_server_ssl_1")]
    public void Many_clients_of_another_make_talk_to_a_server() => NetTest.Run(async () =>
    {
        var served = 0;
        await using var server = await Server.StartAsync("127.0.0.1", 0, Answer, new ServerOptions { Tls = TlsTest.ServerOptions() });
        var clients = Enumerable.Range(0, Clients).Select(_ => BlockingPeer.Connect(server.EndPoints[0], stream =>
        {
            using var tls = BlockingPeer.StartClient(stream);
            Ask(tls);
        })).ToArray();
        await Task.WhenAll(clients);
        Assert.Equal(Clients, served);

        async Coroutine Answer(Connection connection)
        {
            await AnswerAsync(connection);
            served++;
        }
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_create_server_ssl_over_ssl")]
    public void Clients_of_another_make_talk_to_a_server_in_a_session_within_a_session() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync(
            "127.0.0.1",
            0,
            async connection =>
            {
                await connection.UpgradeToTlsAsync(TlsTest.ServerOptions());
                await AnswerAsync(connection);
            },
            new ServerOptions { Tls = TlsTest.ServerOptions() });
        var clients = Enumerable.Range(0, 8).Select(_ => BlockingPeer.Connect(server.EndPoints[0], stream =>
        {
            using var outer = BlockingPeer.StartClient(stream);
            using var inner = BlockingPeer.StartClient(outer);
            Ask(inner);
        })).ToArray();
        await Task.WhenAll(clients);
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_ssl_connect_accepted_socket")]
    [CPython("test_ssl.TestSSL.test_connect_accepted_socket")]
    [CPython("test_events.EventLoopTestsMixin.test_ssl_connect_accepted_socket")]
    public void A_socket_that_was_accepted_elsewhere_is_served() => NetTest.Run(async test =>
    {
        foreach (var isTls in new[] { false, true })
        {
            using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            listener.Listen(1);
            var client = BlockingPeer.Connect(listener.LocalEndPoint!, stream =>
            {
                using Stream use = isTls ? BlockingPeer.StartClient(stream) : stream;
                use.Write("test data"u8);
                Assert.Equal("roger"u8.ToArray(), BlockingPeer.ReadExactly(use, 5));
            });
            var protocol = new TraceProtocol();
            protocol.OnData = _ =>
            {
                if (protocol.Received.Count == 9)
                {
                    protocol.Transport.Write("roger"u8);
                }
            };
            var connection = new Connection(LoopSocket.FromSocket(listener.Accept()));
            if (isTls)
            {
                await connection.UpgradeToTlsAsync(TlsTest.ServerOptions());
            }

            await connection.AttachAsync(protocol);
            await client;
            await ProtocolTest.WaitUntilLost(protocol);
            Assert.Equal("test data"u8.ToArray(), protocol.Received);
            Assert.Equal(isTls, protocol.Transport.Tls is not null);
        }
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_start_tls_server_1")]
    [CPython("test_sslproto.BaseStartTLS.test_start_tls_server_1")]
    public void A_server_greets_and_then_starts_tls() => NetTest.Run(async () =>
    {
        byte[] received = [];
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await connection.WriteAsync(First);
            await connection.UpgradeToTlsAsync(TlsTest.ServerOptions());
            received = await connection.Input.ReadExactlyAsync(Second.Length);
            await connection.WriteAsync("answer"u8.ToArray());
            Assert.Empty(await TlsTest.ReadToEnd(connection));
        });
        await BlockingPeer.Connect(server.EndPoints[0], stream =>
        {
            Assert.Equal(First, BlockingPeer.ReadExactly(stream, First.Length));
            using var tls = BlockingPeer.StartClient(stream);
            tls.Write(Second);
            Assert.Equal("answer"u8.ToArray(), BlockingPeer.ReadExactly(tls, 6));
            tls.ShutdownAsync().GetAwaiter().GetResult();
        });
        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.Equal(Second, received);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_ssl")]
    public void Both_ends_can_be_asked_for_the_session() => NetTest.Run(async () =>
    {
        Connection? accepted = null;
        await using var server = await Server.StartAsync(
            "127.0.0.1",
            0,
            async connection =>
            {
                accepted = connection;
                Assert.Equal(3, (await connection.Input.ReadExactlyAsync(3)).Length);
            },
            new ServerOptions { Tls = TlsTest.ServerOptions() });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0], new ConnectOptions { Tls = TlsTest.ClientOptions() });
        Assert.Equal(server.EndPoints[0], client.RemoteEndPoint);
        Assert.NotNull(client.LocalEndPoint);
        Assert.NotEqual(default, client.Tls!.CipherSuite);
        Assert.Equal("CN=localhost", client.Tls.RemoteCertificate!.Subject);
        await client.WriteAsync("xxx"u8.ToArray());
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
        Assert.Equal(client.LocalEndPoint, accepted!.RemoteEndPoint);
        Assert.True(accepted.Tls!.IsServer);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_ssl_verify_failed")]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_ssl_match_failed")]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_ssl_verified")]
    public void A_client_accepts_a_known_issuer_and_the_right_name_and_nothing_else() => NetTest.Run(async test =>
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("localhost");
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions
        {
            Tls = new() { ServerCertificate = certificate },
        });
        Assert.IsType<AuthenticationException>(
            (await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connect(null, "localhost"))).InnerException);
        Assert.Contains(
            "RemoteCertificateNameMismatch",
            (await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connect(authority, null))).Message,
            StringComparison.Ordinal);
        await using (var client = await Connect(authority, "localhost"))
        {
            Assert.Equal("CN=localhost", client.Tls!.RemoteCertificate!.Subject);
            Assert.Equal("CN=test authority", client.Tls.RemoteCertificate.Issuer);
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.All(test.TakeReports(), report => Assert.IsAssignableFrom<IOException>(report.Exception));

        Coroutine<Connection> Connect(TestAuthority? trusted, string? name) => Connection.ConnectAsync(
            server.EndPoints[0], new ConnectOptions { Tls = new() { TargetHost = name, CertificateChainPolicy = trusted?.Policy } });
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_server_ssl_timeout_for_plain_socket")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_ssl_timeout_for_plain_socket")]
    public void Limits_without_tls_are_refused() => NetTest.Run(async () =>
    {
        foreach (var isHandshake in new[] { true, false })
        {
            TimeSpan? handshake = isHandshake ? TimeSpan.FromSeconds(1) : null;
            TimeSpan? shutdown = isHandshake ? null : TimeSpan.FromSeconds(1);
            var failure = await Assert.ThrowsAsync<ArgumentException>(async () => await Server.StartAsync(
                "127.0.0.1", 0, NetTest.Echo, new ServerOptions { TlsHandshakeTimeout = handshake, TlsShutdownTimeout = shutdown }));
            Assert.Contains("without Tls", failure.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<ArgumentException>(async () => await Connection.ConnectAsync(
                "127.0.0.1", 1, new ConnectOptions { TlsHandshakeTimeout = handshake, TlsShutdownTimeout = shutdown }));
        }
    });

    private static void Ask(Stream stream)
    {
        stream.Write(First);
        Assert.Equal("OK"u8.ToArray(), BlockingPeer.ReadExactly(stream, 2));
        stream.Write(Second);
        Assert.Equal("SPAM"u8.ToArray(), BlockingPeer.ReadExactly(stream, 4));
        Assert.Equal(-1, stream.ReadByte());
    }

    private static async Coroutine AnswerAsync(Connection connection)
    {
        Assert.Equal(First, await connection.Input.ReadExactlyAsync(First.Length));
        _ = connection.WriteAsync("OK"u8.ToArray());
        Assert.Equal(Second, await connection.Input.ReadExactlyAsync(Second.Length));
        foreach (var part in new[] { "SP", "A", "M" })
        {
            _ = connection.WriteAsync(System.Text.Encoding.ASCII.GetBytes(part));
        }

        await connection.CloseAsync();
    }
}
