using System.Net.Security;

namespace Baton;

/// <summary>How a <see cref="Server"/> listens and ends. Everything has a default.</summary>
public sealed class ServerOptions
{
    /// <summary>
    /// How many connections may wait to be accepted, at each end point. 100 unless set, as in asyncio; the system has a limit of its own.
    /// </summary>
    public int Backlog { get; set; } = 100;

    /// <summary>
    /// Whether a port can be listened at again while connections of an earlier server linger (SO_REUSEADDR). True unless set.
    /// </summary>
    public bool ReuseAddress { get; set; } = true;

    /// <summary>
    /// Whether several servers, of this process or others, share the end points, each getting a part of the connections (SO_REUSEPORT).
    /// </summary>
    public bool ReusePort { get; set; }

    /// <summary>Whether small writes leave at once (TCP_NODELAY). True unless set.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>
    /// The mode of the file of a local (Unix) socket: who may connect. Exactly these from the first moment on; null leaves it to the
    /// process's file mode creation mask.
    /// </summary>
    public UnixFileMode? SocketFileMode { get; set; }

    /// <summary>
    /// Whether the file of a local (Unix) socket stays when the server ends. Unless set it is deleted, if it is still the server's own.
    /// Corresponds to the opposite of asyncio's <c>cleanup_socket</c>.
    /// </summary>
    public bool KeepSocketFile { get; set; }

    /// <summary>
    /// How many connections are served at a time; no limit unless set. A server that is full takes no more from the queue of those that
    /// wait to be accepted; when that is full as well (<see cref="Backlog"/>), the system leaves who connects without an answer, and he
    /// tries again and again until there is room, or gives up.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public int MaxConnections
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegativeOrZero(value);
            field = value;
        }
    }
    = int.MaxValue;

    /// <summary>
    /// Has the system probe connections on which nothing happens; null, unless set, for no probes. Corresponds to <c>keep_alive</c>.
    /// </summary>
    public KeepAliveOptions? KeepAlive { get; set; }

    /// <summary>
    /// Whether the server listens and accepts as soon as it is there. True unless set; false has it bind to its end points only, until
    /// <see cref="Server.StartServing"/> is called. Corresponds to <c>start_serving</c>.
    /// </summary>
    public bool StartServing { get; set; } = true;

    /// <summary>
    /// How long <see cref="Server.ShutdownAsync"/> waits for handlers that it has cancelled, before it aborts their connections. 5 seconds
    /// unless set.
    /// </summary>
    public TimeSpan CancelGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Has each connection start with a TLS handshake, as the server, before its handler runs; null for connections without TLS. The
    /// handshake is a part of the connection's own task: a peer that is slow at it keeps nobody waiting. One that fails is logged and
    /// counted (<see cref="Server.FailedHandshakeCount"/>), and its handler does not run.
    /// </summary>
    public SslServerAuthenticationOptions? Tls { get; set; }

    /// <summary>How long a TLS handshake may take; null for 60 seconds. Only with <see cref="Tls"/>.</summary>
    public TimeSpan? TlsHandshakeTimeout { get; set; }

    /// <summary>
    /// How long <see cref="Connection.CloseAsync"/> may take to send the rest and the end of the TLS session; null for 30 seconds. Only
    /// with <see cref="Tls"/>.
    /// </summary>
    public TimeSpan? TlsShutdownTimeout { get; set; }

    internal ServerOptions Copy() => (ServerOptions)MemberwiseClone();
}
