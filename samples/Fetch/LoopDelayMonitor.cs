using Baton;

namespace Fetch;

/// <summary>
/// Measures how long the loop keeps a task waiting that is due: it sleeps again and again, and sees how late it wakes. A program that
/// computes for long between two awaits, or blocks, shows here.
/// </summary>
internal sealed class LoopDelayMonitor(ThreadLog threads)
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(10);

    /// <summary>The latest that it woke, in nanoseconds.</summary>
    public long LargestNanoseconds { get; private set; }

    /// <summary>Runs until it is cancelled.</summary>
    public async Coroutine RunAsync()
    {
        var loop = EventLoop.Current;
        while (true)
        {
            var due = loop.Time + (Period.Ticks * TimeSpan.NanosecondsPerTick);
            await Coroutine.Sleep(Period);
            threads.Record();
            LargestNanoseconds = Math.Max(LargestNanoseconds, loop.Time - due);
        }
    }
}
