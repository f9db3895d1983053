using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;

namespace Baton;

// Finding out where to listen, and getting there.
public sealed partial class Server
{
    /// <summary>How often a free port is looked for that is free at every address.</summary>
    private const int PortAttempts = 8;

    /// <summary>Starts a server at the addresses of a host. Corresponds to <c>asyncio.start_server</c>.</summary>
    /// <param name="host">
    /// A name, all of whose addresses are listened at; an address; null or empty for all interfaces, IPv4 and IPv6.
    /// </param>
    /// <param name="port">The port; 0 takes a free one, the same at every address where that is possible.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The name is unknown, or an address is in use or not permitted.</exception>
    [OverloadResolutionPriority(1)] // A null is a host.
    public static Coroutine<Server> StartAsync(
        string? host, int port, Func<Connection, Coroutine> handler, ServerOptions? options = null) =>
        StartAsync((IEnumerable<string?>)[host], port, handler, options);

    /// <summary>
    /// Starts a server at the addresses of several hosts, which are resolved at the same time. Either all of them work, or none is left.
    /// Corresponds to <c>asyncio.start_server</c> with a sequence of hosts.
    /// </summary>
    /// <param name="hosts">
    /// Names and addresses; null or empty among them for all interfaces. What is named twice is listened at once.
    /// </param>
    /// <param name="port">The port; 0 takes a free one, the same at every address where that is possible.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">A name is unknown, or an address is in use or not permitted.</exception>
    /// <exception cref="ArgumentException">There is no host.</exception>
    public static async Coroutine<Server> StartAsync(
        IEnumerable<string?> hosts, int port, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(hosts);
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        var names = hosts.ToArray();
        var addresses = await ResolveAsync([.. names.Where(name => !string.IsNullOrEmpty(name)).Select(name => name!)]);
        var resolved = new List<IPAddress>();
        var next = 0;
        foreach (var name in names)
        {
            resolved.AddRange(string.IsNullOrEmpty(name) ? [IPAddress.Any, IPAddress.IPv6Any] : addresses[next++]);
        }

        return Start(
            [.. resolved.Distinct().Select(address => new IPEndPoint(address, port))], names.Any(string.IsNullOrEmpty), handler, options);
    }

    /// <summary>
    /// Starts a server at one end point. A <see cref="DnsEndPoint"/> is resolved. Corresponds to <c>asyncio.start_server</c>.
    /// </summary>
    /// <param name="endPoint">Where to listen; port 0 takes a free one.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The address is in use or not permitted.</exception>
    public static Coroutine<Server> StartAsync(EndPoint endPoint, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        return StartAsync([endPoint], handler, options);
    }

    /// <summary>
    /// Starts a server at several end points. Either all of them work, or none is left. Corresponds to <c>asyncio.start_server</c>.
    /// </summary>
    /// <param name="endPoints">Where to listen; each <see cref="DnsEndPoint"/> is resolved.</param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">An address is in use or not permitted.</exception>
    public static async Coroutine<Server> StartAsync(
        IEnumerable<EndPoint> endPoints, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoints);
        ArgumentNullException.ThrowIfNull(handler);
        var all = endPoints.ToArray();
        var addresses = await ResolveAsync([.. all.OfType<DnsEndPoint>().Select(name => name.Host)]);
        var resolved = new List<EndPoint>();
        var next = 0;
        foreach (var endPoint in all)
        {
            resolved.AddRange(
                endPoint is DnsEndPoint name ? addresses[next++].Select(address => new IPEndPoint(address, name.Port)) : [endPoint]);
        }

