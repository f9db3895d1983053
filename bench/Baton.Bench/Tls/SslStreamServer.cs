using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Tls;

/// <summary>
/// The BCL peer: an echo server on <see cref="SslStream"/> over <see cref="NetworkStream"/>, written plainly, one task a connection.
/// </summary>
internal static class SslStreamServer
{
    private const int Backlog = 4096;

    public static async Task RunAsync()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        ServerChild.Announce(((IPEndPoint)listener.LocalEndPoint!).Port);

        var options = TlsSettings.Server;
        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = EchoAsync(socket, options);
        }
    }

    private static async Task EchoAsync(Socket socket, SslServerAuthenticationOptions options)
    {
        await using var stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
        try
        {
            await stream.AuthenticateAsServerAsync(options);
            var buffer = new byte[TlsLoad.MessageSize];
            while (await stream.ReadAsync(buffer) is var count and > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
        }
        catch (IOException)
        {
            // The client went away without a farewell. Its connection is over, the server is not.
        }
    }
}
