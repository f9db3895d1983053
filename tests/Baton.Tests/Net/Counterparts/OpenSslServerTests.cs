using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace Baton.Tests.Net.Counterparts;

/// <summary>Clients of Baton, and <c>openssl s_server</c> at the other end.</summary>
public class OpenSslServerTests(TestAuthority authority) : IClassFixture<TestAuthority>
{
    [Theory]
    [InlineData("-tls1_2", SslProtocols.Tls12)]
    [InlineData("-tls1_3", SslProtocols.Tls13)]
    public void Lines_come_back_in_reverse(string version, SslProtocols expected) => NetTest.Run(async () =>
    {
        using var server = StartServer(version, "-rev", "-alpn", "baton/1");
        var options = Tls();
        options.Tls!.ApplicationProtocols = [new SslApplicationProtocol("other"), new SslApplicationProtocol("baton/1")];
        await using var connection = await Connection.ConnectAsync("127.0.0.1", await PortOf(server), options);
        Assert.Equal(expected, connection.Tls!.Protocol);
        Assert.Equal("baton/1", connection.Tls.ApplicationProtocol.ToString());
        Assert.Equal("CN=localhost", connection.Tls.RemoteCertificate!.Subject);
        for (var i = 100; i < 200; i++)
        {
            await connection.WriteAsync(Encoding.ASCII.GetBytes($"line {i}\n"));
            Assert.Equal(new string([.. $"line {i}".Reverse()]), await connection.Input.ReadLineAsync());
        }
    });

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void A_large_file(string version) => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var bytes = NetTest.Pattern(8 << 20);
        File.WriteAllBytes(folder["large"], bytes);
        using var server = StartServer(folder, version, "-HTTP");
        await using var connection = await Connection.ConnectAsync("127.0.0.1", await PortOf(server), Tls());
        await connection.WriteAsync("GET /large HTTP/1.0\r\n\r\n"u8.ToArray());
        Assert.Equal(SHA256.HashData(bytes), SHA256.HashData(await connection.Input.ReadExactlyAsync(bytes.Length)));
        Assert.Null(await connection.Input.ReadLineAsync());
    });

    [Fact]
    public void A_server_that_is_killed_has_not_ended_its_session() => NetTest.Run(async () =>
    {
        using var server = StartServer("-tls1_3", "-rev");
        await using var connection = await Connection.ConnectAsync("127.0.0.1", await PortOf(server), Tls());
        await connection.WriteAsync("abc\n"u8.ToArray());
        Assert.Equal("cba", await connection.Input.ReadLineAsync());
        server.Kill();
        var failure = await Record.ExceptionAsync(async () => await connection.Input.ReadLineAsync());
        Assert.IsType<TlsTruncatedException>(failure);
        connection.Abort();
    });

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void A_certificate_of_ours(string version) => NetTest.Run(async () =>
    {
        using var server = StartServer(version, "-rev", "-Verify", "2", "-verify_return_error", "-CAfile", authority.CertificateFile);
        var port = await PortOf(server);
        var options = Tls();
        options.Tls!.ClientCertificates = [authority.Client];
        await using (var connection = await Connection.ConnectAsync("127.0.0.1", port, options))
        {
            Assert.True(connection.Tls!.IsMutuallyAuthenticated);
            await connection.WriteAsync("abc\n"u8.ToArray());
            Assert.Equal("cba", await connection.Input.ReadLineAsync());
        }

        // In TLS 1.3 the client is done before the server has looked at what it got.
        await Assert.ThrowsAnyAsync<IOException>(async () =>
        {
            await using var nameless = await Connection.ConnectAsync("127.0.0.1", port, Tls());
            await nameless.Input.ReadLineAsync();
            throw new InvalidOperationException("The server has let in whom it does not know.");
        });
    });

    [Fact]
    public void A_server_that_we_do_not_trust() => NetTest.Run(async () =>
    {
        using var server = StartServer("-tls1_3", "-rev");
        var port = await PortOf(server);
        var stranger = await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connection.ConnectAsync(
            "127.0.0.1", port, new ConnectOptions { Tls = new SslClientAuthenticationOptions() }));
        Assert.IsType<AuthenticationException>(stranger.InnerException);

        var options = Tls();
        options.Tls!.TargetHost = "elsewhere.example";
        var misnamed = await Assert.ThrowsAsync<TlsHandshakeException>(
            async () => await Connection.ConnectAsync("127.0.0.1", port, options));
        Assert.IsType<AuthenticationException>(misnamed.InnerException);
    });

    [Fact]
    public void A_server_that_speaks_no_version_of_ours() => NetTest.Run(async () =>
    {
        using var server = StartServer("-tls1_2", "-rev");
        var options = Tls();
        options.Tls!.EnabledSslProtocols = SslProtocols.Tls13;
        var port = await PortOf(server);
        await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connection.ConnectAsync("127.0.0.1", port, options));
    });

    private ConnectOptions Tls() => new() { Tls = new SslClientAuthenticationOptions { CertificateChainPolicy = authority.Trust } };

    private CounterpartProcess StartServer(params string[] more) => StartServer(null, more);

    // It serves the files of the folder it was started in.
    private CounterpartProcess StartServer(TemporaryFolder? folder, params string[] more)
    {
        var server = CounterpartProcess.Start(
            "env",
            [
                "-C", folder?.Path ?? "/", CounterpartProcess.Require("openssl"), "s_server", "-accept", "127.0.0.1:0",
                "-cert", authority.ServerCertificateFile, "-key", authority.ServerKeyFile, .. more,
            ]);
        server.EndsWithInput = false;
        return server;
    }

    private static async Coroutine<int> PortOf(CounterpartProcess server) =>
        IPEndPoint.Parse((await server.WaitForLine("ACCEPT "))["ACCEPT ".Length..]).Port;
}
