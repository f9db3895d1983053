using System.Net;

namespace Baton.Soak.Workloads;

/// <summary>Servers that come and go: with clients, without, in stages, at once, full, and while others connect.</summary>
internal sealed class ServerWorkload : Workload
{
    public override string Name => "Server";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var options = new ServerOptions
        {
            MaxConnections = worker.Chance(0.3) ? 1 + worker.Random.Next(3) : int.MaxValue,
            StartServing = worker.Chance(0.8),
            CancelGracePeriod = TimeSpan.FromMilliseconds(20),
        };
        var random = new Random(worker.Random.Next());
        var server = await Server.StartAsync(
            new IPEndPoint(IPAddress.Loopback, 0), connection => ServeAsync(connection, random), options);
        try
        {
            server.StartServing();
            await TaskGroup.Run(async Coroutine (group) =>
            {
                for (var i = worker.Random.Next(6); i > 0; i--)
                {
                    _ = group.CreateTask(VisitAsync(server, worker, new Random(worker.Random.Next())));
                }

                await worker.Pause();
                await EndAsync(server, worker);
            });
        }
        finally
        {
            server.Abort();
        }

        await server.WaitClosedAsync();
        SoakException.ThrowUnless(
            server is { IsClosed: true, ConnectionCount: 0 }, $"The server is not closed: {server.ConnectionCount} connections.");
    }

    private static async Coroutine EndAsync(Server server, SoakWorker worker)
    {
        switch (worker.Random.Next(6))
        {
            case 0:
                await server.ShutdownAsync(worker.Time(100));
                break;
            case 1:
                server.StopAccepting();
                await worker.Pause();
                await server.DisposeAsync();
                break;
            case 2:
                server.Abort();
                break;
            case 3:
                server.CloseClients();
                await server.ShutdownAsync(TimeSpan.FromMilliseconds(50));
                break;
            case 4:
                server.AbortClients();
                await server.DisposeAsync();
                break;
            default:
                await worker.Abuse(async Coroutine () => await server.ServeForeverAsync());
                break;
        }
    }

    private static async Coroutine VisitAsync(Server server, SoakWorker worker, Random random)
    {
        try
        {
            await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
            var pattern = new Pattern((uint)random.Next());
            var length = random.Next(3000);
            await connection.WriteAsync(pattern.Make(0, length));
            await Streams.ReadAsync(connection, pattern, length, random);
            await connection.CompleteOutputAsync();
            await connection.Input.ReadAsync();
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            // The server ends when it likes.
        }
    }

    private static async Coroutine ServeAsync(Connection connection, Random random)
    {
        try
        {
            if (random.Next(4) == 0)
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(random.Next(30)));
            }

            while (await connection.WaitForRequestAsync())
            {
                var read = await connection.Input.ReadAsync();
                foreach (var segment in read.Buffer)
                {
                    await connection.WriteAsync(segment);
                }

                connection.Input.AdvanceTo(read.Buffer.End);
            }
        }
        catch (IOException)
        {
            connection.Abort();
        }
    }
}
