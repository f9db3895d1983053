using System.Net;
using System.Net.Sockets;

namespace Baton;

// asyncio's low-level way to datagrams.
public sealed partial class EventLoop
{
    /// <summary>
    /// Makes a socket for datagrams, bound to a local end point, connected to a remote one, or both, and hands it to a protocol.
    /// Corresponds to <c>loop.create_datagram_endpoint</c>.
    /// </summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once there is a socket; makes the protocol.</param>
    /// <param name="localEndPoint">
    /// Where to receive; port 0 takes a free one. Null lets the system choose when the first datagram is sent.
    /// </param>
    /// <param name="remoteEndPoint">Where to send, and from where alone to receive; null for datagrams from and to anywhere.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <remarks>
    /// Each end point may be that of a local (Unix) socket, or a <see cref="DnsEndPoint"/>, which is resolved: the first pair of addresses
    /// of one family that works is taken.
    /// </remarks>
    /// <returns>The transport and the protocol, whose <see cref="IDatagramProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="ArgumentException">There is neither an end point nor a family, or no two addresses are of one family.</exception>
    /// <exception cref="SocketException">
    /// The local address is in use, not ours or not permitted, or the remote one cannot be reached; where several pairs failed, a
    /// <see cref="ConnectException"/>.
    /// </exception>
    public async Coroutine<(IDatagramTransport Transport, TProtocol Protocol)> CreateDatagramEndpointAsync<TProtocol>(
        Func<TProtocol> protocolFactory,
        EndPoint? localEndPoint = null,
        EndPoint? remoteEndPoint = null,
        DatagramEndpointOptions? options = null)
        where TProtocol : IDatagramProtocol
    {
        CheckFactory(protocolFactory);
        options ??= new DatagramEndpointOptions();
        var socketOptions = new UdpOptions { ReusePort = options.ReusePort, AllowBroadcast = options.AllowBroadcast };
        var (socket, ends) = await DatagramEnds.OpenFirstAsync(localEndPoint, remoteEndPoint, options.AddressFamily, socketOptions)
            ?? throw new ArgumentException(
                "A socket for datagrams needs a local end point, a remote one, or a family of addresses; where both are given, addresses of one family.");
        return await AttachDatagramAsync(socket, protocolFactory, ends.Remote);
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
            throw new ArgumentException(
                $"A socket for datagrams is needed, and this is of the type {socket.Io.SocketType}.", nameof(socket));
        }

        return await AttachDatagramAsync(socket, protocolFactory, remote: null);
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
