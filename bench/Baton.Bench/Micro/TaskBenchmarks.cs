namespace Baton.Bench.Micro;

/// <summary>Benchmarks of what waits for several things, or for a time.</summary>
internal static class TaskBenchmarks
{
    private const int Children = 1000;
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static IReadOnlyList<MicroBenchmark> All { get; } =
    [
        new("gather-1000", "one of a thousand async methods that yield once, waited for together", 100_000, Gather, WhenAll),
        new("wait-for", "await with a time limit, of an async method that completes at once", 100_000, WaitFor, WaitAsync),
    ];

    private static async Coroutine Gather(int count)
    {
        var children = new Coroutine<int>[Children];
        for (var i = 0; i < count; i += Children)
        {
            for (var j = 0; j < Children; j++)
            {
                children[j] = YieldOnce(j);
            }

            await Coroutine.Gather(children);
        }
    }

    private static async Task WhenAll(int count)
    {
        var children = new Task<int>[Children];
        for (var i = 0; i < count; i += Children)
        {
            for (var j = 0; j < Children; j++)
            {
                children[j] = YieldOnceBcl(j);
            }

            await Task.WhenAll(children);
        }
    }

    private static async Coroutine<int> YieldOnce(int value)
    {
        await Coroutine.Yield();
        return value;
    }

    private static async Task<int> YieldOnceBcl(int value)
    {
        await Task.Yield();
        return value;
    }

    private static async Coroutine WaitFor(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.WaitFor(Completed(i), Hour);
        }
    }

    private static async Task WaitAsync(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await CompletedBcl(i).WaitAsync(Hour);
        }
    }

#pragma warning disable CS1998 // Completing without an await is what is measured.
    private static async Coroutine<int> Completed(int value) => value;

    private static async Task<int> CompletedBcl(int value) => value;
#pragma warning restore CS1998
}
