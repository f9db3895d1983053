using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Text;

namespace Baton.Tests.Net.Counterparts;

/// <summary>Servers of Baton, and <c>openssl s_client</c> at the other end.</summary>
public class OpenSslClientTests(TestAuthority authority) : IClassFixture<TestAuthority>
{
    [Theory]
    [InlineData("-tls1_2", SslProtocols.Tls12)]
    [InlineData("-tls1_3", SslProtocols.Tls13)]
    public void A_session_with_a_name_and_a_protocol(string version, SslProtocols expected) => NetTest.Run(async () =>
    {
        var options = Tls();
        options.Tls!.ApplicationProtocols = [new SslApplicationProtocol("other"), new SslApplicationProtocol("baton/1")];
        TlsInfo? agreed = null;
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            agreed = connection.Tls;
            var line = await connection.Input.ReadLineAsync();
            await connection.WriteAsync(Encoding.UTF8.GetBytes($"you said {line}\n"));
        }, options);
        var output = await Client(server, "hello\n", version, "-servername", "localhost", "-alpn", "baton/1");
        Assert.Equal("you said hello\n", output);
        Assert.Equal(expected, agreed!.Protocol);
        Assert.Equal("baton/1", agreed.ApplicationProtocol.ToString());
        Assert.Equal("localhost", agreed.TargetHostName);
    });

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void A_large_message_there_and_its_checksum_back(string version) => NetTest.Run(async () =>
    {
        var text = string.Join('\n', Enumerable.Range(0, 500_000));
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var received = await connection.Input.ReadExactlyAsync(text.Length);
            await connection.WriteAsync(Encoding.ASCII.GetBytes(Convert.ToHexString(SHA256.HashData(received))));
        }, Tls());
        var output = await Client(server, text, version);
        Assert.Equal(Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(text))), output);
    });

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void The_clients_certificate(string version) => NetTest.Run(async () =>
    {
        CounterpartProcess.Require("openssl");
        var options = Tls();
        options.Tls!.ClientCertificateRequired = true;
        options.Tls.CertificateChainPolicy = authority.Trust;
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
            await connection.WriteAsync(Encoding.UTF8.GetBytes(connection.Tls!.RemoteCertificate!.Subject)), options);
        Assert.Equal(
            "CN=a client", await Client(server, "", version, "-cert", authority.ClientCertificateFile, "-key", authority.ClientKeyFile));

        var (exitCode, output, _) = await CounterpartProcess.RunToEnd("openssl", Arguments(server, version));
        Assert.NotEqual(0, exitCode);
        Assert.Equal("", output);
        await NetTest.Until(() => server.FailedHandshakeCount == 1);
    });

    [Fact]
    public void A_client_that_does_not_trust_the_certificate_leaves() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, Tls());
        var (exitCode, _, _) = await CounterpartProcess.RunToEnd(
            "openssl",
            ["s_client", "-quiet", "-verify_return_error", "-tls1_2", "-connect", $"127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}"]);
        Assert.NotEqual(0, exitCode);
        await NetTest.Until(() => server.FailedHandshakeCount == 1);
    });

    [Theory]
    [InlineData("-tls1_2")]
    [InlineData("-tls1_3")]
    public void A_client_that_is_killed_has_not_ended_its_session(string version) => NetTest.Run(async () =>
    {
        var isConnected = new AsyncEvent();
        Exception? failure = null;
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            Assert.Equal("hello", await connection.Input.ReadLineAsync());
            isConnected.Set();
            failure = await Record.ExceptionAsync(async () => await connection.Input.ReadLineAsync());
        }, Tls());
        using var client = CounterpartProcess.Start("openssl", Arguments(server, version));
        await client.Input.WriteLineAsync("hello");
        await client.Input.FlushAsync();
        await isConnected.WaitAsync();
        client.Kill();
        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.True(failure is IOException, $"{failure}");
    });

    [Fact]
    public void Smtp_with_STARTTLS() => NetTest.Run(async () =>
    {
        var protocol = new List<string>();
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await Say("220 mail.example ready");
            while (await connection.Input.ReadLineAsync() is { } line)
            {
                protocol.Add(connection.Tls is null ? line : $"TLS: {line}");
                switch (line.Split(' ')[0].ToUpperInvariant())
                {
                    case "EHLO":
                        await Say(connection.Tls is null ? "250-mail.example\r\n250 STARTTLS" : "250 mail.example");
                        break;
                    case "STARTTLS":
                        await Say("220 go ahead");
                        await connection.UpgradeToTlsAsync(Tls().Tls!);
                        break;
                    case "QUIT":
                        await Say("221 goodbye");
                        return;
                    default:
                        await Say("500 what?");
                        break;
                }
            }

            async Coroutine Say(string text) => await connection.WriteAsync(Encoding.ASCII.GetBytes(text + "\r\n"));
        });
        var output = await Client(server, "EHLO tests\r\nNOOP\r\nQUIT\r\n", "-starttls", "smtp", "-name", "openssl.example");
        Assert.EndsWith("250 mail.example\r\n500 what?\r\n221 goodbye\r\n", output, StringComparison.Ordinal);
        Assert.Equal(["EHLO openssl.example", "STARTTLS", "TLS: EHLO tests", "TLS: NOOP", "TLS: QUIT"], protocol);
    });

    [Theory]
    [InlineData("1.2")]
    [InlineData("1.3")]
    public void Curl_fetches_hundreds_of_pages(string version) => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, LoopHttpTests.ServePages, Tls());
        using var folder = new TemporaryFolder();
        await CounterpartProcess.Run("curl",
        [
            .. CurlTests.Quietly, "--cacert", authority.CertificateFile, $"--tlsv{version}", "--tls-max", version, "--http1.1",
            "--parallel",
            "--parallel-max",
            "20",
            "--output",
            folder["#1"],
            $"https://localhost:{((IPEndPoint)server.EndPoints[0]).Port}/[1-300]",
        ]);
        Assert.All(Enumerable.Range(1, 300), i => Assert.Equal($"page /{i}", File.ReadAllText(folder[$"{i}"])));
        Assert.InRange(server.AcceptedCount, 1, 20);
    });

    private ServerOptions Tls() => new()
    {
        Tls = new SslServerAuthenticationOptions
        {
            ServerCertificateContext = SslStreamCertificateContext.Create(authority.Server, null, offline: true),
        },
    };

    private string[] Arguments(Server server, params string[] more) =>
    [
        "s_client", "-quiet", "-verify_quiet", "-CAfile", authority.CertificateFile, "-verify_return_error",
        "-connect", $"127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}", .. more,
    ];

    private async Coroutine<string> Client(Server server, string input, params string[] more)
    {
        var (exitCode, output, errors) = await CounterpartProcess.RunToEnd("openssl", Arguments(server, more), input);
        Assert.True(exitCode == 0, errors);
        return output;
    }
}
