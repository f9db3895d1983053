using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Tests.Net.Tls;

/// <summary>What the tests of TLS have in common.</summary>
internal static class TlsTest
{
    /// <summary>One for all tests: making it is what takes the time. For localhost, signed by itself.</summary>
    internal static readonly X509Certificate2 Certificate = TestCertificate.Create();

    internal static SslClientAuthenticationOptions ClientOptions(SslProtocols protocols = SslProtocols.None) => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = protocols,
        RemoteCertificateValidationCallback = TestCertificate.Accept,
    };

    internal static SslServerAuthenticationOptions ServerOptions(SslProtocols protocols = SslProtocols.None) => new()
    {
        ServerCertificate = Certificate,
        EnabledSslProtocols = protocols,
    };

    /// <summary>Two connections that speak TLS to each other, the client first.</summary>
    internal static async Coroutine<(Connection Client, Connection Server)> Connect(
        SslProtocols protocols = SslProtocols.None, AddressFamily family = AddressFamily.InterNetwork)
    {
        var (client, server) = await NetTest.Connect(family);
        await Upgrade(client, server, protocols);
        return (client, server);
    }

    internal static async Coroutine Upgrade(Connection client, Connection server, SslProtocols protocols = SslProtocols.None) =>
        await Coroutine.Gather(client.UpgradeToTlsAsync(ClientOptions(protocols)), server.UpgradeToTlsAsync(ServerOptions(protocols)));

    internal static async Coroutine Write(Connection connection, ReadOnlyMemory<byte> bytes) => await connection.WriteAsync(bytes);

    /// <summary>Reads to the end.</summary>
    internal static async Coroutine<byte[]> ReadToEnd(Connection connection)
    {
        var bytes = new MemoryStream();
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                bytes.Write(segment.Span);
            }

            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return bytes.ToArray();
            }
        }
    }
}
