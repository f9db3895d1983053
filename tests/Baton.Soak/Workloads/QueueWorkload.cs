namespace Baton.Soak.Workloads;

/// <summary>Queues, channels, locks and their like between tasks that lose patience: nothing gets lost, and nobody is forgotten.</summary>
internal sealed class QueueWorkload : Workload
{
    public override string Name => "Queue";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        switch (worker.Random.Next(4))
        {
            case 0:
                await QueueAsync(worker);
                break;
            case 1:
                await ChannelAsync(worker);
                break;
            case 2:
                await LockAsync(worker);
                break;
            default:
                await ConditionAsync(worker);
                break;
        }
    }

    private static async Coroutine QueueAsync(SoakWorker worker)
    {
        var queue = new AsyncQueue<int>(worker.Random.Next(4));
        var count = worker.Random.Next(200);
        var taken = new List<int>();
        var takers = 1 + worker.Random.Next(3);
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = takers; i > 0; i--)
            {
                _ = group.CreateTask(TakeAsync(queue, taken, worker));
            }

            for (var i = 0; i < count;)
            {
                var isPut = false;
                var item = i;
                await CancelScope.Run(
                    async Coroutine (_) =>
                    {
                        await queue.PutAsync(item);
                        isPut = true;
                    },
                    worker.Time(2));
                i += isPut ? 1 : 0;
            }

            queue.Shutdown();
        });

        // Of two that take, the one that got the first may note it later.
        SoakException.ThrowUnless(
            (takers == 1 ? taken : [.. taken.Order()]).SequenceEqual(Enumerable.Range(0, count)),
            $"The queue of {queue.MaxSize} has lost, doubled or swapped some of {count}: {string.Join(' ', taken)}.");
    }

    private static async Coroutine TakeAsync(AsyncQueue<int> queue, List<int> taken, SoakWorker worker)
    {
        try
        {
            while (true)
            {
                await CancelScope.Run(async Coroutine (_) => taken.Add(await queue.GetAsync()), worker.Time(2));
            }
        }
        catch (QueueShutDownException)
        {
            // Everything is taken.
        }
    }

    private static async Coroutine ChannelAsync(SoakWorker worker)
    {
        var (sender, receiver) = AsyncChannel.Create<int>(worker.Random.Next(4));
        var count = worker.Random.Next(200);
        var next = 0;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(SendAsync(sender, count));
            await foreach (var item in receiver)
            {
                SoakException.ThrowUnless(item == next, $"Item {item} came instead of {next}.");
                next++;
                if (worker.Chance(0.05))
                {
                    await worker.Pause();
                }
            }
        });
        receiver.Dispose();
        SoakException.ThrowUnless(next == count, $"{next} items came of {count}.");
    }

    private static async Coroutine SendAsync(ChannelSender<int> sender, int count)
    {
        using var one = sender;
        for (var i = 0; i < count; i++)
        {
            await sender.SendAsync(i);
        }
    }

    private static async Coroutine LockAsync(SoakWorker worker)
    {
        var mutex = new AsyncLock();
        var semaphore = new AsyncSemaphore(2);
        var (inLock, inSemaphore) = (0, 0);
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < 8; i++)
            {
                _ = group.CreateTask(UseAsync());
            }

            await Coroutine.Yield();
        });
        SoakException.ThrowUnless(!mutex.IsLocked && semaphore.Value == 2, "A lock or semaphore was not given back.");

        async Coroutine UseAsync()
        {
            for (var i = 0; i < 10; i++)
            {
                await CancelScope.Run(
                    async Coroutine (_) =>
                    {
                        using (await semaphore.AcquireAsync())
                        {
                            inSemaphore++;
                            try
                            {
                                SoakException.ThrowUnless(inSemaphore <= 2, "Three have a semaphore of two.");
                                using (await mutex.AcquireAsync())
                                {
                                    SoakException.ThrowUnless(++inLock == 1, "Two have a lock.");
                                    try
                                    {
                                        await Coroutine.Yield();
                                    }
                                    finally
                                    {
                                        inLock--;
                                    }
                                }
                            }
                            finally
                            {
                                inSemaphore--;
                            }
                        }
                    },
                    worker.Time(2));
            }
        }
    }

    /// <summary>A counter that tasks count up in turn, each when it is at its own number.</summary>
    private static async Coroutine ConditionAsync(SoakWorker worker)
    {
        var condition = new AsyncCondition();
        var count = 1 + worker.Random.Next(10);
        var start = new AsyncEvent();
        var barrier = new AsyncBarrier(count + 1);
        var turn = 0;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < count; i++)
            {
                _ = group.CreateTask(CountAsync(i));
            }

            await worker.Pause();
            start.Set();
            await barrier.WaitAsync();
        });
        SoakException.ThrowUnless(turn == count, $"The counter is at {turn} instead of {count}.");

        async Coroutine CountAsync(int number)
        {
            await start.WaitAsync();
            using (await condition.AcquireAsync())
            {
                await condition.WaitForAsync(() => turn == number);
                turn++;
                condition.NotifyAll();
            }

            await barrier.WaitAsync();
        }
    }
}
