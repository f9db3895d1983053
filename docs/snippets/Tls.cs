using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Baton;

namespace DocsSnippets;

public static class Tls
{
    #region serve
    public static void Serve() => EventLoop.Run(async Coroutine () =>
    {
        using var certificate = MakeCertificate();
        await using var server = await Server.StartAsync("localhost", 0, Answer, new ServerOptions
        {
            Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate },
        });
        await using var client = await Connection.ConnectAsync("localhost", ((IPEndPoint)server.EndPoints[0]).Port, new ConnectOptions
        {
            Tls = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust(certificate) },
        });
        await client.WriteAsync("who is there?\n"u8.ToArray());
        Console.WriteLine(await client.Input.ReadLineAsync());
        Console.WriteLine($"{client.Tls!.Protocol} with {client.Tls.TargetHostName}");
    });

    private static async Coroutine Answer(Connection connection)
    {
        await connection.Input.ReadLineAsync();
        await connection.WriteAsync("only you and me\n"u8.ToArray());
    }
    #endregion

    #region start-tls
    public static void StartTls() => EventLoop.Run(async Coroutine () =>
    {
        using var certificate = MakeCertificate();
        await using var server = await Server.StartAsync("localhost", 0, async Coroutine (connection) =>
        {
            Console.WriteLine(await connection.Input.ReadLineAsync());
            await connection.WriteAsync("go ahead\n"u8.ToArray());
            await connection.UpgradeToTlsAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate });
            Console.WriteLine(await connection.Input.ReadLineAsync());
        });
        await using var client = await Connection.ConnectAsync("localhost", ((IPEndPoint)server.EndPoints[0]).Port);
        await client.WriteAsync("STARTTLS\n"u8.ToArray());
        await client.Input.ReadLineAsync();
        await client.UpgradeToTlsAsync(new SslClientAuthenticationOptions { CertificateChainPolicy = Trust(certificate) });
        await client.WriteAsync("password: sesame\n"u8.ToArray());
        await client.Input.ReadAsync(); // the server's end
    });
    #endregion

    #region failures
    public static void Failures() => EventLoop.Run(async Coroutine () =>
    {
        using var certificate = MakeCertificate();
        await using var server = await Server.StartAsync("127.0.0.1", 0, Impolite, new ServerOptions
        {
            Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate },
        });
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        try
        {
            await using var other = await Connection.ConnectAsync("127.0.0.1", port, new ConnectOptions
            {
                Tls = new SslClientAuthenticationOptions { CertificateChainPolicy = Trust(certificate) }, // it is for localhost
            });
        }
        catch (TlsHandshakeException exception)
        {
            Console.WriteLine(exception.InnerException!.GetType().Name);
        }

        await using var client = await Connection.ConnectAsync("127.0.0.1", port, new ConnectOptions
        {
            Tls = new SslClientAuthenticationOptions { TargetHost = "localhost", CertificateChainPolicy = Trust(certificate) },
        });
        Console.WriteLine(await client.Input.ReadLineAsync());
        try
        {
            await client.Input.ReadLineAsync();
        }
        catch (IOException exception)
        {
            Console.WriteLine(exception is TlsTruncatedException ? "cut off" : "reset");
        }
    });

    private static async Coroutine Impolite(Connection connection)
    {
        try
        {
            await connection.WriteAsync("half of a message\n"u8.ToArray());
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(100));
            connection.Abort();
        }
        catch (IOException)
        {
            // The client that did not like the certificate.
        }
    }
    #endregion

    private static X509ChainPolicy Trust(X509Certificate2 certificate) => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { certificate },
        RevocationMode = X509RevocationMode.NoCheck,
    };

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
