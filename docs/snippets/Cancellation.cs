using Baton;

namespace DocsSnippets;

public static class Cancellation
{
    #region cancel
    public static void Cancel() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Work(), "work");
        await Coroutine.Yield();
        task.Cancel("no longer needed");
        Console.WriteLine(task);
        try
        {
            await task;
        }
        catch (CancelledException cancelled)
        {
            Console.WriteLine($"{cancelled.Message}: {task}");
        }
    });

    private static async Coroutine Work()
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        finally
        {
            await Coroutine.Yield(); // one request throws once: cleaning up may await
            Console.WriteLine("cleaned up");
        }
    }
    #endregion

    public static void NotStarted() => EventLoop.Run(async Coroutine () =>
    {
        #region not-started
        var task = Coroutine.Start(Work(), "work");
        task.Cancel();
        await Coroutine.Yield();
        Console.WriteLine(task); // no "cleaned up": the body never ran
        #endregion
    });

    #region uncancel
    public static void Uncancel() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Stubborn());
        await Coroutine.Yield();
        task.Cancel();
        Console.WriteLine(await task);
    });

    private static async Coroutine<string> Stubborn()
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        catch (CancelledException)
        {
            LoopTask.Current!.Uncancel(); // dealt with here: this task is no longer asked to end
        }

        return $"goes on; requests left: {LoopTask.Current!.CancelRequests}";
    }
    #endregion

    #region deadline
    public static void Deadline() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Work(), "slow");
        var timer = EventLoop.Current.CallLater(TimeSpan.FromMilliseconds(20), () => task.Cancel("took too long"));
        try
        {
            await task;
        }
        catch (CancelledException cancelled) when (LoopTask.Current!.CancelRequests == 0) // it was the other task, not this one
        {
            Console.WriteLine(cancelled.Message);
        }
        finally
        {
            timer.Cancel();
        }
    });
    #endregion

    #region delivered
    public static void Delivered() => EventLoop.Run(async Coroutine () =>
    {
        var parcel = EventLoop.Current.CreateFuture<string>();
        var task = Coroutine.Start(Receive(parcel), "receiver");
        await Coroutine.Yield();
        parcel.SetResult("parcel");
        task.Cancel(); // the value was there before
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine(task);
    });

    private static async Coroutine Receive(Future<string> parcel)
    {
        Console.WriteLine($"got the {await parcel}");
        await Coroutine.Yield();
        Console.WriteLine("never printed");
    }
    #endregion

    #region chain
    public static void Chain() => EventLoop.Run(async Coroutine () =>
    {
        var inner = Coroutine.Start(Work(), "inner");
        var outer = Coroutine.Start(WaitFor(inner), "outer");
        await Coroutine.Yield();
        outer.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine($"{inner}, {outer}");
    });

    private static async Coroutine WaitFor(LoopTask task) => await task;
    #endregion

    #region token
    public static void Token() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(WaitOutside(), "outside");
        await Coroutine.Yield();
        task.Cancel();
        try
        {
            await task;
        }
        catch (CancelledException)
        {
            Console.WriteLine(task);
        }
    });

    private static async Coroutine WaitOutside() => await Task.Delay(TimeSpan.FromHours(1), LoopTask.Current!.CancellationToken);
    #endregion

    #region from-task
    public static void FromTask() => EventLoop.Run(async Coroutine () =>
    {
        var answer = new TaskCompletionSource<int>();
        var task = Coroutine.Start(Coroutine.FromTask(answer.Task), "waits");
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine($"{task}. The BCL's task: {answer.Task.Status}");
    });
    #endregion

    #region plain
    public static void Plain() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(CallPlain(), "calls plain code");
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine(task);
    });

    private static async Coroutine CallPlain() => await PlainMethod();

    private static async Task PlainMethod()
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        catch (CancelledException)
        {
            Console.WriteLine("cancelled in here");
            throw;
        }
    }
    #endregion

    #region time-out
    public static void TimeOut() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(CallLibrary(), "request");
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        Console.WriteLine($"{task}, cancelled: {task.IsCancelled}");
        Console.WriteLine(task.GetException()!.Message);
    });

    private static async Coroutine CallLibrary()
    {
        await Coroutine.Yield();
        throw new TaskCanceledException("The request timed out.", new TimeoutException()); // as HttpClient does
    }
    #endregion
}
