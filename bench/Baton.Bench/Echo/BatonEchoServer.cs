using System.Net;
using System.Net.Sockets;
using Baton.Bench.Net;

namespace Baton.Bench.Echo;

/// <summary>The server under test, in the two ways a user would write it: over a connection's pipes, and over a bare socket.</summary>
internal static class BatonEchoServer
{
    private const int BufferSize = 4096;
    private const int Backlog = 4096;

    public static void RunConnections() => RunConnections(new EventLoopOptions());

    /// <summary>Asks the driver for up to a millisecond before it waits in it: longer than the load generator ever takes to answer.</summary>
    public static void RunBusily() => RunConnections(new EventLoopOptions { BusyPoll = TimeSpan.FromMilliseconds(1) });

    private static void RunConnections(EventLoopOptions options) => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, EchoAsync, new ServerOptions { Backlog = Backlog });
        ServerChild.Announce(((IPEndPoint)server.EndPoints[0]).Port);
        await server.ServeForeverAsync();
    }, options);

    public static void RunSockets() => EventLoop.Run(async Coroutine () =>
    {
        using var listener = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(Backlog);
        ServerChild.Announce(((IPEndPoint)listener.LocalEndPoint!).Port);

        while (true)
        {
            var socket = await listener.AcceptAsync();
            socket.NoDelay = true;
            _ = Coroutine.Start(EchoAsync(socket));
        }
    });

    private static async Coroutine EchoAsync(Connection connection)
    {
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            if (read.Buffer.IsEmpty && read.IsCompleted) return;

            foreach (var segment in read.Buffer) await connection.Output.WriteAsync(segment);
            connection.Input.AdvanceTo(read.Buffer.End);
        }
    }

    private static async Coroutine EchoAsync(LoopSocket socket)
    {
        using (socket)
        {
            var buffer = new byte[BufferSize];
            while (true)
            {
                var received = await socket.ReceiveAsync(buffer);
                if (received == 0) return;

                var unsent = buffer.AsMemory(0, received);
                while (!unsent.IsEmpty) unsent = unsent[await socket.SendAsync(unsent)..];
            }
        }
    }
}
