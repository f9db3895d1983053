using Baton;

namespace DocsSnippets;

public static class Combinators
{
    #region gather
    public static void Gather() => EventLoop.Run(async Coroutine () =>
    {
        var (price, stock) = await Coroutine.Gather(Price("tea"), Stock("tea"));
        Console.WriteLine($"tea: {price} each, {stock} left");

        decimal[] prices = await Coroutine.Gather(new[] { "coffee", "cocoa", "milk" }.Select(Price));
        Console.WriteLine(string.Join(" ", prices));
    });

    private static async Coroutine<decimal> Price(string good)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(10)); // all of them at once: ten milliseconds in total
        return good.Length;
    }

    private static async Coroutine<int> Stock(string good)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        return good.Length * 10;
    }
    #endregion

    #region mixed
    public static void Mixed() => EventLoop.Run(async Coroutine () =>
    {
        var task = Coroutine.Start(Price("tea"));
        var (first, second) = await Coroutine.Gather(task, Stock("coffee"));
        Console.WriteLine($"{first} {second}");
        await Coroutine.Gather(task, Coroutine.Sleep(TimeSpan.FromMilliseconds(1))); // without results: whatever it is
    });
    #endregion

    #region failure
    public static void Failure() => EventLoop.Run(async Coroutine () =>
    {
        EventLoop.Current.ExceptionHandler = (_, context) => Console.WriteLine($"reported: {context.Exception?.Message}");
        try
        {
            await Coroutine.Gather(Fail("first", 5), Fail("second", 30), Work(1000));
        }
        catch (InvalidOperationException exception)
        {
            Console.WriteLine(exception.Message);
        }

        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1100));
    });

    private static async Coroutine Fail(string message, int milliseconds)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        throw new InvalidOperationException(message);
    }

    private static async Coroutine Work(int milliseconds)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        Console.WriteLine("worked");
    }
    #endregion

    #region outcomes
    public static void Outcomes() => EventLoop.Run(async Coroutine () =>
    {
        foreach (var outcome in await Coroutine.GatherOutcomes(new[] { "12", "a dozen", "3" }.Select(Parse)))
        {
            Console.WriteLine(outcome.IsSuccess ? $"a number: {outcome.GetResult()}" : $"none: {outcome.Exception!.GetType().Name}");
        }
    });

    private static async Coroutine<int> Parse(string text)
    {
        await Coroutine.Yield();
        return int.Parse(text);
    }
    #endregion

    #region wait
    public static void Wait() => EventLoop.Run(async Coroutine () =>
    {
        var tasks = new[] { Coroutine.Start(Work(300), "slow"), Coroutine.Start(Work(1), "fast") };
        var (done, pending) = await Coroutine.Wait(tasks, returnWhen: ReturnWhen.FirstCompleted);
        Console.WriteLine($"{done[0]}, {pending[0]}");
        (done, pending) = await Coroutine.Wait(pending, timeout: TimeSpan.FromMilliseconds(2));
        Console.WriteLine($"{done.Count} done, {pending.Count} pending");
        await Coroutine.Wait(pending);
    });
    #endregion

    #region as-completed
    public static void AsCompleted() => EventLoop.Run(async Coroutine () =>
    {
        await foreach (var task in Coroutine.AsCompleted(new[] { 90, 10, 50 }.Select(Delay)))
        {
            Console.WriteLine(await task);
        }
    });

    private static Coroutine<int> Delay(int milliseconds) => Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds), milliseconds);
    #endregion

    #region shield
    public static void Shield() => EventLoop.Run(async Coroutine () =>
    {
        var save = Coroutine.Start(Save());
        var request = Coroutine.Start(Request(save), "request");
        await Coroutine.Yield();
        request.Cancel();
        await Coroutine.Wait([request]);
        Console.WriteLine(request);
        await save;
    });

    private static async Coroutine Request(LoopTask save) => await Coroutine.Shield(save);

    private static async Coroutine Save()
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(200));
        Console.WriteLine("saved all the same");
    }
    #endregion

    #region wait-for
    public static void WaitFor() => EventLoop.Run(async Coroutine () =>
    {
        Console.WriteLine(await Coroutine.WaitFor(Price("tea"), TimeSpan.FromSeconds(10)));
        try
        {
            await Coroutine.WaitFor(Slow(), TimeSpan.FromMilliseconds(10));
        }
        catch (TimeoutException)
        {
            Console.WriteLine("timed out");
        }
    });

    private static async Coroutine Slow()
    {
        try
        {
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
        finally
        {
            Console.WriteLine("cleaned up");
        }
    }
    #endregion

    #region race
    public static void Race() => EventLoop.Run(async Coroutine () =>
    {
        var mirrors = new[] { "unreachable", "slow", "fast" };
        var race = await Coroutine.StaggeredRace(mirrors.Select(mirror => (Func<Coroutine<string>>)(() => Fetch(mirror))), TimeSpan.FromMilliseconds(20));
        Console.WriteLine(race.GetResult());
        foreach (var (mirror, exception) in mirrors.Zip(race.Exceptions))
        {
            Console.WriteLine($"{mirror}: {exception?.GetType().Name ?? "won"}");
        }
    });

    private static async Coroutine<string> Fetch(string mirror)
    {
        await Coroutine.Sleep(mirror == "slow" ? TimeSpan.FromHours(1) : TimeSpan.FromMilliseconds(1));
        return mirror == "unreachable" ? throw new IOException("No route to host.") : $"a page from the {mirror} mirror";
    }
    #endregion

    #region factory
    public static void Factory() => EventLoop.Run(async Coroutine () =>
    {
        EventLoop.Current.TaskFactory = new NumberingFactory();
        await Coroutine.Gather(Hello(), Hello());

        EventLoop.Current.TaskFactory = LoopTaskFactory.Eager;
        var task = Coroutine.Start(Hello(), "eager");
        Console.WriteLine("started");
        await task;
    });

    private static async Coroutine Hello()
    {
        Console.WriteLine($"hello from {LoopTask.Current!.Name}");
        await Coroutine.Yield();
    }

    private sealed class NumberingFactory : LoopTaskFactory
    {
        private int _count;

        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope) =>
            base.Create(loop, coroutine, name ?? $"worker {++_count}", eager, scope);
    }
    #endregion
}
