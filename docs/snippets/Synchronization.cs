using Baton;

namespace DocsSnippets;

public static class Synchronization
{
    #region lock
    public static void Lock() => EventLoop.Run(async Coroutine () =>
    {
        var mutex = new AsyncLock();
        var balance = 100;
        var first = Coroutine.Start(Withdraw("first"));
        var second = Coroutine.Start(Withdraw("second"));
        await first;
        await second;

        async Coroutine Withdraw(string who)
        {
            using (await mutex.AcquireAsync())
            {
                if (balance >= 80)
                {
                    await Coroutine.Sleep(TimeSpan.FromMilliseconds(5)); // others run here, but none of them in this block
                    balance -= 80;
                    Console.WriteLine($"{who} took 80, {balance} left");
                }
                else
                {
                    Console.WriteLine($"{who} found only {balance}");
                }
            }
        }
    });
    #endregion

    #region describe
    public static void Describe() => EventLoop.Run(async Coroutine () =>
    {
        var mutex = new AsyncLock();
        var task = Coroutine.Start(WaitForItself(), "importer");
        await Coroutine.Yield();
        Console.WriteLine(mutex);
        task.Cancel();

        async Coroutine WaitForItself()
        {
            using (await mutex.AcquireAsync())
            {
                await mutex.AcquireAsync(); // not reentrant: waits for ever
            }
        }
    });
    #endregion

    #region event
    public static void Event() => EventLoop.Run(async Coroutine () =>
    {
        var started = new AsyncEvent();
        var client = Coroutine.Start(Connect());
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        Console.WriteLine("server: started");
        started.Set();
        await client;

        async Coroutine Connect()
        {
            await started.WaitAsync();
            Console.WriteLine("client: connecting");
        }
    });
    #endregion

    #region condition
    public static void Condition() => EventLoop.Run(async Coroutine () =>
    {
        var changed = new AsyncCondition();
        var level = 0;
        var watcher = Coroutine.Start(Watch());
        for (var i = 0; i < 3; i++)
        {
            using (await changed.AcquireAsync())
            {
                level += 10;
                changed.NotifyAll();
            }
        }

        await watcher;

        async Coroutine Watch()
        {
            using (await changed.AcquireAsync())
            {
                await changed.WaitForAsync(() => level >= 30);
                Console.WriteLine($"level {level}");
            }
        }
    });
    #endregion

    #region semaphore
    public static void Semaphore() => EventLoop.Run(async Coroutine () =>
    {
        var slots = new AsyncSemaphore(2, maximum: 2); // giving back more than was taken throws
        int running = 0, most = 0;
        var tasks = Enumerable.Range(0, 6).Select(_ => Coroutine.Start(Download())).ToList();
        foreach (var task in tasks)
        {
            await task;
        }

        Console.WriteLine($"{tasks.Count} downloads, at most {most} at once; {slots}");

        async Coroutine Download()
        {
            using (await slots.AcquireAsync())
            {
                most = Math.Max(most, ++running);
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                running--;
            }
        }
    });
    #endregion

    #region barrier
    public static void Barrier() => EventLoop.Run(async Coroutine () =>
    {
        var barrier = new AsyncBarrier(3);
        var tasks = Enumerable.Range(1, 3).Select(i => Coroutine.Start(Step(i))).ToList();
        foreach (var task in tasks)
        {
            await task;
        }

        async Coroutine Step(int milliseconds)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
            if (await barrier.WaitAsync() == 0)
            {
                Console.WriteLine("all three are here"); // one of them says so
            }
        }
    });
    #endregion

    #region queue
    public static void Queue() => EventLoop.Run(async Coroutine () =>
    {
        var queue = new AsyncQueue<string>(maxSize: 2);
        var worker = Coroutine.Start(Work());
        foreach (var page in new[] { "index", "about", "contact" })
        {
            await queue.PutAsync(page); // waits while two are queued
        }

        await queue.JoinAsync(); // until TaskDone was called for each
        Console.WriteLine("all done");
        queue.Shutdown(); // ends the worker's loop
        await worker;

        async Coroutine Work()
        {
            await foreach (var page in queue)
            {
                Console.WriteLine($"fetching {page}");
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                queue.TaskDone();
            }
        }
    });
    #endregion

    public static void PriorityQueue() => EventLoop.Run(async Coroutine () =>
    {
        #region priority-queue
        var queue = new AsyncPriorityQueue<(int Priority, string Job)>(comparer: Comparer<(int Priority, string Job)>.Create((x, y) => x.Priority.CompareTo(y.Priority)));
        await queue.PutAsync((2, "report"));
        await queue.PutAsync((1, "alarm"));
        await queue.PutAsync((2, "backup"));
        while (queue.TryGet(out var item))
        {
            Console.WriteLine(item.Job); // the smallest first; equal ones in the order in which they were put
        }
        #endregion
    });

    #region channel
    public static void Channel() => EventLoop.Run(async Coroutine () =>
    {
        var (sender, receiver) = AsyncChannel.Create<string>(capacity: 1);
        var first = Coroutine.Start(Produce(sender.Clone(), "a"));
        var second = Coroutine.Start(Produce(sender, "b"));
        using (receiver)
        {
            await foreach (var item in receiver)
            {
                Console.WriteLine(item);
            }
        }

        Console.WriteLine("both producers have ended");
        await first;
        await second;

        static async Coroutine Produce(ChannelSender<string> items, string name)
        {
            using (items) // the last sender that is disposed of ends the channel
            {
                for (var i = 1; i <= 2; i++)
                {
                    await items.SendAsync($"{name}{i}");
                }
            }
        }
    });
    #endregion

    #region late-cancel
    public static void LateCancel() => EventLoop.Run(async Coroutine () =>
    {
        var queue = new AsyncQueue<int>();
        var task = Coroutine.Start(Receive());
        await Coroutine.Yield();
        queue.PutNoWait(1); // it is the task's from here on
        task.Cancel();
        try
        {
            await task;
        }
        catch (CancelledException)
        {
            Console.WriteLine("cancelled");
        }

        async Coroutine Receive()
        {
            var item = await queue.GetAsync();
            Console.WriteLine($"received {item}");
            await Coroutine.Yield(); // here it is told
            Console.WriteLine("never");
        }
    });
    #endregion
}
