using System.Net;

namespace Baton;

// asyncio's low-level way to connections: a transport that calls a protocol.
public sealed partial class EventLoop
{
    /// <summary>Connects to a host and hands the connection to a protocol. Corresponds to <c>loop.create_connection</c>.</summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once there is a connection; makes the protocol.</param>
    /// <param name="host">A name, or an IPv4 or IPv6 address.</param>
    /// <param name="port">The port.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <returns>The transport and the protocol, whose <see cref="IStreamProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">
    /// As of <see cref="Connection.ConnectAsync(string, int, ConnectOptions?)"/>.
    /// </exception>
    public async Coroutine<(IStreamTransport Transport, TProtocol Protocol)> CreateConnectionAsync<TProtocol>(
        Func<TProtocol> protocolFactory, string host, int port, ConnectOptions? options = null)
        where TProtocol : IStreamProtocol
    {
        CheckFactory(protocolFactory);
        return await AttachAsync(await Connection.ConnectAsync(host, port, options), protocolFactory);
    }

    /// <summary>
    /// Connects to an address, that of a local (Unix) socket included, and hands the connection to a protocol. Corresponds to
    /// <c>loop.create_connection</c> and <c>loop.create_unix_connection</c>.
    /// </summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once there is a connection; makes the protocol.</param>
    /// <param name="endPoint">The address; a <see cref="DnsEndPoint"/> is resolved.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <returns>The transport and the protocol, whose <see cref="IStreamProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="System.Net.Sockets.SocketException">The address refused or could not be reached.</exception>
    public async Coroutine<(IStreamTransport Transport, TProtocol Protocol)> CreateConnectionAsync<TProtocol>(
        Func<TProtocol> protocolFactory, EndPoint endPoint, ConnectOptions? options = null)
        where TProtocol : IStreamProtocol
    {
        CheckFactory(protocolFactory);
        return await AttachAsync(await Connection.ConnectAsync(endPoint, options), protocolFactory);
    }

    /// <summary>
    /// Hands a socket that is connected already to a protocol: one that somebody else has connected, or accepted. Corresponds to
    /// <c>loop.connect_accepted_socket</c>, and to <c>create_connection</c> with a socket.
    /// </summary>
    /// <typeparam name="TProtocol">The type of the protocol.</typeparam>
    /// <param name="protocolFactory">Called once; makes the protocol.</param>
    /// <param name="socket">The socket, which belongs to the transport from now on.</param>
    /// <returns>The transport and the protocol, whose <see cref="IStreamProtocol.ConnectionMade"/> has been called.</returns>
    /// <exception cref="ArgumentException">This is no stream socket.</exception>
    public async Coroutine<(IStreamTransport Transport, TProtocol Protocol)> ConnectAcceptedSocketAsync<TProtocol>(
        Func<TProtocol> protocolFactory, LoopSocket socket)
        where TProtocol : IStreamProtocol
    {
        CheckFactory(protocolFactory);
        return await AttachAsync(new Connection(socket), protocolFactory);
    }

    /// <summary>
    /// Starts a server at the addresses of a host that hands each connection to a protocol of its own. Corresponds to
    /// <c>loop.create_server</c>.
    /// </summary>
    /// <param name="protocolFactory">Called for each connection; makes the protocol.</param>
    /// <param name="host">
    /// A name, all of whose addresses are listened at; an address; null or empty for all interfaces, IPv4 and IPv6.
    /// </param>
    /// <param name="port">The port; 0 takes a free one, the same at every address where that is possible.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <remarks>
    /// Where a server cancels the handlers of its connections, it closes these transports; and where it aborts connections, it aborts them.
    /// </remarks>
    /// <exception cref="System.Net.Sockets.SocketException">The name is unknown, or an address is in use or not permitted.</exception>
    public async Coroutine<Server> CreateServerAsync(
        Func<IStreamProtocol> protocolFactory, string? host, int port, ServerOptions? options = null)
    {
        CheckFactory(protocolFactory);
        return await Server.StartAsync(host, port, Serve(protocolFactory), options);
    }

    /// <summary>
    /// Starts a server at an end point, that of a local (Unix) socket included, that hands each connection to a protocol of its own.
    /// Corresponds to <c>loop.create_server</c> and <c>loop.create_unix_server</c>.
    /// </summary>
    /// <inheritdoc cref="CreateServerAsync(Func{IStreamProtocol}, string?, int, ServerOptions?)"/>
    /// <param name="protocolFactory">Called for each connection; makes the protocol.</param>
    /// <param name="endPoint">Where to listen; port 0 takes a free one.</param>
    /// <param name="options">Details; null for the defaults.</param>
    public async Coroutine<Server> CreateServerAsync(
        Func<IStreamProtocol> protocolFactory, EndPoint endPoint, ServerOptions? options = null)
    {
        CheckFactory(protocolFactory);
        return await Server.StartAsync(endPoint, Serve(protocolFactory), options);
    }

    private static Func<Connection, Coroutine> Serve(Func<IStreamProtocol> protocolFactory) => async connection =>
    {
        // The protocol is told in the next iteration; the server waits for the transport, not for this.
        StreamTransport.Start(connection, MakeProtocol(protocolFactory), made: null);
    };

    private static async Coroutine<(IStreamTransport Transport, TProtocol Protocol)> AttachAsync<TProtocol>(
        Connection connection, Func<TProtocol> protocolFactory)
        where TProtocol : IStreamProtocol
    {
        TProtocol protocol;
        try
        {
            protocol = MakeProtocol(protocolFactory);
        }
        catch
        {
            connection.Abort();
            throw;
        }

        return (await connection.AttachAsync(protocol), protocol);
    }

    private static TProtocol MakeProtocol<TProtocol>(Func<TProtocol> protocolFactory) =>
        protocolFactory() ?? throw new InvalidOperationException("The protocol factory returned null.");

    private void CheckFactory(Delegate protocolFactory)
    {
        ArgumentNullException.ThrowIfNull(protocolFactory);
        CheckThread();
        if (!IsRunning)
        {
            throw new InvalidOperationException("The loop does not run. Call this from a coroutine on it.");
        }
    }
}
