using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Udp;

/// <summary>The server under test, in the two ways a user would write it: by batches, and one datagram at a time.</summary>
internal static class BatonUdpServer
{
    internal const int BufferSize = 2048;
    internal const int ReceiveBuffer = 4 << 20;
    private const int Batch = 64;

    public static void RunBatches() => EventLoop.Run(async Coroutine () =>
    {
        using var socket = Bind();
        var batch = new DatagramBatch(Batch, BufferSize);
        while (true)
        {
            await socket.ReceiveBatchAsync(batch);
            await socket.SendBatchAsync(batch);
        }
    });

    public static void RunSingle() => EventLoop.Run(async Coroutine () =>
    {
        using var socket = Bind();
        var buffer = new byte[BufferSize];
        var sender = new SocketAddress(AddressFamily.InterNetwork);
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, sender);
            await socket.SendToAsync(buffer.AsMemory(0, received.Count), sender);
        }
    });

    private static UdpSocket Bind()
    {
        var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0), new UdpOptions { ReceiveBufferSize = ReceiveBuffer });
        ServerChild.Announce(socket.LocalEndPoint!.Port);
        return socket;
    }
}
