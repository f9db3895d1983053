using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Tls;

/// <summary>TLS over local sockets, where no name or address stands for the server.</summary>
public class TlsUnixTests
{
    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_unix_server_ssl")]
    [CPython("test_events.EventLoopTestsMixin.test_create_ssl_unix_connection")]
    [CPython("test_streams.StreamTests.test_open_unix_connection_no_loop_ssl")]
    public void A_server_at_a_path_may_speak_tls() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(
            path.EndPoint,
            async Coroutine (connection) =>
            {
                Assert.Equal("GET / HTTP/1.0", await connection.Input.ReadLineAsync());
                await connection.WriteAsync("HTTP/1.0 200 OK\r\n\r\nTest message"u8.ToArray());
            },
            new ServerOptions { Tls = TlsTest.ServerOptions() });
        await using var client = await Connection.ConnectAsync(path.EndPoint, new ConnectOptions { Tls = TlsTest.ClientOptions() });
        Assert.Equal(path.EndPoint, client.RemoteEndPoint);
        Assert.NotNull(client.Tls);
        await client.WriteAsync("GET / HTTP/1.0\r\n\r\n"u8.ToArray());
        Assert.EndsWith("\r\n\r\nTest message", Encoding.UTF8.GetString(await TlsTest.ReadToEnd(client)), StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_unix_server_ssl_verify_failed")]
    public void A_certificate_that_nobody_vouches_for_is_refused() => RunOnLinux(async test =>
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("localhost");
        using var path = new SocketPath();
        await using var server = await Serve(path, certificate);
        var options = new ConnectOptions { Tls = new SslClientAuthenticationOptions { TargetHost = "invalid" } };
        var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connection.ConnectAsync(path.EndPoint, options));
        Assert.IsType<AuthenticationException>(failure.InnerException);
        await NetTest.Until(() => test.Driver.OpenSocketCount == 1);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_unix_server_ssl_verified")]
    public void A_certificate_is_held_against_the_name_that_was_given() => RunOnLinux(async _ =>
    {
        using var authority = new TestAuthority();
        using var certificate = authority.Issue("localhost");
        using var path = new SocketPath();
        await using var server = await Serve(path, certificate);
        var tls = new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = authority.Policy };
        await using (var client = await Connection.ConnectAsync(path.EndPoint, new ConnectOptions { Tls = tls }))
        {
            Assert.Equal("localhost", client.Tls!.TargetHostName);
            await client.WriteAsync(new byte[] { 1 });
            Assert.Equal([1], await client.Input.ReadExactlyAsync(1));
        }

        tls.TargetHost = "elsewhere";
        await Assert.ThrowsAsync<TlsHandshakeException>(
            async () => await Connection.ConnectAsync(path.EndPoint, new ConnectOptions { Tls = tls }));
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_connection_ssl_noserverhost")]
    public void A_path_does_not_stand_for_the_name_of_the_server() => RunOnLinux(async test =>
    {
        using var path = new SocketPath();
        await using var server = await Serve(path, TlsTest.Certificate);
        var options = new ConnectOptions { Tls = new SslClientAuthenticationOptions() };
        var failure = await Assert.ThrowsAsync<ArgumentException>(async () => await Connection.ConnectAsync(path.EndPoint, options));
        Assert.Contains("Set TargetHost", failure.Message, StringComparison.Ordinal);
        await NetTest.Until(() => test.Driver.OpenSocketCount == 1);
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_ssl_timeout_with_plain_sock")]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_connection_ssl_timeout_with_plain_sock")]
    public void Limits_of_handshakes_mean_nothing_without_tls() => RunOnLinux(async _ =>
    {
        using var path = new SocketPath();
        var limit = TimeSpan.FromSeconds(1);
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await Server.StartAsync(path.EndPoint, NetTest.Echo, new ServerOptions { TlsHandshakeTimeout = limit }));
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await Connection.ConnectAsync(path.EndPoint, new ConnectOptions { TlsHandshakeTimeout = limit }));
        Assert.False(path.Exists);
    });

    [Fact]
    public void A_session_carries_no_descriptors_and_goes_on() => RunOnLinux(async _ =>
    {
        var (client, server) = Connection.CreatePair();
        await using (client)
        await using (server)
        using (var file = File.OpenHandle("/dev/null"))
        {
            await TlsTest.Upgrade(client, server);
            Assert.Equal(Environment.ProcessId, client.PeerCredentials.ProcessId);
            var failure = await Assert.ThrowsAsync<InvalidOperationException>(
                async () => await client.SendDescriptorsAsync(new byte[1], file));
            Assert.Contains("TLS", failure.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.ReceiveDescriptorsAsync(new byte[1]));
            await server.WriteAsync("still there\n"u8.ToArray());
            Assert.Equal("still there", await client.Input.ReadLineAsync());
        }
    });

    private static Coroutine<Server> Serve(SocketPath path, X509Certificate2 certificate) => Server.StartAsync(
        path.EndPoint, NetTest.Echo, new ServerOptions { Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate } });

    private static void RunOnLinux(Func<NetTest, Coroutine> main)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Which file it is, is known on Linux only.");
        NetTest.Run(main);
    }
}
