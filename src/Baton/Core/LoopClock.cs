using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// The clock that a loop reads: monotonic, in whole nanoseconds from an arbitrary start. Corresponds to asyncio's <c>loop.time()</c>.
/// </summary>
/// <remarks>Give a loop another clock through <see cref="EventLoopOptions.Clock"/> to move its timers by hand.</remarks>
public abstract partial class LoopClock
{
    private StrongBox<DateTimeOffset>? _start;

    /// <summary>
    /// The machine's monotonic clock. It neither jumps when the wall clock is set nor stops while the process sleeps in a poll.
    /// </summary>
    public static LoopClock System { get; } = new SystemClock();

    /// <summary>Nanoseconds since an arbitrary start. Never decreases.</summary>
    public abstract long Now { get; }

    /// <summary>
    /// A time like <see cref="Now"/>, from a start of its own, that may be cheaper to read and is exact to <see cref="CoarseResolution"/>
    /// only: to tell how long something has taken, roughly.
    /// </summary>
    public virtual long CoarseNow => Now;

    /// <summary>By how many nanoseconds two readings of <see cref="CoarseNow"/> may tell a wrong difference.</summary>
    public virtual long CoarseResolution => 0;

    /// <summary>
    /// The time of day that goes with <see cref="Now"/>. Of <see cref="System"/>, the machine's. Of any other clock, unless it says
    /// otherwise, the machine's when this was first read, moved on by <see cref="Now"/> since then.
    /// </summary>
    public virtual DateTimeOffset UtcNow
    {
        get
        {
            var start = Volatile.Read(ref _start);
            if (start is null)
            {
                var read = new StrongBox<DateTimeOffset>(ReadWallClock() - FromNanoseconds(Now));
                start = Interlocked.CompareExchange(ref _start, read, null) ?? read;
            }

            return start.Value + FromNanoseconds(Now);
        }
    }

    /// <summary>
    /// Called when a loop is about to wait in its driver, which may wait by another clock than this. A clock that is moved by hand from
    /// other threads overrides it, to wake the loop when it gets to the deadline: <see cref="EventLoop.CallSoonThreadSafe(Action)"/> does.
    /// </summary>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="deadline">The value of <see cref="Now"/> until which it waits.</param>
    protected internal virtual void BeforeWait(EventLoop loop, long deadline)
    {
    }

    private static TimeSpan FromNanoseconds(long nanoseconds) => TimeSpan.FromTicks(nanoseconds / TimeSpan.NanosecondsPerTick);

#pragma warning disable RS0030 // This is the one place in which the library reads the machine's clocks.
    private static DateTimeOffset ReadWallClock() => DateTimeOffset.UtcNow;

    private sealed class SystemClock : LoopClock
    {
        // On Linux the counter is in nanoseconds already.
        private static readonly bool CountsNanoseconds = Stopwatch.Frequency == 1_000_000_000;

        public override long Now => CountsNanoseconds
            ? Stopwatch.GetTimestamp()
            : (long)((Int128)Stopwatch.GetTimestamp() * 1_000_000_000 / Stopwatch.Frequency);

        // A tick of the kernel: 1 to 16 ms. Reading it costs a tenth of reading the other.
        public override long CoarseNow => Environment.TickCount64 * 1_000_000;

        public override long CoarseResolution => 16_000_000;

        public override DateTimeOffset UtcNow => ReadWallClock();
    }
#pragma warning restore RS0030
}
