using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Echo;

/// <summary>The BCL peer: what an echo server on <see cref="Socket"/> looks like when written plainly, one task a connection.</summary>
internal static class SocketEchoServer
{
    private const int BufferSize = 4096;
    private const int Backlog = 4096;

    public static async Task RunAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        ServerChild.Announce(((IPEndPoint)listener.LocalEndPoint!).Port);

        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = EchoAsync(socket);
        }
    }

    private static async Task EchoAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[BufferSize];
            try
            {
                while (true)
                {
                    var received = await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None);
                    if (received == 0) return;

                    var unsent = buffer.AsMemory(0, received);
                    while (!unsent.IsEmpty) unsent = unsent[await socket.SendAsync(unsent, SocketFlags.None)..];
                }
            }
            catch (SocketException)
            {
                // The client went away without a farewell. Its connection is over, the server is not.
            }
        }
    }
}
