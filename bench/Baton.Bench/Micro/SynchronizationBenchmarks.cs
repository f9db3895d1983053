using System.Threading.Channels;

namespace Baton.Bench.Micro;

/// <summary>Locks, semaphores, queues and channels, beside what the BCL has for the purpose.</summary>
internal static class SynchronizationBenchmarks
{
    public static IReadOnlyList<MicroBenchmark> All { get; } =
    [
        new("lock-uncontended", "take and release a lock that is free", 500_000, Lock, LockBcl),
        new("lock-contended", "hand a lock over between two tasks", 200_000, LockContended, LockContendedBcl),
        new("semaphore", "take and release a unit of a semaphore", 500_000, Semaphore, SemaphoreBcl),
        new("queue-put-get", "put an item into an unbounded queue and get it", 500_000, QueuePutGet, QueuePutGetBcl),
        new("queue-hand-over", "an item from one task to another through a queue of one", 200_000, QueueHandOver, QueueHandOverBcl),
        new("channel-send-get", "send an item through a channel and receive it", 500_000, ChannelSendReceive, ChannelSendReceiveBcl),
        new("channel-hand-over", "an item from one task to another through a channel of one", 200_000, ChannelHandOver, QueueHandOverBcl),
    ];

    private static async Coroutine Lock(int count)
    {
        var mutex = new AsyncLock();
        for (var i = 0; i < count; i++)
        {
            using (await mutex.AcquireAsync())
            {
            }
        }
    }

    private static async Task LockBcl(int count)
    {
        using var mutex = new SemaphoreSlim(1, 1);
        for (var i = 0; i < count; i++)
        {
            await mutex.WaitAsync();
            mutex.Release();
        }
    }

    private static async Coroutine LockContended(int count)
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var other = Coroutine.Start(Contend());
        await Coroutine.Yield();
        mutex.Release();
        await Contend();
        await other;

        async Coroutine Contend()
        {
            for (var i = 0; i < count; i += 2)
            {
                // The other one waits by now: each acquisition is a hand-over.
                await mutex.AcquireAsync();
                mutex.Release();
            }
        }
    }

    private static async Task LockContendedBcl(int count)
    {
        // With a single one, either task would mostly find it free, because the other is still on its way to another thread. Two make every
        // wait a hand-over.
        using var ping = new SemaphoreSlim(0, 1);
        using var pong = new SemaphoreSlim(0, 1);
        var other = Task.Run(() => Contend(ping, pong));
        ping.Release();
        await Contend(pong, ping);
        await other;

        async Task Contend(SemaphoreSlim own, SemaphoreSlim others)
        {
            for (var i = 0; i < count; i += 2)
            {
                await own.WaitAsync();
                others.Release();
            }
        }
    }

    private static async Coroutine Semaphore(int count)
    {
        var semaphore = new AsyncSemaphore(2);
        for (var i = 0; i < count; i++)
        {
            await semaphore.AcquireAsync();
            semaphore.Release();
        }
    }

    private static async Task SemaphoreBcl(int count)
    {
        using var semaphore = new SemaphoreSlim(2);
        for (var i = 0; i < count; i++)
        {
            await semaphore.WaitAsync();
            semaphore.Release();
        }
    }

    private static async Coroutine QueuePutGet(int count)
    {
        var queue = new AsyncQueue<object>();
        for (var i = 0; i < count; i++)
        {
            await queue.PutAsync(queue);
            await queue.GetAsync();
        }
    }

    private static async Task QueuePutGetBcl(int count)
    {
        var channel = Channel.CreateUnbounded<object>();
        for (var i = 0; i < count; i++)
        {
            channel.Writer.TryWrite(channel);
            await channel.Reader.ReadAsync();
        }
    }

    private static async Coroutine QueueHandOver(int count)
    {
        var queue = new AsyncQueue<object>(1);
        var producer = Coroutine.Start(Produce());
        for (var i = 0; i < count; i++)
        {
            await queue.GetAsync();
        }

        await producer;

        async Coroutine Produce()
        {
            for (var i = 0; i < count; i++)
            {
                await queue.PutAsync(queue);
            }
        }
    }

    private static async Task QueueHandOverBcl(int count)
    {
        var channel = Channel.CreateBounded<object>(1);
        var producer = Task.Run(Produce);
        for (var i = 0; i < count; i++)
        {
            await channel.Reader.ReadAsync();
        }

        await producer;

        async Task Produce()
        {
            for (var i = 0; i < count; i++)
            {
                await channel.Writer.WriteAsync(channel);
            }
        }
    }

    private static async Coroutine ChannelSendReceive(int count)
    {
        var (sender, receiver) = AsyncChannel.Create<object>(16);
        using (sender)
        using (receiver)
        {
            for (var i = 0; i < count; i++)
            {
                await sender.SendAsync(sender);
                await receiver.ReceiveAsync();
            }
        }
    }

    private static async Task ChannelSendReceiveBcl(int count)
    {
        var channel = Channel.CreateBounded<object>(16);
        for (var i = 0; i < count; i++)
        {
            await channel.Writer.WriteAsync(channel);
            await channel.Reader.ReadAsync();
        }
    }

    private static async Coroutine ChannelHandOver(int count)
    {
        var (sender, receiver) = AsyncChannel.Create<object>(1);
        using (receiver)
        {
            var producer = Coroutine.Start(Produce());
            for (var i = 0; i < count; i++)
            {
                await receiver.ReceiveAsync();
            }

            await producer;
        }

        async Coroutine Produce()
        {
            using (sender)
            {
                for (var i = 0; i < count; i++)
                {
                    await sender.SendAsync(sender);
                }
            }
        }
    }
}
