using Baton;

namespace DocsSnippets;

public static class MixingWithTasks
{
    #region plain
    public static void Plain() => EventLoop.Run(async Coroutine () =>
    {
        LoopTask.Current!.Name = "main";
        await PlainMethod();
    });

    private static async Task PlainMethod()
    {
        await Task.Delay(1); // of the BCL
        Console.WriteLine($"in {LoopTask.Current}, on the loop's thread: {EventLoop.CurrentOrNull?.IsOnLoopThread}");
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1)); // of Baton: the task sleeps
    }
    #endregion

    #region configure-await
    public static void ConfigureAwait() => EventLoop.Run(async Coroutine () =>
    {
        await Task.Delay(1).ConfigureAwait(false);
        Console.WriteLine($"a coroutine after ConfigureAwait(false): on the loop: {IsOnLoop()}");
        await PlainMethodThatLeaves();
        Console.WriteLine($"the coroutine that called it: on the loop: {IsOnLoop()}");
    });

    private static async Task PlainMethodThatLeaves()
    {
        await Task.Delay(1).ConfigureAwait(false);
        Console.WriteLine($"plain code after ConfigureAwait(false): on the loop: {IsOnLoop()}");
    }

    private static bool IsOnLoop() => EventLoop.CurrentOrNull is not null;
    #endregion

    #region async-local
    private static readonly AsyncLocal<string> RequestId = new();

    public static void AsyncLocals() => EventLoop.Run(async Coroutine () =>
    {
        RequestId.Value = "A1";
        var task = Coroutine.Start(Handle());
        RequestId.Value = "B2"; // after the task was made: it does not see this
        await task;
        Console.WriteLine($"main: {RequestId.Value}");
    });

    private static async Coroutine Handle()
    {
        Console.WriteLine($"task: {RequestId.Value}");
        await Inner();
        Console.WriteLine($"after Inner: {RequestId.Value}");
    }

    private static async Coroutine Inner()
    {
        RequestId.Value = "inner";
        await Coroutine.Yield();
    }
    #endregion

    #region thread-safe
    public static void ThreadSafe() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var thread = new Thread(() =>
        {
            loop.CallSoonThreadSafe(() => Console.WriteLine($"called on the loop: {IsOnLoop()}"));
            var square = loop.RunCoroutineThreadSafe(Square(7)).Result; // blocks this thread, not the loop
            Console.WriteLine($"the other thread got {square}; on the loop: {IsOnLoop()}");
        });
        thread.Start();
        while (thread.IsAlive)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        }
    });

    private static async Coroutine<int> Square(int number)
    {
        await Coroutine.Yield();
        return number * number;
    }
    #endregion

    #region compute
    public static void Compute() => EventLoop.Run(async Coroutine () =>
    {
        var ticks = Coroutine.Start(Tick());
        var sum = await Coroutine.ToThread(() => Enumerable.Range(1, 1000).Sum()); // on another thread
        Console.WriteLine($"{sum}; on the loop: {IsOnLoop()}");
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

    #region iterator
    public static void Iterator() => EventLoop.Run(async Coroutine () =>
    {
        await foreach (var number in Numbers())
        {
            Console.WriteLine(number);
        }
    });

    private static async IAsyncEnumerable<int> Numbers()
    {
        for (var number = 1; number <= 2; number++)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
            yield return number;
        }
    }
    #endregion

    #region async-void
    public static void AsyncVoid()
    {
        var options = new EventLoopOptions { ExceptionHandler = (_, context) => Console.WriteLine($"{context.Exception!.Message}") };
        EventLoop.Run(
            async Coroutine () =>
            {
                Forget();
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                Console.WriteLine("the loop goes on");
            },
            options);

        static async void Forget()
        {
            await Coroutine.Yield();
            throw new InvalidOperationException("thrown in async void");
        }
    }
    #endregion

    public static void Messages() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var fromOutside = Task.Run(() => loop.CallSoon(() => { }));
        await ErrorMessages.PrintAsync(async Coroutine () => await fromOutside);
        var task = Coroutine.Start(Square(2), "square");
        await task;
        var awaitOutside = Task.Run(async () => await task);
        await ErrorMessages.PrintAsync(async Coroutine () => await awaitOutside);
        var coroutineOutside = Task.Run(async () => await Square(3));
        await ErrorMessages.PrintAsync(async Coroutine () => await coroutineOutside);
        var closed = new EventLoop();
        closed.Dispose();
        await ErrorMessages.PrintAsync(async Coroutine () => closed.CallSoonThreadSafe(() => { }));
    });
}
