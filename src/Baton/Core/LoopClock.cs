using System.Diagnostics;

namespace Baton;

/// <summary>The clock that a loop reads: monotonic, in whole nanoseconds from an arbitrary start. Corresponds to asyncio's <c>loop.time()</c>.</summary>
/// <remarks>Give a loop another clock through <see cref="EventLoopOptions.Clock"/> to move its timers by hand.</remarks>
public abstract class LoopClock
{
    /// <summary>The machine's monotonic clock. It neither jumps when the wall clock is set nor stops while the process sleeps in a poll.</summary>
    public static LoopClock System { get; } = new SystemClock();

    /// <summary>Nanoseconds since an arbitrary start. Never decreases.</summary>
    public abstract long Now { get; }

    private sealed class SystemClock : LoopClock
    {
#pragma warning disable RS0030 // This is the one place in which the library reads the machine's clock.
        // On Linux the counter is in nanoseconds already.
        private static readonly bool CountsNanoseconds = Stopwatch.Frequency == 1_000_000_000;

        public override long Now => CountsNanoseconds
            ? Stopwatch.GetTimestamp()
            : (long)((Int128)Stopwatch.GetTimestamp() * 1_000_000_000 / Stopwatch.Frequency);
#pragma warning restore RS0030
    }
}
