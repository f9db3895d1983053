using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class Connection
{
    /// <summary>
    /// Connects to a host by name or address: resolves it, off the loop where it is a name, and tries its addresses as RFC 8305 ("happy
    /// eyeballs") has it: the families in turn, the next beside one that does not answer soon, at once after one that fails; the first to
    /// connect is kept, the others are closed. Corresponds to <c>asyncio.open_connection</c>.
    /// </summary>
    /// <param name="host">A name, or an IPv4 or IPv6 address.</param>
    /// <param name="port">The port.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">
    /// The name is unknown, or the address refused or could not be reached; of several addresses, and when the time is over, a
    /// <see cref="ConnectException"/>.
    /// </exception>
    public static Coroutine<Connection> ConnectAsync(string host, int port, ConnectOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        options ??= ConnectOptions.Default;
        options.CheckTls();
        return StartTlsAsync(Connector.ConnectAsync(host, port, options), host, options);
    }

    /// <summary>Connects to one address, that of a local (Unix) socket included.</summary>
    /// <param name="endPoint">The address; a <see cref="DnsEndPoint"/> is resolved.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">
    /// The address refused or could not be reached; when the time is over, a <see cref="ConnectException"/>.
    /// </exception>
    public static Coroutine<Connection> ConnectAsync(EndPoint endPoint, ConnectOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        options ??= ConnectOptions.Default;
        options.CheckTls();
        return endPoint is DnsEndPoint name
            ? StartTlsAsync(Connector.ConnectAsync(name.Host, name.Port, options), name.Host, options)
            : StartTlsAsync(
                options.Timeout == System.Threading.Timeout.InfiniteTimeSpan
                    ? Connector.ConnectToAsync(endPoint, options)
                    : Connector.ConnectAsync([endPoint], options),
                null,
                options);
    }

    /// <summary>
    /// Connects to one of several end points: tries them in their order, the next beside one that does not answer soon (see
    /// <see cref="ConnectOptions.HappyEyeballsDelay"/>), at once after one that fails; the first to connect is kept, the others are closed.
    /// </summary>
    /// <param name="endPoints">
    /// What to try; each <see cref="DnsEndPoint"/> is resolved, all of them before the first attempt, and one that cannot be counts as an
    /// attempt that failed.
    /// </param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">
    /// The only address refused or could not be reached; of several, and when the time is over, a <see cref="ConnectException"/>.
    /// </exception>
    /// <exception cref="ArgumentException">There is none.</exception>
    public static Coroutine<Connection> ConnectAsync(IEnumerable<EndPoint> endPoints, ConnectOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoints);
        EndPoint[] all = [.. endPoints];
        if (all.Length == 0 || all.Contains(null))
        {
            throw new ArgumentException("To connect takes at least one end point, and none that is null.", nameof(endPoints));
        }

        options ??= ConnectOptions.Default;
        options.CheckTls();
        var names = all.OfType<DnsEndPoint>().Select(name => name.Host).Distinct().ToArray();
        return StartTlsAsync(
            Connector.ConnectAsync(all, options),
            names.Length == 1 && all.All(endPoint => endPoint is DnsEndPoint) ? names[0] : null,
            options);
    }

    /// <summary>Notes what was connected to, and starts TLS where the options ask for it.</summary>
    private static async Coroutine<Connection> StartTlsAsync(Coroutine<Connection> connecting, string? host, ConnectOptions options)
    {
        var connection = await connecting;
        connection._target = host ?? (object?)connection._remoteEndPoint;
        if (options.Tls is { } tls)
        {
            try
            {
                await connection.UpgradeToTlsAsync(tls, options.TlsHandshakeTimeout, options.TlsShutdownTimeout);
            }
            catch
            {
                connection.Abort();
                throw;
            }
        }

        return connection;
    }
}
