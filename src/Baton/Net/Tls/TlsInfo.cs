using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace Baton;

/// <summary>
/// What was agreed upon in the handshake of a <see cref="Connection"/> with TLS. Corresponds to the <c>get_extra_info</c> of asyncio's TLS
/// transports (<c>cipher</c>, <c>peercert</c>, <c>ssl_object</c>).
/// </summary>
public sealed class TlsInfo
{
    internal TlsInfo(SslStream ssl)
    {
        SslStream = ssl;
        Protocol = ssl.SslProtocol;
        CipherSuite = ssl.NegotiatedCipherSuite;
        ApplicationProtocol = ssl.NegotiatedApplicationProtocol;
        TargetHostName = ssl.TargetHostName;
        IsServer = ssl.IsServer;
        IsMutuallyAuthenticated = ssl.IsMutuallyAuthenticated;
    }

    /// <summary>The version of TLS.</summary>
    public SslProtocols Protocol { get; }

    /// <summary>The cipher suite.</summary>
    public TlsCipherSuite CipherSuite { get; }

    /// <summary>The protocol agreed upon by ALPN; empty where there is none.</summary>
    public SslApplicationProtocol ApplicationProtocol { get; }

    /// <summary>
    /// The name that the client asked for (SNI); on the client, the name that the server's certificate was held against. Empty where there
    /// is none.
    /// </summary>
    public string TargetHostName { get; }

    /// <summary>Whether this end is the TLS server.</summary>
    public bool IsServer { get; }

    /// <summary>Whether both ends have shown a certificate.</summary>
    public bool IsMutuallyAuthenticated { get; }

    /// <summary>
    /// The peer's certificate; null where it has shown none. To be asked for the first time before the connection is closed.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The connection is closed, and nobody asked before.</exception>
    public X509Certificate2? RemoteCertificate => field ??= SslStream.RemoteCertificate as X509Certificate2;

    /// <summary>The certificate that this end has shown; null where it has shown none.</summary>
    /// <exception cref="ObjectDisposedException">The connection is closed, and nobody asked before.</exception>
    public X509Certificate2? LocalCertificate => field ??= SslStream.LocalCertificate as X509Certificate2;

    /// <summary>
    /// The BCL's object, for what has no property here. To read or write with it would take bytes that are the connection's.
    /// </summary>
    public SslStream SslStream { get; }

    /// <inheritdoc/>
    public override string ToString() => $"{Protocol}, {CipherSuite}";
}
