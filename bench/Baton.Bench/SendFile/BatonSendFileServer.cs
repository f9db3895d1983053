using System.Net;
using Baton.Bench.Net;
using Microsoft.Win32.SafeHandles;

namespace Baton.Bench.SendFile;

/// <summary>
/// The server under test, by the system's own call, and by reading and writing as where there is none. A byte asks for the file.
/// </summary>
internal static class BatonSendFileServer
{
    private const int BlockSize = 128 * 1024;

    public static void Run() => Run(static async Coroutine (connection, file) => await connection.SendFileAsync(file));

    public static void RunReading() => EventLoop.Run(async Coroutine () =>
    {
        // By the name under which the system lets a process reach what it has open.
        using var handle = ServedFile.Create();
        await using var file = await LoopFile.OpenAsync($"/proc/self/fd/{handle.DangerousGetHandle()}");
        await ServeAsync(async Coroutine (connection) => await SendByReadingAsync(connection, file));
    });

    private static void Run(Func<Connection, SafeFileHandle, Coroutine> send) => EventLoop.Run(async Coroutine () =>
    {
        using var file = ServedFile.Create();
        await ServeAsync(connection => send(connection, file));
    });

    private static async Coroutine ServeAsync(Func<Connection, Coroutine> send)
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (connection) =>
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                var requests = read.Buffer.Length;
                connection.Input.AdvanceTo(read.Buffer.End);
                if (requests == 0) return;
                try
                {
                    for (; requests > 0; requests--) await send(connection);
                }
                catch (IOException)
                {
                    // The client went away in the middle of a file. Its connection is over, the server is not.
                    return;
                }
            }
        });
        ServerChild.Announce(((IPEndPoint)server.EndPoints[0]).Port);
        await server.ServeForeverAsync();
    }

    private static async Coroutine SendByReadingAsync(Connection connection, LoopFile file)
    {
        var block = new byte[BlockSize];
        for (long offset = 0; ;)
        {
            var count = await file.ReadAsync(block, offset);
            if (count == 0) return;
            await connection.WriteAsync(block.AsMemory(0, count));
            offset += count;
        }
    }
}
