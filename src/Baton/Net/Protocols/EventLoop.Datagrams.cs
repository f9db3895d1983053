using System.Net;
using System.Net.Sockets;

namespace Baton;

// asyncio's low-level way to datagrams.
public sealed partial class EventLoop
{
    /// <summary>
    /// Makes a socket for datagrams, bound to a local end point, connected to a remote one, or both, and hands it to a protocol. Corresponds to
    /// <c>loop.create_datagram_endpoint</c>.
    /// </summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once there is a socket; makes the protocol.</param>
    /// <param name="localEndPoint">Where to receive; port 0 takes a free one. Null lets the system choose when the first datagram is sent.</param>
    /// <param name="remoteEndPoint">Where to send, and from where alone to receive; null for datagrams from and to anywhere.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <remarks>
    /// Each end point may be that of a local (Unix) socket, or a <see cref="DnsEndPoint"/>, which is resolved: the first pair of addresses of one family that works is
    /// taken.
    /// </remarks>
    /// <returns>The transport and the protocol, whose <see cref="IDatagramProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="ArgumentException">There is neither an end point nor a family, or no two addresses are of one family.</exception>
    /// <exception cref="SocketException">The local address is in use, not ours or not permitted, or the remote one cannot be reached.</exception>
    public async Coroutine<(IDatagramTransport Transport, TProtocol Protocol)> CreateDatagramEndpointAsync<TProtocol>(
        Func<TProtocol> protocolFactory, EndPoint? localEndPoint = null, EndPoint? remoteEndPoint = null, DatagramEndpointOptions? options = null)
        where TProtocol : IDatagramProtocol
    {
        CheckFactory(protocolFactory);
        options ??= new DatagramEndpointOptions();
        var locals = await ResolveAsync(localEndPoint, options.AddressFamily);
        var remotes = await ResolveAsync(remoteEndPoint, options.AddressFamily);
        SocketException? failure = null;
        foreach (var (local, remote) in Pair(locals, remotes, options.AddressFamily))
        {
            var family = (local ?? remote)?.AddressFamily ?? options.AddressFamily;
            LoopSocket socket;
            try
            {
                socket = await OpenDatagramAsync(family, local, remote, options);
            }
            catch (SocketException exception)
            {
                failure ??= exception;
                continue;
            }

            return await AttachDatagramAsync(socket, protocolFactory, remote);
        }

        throw failure ?? (Exception)new ArgumentException(
            "A socket for datagrams needs a local end point, a remote one, or a family of addresses; where both are given, addresses of one family.");
    }

    /// <summary>Hands a socket for datagrams to a protocol. Corresponds to <c>loop.create_datagram_endpoint</c> with a socket.</summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once; makes the protocol.</param>
    /// <param name="socket">The socket, which belongs to the transport from now on.</param>
    /// <returns>The transport and the protocol, whose <see cref="IDatagramProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="ArgumentException">This is not a socket for datagrams, but one for a stream, say.</exception>
    public async Coroutine<(IDatagramTransport Transport, TProtocol Protocol)> CreateDatagramEndpointAsync<TProtocol>(
        Func<TProtocol> protocolFactory, LoopSocket socket)
        where TProtocol : IDatagramProtocol
    {
        CheckFactory(protocolFactory);
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.Io.SocketType != SocketType.Dgram)
        {
            throw new ArgumentException($"A socket for datagrams is needed, and this is of the type {socket.Io.SocketType}.", nameof(socket));
        }

        return await AttachDatagramAsync(socket, protocolFactory, remote: null);
    }

    private static async Coroutine<EndPoint?[]> ResolveAsync(EndPoint? endPoint, AddressFamily family)
    {
        if (endPoint is not DnsEndPoint name)
        {
            return [endPoint];
        }

        if (family == AddressFamily.Unspecified)
        {
            family = name.AddressFamily;
        }

        var addresses = await NameResolution.GetHostAddressesAsync(name.Host, family);
        return [.. addresses.Select(address => new IPEndPoint(address, name.Port))];
    }

    private static IEnumerable<(EndPoint? Local, EndPoint? Remote)> Pair(EndPoint?[] locals, EndPoint?[] remotes, AddressFamily family) =>
        from local in locals
        from remote in remotes
        let localFamily = local?.AddressFamily ?? remote?.AddressFamily ?? family
        where localFamily != AddressFamily.Unspecified
            && (remote is null || remote.AddressFamily == localFamily)
            && (family == AddressFamily.Unspecified || localFamily == family)
        select (local, remote);

    private static async Coroutine<LoopSocket> OpenDatagramAsync(
        AddressFamily family, EndPoint? local, EndPoint? remote, DatagramEndpointOptions options)
    {
        var socket = LoopSocket.Create(family, SocketType.Dgram);
        try
        {
            if (options.ReusePort)
            {
                socket.SetReusePort(true);
            }

            if (options.AllowBroadcast)
            {
                socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.Broadcast, 1);
            }

            if (local is UnixDomainSocketEndPoint)
            {
                UnixSocketFile.Bind(socket, local, mode: null, keep: false);
            }
            else if (local is not null)
            {
                socket.Bind(local);
            }

            if (remote is not null && !options.AllowBroadcast)
            {
                await socket.ConnectAsync(remote);
            }

            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static async Coroutine<(IDatagramTransport Transport, TProtocol Protocol)> AttachDatagramAsync<TProtocol>(
        LoopSocket socket, Func<TProtocol> protocolFactory, EndPoint? remote)
        where TProtocol : IDatagramProtocol
    {
        TProtocol protocol;
        try
        {
            protocol = MakeProtocol(protocolFactory);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var made = socket.Loop.CreateFuture();
        var transport = DatagramTransport.Start(socket, protocol, remote, made);
        try
        {
            await made;
        }
        catch
        {
            transport.Close();
            throw;
        }

        return (transport, protocol);
    }
}
