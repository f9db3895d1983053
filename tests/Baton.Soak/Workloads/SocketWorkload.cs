using System.Net;
using System.Net.Sockets;

namespace Baton.Soak.Workloads;

/// <summary>Sockets without anything on top: connect, accept, send and receive, with little patience, and closed in the middle.</summary>
internal sealed class SocketWorkload : Workload
{
    public override string Name => "Socket";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var (client, server) = worker.Chance(0.5) ? LoopSocket.CreatePair() : await ConnectAsync(worker);
        client = Move(client, worker);
        using var one = client;
        using var two = server;
        var pattern = worker.NextPattern();
        var length = worker.Length(100_000);
        if (worker.Chance(0.7))
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(SendAsync(client, pattern, length, new Random(worker.Random.Next())));
                await ReceiveAsync(server, pattern, length, new Random(worker.Random.Next()));
            });
            return;
        }

        var random = new Random(worker.Random.Next());
        var receiving = worker.Disturb(ReceiveAsync(server, pattern, length, random), task =>
        {
            switch (worker.Random.Next(4))
            {
                case 0:
                    client.Abort();
                    break;
                case 1:
                    server.Dispose();
                    break;
                case 2:
                    task.Cancel();
                    break;
                default:
                    client.Dispose();
                    break;
            }
        });
        try
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                var sending = group.CreateTask(SendAsync(client, pattern, length, new Random(worker.Random.Next())));
                await receiving;
                sending.Cancel();
            });
        }
        catch (AggregateException exception)
            when (exception.InnerExceptions.All(inner => inner is SocketException or ObjectDisposedException))
        {
            // The receiver has gone.
        }
    }

    /// <summary>Gives a socket away to the BCL now and then, and takes it back.</summary>
    private static LoopSocket Move(LoopSocket socket, SoakWorker worker) =>
        worker.Chance(0.3) ? LoopSocket.FromSocket(socket.Detach()) : socket;

    private static async Coroutine<(LoopSocket Client, LoopSocket Server)> ConnectAsync(SoakWorker worker)
    {
        using var listener = LoopSocket.Create(AddressFamily.InterNetwork);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        var client = LoopSocket.Create(AddressFamily.InterNetwork);
        try
        {
            // An accept that is given up loses no connection.
            var accept = Coroutine.Start(AcceptAsync(listener, worker));
            try
            {
                await client.ConnectAsync(listener.LocalEndPoint!);
            }
            catch
            {
                accept.Cancel();
                await CancelScope.Run(async Coroutine (_) => await Coroutine.Wait([accept]), shield: true);
                if (!accept.IsCancelled && accept.GetException() is null)
                {
                    accept.GetResult().Dispose();
                }

                throw;
            }

            return (client, await accept);
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    private static async Coroutine<LoopSocket> AcceptAsync(LoopSocket listener, SoakWorker worker)
    {
        while (true)
        {
            LoopSocket? accepted = null;
            if (await CancelScope.Run(async Coroutine (_) => accepted = await listener.AcceptAsync(), worker.Time(2)))
            {
                return accepted!;
            }

            SoakException.ThrowUnless(accepted is null, "An accept was cancelled after it had accepted.");
        }
    }

    private static async Coroutine SendAsync(LoopSocket socket, Pattern pattern, int length, Random random)
    {
        var offset = 0;
        while (offset < length)
        {
            var count = Math.Min(length - offset, 1 + random.Next(20_000));
            var bytes = pattern.Make(offset, count);
            if (random.Next(2) == 0)
            {
                await socket.SendAllAsync(bytes);
                offset += count;
            }
            else
            {
                offset += await socket.SendAsync(bytes);
            }
        }

        socket.Shutdown(SocketShutdown.Send);
    }

    private static async Coroutine ReceiveAsync(LoopSocket socket, Pattern pattern, int length, Random random)
    {
        var offset = 0;
        var buffer = new byte[20_000];
        while (true)
        {
            var count = -1;
            var limit = TimeSpan.FromMilliseconds(random.NextDouble() * 2);
            await CancelScope.Run(
                async Coroutine (_) => count = await socket.ReceiveAsync(buffer.AsMemory(0, 1 + random.Next(buffer.Length))), limit);
            if (count == 0)
            {
                if (offset < length)
                {
                    throw new EndOfStreamException($"The end came after {offset} of {length} bytes.");
                }

                return;
            }

            if (count > 0)
            {
                pattern.Check(buffer.AsSpan(0, count), offset);
                offset += count;
            }
        }
    }
}
