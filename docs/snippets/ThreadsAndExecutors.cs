using Baton;

namespace DocsSnippets;

public static class ThreadsAndExecutors
{
    #region to-thread
    public static void ToThread() => EventLoop.Run(async Coroutine () =>
    {
        var ticks = Coroutine.Start(Tick());
        var sum = await Coroutine.ToThread(() => Enumerable.Range(1, 1000).Sum()); // the loop goes on meanwhile
        Console.WriteLine($"{sum}; on the loop: {EventLoop.CurrentOrNull is not null}");
        ticks.Cancel();
    });

    private static async Coroutine Tick()
    {
        while (true)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
        }
    }
    #endregion

    #region run-in-executor
    public static void RunInExecutor() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        await using var executor = new ThreadPoolExecutor(maximumConcurrency: 2, "hashing");
        var first = loop.RunInExecutor(() => Thread.CurrentThread.Name!.Split('-')[0], executor); // starts at once
        var second = loop.RunInExecutor(() => 6 * 7, executor);
        Console.WriteLine($"{await first}: {await second}");
    });
    #endregion

    #region dedicated
    public static void Dedicated() => EventLoop.Run(async Coroutine () =>
    {
        await using var database = new DedicatedThreadExecutor("database");
        var opened = await Coroutine.ToThread(() => Environment.CurrentManagedThreadId, database);
        var queried = await Coroutine.ToThread(() => Environment.CurrentManagedThreadId, database);
        Console.WriteLine($"the same thread: {opened == queried}");
    });
    #endregion

    #region cancel
    public static void Cancel() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var started = loop.CreateFuture();
        var task = Coroutine.Start(Coroutine.ToThread(token =>
        {
            loop.CallSoonThreadSafe(() => started.SetResult());
            token.WaitHandle.WaitOne(); // stands for steps of work, with a look at the token between them
            token.ThrowIfCancellationRequested();
        }));
        await started;
        task.Cancel();
        try
        {
            await task;
        }
        catch (CancelledException)
        {
            Console.WriteLine("the wait has ended, and the function has been told");
        }
    });
    #endregion

    #region own-executor
    public sealed class SchedulerExecutor(TaskScheduler scheduler) : IExecutor
    {
        public void Execute(Action<object?> work, object? state) =>
            Task.Factory.StartNew(work, state, CancellationToken.None, TaskCreationOptions.DenyChildAttach, scheduler);
    }

    public static void OwnExecutor() => EventLoop.Run(async Coroutine () =>
    {
        var executor = new SchedulerExecutor(new ConcurrentExclusiveSchedulerPair(TaskScheduler.Default, 2).ConcurrentScheduler);
        Console.WriteLine(await Coroutine.ToThread(() => Thread.CurrentThread.IsThreadPoolThread, executor));
    });
    #endregion

    #region invoke
    public static void Invoke() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var visitors = 0; // belongs to the loop: no lock
        await Coroutine.ToThread(() =>
        {
            var count = loop.Invoke(() => ++visitors);
            Console.WriteLine($"the other thread got {count}");
        });
    });
    #endregion

    #region loop-thread
    public static void LoopThread()
    {
        using var thread = EventLoopThread.Start(new EventLoopThreadOptions { Name = "background" });
        var square = thread.Run(() => Square(7)).GetAwaiter().GetResult(); // an async method would await
        Console.WriteLine($"{square} from thread '{thread.Name}'");
    }

    private static async Coroutine<int> Square(int number)
    {
        await Coroutine.Yield();
        return number * number;
    }
    #endregion

    #region time-provider
    public static void TimeProviders() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(5), loop.TimeProvider);
        try
        {
            await Task.Delay(TimeSpan.FromDays(1), loop.TimeProvider, source.Token); // both are timers of the loop
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"cancelled on the loop: {loop.IsOnLoopThread}");
        }
    });
    #endregion

    #region schedulers
    public static void Schedulers() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var onLoop = await Task.Run(() => 1).ContinueWith(_ => loop.IsOnLoopThread, loop.TaskScheduler);
        Console.WriteLine($"the continuation ran on the loop: {onLoop}");
    });
    #endregion

    public static void Messages() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        await ErrorMessages.PrintAsync(async Coroutine () => await Coroutine.ToThread(async () => await Task.Yield()));
        var executor = new ThreadPoolExecutor(1, "hashing");
        await ErrorMessages.PrintAsync(async Coroutine () => await loop.RunInExecutor(executor.Dispose, executor));
        await executor.DisposeAsync();
        await ErrorMessages.PrintAsync(async Coroutine () => await loop.RunInExecutor(() => 1, executor));
        await using var thread = EventLoopThread.Start(new EventLoopThreadOptions { Name = "background" });
        await ErrorMessages.PrintAsync(async Coroutine () => await thread.Loop.InvokeAsync(thread.Dispose));
        await ErrorMessages.PrintAsync(async Coroutine () => thread.Loop.Invoke(() => { }));
    });
}
