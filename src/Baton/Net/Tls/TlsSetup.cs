using System.Net.Security;

namespace Baton;

/// <summary>The limits of a TLS session, and options of the BCL's made ready for use.</summary>
internal readonly struct TlsSetup
{
    private static readonly TimeSpan DefaultHandshakeTimeout = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan DefaultShutdownTimeout = TimeSpan.FromSeconds(30);

    internal TlsSetup(TimeSpan? handshakeTimeout, TimeSpan? shutdownTimeout)
    {
        HandshakeTimeout = Check(handshakeTimeout, nameof(handshakeTimeout)) ?? DefaultHandshakeTimeout;
        ShutdownTimeout = Check(shutdownTimeout, nameof(shutdownTimeout)) ?? DefaultShutdownTimeout;
    }

    internal TimeSpan HandshakeTimeout { get; }

    internal TimeSpan ShutdownTimeout { get; }

    /// <summary>Refuses limits that would be in vain.</summary>
    internal static void Check(bool hasTls, TimeSpan? handshakeTimeout, TimeSpan? shutdownTimeout)
    {
        if (!hasTls && (handshakeTimeout is not null || shutdownTimeout is not null))
        {
            throw new ArgumentException("TlsHandshakeTimeout and TlsShutdownTimeout mean nothing without Tls.");
        }

        _ = new TlsSetup(handshakeTimeout, shutdownTimeout);
    }

    /// <summary>The same options with a name to hold the server's certificate against. The caller's own are left alone.</summary>
    internal static SslClientAuthenticationOptions WithTargetHost(SslClientAuthenticationOptions options, string targetHost)
    {
        var copy = new SslClientAuthenticationOptions
        {
            AllowRenegotiation = options.AllowRenegotiation,
            AllowTlsResume = options.AllowTlsResume,
            ApplicationProtocols = options.ApplicationProtocols,
            CertificateChainPolicy = options.CertificateChainPolicy,
            CertificateRevocationCheckMode = options.CertificateRevocationCheckMode,
            CipherSuitesPolicy = options.CipherSuitesPolicy,
            ClientCertificateContext = options.ClientCertificateContext,
            ClientCertificates = options.ClientCertificates,
            EnabledSslProtocols = options.EnabledSslProtocols,
            EncryptionPolicy = options.EncryptionPolicy,
            LocalCertificateSelectionCallback = options.LocalCertificateSelectionCallback,
            RemoteCertificateValidationCallback = options.RemoteCertificateValidationCallback,
            TargetHost = targetHost,
        };
        if (OperatingSystem.IsLinux() || OperatingSystem.IsWindows())
        {
            copy.AllowRsaPkcs1Padding = options.AllowRsaPkcs1Padding;
            copy.AllowRsaPssPadding = options.AllowRsaPssPadding;
        }

        return copy;
    }

    private static TimeSpan? Check(TimeSpan? timeout, string name) =>
        timeout is null || timeout > TimeSpan.Zero || timeout == System.Threading.Timeout.InfiniteTimeSpan
            ? timeout
            : throw new ArgumentOutOfRangeException(name, timeout, "A time-out is more than zero, or infinite.");
}
