namespace Baton.Tests;

/// <summary>Counts what code allocates on the loop's thread once it has warmed up.</summary>
internal static class Allocation
{
    private const int WarmUps = 3;

    /// <summary>
    /// Bytes for each operation, of the best of a few attempts: a pool that grows for good, or the test runner, may get in between once.
    /// </summary>
    public static double PerOperation(int operations, Func<int, Coroutine> body) => EventLoop.Run(() => Measure(operations, body));

    private static async Coroutine<double> Measure(int operations, Func<int, Coroutine> body)
    {
        for (var i = 0; i < WarmUps; i++)
        {
            await body(operations);
        }

        var least = double.MaxValue;
        for (var attempt = 0; attempt < 5; attempt++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            await body(operations);
            least = Math.Min(least, (double)(GC.GetAllocatedBytesForCurrentThread() - before) / operations);
        }

        return least;
    }
}
