using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Bench.Tls;

/// <summary>What both sides agree on, so that every server does the same cryptography.</summary>
internal static class TlsSettings
{
    public const TlsCipherSuite CipherSuite = TlsCipherSuite.TLS_AES_128_GCM_SHA256;

    public static SslClientAuthenticationOptions Client => new()
    {
        TargetHost = "localhost",
        EnabledSslProtocols = SslProtocols.Tls13,
        CipherSuitesPolicy = Policy,
        RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate?.Subject == "CN=localhost",
    };

    public static SslServerAuthenticationOptions Server => new()
    {
        EnabledSslProtocols = SslProtocols.Tls13,
        CipherSuitesPolicy = Policy,
        ServerCertificateContext = SslStreamCertificateContext.Create(CreateCertificate(), additionalCertificates: null, offline: true),
    };

    private static CipherSuitesPolicy Policy =>
        OperatingSystem.IsLinux() ? new([CipherSuite]) : throw new PlatformNotSupportedException("The network benchmarks need Linux.");

    private static X509Certificate2 CreateCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
