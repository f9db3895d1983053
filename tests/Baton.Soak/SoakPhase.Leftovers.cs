namespace Baton.Soak;

// What must not be left when all work has ended.
public sealed partial class SoakPhase
{
    /// <summary>
    /// Waits until nothing is left but this: what a round has left to end by itself, such as the connections of a server
    /// whose clients are gone, may take a moment, and no more.
    /// </summary>
    private async Coroutine CheckNothingIsLeftAsync(int coroutines)
    {
        var limit = Loop.Time + (_run.Options.SettleLimit.Ticks * TimeSpan.NanosecondsPerTick);
        while (Leftovers(coroutines).Count > 0 && Loop.Time < limit && !_isFailed)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        }

        if (!_isFailed && Leftovers(coroutines) is { Count: > 0 } left)
        {
            Fail($"Left at the end: {string.Join(", ", left)}. The tasks:\n{Loop.FormatTasks()}");
        }
    }

    private List<string> Leftovers(int coroutines)
    {
        var left = new List<string>();
        Count("tasks", Loop.TaskCount, 1);
        Count("coroutines", Loop.CoroutineCount - coroutines, 1);
        Count("timers", Loop.TimerCount, 0);
        Count("sockets", _inner.OpenSocketCount, 0);
        Count("blocks", LentBlocks, 0);
        return left;

        void Count(string what, int count, int expected)
        {
            if (count != expected)
            {
                left.Add($"{count} {what} instead of {expected}");
            }
        }
    }
}
