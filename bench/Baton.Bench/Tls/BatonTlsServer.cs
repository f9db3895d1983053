using System.Net;
using Baton.Bench.Net;

namespace Baton.Bench.Tls;

/// <summary>The server under test, over a connection's pipes and over its stream.</summary>
internal static class BatonTlsServer
{
    private const int Backlog = 4096;

    public static void RunConnections() => Run(EchoAsync);

    public static void RunStreams() => Run(EchoStreamAsync);

    private static void Run(Func<Connection, Coroutine> handler) => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync(
            "127.0.0.1", 0, handler, new ServerOptions { Backlog = Backlog, Tls = TlsSettings.Server });
        ServerChild.Announce(((IPEndPoint)server.EndPoints[0]).Port);
        await server.ServeForeverAsync();
    });

    private static async Coroutine EchoAsync(Connection connection)
    {
        try
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                if (read.Buffer.IsEmpty && read.IsCompleted) return;

                foreach (var segment in read.Buffer) await connection.Output.WriteAsync(segment);
                connection.Input.AdvanceTo(read.Buffer.End);
            }
        }
        catch (IOException)
        {
            // The client went away without a farewell. Its connection is over, the server is not.
        }
    }

    private static async Coroutine EchoStreamAsync(Connection connection)
    {
        var stream = connection.AsStream();
        var buffer = new byte[TlsLoad.MessageSize];
        try
        {
            while (await stream.ReadAsync(buffer) is var count and > 0) await stream.WriteAsync(buffer.AsMemory(0, count));
        }
        catch (IOException)
        {
            // As above.
        }
    }
}
