using Baton;

namespace DocsSnippets;

public static class CoroutinesAndTasks
{
    #region lazy
    public static void Lazy() => EventLoop.Run(async Coroutine () =>
    {
        var coroutine = Answer();
        Console.WriteLine("made");
        var answer = await coroutine;
        Console.WriteLine(answer);
    });

    private static async Coroutine<int> Answer()
    {
        Console.WriteLine("runs");
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        return 42;
    }
    #endregion

    #region start
    public static void Start() => EventLoop.Run(async Coroutine () =>
    {
        var answer = Coroutine.Start(Answer(), "answer");
        Console.WriteLine(answer);
        Console.WriteLine($"{await answer} and again {await answer}");
        Console.WriteLine(answer);
    });
    #endregion

    #region eager
    public static void Eager() => EventLoop.Run(async Coroutine () =>
    {
        var task = EventLoop.Current.CreateTask(Answer(), "eager", eager: true);
        Console.WriteLine("created");
        await task;
    });
    #endregion

    #region many
    public static void Many() => EventLoop.Run(async Coroutine () =>
    {
        var squares = Enumerable.Range(1, 3).Select(number => Coroutine.Start(Square(number))).ToList();
        foreach (var square in squares)
        {
            Console.WriteLine(await square);
        }
    });

    private static async Coroutine<int> Square(int number)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
        return number * number;
    }
    #endregion

    #region futures
    public static void Futures() => EventLoop.Run(async Coroutine () =>
    {
        var door = EventLoop.Current.CreateFuture<string>();
        var ann = Coroutine.Start(WaitAt(door, "Ann"));
        var bob = Coroutine.Start(WaitAt(door, "Bob"));
        await Coroutine.Yield();
        door.SetResult("green");
        Console.WriteLine("open"); // SetResult runs nobody: it puts those who wait in the queue
        await ann;
        await bob;
    });

    private static async Coroutine WaitAt(Future<string> door, string name) => Console.WriteLine($"{name} takes the {await door} door");
    #endregion

    #region callbacks
    public static void Callbacks() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Square(3), "square");
        task.AddDoneCallback(static done => Console.WriteLine($"{done}; called in {LoopTask.Current?.Name ?? "no task"}"));
        await task;
    });
    #endregion

    #region tasks
    public static void AllTasks() => EventLoop.Run(async Coroutine () =>
    {
        _ = Coroutine.Start(Square(1));
        Coroutine.Start(Square(2)).Name = "square of two";
        foreach (var task in EventLoop.Current.AllTasks())
        {
            Console.WriteLine(ReferenceEquals(task, LoopTask.Current) ? $"{task}, which is this one" : task);
        }
    });
    #endregion

    #region unawaited
    public static void Unawaited()
    {
        var options = new EventLoopOptions
        {
            Name = "worker",
            ExceptionHandler = (loop, context) => Console.WriteLine($"{loop.Name}: {context.Message}: {context.Exception?.Message}"),
        };
        EventLoop.Run(
            async Coroutine () =>
            {
                _ = Coroutine.Start(Fail("nobody awaits this"), "forgotten");
                EventLoop.Current.CallSoon(Callback);
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                Console.WriteLine("the loop goes on");
            },
            options);
    }

    private static async Coroutine Fail(string message)
    {
        await Coroutine.Yield();
        throw new InvalidOperationException(message);
    }

    private static void Callback() => throw new InvalidOperationException("nobody can await a callback");
    #endregion

    #region failure
    public static void Failure() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Fail("out of tea"), "tea");
        try
        {
            await task;
        }
        catch (InvalidOperationException exception)
        {
            Console.WriteLine($"{exception.Message}. {task}. Is it the task's exception? {exception == task.GetException()}");
        }
    });
    #endregion

    public static void Messages() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var once = Square(1);
        await once;
        await ErrorMessages.PrintAsync(async Coroutine () => await once);
        var future = loop.CreateFuture();
        await ErrorMessages.PrintAsync(async Coroutine () => future.GetResult());
        await ErrorMessages.PrintAsync(async Coroutine () => future.GetException());
        future.SetResult();
        await ErrorMessages.PrintAsync(async Coroutine () => future.SetResult());
        await ErrorMessages.PrintAsync(async Coroutine () => loop.CreateFuture<int>().SetResult());
        await Coroutine.Start(ErrorMessages.PrintAsync(async Coroutine () => LoopTask.Current!.SetResult()), "main");
        await Coroutine.Start(ErrorMessages.PrintAsync(async Coroutine () => await LoopTask.Current!), "main");
        var foreign = Task.Run(() => loop.CallSoon(() => { }));
        await ErrorMessages.PrintAsync(async Coroutine () => await foreign);
        using var other = new EventLoop();
        await ErrorMessages.PrintAsync(async Coroutine () => await other.CreateFuture());
        await ErrorMessages.PrintAsync(async Coroutine () => _ = other.CreateTask(Square(2), eager: true));
    });
}
