using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Soak;

/// <summary>A certificate for localhost that nobody signed but itself, and options of TLS that go with it.</summary>
public sealed class SoakCertificate : IDisposable
{
    private const string Name = "localhost";

    private readonly X509Certificate2 _certificate = Create();

    /// <summary>What a server needs.</summary>
    public SslServerAuthenticationOptions ServerOptions(bool old = false) => new()
    {
        ServerCertificate = _certificate,
        EnabledSslProtocols = Protocol(old),
    };

    /// <summary>What a client needs.</summary>
    public SslClientAuthenticationOptions ClientOptions(bool old = false) => new()
    {
        TargetHost = Name,
        EnabledSslProtocols = Protocol(old),
        RemoteCertificateValidationCallback = Accept,
    };

    /// <inheritdoc/>
    public void Dispose() => _certificate.Dispose();

    private static SslProtocols Protocol(bool old) => old ? SslProtocols.Tls12 : SslProtocols.None;

    private static bool Accept(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.Subject == $"CN={Name}";

    private static X509Certificate2 Create()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={Name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
