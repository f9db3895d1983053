using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Baton.Tests.Net.Counterparts;

/// <summary>A certificate authority, what it has certified, and the files of both that other programs read.</summary>
public sealed class TestAuthority : IDisposable
{
    private static readonly DateTimeOffset From = DateTimeOffset.UtcNow.AddDays(-1);
    private static readonly DateTimeOffset To = DateTimeOffset.UtcNow.AddDays(30);

    private readonly TemporaryFolder _folder = new();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public TestAuthority()
    {
        var request = new CertificateRequest("CN=the tests' authority", _key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        Certificate = request.CreateSelfSigned(From, To);
        File.WriteAllText(CertificateFile, Certificate.ExportCertificatePem());
        Server = Issue("localhost", "server");
        Client = Issue("a client", "client");
    }

    public X509Certificate2 Certificate { get; }

    /// <summary>For localhost and 127.0.0.1.</summary>
    public X509Certificate2 Server { get; }

    /// <summary>For CN=a client.</summary>
    public X509Certificate2 Client { get; }

    public string CertificateFile => _folder["authority.pem"];

    public string ServerCertificateFile => _folder["server.pem"];

    public string ServerKeyFile => _folder["server.key"];

    public string ClientCertificateFile => _folder["client.pem"];

    public string ClientKeyFile => _folder["client.key"];

    /// <summary>Trusts this authority and no other.</summary>
    public X509ChainPolicy Trust => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        CustomTrustStore = { Certificate },
        RevocationMode = X509RevocationMode.NoCheck,
    };

    public void Dispose()
    {
        Server.Dispose();
        Client.Dispose();
        Certificate.Dispose();
        _key.Dispose();
        _folder.Dispose();
    }

    private X509Certificate2 Issue(string name, string file)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        if (name == "localhost")
        {
            var names = new SubjectAlternativeNameBuilder();
            names.AddDnsName(name);
            names.AddIpAddress(IPAddress.Loopback);
            request.CertificateExtensions.Add(names.Build());
        }

        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(Certificate, true, false));
        using var certificate = request.Create(Certificate, From, To.AddDays(-1), RandomNumberGenerator.GetBytes(8));
        File.WriteAllText(_folder[file + ".pem"], certificate.ExportCertificatePem());
        File.WriteAllText(_folder[file + ".key"], key.ExportPkcs8PrivateKeyPem());
        using var withKey = certificate.CopyWithPrivateKey(key);
        return X509CertificateLoader.LoadPkcs12(withKey.Export(X509ContentType.Pkcs12), null);
    }
}
