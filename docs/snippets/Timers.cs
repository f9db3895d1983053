using Baton;

namespace DocsSnippets;

public static class Timers
{
    #region call-later
    public static void CallLater() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        loop.CallLater(TimeSpan.FromMilliseconds(100), () => Console.WriteLine("second"));
        var never = loop.CallLater(TimeSpan.FromMilliseconds(50), () => Console.WriteLine("never"));
        loop.CallAt(loop.Time + 10_000_000, () => Console.WriteLine("first")); // 10 ms from now, in nanoseconds
        never.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(120));
    });
    #endregion

    #region ties
    public static void Ties() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var when = loop.Time + 5_000_000;
        foreach (var name in new[] { "set first", "set second", "set third" })
        {
            loop.CallAt(when, static state => Console.WriteLine(state), name);
        }

        await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
    });
    #endregion

    #region sleep
    public static void Sleep() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var start = loop.Time;
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(20));
        Console.WriteLine($"slept at least 20 ms: {loop.Time - start >= 20_000_000}");
    });
    #endregion

    #region repeat
    public static void Repeat() => EventLoop.Run(async Coroutine () =>
    {
        var loop = EventLoop.Current;
        var period = 5_000_000L;
        var next = loop.Time;
        for (var tick = 1; tick <= 3; tick++)
        {
            next += period;
            await SleepUntil(next);
            Console.WriteLine($"tick {tick}, early: {loop.Time < next}");
        }
    });

    private static async Coroutine SleepUntil(long when)
    {
        var loop = EventLoop.Current;
        var wake = loop.CreateFuture();
        var timer = loop.CallAt(when, static future => ((Future)future!).TrySetResult(), wake);
        try
        {
            await wake;
        }
        finally
        {
            timer.Cancel();
        }
    }
    #endregion
}
