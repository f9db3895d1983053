using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Tls;

/// <summary>Agreeing on TLS, and failing to.</summary>
public class TlsHandshakeTests
{
    [Theory]
    [InlineData("good")]
    [InlineData("expired")]
    [InlineData("wrong name")]
    [InlineData("unknown issuer")]
    [CPython("test_ssl.TestSSL.test_create_connection_ssl_failed_certificate")]
    [CPython("test_sslproto.BaseStartTLS.test_create_connection_ssl_failed_certificate")]
    public void A_certificate_is_held_against_name_time_and_issuer(string kind) => NetTest.Run(async () =>
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue(kind == "wrong name" ? "other.example" : "localhost", kind == "expired" ? -10 : 30);
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var options = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = kind == "unknown issuer" ? null : authority.Policy,
        };
        var serve = Coroutine.Start(server.UpgradeToTlsAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }));
        if (kind == "good")
        {
            await client.UpgradeToTlsAsync(options);
            await serve;
            Assert.Equal("CN=localhost", client.Tls!.RemoteCertificate!.Subject);
            Assert.Equal("localhost", server.Tls!.TargetHostName);
            return;
        }

        var peer = client.RemoteEndPoint!.ToString()!;
        var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () => await client.UpgradeToTlsAsync(options));
        Assert.IsType<AuthenticationException>(failure.InnerException);
        Assert.Contains(peer, failure.Message, StringComparison.Ordinal);
        Assert.True(client.IsClosed);
        Assert.Null(client.Tls);

        // By then a server of TLS 1.3 may think that all is well: the alert comes as the first thing that it reads.
        try
        {
            await serve;
            await Assert.ThrowsAnyAsync<IOException>(async () => await server.Input.ReadAsync());
        }
        catch (TlsHandshakeException)
        {
            Assert.True(server.IsClosed);
        }
    });

    [Fact]
    public void A_handshake_that_nobody_answers_ends_after_a_minute() => NetTest.RunInVirtualTime(async test =>
    {
        foreach (var isServer in new[] { false, true })
        {
            var (one, other) = await NetTest.Connect();
            await using var silent = other;
            var start = test.Loop.Time;
            var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () =>
                await (isServer ? one.UpgradeToTlsAsync(TlsTest.ServerOptions()) : one.UpgradeToTlsAsync(TlsTest.ClientOptions())));
            Assert.IsType<TimeoutException>(failure.InnerException);
            Assert.Equal(60_000_000_000, test.Loop.Time - start);
            Assert.Contains("60 s", failure.Message, StringComparison.Ordinal);
            Assert.True(one.IsClosed);
        }
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_handshake_timeout_zero")]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_handshake_timeout_negative")]
    public void A_handshake_has_the_time_that_it_is_given() => NetTest.RunInVirtualTime(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var silent = server;
        var start = test.Loop.Time;
        await Assert.ThrowsAsync<TlsHandshakeException>(
            async () => await client.UpgradeToTlsAsync(TlsTest.ClientOptions(), TimeSpan.FromSeconds(2)));
        Assert.Equal(2_000_000_000, test.Loop.Time - start);
        foreach (var wrong in new[] { TimeSpan.Zero, TimeSpan.FromSeconds(-10) })
        {
            Assert.Throws<ArgumentOutOfRangeException>(
                "handshakeTimeout", () => { _ = server.UpgradeToTlsAsync(TlsTest.ServerOptions(), wrong); });
            Assert.Throws<ArgumentOutOfRangeException>(
                "shutdownTimeout", () => { _ = server.UpgradeToTlsAsync(TlsTest.ServerOptions(), null, wrong); });
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_ssl.TestSSL.test_ssl_handshake_connection_lost")]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_eof_received_waiter")]
    public void A_peer_that_leaves_in_the_handshake_is_reported(bool reset) => NetTest.Run(async () =>
    {
        foreach (var isServer in new[] { false, true })
        {
            var (one, other) = await NetTest.Connect();
            var upgrade = Coroutine.Start(
                isServer ? one.UpgradeToTlsAsync(TlsTest.ServerOptions()) : one.UpgradeToTlsAsync(TlsTest.ClientOptions()));
            await NetTest.Polls(3);
            if (reset)
            {
                other.Abort();
            }
            else
            {
                await other.CloseAsync();
            }

            var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () => await upgrade);
            if (reset)
            {
                Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
            }

            Assert.Contains("127.0.0.1", failure.Message, StringComparison.Ordinal);
            Assert.True(one.IsClosed);
        }
    });

    [Fact]
    public void A_peer_that_speaks_something_else_is_reported() => NetTest.Run(async () =>
    {
        foreach (var isServer in new[] { false, true })
        {
            var (one, other) = await NetTest.Connect();
            await using var plain = other;
            await other.WriteAsync("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"u8.ToArray());
            var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () =>
                await (isServer ? one.UpgradeToTlsAsync(TlsTest.ServerOptions()) : one.UpgradeToTlsAsync(TlsTest.ClientOptions())));
            Assert.IsType<AuthenticationException>(failure.InnerException);
            Assert.True(one.IsClosed);
        }
    });

    [Fact]
    public void Cancelling_a_handshake_closes_the_connection() => NetTest.Run(async () =>
    {
        foreach (var isServer in new[] { false, true })
        {
            var (one, other) = await NetTest.Connect();
            await using var silent = other;
            var upgrade = Coroutine.Start(
                isServer ? one.UpgradeToTlsAsync(TlsTest.ServerOptions()) : one.UpgradeToTlsAsync(TlsTest.ClientOptions()));
            await NetTest.Polls(3);
            upgrade.Cancel();
            await NetTest.AssertCancelled(upgrade);
            Assert.True(one.IsClosed);
        }
    });

    [Fact]
    public void Cancelling_at_any_moment_leaves_nothing() => NetTest.Run(async () =>
    {
        var isDone = false;
        for (var iterations = 0; !isDone; iterations++)
        {
            var (client, server) = await NetTest.Connect();
            var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
            var serve = Coroutine.Start(server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
            for (var i = 0; i < iterations; i++)
            {
                await NetTest.Polls(1);
            }

            isDone = upgrade.IsDone;
            upgrade.Cancel();
            await Coroutine.Wait([upgrade]);
            Assert.Equal(!isDone, upgrade.IsCancelled);
            client.Dispose();
            await Coroutine.Wait([serve]);
            _ = serve.GetException();
            server.Dispose();
        }
    });

    [Fact]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_connection_lost")]
    [CPython("test_sslproto.SslProtoHandshakeTests.test_close_during_handshake")]
    public void Closing_the_connection_ends_the_handshake() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var silent = server;
        var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        await NetTest.Polls(3);
        client.Abort();
        var failure = await Assert.ThrowsAsync<IOException>(async () => await upgrade);
        Assert.Contains("closed on this side", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Nothing_else_reads_or_writes_meanwhile() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        await NetTest.Polls(2);
        foreach (var use in new Func<Task>[]
        {
            async () => await client.Input.ReadAsync(),
            async () => await client.WriteAsync(new byte[1]),
            async () => await client.AsStream().ReadExactlyAsync(new byte[1]),
            async () => await client.UpgradeToTlsAsync(TlsTest.ClientOptions()),
        })
        {
            Assert.Contains("TLS handshake", (await Assert.ThrowsAsync<InvalidOperationException>(use)).Message, StringComparison.Ordinal);
        }

        await server.UpgradeToTlsAsync(TlsTest.ServerOptions());
        await upgrade;
        await client.WriteAsync(new byte[1]);
    });

    [Fact]
    public void An_upgrade_comes_between_reads_and_before_the_end_of_the_output() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = Coroutine.Start(TlsTest.ReadToEnd(server));
        await NetTest.Iterate();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
        await client.CompleteOutputAsync();
        await read;
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        var failure = await Assert.ThrowsAsync<IOException>(async () => await server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
        Assert.Contains("ended its side", failure.Message, StringComparison.Ordinal);
        Assert.False(server.IsClosed);
    });

    [Fact]
    [CPython("test_sslproto.BaseStartTLS.test_start_tls_wrong_args")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_ssl_server_hostname_errors")]
    public void Without_a_name_to_hold_the_certificate_against_there_is_no_handshake() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var failure = Assert.Throws<ArgumentException>(() => { _ = client.UpgradeToTlsAsync(new SslClientAuthenticationOptions()); });
        Assert.Contains("TargetHost", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(async () => await Connection.ConnectAsync("", 80, new ConnectOptions { Tls = new() }));
        Assert.Throws<ArgumentNullException>(() => { _ = client.UpgradeToTlsAsync((SslClientAuthenticationOptions)null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = client.UpgradeToTlsAsync((SslServerAuthenticationOptions)null!); });
    });

    [Fact]
    public void Every_option_of_the_BCLs_is_known_to_the_copy_with_a_name() => Assert.Equal(
        [
            "AllowRenegotiation", "AllowRsaPkcs1Padding", "AllowRsaPssPadding", "AllowTlsResume", "ApplicationProtocols",
            "CertificateChainPolicy",
            "CertificateRevocationCheckMode", "CipherSuitesPolicy", "ClientCertificateContext", "ClientCertificates", "EnabledSslProtocols",
            "EncryptionPolicy",
            "LocalCertificateSelectionCallback", "RemoteCertificateValidationCallback", "TargetHost",
        ],
        typeof(SslClientAuthenticationOptions).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)
            .Order());

    [Fact]
    public void Both_ends_agree_on_a_protocol_and_show_certificates() => NetTest.Run(async () =>
    {
        using var authority = new TestAuthority();
        using var forClient = authority.Issue("client.example");
        using var forOne = authority.Issue("one.example");
        using var forTwo = authority.Issue("two.example");
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await Coroutine.Gather(
            client.UpgradeToTlsAsync(new SslClientAuthenticationOptions
            {
                TargetHost = "two.example",
                CertificateChainPolicy = authority.Policy,
                ApplicationProtocols = [new("nonsense"), new("echo")],
                ClientCertificates = [forClient],
            }),
            server.UpgradeToTlsAsync(new SslServerAuthenticationOptions
            {
                ServerCertificateSelectionCallback = (_, name) => name == "two.example" ? forTwo : forOne,
                CertificateChainPolicy = authority.Policy,
                ClientCertificateRequired = true,
                ApplicationProtocols = [new("echo"), new("other")],
            }));
        Assert.Equal("CN=two.example", client.Tls!.RemoteCertificate!.Subject);
        Assert.Equal("CN=client.example", client.Tls.LocalCertificate!.Subject);
        Assert.Equal("CN=client.example", server.Tls!.RemoteCertificate!.Subject);
        Assert.Equal("echo", client.Tls.ApplicationProtocol.ToString());
        Assert.Equal("echo", server.Tls.ApplicationProtocol.ToString());
        Assert.True(client.Tls.IsMutuallyAuthenticated);
        Assert.True(server.Tls.IsServer);
        Assert.False(client.Tls.IsServer);
        Assert.Equal(client.Tls.CipherSuite, server.Tls.CipherSuite);
        Assert.Contains(client.Tls.CipherSuite.ToString(), client.Tls.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_server_that_wants_a_certificate_gets_none() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var options = TlsTest.ServerOptions();
        options.ClientCertificateRequired = true;
        var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () => await server.UpgradeToTlsAsync(options));
        Assert.IsType<AuthenticationException>(failure.InnerException);
        await Coroutine.Wait([upgrade]);
        _ = upgrade.GetException();
    });

    [Fact]
    public void What_a_callback_throws_is_in_the_failure() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        LoopTask? seen = null;
        var serve = Coroutine.Start(server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
        var failure = await Assert.ThrowsAnyAsync<Exception>(async () => await client.UpgradeToTlsAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            RemoteCertificateValidationCallback = (_, _, _, _) =>
            {
                seen = LoopTask.Current;
                throw new InvalidCastException("refused");
            },
        }));
        Assert.Same(LoopTask.Current, seen);
        for (var inner = failure; inner is not InvalidCastException; inner = inner.InnerException!)
        {
            Assert.NotNull(inner);
        }

        Assert.True(client.IsClosed);
        await Coroutine.Wait([serve]);
        _ = serve.GetException();
    });

    [Fact]
    public void A_handshake_succeeds_byte_by_byte() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        relay.PieceSize = () => 1;
        await TlsTest.Upgrade(one, two);
        await one.WriteAsync(NetTest.Pattern(1000));
        Assert.Equal(NetTest.Pattern(1000), await two.Input.ReadExactlyAsync(1000));
        await relay.Stop();
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_ssl_server_hostname_default")]
    public void The_host_that_is_connected_to_is_the_name_on_the_certificate() => NetTest.Run(async test =>
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("localhost");
        await using var server = await Server.StartAsync("localhost", 0, NetTest.Echo, new ServerOptions
        {
            Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate },
        });
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        var options = new ConnectOptions { Tls = new SslClientAuthenticationOptions { CertificateChainPolicy = authority.Policy } };
        await using (var client = await Connection.ConnectAsync("localhost", port, options))
        {
            Assert.Equal("localhost", client.Tls!.TargetHostName);
            await client.WriteAsync(new byte[] { 7 });
            Assert.Equal([7], await client.Input.ReadExactlyAsync(1));
        }

        // Its address is not on it.
        await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connection.ConnectAsync(server.EndPoints[0], options));
        await NetTest.Until(() => server.ConnectionCount == 0);

        // The server of TLS 1.3 had thought that all was well, and its handler met the end.
        Assert.All(test.TakeReports(), report => Assert.IsAssignableFrom<IOException>(report.Exception));
        await Assert.ThrowsAsync<ArgumentException>(async () =>
            await Connection.ConnectAsync("localhost", port, new ConnectOptions { TlsHandshakeTimeout = TimeSpan.FromSeconds(1) }));
    });
}
