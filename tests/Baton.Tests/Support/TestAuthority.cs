using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Tests;

/// <summary>An authority of a test's own, which issues certificates that are good, or bad in one way.</summary>
public sealed class TestAuthority : IDisposable
{
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority()
    {
        var request = new CertificateRequest("CN=test authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        Certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddYears(-1), DateTimeOffset.UtcNow.AddYears(1));
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>How a peer validates that trusts this authority and no other.</summary>
    public X509ChainPolicy Policy => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { Certificate },
        RevocationMode = X509RevocationMode.NoCheck,
    };

    /// <summary>Issues a certificate for a name, valid for a number of days from now; or until some days ago.</summary>
    public X509Certificate2 Issue(string name, int days = 30)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        request.CertificateExtensions.Add(names.Build());
        using var bare = request.Create(
            Certificate, DateTimeOffset.UtcNow.AddDays(-100), DateTimeOffset.UtcNow.AddDays(days), RandomNumberGenerator.GetBytes(8));
        using var certificate = bare.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }

    public void Dispose()
    {
        Certificate.Dispose();
        _key.Dispose();
    }
}
