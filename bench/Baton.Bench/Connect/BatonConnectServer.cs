using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Connect;

/// <summary>
/// The server under test, in the two ways a user would write it: a <see cref="Server"/>, and a loop that accepts bare sockets.
/// </summary>
internal static class BatonConnectServer
{
    private const int Backlog = 4096;

    public static void RunServer(bool answers) => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync(
            "127.0.0.1", 0, answers ? AnswerAsync : CloseAsync, new ServerOptions { Backlog = Backlog });
        ServerChild.Announce(((IPEndPoint)server.EndPoints[0]).Port);
        await server.ServeForeverAsync();
    });

    public static void RunSockets(bool answers) => EventLoop.Run(async Coroutine () =>
    {
        using var listener = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.NoDelay = true;
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        ServerChild.Announce(((IPEndPoint)listener.LocalEndPoint!).Port);

        while (true)
        {
            var socket = await listener.AcceptAsync();
            if (answers) _ = Coroutine.Start(AnswerAsync(socket));
            else socket.Dispose();
        }
    });

#pragma warning disable CS1998 // a handler that has nothing to wait for
    private static async Coroutine CloseAsync(Connection connection)
    {
    }
#pragma warning restore CS1998

    private static async Coroutine AnswerAsync(Connection connection)
    {
        var read = await connection.Input.ReadAsync();
        await connection.WriteAsync(read.Buffer.First);
        connection.Input.AdvanceTo(read.Buffer.End);
    }

    private static async Coroutine AnswerAsync(LoopSocket socket)
    {
        using (socket)
        {
            var buffer = new byte[1];
            var received = await socket.ReceiveAsync(buffer);
            if (received > 0) await socket.SendAsync(buffer);
        }
    }
}
