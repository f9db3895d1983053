using System.Net;
using Baton.Bench.Net;

namespace Baton.Bench.Group;

/// <summary>The echo server of <see cref="Echo.BatonEchoServer"/> on a number of loops.</summary>
internal static class GroupEchoServer
{
    private const int Backlog = 4096;

    public static void Run(int loops, ConnectionDistribution distribution)
    {
        using var group = EventLoopGroup.Start(new EventLoopGroupOptions { Count = loops });
        var servers = group.StartServerAsync(
            "127.0.0.1", 0, EchoAsync, new ServerOptions { Backlog = Backlog }, distribution).GetAwaiter().GetResult();
        ServerChild.Announce(((IPEndPoint)servers.EndPoints[0]).Port);
        group.Completion.GetAwaiter().GetResult();
    }

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
            // The load has ended in the middle of its requests.
        }
    }
}
