using System.Net;

namespace Baton.Tests.Net.Protocols;

/// <summary>What tests of transports share.</summary>
public static class ProtocolTest
{
    /// <summary>A transport that calls the protocol, and the connection at the other end.</summary>
    public static async Coroutine<(IStreamTransport Transport, Connection Peer)> Connect(IStreamProtocol protocol)
    {
        var (client, server) = await NetTest.Connect();
        return (await server.AttachAsync(protocol), client);
    }

    /// <summary>A transport that calls the protocol, and the socket at the other end, of small buffers.</summary>
    public static async Coroutine<(IStreamTransport Transport, LoopSocket Peer)> ConnectToSlowPeer(IStreamProtocol protocol)
    {
        var (client, server) = await NetTest.ConnectSockets();
        client.SetOption(System.Net.Sockets.SocketOptionLevel.Socket, System.Net.Sockets.SocketOptionName.ReceiveBuffer, 16 * 1024);
        server.SetOption(System.Net.Sockets.SocketOptionLevel.Socket, System.Net.Sockets.SocketOptionName.SendBuffer, 16 * 1024);
        return (await new Connection(server).AttachAsync(protocol), client);
    }

    /// <summary>Writes until the system takes no more, so that the next write is queued whole. Returns how much was written.</summary>
    public static int Fill(IStreamTransport transport)
    {
        var written = 0;
        while (transport.WriteBufferSize == 0)
        {
            transport.Write(new byte[4096]);
            written += 4096;
        }

        return written;
    }

    public static async Coroutine WaitUntilLost(TraceProtocol protocol) => await NetTest.Until(() => protocol.IsLost);

    public static EndPoint Loopback { get; } = new IPEndPoint(IPAddress.Loopback, 0);
}
