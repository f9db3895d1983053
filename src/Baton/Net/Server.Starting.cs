using System.Net;
using System.Net.Sockets;

namespace Baton;

// Finding out where to listen, and getting there.
public sealed partial class Server
{
    /// <summary>How often a free port is looked for that is free at every address.</summary>
    private const int PortAttempts = 8;

    /// <summary>Starts a server at the addresses of a host. Corresponds to <c>asyncio.start_server</c>.</summary>
    /// <param name="host">A name, all of whose addresses are listened at; an address; null or empty for all interfaces, IPv4 and IPv6.</param>
    /// <param name="port">The port; 0 takes a free one, the same at every address where that is possible.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The name is unknown, or an address is in use or not permitted.</exception>
    public static async Coroutine<Server> StartAsync(string? host, int port, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        var isWildcard = string.IsNullOrEmpty(host);
        IPAddress[] addresses = isWildcard ? [IPAddress.Any, IPAddress.IPv6Any] : await NameResolution.GetHostAddressesAsync(host!);
        return Start([.. addresses.Distinct().Select(address => new IPEndPoint(address, port))], isWildcard, handler, options);
    }

    /// <summary>Starts a server at one end point. A <see cref="DnsEndPoint"/> is resolved. Corresponds to <c>asyncio.start_server</c>.</summary>
    /// <param name="endPoint">Where to listen; port 0 takes a free one.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The address is in use or not permitted.</exception>
    public static Coroutine<Server> StartAsync(EndPoint endPoint, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return StartAsync([endPoint], handler, options);
    }

    /// <summary>Starts a server at several end points. Either all of them work, or none is left. Corresponds to <c>asyncio.start_server</c>.</summary>
    /// <param name="endPoints">Where to listen; each <see cref="DnsEndPoint"/> is resolved.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">An address is in use or not permitted.</exception>
    public static async Coroutine<Server> StartAsync(IEnumerable<EndPoint> endPoints, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoints);
        ArgumentNullException.ThrowIfNull(handler);
        var resolved = new List<EndPoint>();
        foreach (var endPoint in endPoints)
        {
            if (endPoint is not DnsEndPoint name)
            {
                resolved.Add(endPoint);
                continue;
            }

            foreach (var address in await NameResolution.GetHostAddressesAsync(name.Host))
            {
                resolved.Add(new IPEndPoint(address, name.Port));
            }
        }

        return Start([.. resolved.Distinct()], mayLackFamily: false, handler, options);
    }

    private static Server Start(EndPoint[] endPoints, bool mayLackFamily, Func<Connection, Coroutine> handler, ServerOptions? options)
    {
        if (endPoints.Length == 0)
        {
            throw new ArgumentException("A server needs at least one end point.", nameof(endPoints));
        }

        options ??= new ServerOptions();
        TlsSetup.Check(options.Tls is not null, options.TlsHandshakeTimeout, options.TlsShutdownTimeout);
        var server = new Server(EventLoop.Current, handler, options);
        try
        {
            for (var attempt = 1; !server.TryListen(endPoints, mayLackFamily, insistOnPort: attempt < PortAttempts); attempt++)
            {
                server.CloseListeners();
            }
        }
        catch
        {
            server.CloseListeners();
            throw;
        }

        server.EndPoints = [.. server._listeners.Select(listener => listener.LocalEndPoint!)];
        server.StartAccepting();
        server.TrackAsOpen();
        return server;
    }

    /// <summary>Listens at every end point. False when the free port that the first got is taken at another, and it is worth trying again.</summary>
    private bool TryListen(EndPoint[] endPoints, bool mayLackFamily, bool insistOnPort)
    {
        var freePort = 0;
        SocketException? skipped = null;
        foreach (var endPoint in endPoints)
        {
            var wantsFreePort = endPoint is IPEndPoint { Port: 0 };
            var target = wantsFreePort && freePort != 0 && insistOnPort ? new IPEndPoint(((IPEndPoint)endPoint).Address, freePort) : endPoint;
            try
            {
                var listener = Listen(target);
                _listeners.Add(listener);
                if (wantsFreePort && freePort == 0)
                {
                    freePort = ((IPEndPoint)listener.LocalEndPoint!).Port;
                }
            }
            catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse && !ReferenceEquals(target, endPoint))
            {
                return false;
            }
            catch (SocketException exception) when (
                endPoints.Length > 1
                && endPoint.AddressFamily != AddressFamily.Unix
                && (exception.SocketErrorCode == SocketError.AddressNotAvailable
                    || (mayLackFamily && exception.SocketErrorCode == SocketError.AddressFamilyNotSupported)))
            {
                // A name may have addresses that this machine does not; the others will do.
                skipped = exception;
            }
        }

        return _listeners.Count > 0 ? true : throw skipped!;
    }

    private LoopSocket Listen(EndPoint endPoint)
    {
        var listener = LoopSocket.Create(endPoint.AddressFamily);
        try
        {
            if (endPoint is IPEndPoint)
            {
                listener.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, _options.ReuseAddress ? 1 : 0);
                listener.NoDelay = _options.NoDelay;
                if (_options.ReusePort)
                {
                    listener.SetReusePort(true);
                }
            }

            if (endPoint.AddressFamily == AddressFamily.InterNetworkV6)
            {
                // So that the same port can be listened at for IPv4 by a socket of its own.
                listener.SetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, 1);
            }

            if (endPoint.AddressFamily == AddressFamily.Unix)
            {
                UnixSocketFile.Bind(listener, endPoint, _options.SocketFileMode, _options.KeepSocketFile);
            }
            else
            {
                listener.Bind(endPoint);
            }

            listener.Listen(_options.Backlog);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>From now on the server answers for its listeners.</summary>
    private void TrackAsOpen()
    {
        foreach (var listener in _listeners)
        {
            Loop.UntrackResource(listener);
        }

        Loop.TrackResource(this, static server => ((Server)server).IsServing);
    }

    private void CloseListeners()
    {
        foreach (var listener in _listeners)
        {
            listener.Dispose();
        }

        _listeners.Clear();
    }
}
