namespace Baton.Bench.Micro;

/// <summary>What task groups, time-outs and cancel scopes cost.</summary>
internal static class StructuredBenchmarks
{
    private const int GroupSize = 100_000;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    public static IReadOnlyList<MicroBenchmark> All { get; } =
    [
        new("group-100000", "a child of a task group of 100,000, each of which yields once", GroupSize, Group, WhenAll),
        new("timeout", "a time-out around an await that completes", 5_000, WithTimeout, WithCancelAfter),
        new("cancel-scope", "a cancel scope around an await that completes", 5_000, WithScope, WithLinkedSource),
    ];

    private static async Coroutine Group(int count) => await TaskGroup.Run(async Coroutine (group) =>
    {
        for (var i = 0; i < count; i++)
        {
            _ = group.CreateTask(Child());
        }
    });

    private static async Coroutine Child() => await Coroutine.Yield();

    private static async Task WhenAll(int count)
    {
        var tasks = new Task[count];
        for (var i = 0; i < count; i++)
        {
            tasks[i] = ChildBcl();
        }

        await Task.WhenAll(tasks);
    }

    private static async Task ChildBcl() => await Task.Yield();

    private static async Coroutine WithTimeout(int count)
    {
        Func<Coroutine> body = Complete;
        for (var i = 0; i < count; i++)
        {
            await LoopTimeout.Run(Minute, body);
        }
    }

    private static async Task WithCancelAfter(int count)
    {
        for (var i = 0; i < count; i++)
        {
            using var source = new CancellationTokenSource(Minute);
            await CompleteBcl(source.Token);
        }
    }

    private static async Coroutine WithScope(int count)
    {
        Func<CancelScope, Coroutine> body = static _ => Complete();
        for (var i = 0; i < count; i++)
        {
            await CancelScope.Run(body);
        }
    }

    private static async Task WithLinkedSource(int count)
    {
        using var outer = new CancellationTokenSource();
        for (var i = 0; i < count; i++)
        {
            using var source = CancellationTokenSource.CreateLinkedTokenSource(outer.Token);
            await CompleteBcl(source.Token);
        }
    }

#pragma warning disable CS1998 // Completing without an await is what is measured.
    private static async Coroutine Complete()
    {
    }

    private static async Task CompleteBcl(CancellationToken cancellationToken) => cancellationToken.ThrowIfCancellationRequested();
#pragma warning restore CS1998
}
