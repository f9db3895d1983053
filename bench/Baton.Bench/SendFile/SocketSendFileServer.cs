using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.SendFile;

/// <summary>The BCL peer: <see cref="Socket.SendFileAsync(string?, CancellationToken)"/>, one task a connection.</summary>
internal static class SocketSendFileServer
{
    private const int Backlog = 1024;

    public static async Task RunAsync()
    {
        using var file = ServedFile.Create();

        // By the name under which the system lets a process reach what it has open.
        var path = $"/proc/self/fd/{file.DangerousGetHandle()}";
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.NoDelay = true;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        ServerChild.Announce(((IPEndPoint)listener.LocalEndPoint!).Port);

        while (true) _ = ServeAsync(await listener.AcceptAsync(), path);
    }

    private static async Task ServeAsync(Socket socket, string path)
    {
        using (socket)
        {
            var request = new byte[1];
            try
            {
                while (await socket.ReceiveAsync(request.AsMemory(), SocketFlags.None) > 0) await socket.SendFileAsync(path);
            }
            catch (SocketException)
            {
                // The client went away in the middle of a file. Its connection is over, the server is not.
            }
        }
    }
}
