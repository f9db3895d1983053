namespace Baton.Soak.Workloads;

/// <summary>Other threads: functions that run on them, calls that come from them, loops that run on them.</summary>
internal sealed class ThreadWorkload : Workload
{
    public override string Name => "Thread";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        switch (worker.Random.Next(6))
        {
            case 0:
                await ComputeAsync(worker, null);
                break;
            case 1:
                await using (var executor = new DedicatedThreadExecutor("soak dedicated", 1 + worker.Random.Next(3)))
                {
                    await ComputeAsync(worker, executor);
                }

                break;
            case 2:
                await worker.Abuse(async Coroutine () => await ComputeAsync(worker, null), 2);
                break;
            case 3:
                await CallBackAsync(worker);
                break;
            case 4:
                await RunOnThreadAsync(worker);
                break;
            default:
                await StopEarlyAsync(worker);
                break;
        }
    }

    private static async Coroutine ComputeAsync(SoakWorker worker, IExecutor? executor)
    {
        var loop = worker.Loop;
        var count = 1 + worker.Random.Next(20);
        var results = await Coroutine.Gather(Enumerable.Range(0, count).Select(i => loop.RunInExecutor(() => i * i, executor)));
        SoakException.ThrowUnless(
            results.SequenceEqual(Enumerable.Range(0, count).Select(i => i * i)), "A function's result is that of another.");
    }

    /// <summary>A function on another thread calls into the loop, in all ways that there are.</summary>
    private static async Coroutine CallBackAsync(SoakWorker worker)
    {
        var loop = worker.Loop;
        var calls = new List<int>();
        await Coroutine.ToThread(() =>
        {
            loop.CallSoonThreadSafe(() => calls.Add(0));
            loop.TryCallSoonThreadSafe(_ => calls.Add(1), null);
            loop.Invoke(() => calls.Add(2));
            loop.RunCoroutineThreadSafe(AddAsync(calls, 3)).GetAwaiter().GetResult();
            loop.InvokeAsync(() => calls.Add(4)).GetAwaiter().GetResult();
        });
        SoakException.ThrowUnless(calls.SequenceEqual([0, 1, 2, 3, 4]), $"The calls came in the order {string.Join(", ", calls)}.");
    }

    // Made by other threads only.
    private static async Coroutine AddAsync(List<int> calls, int number)
    {
        await Coroutine.Yield();
        calls.Add(number);
    }

    private static EventLoopThread StartThread() =>
        EventLoopThread.Start(new EventLoopThreadOptions { Name = "soak loop", Loop = new EventLoopOptions { Name = "soak beside" } });

    private static async Coroutine RunOnThreadAsync(SoakWorker worker)
    {
        await using var thread = StartThread();
        var number = worker.Random.Next();
        var result = await thread.Run(async Coroutine<int> () =>
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(0.1));
            return number;
        });
        SoakException.ThrowUnless(result == number, $"The other loop returned {result} instead of {number}.");
    }

    private static async Coroutine StopEarlyAsync(SoakWorker worker)
    {
        await using var thread = StartThread();
        var call = thread.Run(async Coroutine () => await Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await worker.Pause();
        await thread.StopAsync();
        try
        {
            await call;
            throw new SoakException("A coroutine without an end has ended.");
        }
        catch (OperationCanceledException)
        {
            // As its loop stopped.
        }
    }
}