        return Start([.. resolved.Distinct()], mayLackFamily: false, handler, options);
    }

    /// <summary>Starts a server on a socket of one's own. Corresponds to <c>asyncio.start_server</c> with <c>sock</c>.</summary>
    /// <param name="listener">
    /// A stream socket that is bound, whether it listens yet or not. It belongs to the server from now on, which closes it.
    /// </param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults. Those about binding mean nothing here.</param>
    /// <exception cref="ArgumentException">This is no stream socket, or of another loop; it stays the caller's.</exception>
    /// <exception cref="SocketException">The socket cannot listen; it has been closed.</exception>
    public static Coroutine<Server> StartAsync(LoopSocket listener, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(listener);
        return StartAsync([listener], handler, options);
    }

    /// <summary>Starts a server on several sockets of one's own: of one that another program passed on, say.</summary>
    /// <param name="listeners">
    /// Stream sockets that are bound, whether they listen yet or not. They belong to the server from now on, which closes them.
    /// </param>
    /// <param name="handler">Runs for each connection.</param>
    /// <param name="options">Details; null for the defaults. Those about binding mean nothing here.</param>
    /// <exception cref="ArgumentException">There is none, or one is no stream socket or of another loop; all stay the caller's.</exception>
    /// <exception cref="SocketException">A socket cannot listen; all have been closed.</exception>
    public static async Coroutine<Server> StartAsync(
        IEnumerable<LoopSocket> listeners, Func<Connection, Coroutine> handler, ServerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(listeners);
        ArgumentNullException.ThrowIfNull(handler);
        var server = new Server(EventLoop.Current, handler, options ?? new ServerOptions());
        LoopSocket[] sockets = [.. listeners.Distinct()];
        if (sockets.Length == 0)
        {
            throw new ArgumentException("A server needs at least one socket.", nameof(listeners));
        }

        foreach (var socket in sockets)
        {
            if (socket.Io.SocketType != SocketType.Stream)
            {
                throw new ArgumentException(
                    $"A server accepts at stream sockets, and {socket} is of the type {socket.Io.SocketType}.", nameof(listeners));
            }

            if (!ReferenceEquals(socket.Loop, server.Loop))
            {
                throw new ArgumentException($"{socket} belongs to another loop.", nameof(listeners));
            }
        }

        return server.Open(() =>
        {
            server._listeners.AddRange(sockets);
            foreach (var socket in sockets)
            {
                if (!server._options.KeepSocketFile)
                {
                    UnixSocketFile.Adopt(socket);
                }

                server.Prepare(socket);
            }
        });
    }

    /// <summary>Resolves names at the same time. All of the look-ups have ended when this does.</summary>
    private static async Coroutine<IPAddress[][]> ResolveAsync(string[] names) => names.Length switch
    {
        0 => [],
        1 => [await NameResolution.GetHostAddressesAsync(names[0])],
        _ =>
        [
            .. (await Coroutine.GatherOutcomes(names.Select(name => NameResolution.GetHostAddressesAsync(name))))
                .Select(outcome => outcome.GetResult()),
        ],
    };

    private static Server Start(EndPoint[] endPoints, bool mayLackFamily, Func<Connection, Coroutine> handler, ServerOptions? options)
    {
        // Nothing suspends from here on, and nobody would get the server of a task that is to end as cancelled.
        Coroutine.ThrowIfCancelled();
        if (endPoints.Length == 0)
        {
            throw new ArgumentException("A server needs at least one end point.", nameof(endPoints));
        }

        var server = new Server(EventLoop.Current, handler, options ?? new ServerOptions());
        return server.Open(() =>
        {
            for (var attempt = 1; !server.TryListen(endPoints, mayLackFamily, insistOnPort: attempt < PortAttempts); attempt++)
            {
                server.CloseListeners();
            }
        });
    }

    /// <summary>Gets the listeners, or none, and starts.</summary>
    private Server Open(Action listen)
    {
        try
        {
            listen();
        }
        catch
        {
            CloseListeners();
            throw;
        }

        EndPoints = [.. _listeners.Select(listener => listener.LocalEndPoint!)];
        if (_options.StartServing)
        {
            StartAccepting();
        }

        TrackAsOpen();
        return this;
    }

    /// <summary>
    /// Listens at every end point. False when the free port that the first got is taken at another, and it is worth trying again.
    /// </summary>
    private bool TryListen(EndPoint[] endPoints, bool mayLackFamily, bool insistOnPort)
    {
        var freePort = 0;
        SocketException? skipped = null;
        foreach (var endPoint in endPoints)
        {
            var wantsFreePort = endPoint is IPEndPoint { Port: 0 };
            var target = wantsFreePort && freePort != 0 && insistOnPort
                ? new IPEndPoint(((IPEndPoint)endPoint).Address, freePort)
                : endPoint;
            try
            {
                var listener = Listen(target);
                _listeners.Add(listener);
                if (wantsFreePort && freePort == 0)
                {
                    freePort = ((IPEndPoint)listener.LocalEndPoint!).Port;
                }
            }
            catch (SocketException exception)
                when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse && !ReferenceEquals(target, endPoint))
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

            Prepare(listener);
            return listener;
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    /// <summary>Sets what accepted sockets inherit, and has the bound socket listen, unless that is for later.</summary>
    private void Prepare(LoopSocket listener)
    {
        if (listener.AddressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
        {
            listener.NoDelay = _options.NoDelay;
            _options.KeepAlive?.ApplyTo(listener);
        }

        if (_options.StartServing)
        {
            listener.Listen(_options.Backlog);
        }
    }

    /// <summary>From now on the server answers for its listeners.</summary>
    private void TrackAsOpen()
    {
        foreach (var listener in _listeners)
        {
            Loop.UntrackResource(listener);
        }

        Loop.TrackResource(this, static server => !((Server)server)._isStopped);
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
