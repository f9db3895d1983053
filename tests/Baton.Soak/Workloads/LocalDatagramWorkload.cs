using System.Net.Sockets;

namespace Baton.Soak.Workloads;

/// <summary>
/// Datagrams between local sockets: none gets lost, and they keep their order, however often a receive or send is given up.
/// </summary>
internal sealed class LocalDatagramWorkload : Workload
{
    private const int MostBytes = 2000;

    public override string Name => "LocalDatagram";

    public override string? WhyNot(SoakPhase phase) => OperatingSystem.IsLinux() ? null : "Local datagrams are Linux's.";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var (client, server) = worker.Chance(0.5) ? UnixDatagramSocket.CreatePair() : await ConnectAsync(worker);
        using var one = client;
        using var two = server;
        var pattern = worker.NextPattern();
        var count = worker.Random.Next(200);
        await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(SendAsync(client, pattern, count, new Random(worker.Random.Next())));
            await ReceiveAsync(server, pattern, count, worker);
        });
    }

    private static async Coroutine<(UnixDatagramSocket Client, UnixDatagramSocket Server)> ConnectAsync(SoakWorker worker)
    {
        var path = Path.Combine(worker.Phase.Folder, $"{worker.Name}-{worker.RoundCount}");
        var server = UnixDatagramSocket.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            var client = UnixDatagramSocket.Create();
            try
            {
                await client.ConnectAsync(server.LocalEndPoint!);
                return (client, server);
            }
            catch
            {
                client.Dispose();
                throw;
            }
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    private static int LengthOf(int number) => 1 + (number * 37 % MostBytes);

    private static async Coroutine SendAsync(UnixDatagramSocket client, Pattern pattern, int count, Random random)
    {
        for (var number = 0; number < count;)
        {
            // A send that is given up was not sent.
            var datagram = pattern.Make(number * MostBytes, LengthOf(number));
            var isSent = false;
            await CancelScope.Run(
                async Coroutine (_) =>
                {
                    await client.SendAsync(datagram);
                    isSent = true;
                },
                TimeSpan.FromMilliseconds(random.NextDouble() * 5));
            number += isSent ? 1 : 0;
        }
    }

    private static async Coroutine ReceiveAsync(UnixDatagramSocket server, Pattern pattern, int count, SoakWorker worker)
    {
        var buffer = new byte[MostBytes];
        for (var number = 0; number < count;)
        {
            var length = -1;
            await CancelScope.Run(async Coroutine (_) => length = (await server.ReceiveFromAsync(buffer)).Length, worker.Time(5));
            if (length < 0)
            {
                continue;
            }

            SoakException.ThrowUnless(length == LengthOf(number), $"Datagram {number} has {length} bytes instead of {LengthOf(number)}.");
            pattern.Check(buffer.AsSpan(0, length), number * MostBytes);
            number++;
            if (worker.Chance(0.05))
            {
                await worker.Pause();
            }
        }
    }
}
