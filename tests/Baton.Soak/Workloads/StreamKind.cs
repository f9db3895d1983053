namespace Baton.Soak.Workloads;

/// <summary>What a stream of bytes runs over.</summary>
public enum StreamKind
{
    /// <summary>TCP over IPv4.</summary>
    Tcp,

    /// <summary>TCP over IPv6.</summary>
    TcpV6,

    /// <summary>A local socket at a path.</summary>
    Unix,

    /// <summary>TLS from the start, of the newest version that there is.</summary>
    Tls,

    /// <summary>TLS 1.2 from the start.</summary>
    Tls12,

    /// <summary>TLS that begins in the middle of the conversation.</summary>
    StartTls,

    /// <summary>TLS within TLS.</summary>
    TlsInTls,

    /// <summary>TLS over a local socket.</summary>
    TlsOverUnix,
}
