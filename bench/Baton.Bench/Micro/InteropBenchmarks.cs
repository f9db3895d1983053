namespace Baton.Bench.Micro;

/// <summary>What it costs to leave the loop and come back.</summary>
internal static class InteropBenchmarks
{
    public static IReadOnlyList<MicroBenchmark> All { get; } =
    [
        new("to-thread", "call a function on another thread and await its result", 20_000, ToThread, ToThreadBcl),
    ];

    private static async Coroutine ToThread(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.ToThread(Answer);
        }
    }

    private static async Task ToThreadBcl(int count)
    {
        for (var i = 0; i < count; i++)
        {
            await Task.Run(Answer);
        }
    }

    private static int Answer() => 42;
}
