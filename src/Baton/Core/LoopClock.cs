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

    /// <summary>
    /// A time like <see cref="Now"/>, from a start of its own, that may be cheaper to read and is exact to <see cref="CoarseResolution"/> only: to tell how long
    /// something has taken, roughly.
    /// </summary>
    public virtual long CoarseNow => Now;

    /// <summary>By how many nanoseconds two readings of <see cref="CoarseNow"/> may tell a wrong difference.</summary>
    public virtual long CoarseResolution => 0;

    private sealed class SystemClock : LoopClock
    {
#pragma warning disable RS0030 // This is the place in which the library reads the machine's clock.
        // On Linux the counter is in nanoseconds already.
        private static readonly bool CountsNanoseconds = Stopwatch.Frequency == 1_000_000_000;

        public override long Now => CountsNanoseconds
            ? Stopwatch.GetTimestamp()
            : (long)((Int128)Stopwatch.GetTimestamp() * 1_000_000_000 / Stopwatch.Frequency);

        // A tick of the kernel: 1 to 16 ms. Reading it costs a tenth of reading the other.
        public override long CoarseNow => Environment.TickCount64 * 1_000_000;

        public override long CoarseResolution => 16_000_000;
#pragma warning restore RS0030
    }
}
