using System.Net;
using System.Net.Security;

namespace Baton;

/// <summary>How <see cref="Connection.ConnectAsync(string, int, ConnectOptions?)"/> connects. Everything has a default.</summary>
public sealed class ConnectOptions
{
    internal static readonly ConnectOptions Default = new();

    /// <summary>
    /// The address, and unless its port is 0 the port, to connect from; null lets the system choose. The addresses of a host that are of
    /// another family are left out. Sets <see cref="LocalEndPoints"/>.
    /// </summary>
    public IPEndPoint? LocalEndPoint
    {
        get => LocalEndPoints is [var first, ..] ? first : null;
        set => LocalEndPoints = value is null ? [] : [value];
    }

    /// <summary>
    /// Several to connect from: for each address of the host the first that is of its family and can be had; empty lets the system choose.
    /// Corresponds to a <c>local_addr</c> whose name has several addresses.
    /// </summary>
    public IReadOnlyList<IPEndPoint> LocalEndPoints
    {
        get;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            field = value;
        }
    }
    = [];

    /// <summary>
    /// How long an address has to answer before the next is tried beside it (RFC 8305, "happy eyeballs"); one that fails has the next tried
    /// at once. 250 milliseconds unless set; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> tries one at a time. Corresponds to
    /// <c>happy_eyeballs_delay</c>, which is off in asyncio.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan HappyEyeballsDelay
    {
        get;
        set => field = CheckTime(value);
    }
    = TimeSpan.FromMilliseconds(250);

    /// <summary>
    /// How many addresses of the first one's family are tried before those of the other take turns with them. 1 unless set; 0 keeps the
    /// resolver's order. Corresponds to <c>interleave</c>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public int FirstAddressFamilyCount
    {
        get;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    }
    = 1;

    /// <summary>
    /// How long connecting may take, resolving the name and all addresses included; then it fails with
    /// <see cref="System.Net.Sockets.SocketError.TimedOut"/> and says what was tried.
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, unless set: the system gives an address up after some two minutes.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">It is negative.</exception>
    public TimeSpan Timeout
    {
        get;
        set => field = CheckTime(value);
    }
    = System.Threading.Timeout.InfiniteTimeSpan;

    /// <summary>Whether small writes leave at once (TCP_NODELAY). True unless set.</summary>
    public bool NoDelay { get; set; } = true;

    /// <summary>Has the system probe a connection on which nothing happens; null, unless set, for no probes.</summary>
    public KeepAliveOptions? KeepAlive { get; set; }

    /// <summary>The system's buffer for what arrives, in bytes (SO_RCVBUF); null, unless set, lets the system find its size.</summary>
    public int? ReceiveBufferSize { get; set; }

    /// <summary>The system's buffer for what is sent, in bytes (SO_SNDBUF); null, unless set, lets the system find its size.</summary>
    public int? SendBufferSize { get; set; }

    /// <summary>
    /// Called with each socket before it is bound and connected, for options that nobody wrapped. An exception of its ends the connecting,
    /// whatever other addresses there are.
    /// </summary>
    public Action<LoopSocket>? ConfigureSocket { get; set; }

    /// <summary>
    /// Has a TLS handshake follow, as the client; null for a connection without TLS. Without a target host, the server's certificate has to
    /// show the name or address that is connected to. See
    /// <see cref="Connection.UpgradeToTlsAsync(SslClientAuthenticationOptions, TimeSpan?, TimeSpan?)"/>.
    /// </summary>
    public SslClientAuthenticationOptions? Tls { get; set; }

    /// <summary>How long the TLS handshake may take; null for 60 seconds. Only with <see cref="Tls"/>.</summary>
    public TimeSpan? TlsHandshakeTimeout { get; set; }

    /// <summary>
    /// How long <see cref="Connection.CloseAsync"/> may take to send the rest and the end of the TLS session; null for 30 seconds. Only
    /// with <see cref="Tls"/>.
    /// </summary>
    public TimeSpan? TlsShutdownTimeout { get; set; }

    internal void CheckTls() => TlsSetup.Check(Tls is not null, TlsHandshakeTimeout, TlsShutdownTimeout);

    private static TimeSpan CheckTime(TimeSpan value)
    {
        if (value != System.Threading.Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, TimeSpan.Zero, nameof(value));
        }

        return value;
    }
}
