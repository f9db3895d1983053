using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class Connection
{
    /// <summary>
    /// Connects to a host by name or address: resolves it, off the loop where it is a name, and tries its addresses as RFC 8305 ("happy eyeballs") has it: the families
    /// in turn, the next beside one that does not answer soon, at once after one that fails; the first to connect is kept, the others are closed. Corresponds to
    /// <c>asyncio.open_connection</c>.
    /// </summary>
    /// <param name="host">A name, or an IPv4 or IPv6 address.</param>
    /// <param name="port">The port.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">
    /// The name is unknown, or the address refused or could not be reached; of several addresses, and when the time is over, a <see cref="ConnectException"/>.
    /// </exception>
    public static Coroutine<Connection> ConnectAsync(string host, int port, ConnectOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        return Connector.ConnectAsync(host, port, options ?? ConnectOptions.Default);
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
        return endPoint is DnsEndPoint name ? Connector.ConnectAsync(name.Host, name.Port, options)
            : options.Timeout == System.Threading.Timeout.InfiniteTimeSpan ? Connector.ConnectToAsync(endPoint, options)
            : Connector.ConnectAsync([endPoint], options);
    }

    /// <summary>
    /// Connects to one of several end points: tries them in their order, the next beside one that does not answer soon (see
    /// <see cref="ConnectOptions.HappyEyeballsDelay"/>), at once after one that fails; the first to connect is kept, the others are closed.
    /// </summary>
    /// <param name="endPoints">
    /// What to try; each <see cref="DnsEndPoint"/> is resolved, all of them before the first attempt, and one that cannot be counts as an attempt that failed.
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

        return Connector.ConnectAsync(all, options ?? ConnectOptions.Default);
    }
}
