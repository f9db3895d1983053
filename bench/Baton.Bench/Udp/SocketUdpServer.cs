using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Udp;

/// <summary>
/// The BCL peer: what an echo of datagrams on <see cref="Socket"/> looks like when written for speed. It knows no batches.
/// </summary>
internal static class SocketUdpServer
{
    public static async Task RunAsync()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.ReceiveBufferSize = BatonUdpServer.ReceiveBuffer;
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        ServerChild.Announce(((IPEndPoint)socket.LocalEndPoint!).Port);

        var buffer = new byte[BatonUdpServer.BufferSize];
        var sender = new SocketAddress(AddressFamily.InterNetwork);
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, sender);
            await socket.SendToAsync(buffer.AsMemory(0, received), SocketFlags.None, sender);
        }
    }
}
