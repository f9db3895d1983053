using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Connect;

/// <summary>The BCL peer: what such a server on <see cref="Socket"/> looks like when written plainly, one task a connection.</summary>
internal static class SocketConnectServer
{
    private const int Backlog = 4096;

    public static async Task RunAsync(bool answers)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.NoDelay = true;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        ServerChild.Announce(((IPEndPoint)listener.LocalEndPoint!).Port);

        while (true)
        {
            var socket = await listener.AcceptAsync();
            if (answers) _ = AnswerAsync(socket);
            else socket.Dispose();
        }
    }

    private static async Task AnswerAsync(Socket socket)
    {
        using (socket)
        {
            var buffer = new byte[1];
            try
            {
                var received = await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None);
                if (received > 0) await socket.SendAsync(buffer.AsMemory(), SocketFlags.None);
            }
            catch (SocketException)
            {
                // The client went away without a farewell. Its connection is over, the server is not.
            }
        }
    }
}
