using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>See <see cref="LoopClock.FromTimeProvider"/>.</summary>
internal sealed class TimeProviderClock(TimeProvider provider) : LoopClock
{
    private const long NanosecondsPerSecond = 1_000_000_000;

    // A wait is no longer than this, which a timer of a provider can take.
    private const long MaximumWait = 86_400 * NanosecondsPerSecond;

    // A provider that is moved while its timer is being set moves on by hand, so it does not do so often in a row.
    private const int MaximumAttempts = 3;

    private readonly ConditionalWeakTable<EventLoop, ITimer> _timers = [];

    public override long Now => (long)((Int128)provider.GetTimestamp() * NanosecondsPerSecond / provider.TimestampFrequency);

    public override DateTimeOffset UtcNow => provider.GetUtcNow();

    /// <summary>
    /// The driver waits by the machine's clock. So that a provider that jumps ends the wait, it has to call when it gets to the deadline.
    /// </summary>
    protected internal override void BeforeWait(EventLoop loop, long deadline)
    {
        var timer = _timers.GetValue(loop, CreateTimer);
        var now = Now;
        for (var attempt = 0; attempt < MaximumAttempts; attempt++)
        {
            // Past already, but not when the loop looked: zero wakes it at once.
            var wait = deadline <= now ? 0 : (long)Math.Min((ulong)(deadline - now), MaximumWait);
            timer.Change(
                TimeSpan.FromTicks((wait + TimeSpan.NanosecondsPerTick - 1) / TimeSpan.NanosecondsPerTick), Timeout.InfiniteTimeSpan);

            // Set from a time that has passed meanwhile, the timer would be late by what the provider has jumped.
            var before = now;
            now = Now;
            if (now == before)
            {
                break;
            }
        }
    }

    private ITimer CreateTimer(EventLoop loop)
    {
        ITimer CreateWakeTimer() => provider.CreateTimer(
            static loop =>
                ((EventLoop)loop!).TryCallSoonThreadSafe(static _ => { }, null), loop, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);

        if (ExecutionContext.IsFlowSuppressed())
        {
            return Own(CreateWakeTimer());
        }

        // The timer lives as long as the loop, and must not keep what happens to be in the execution context of now.
        using (ExecutionContext.SuppressFlow())
        {
            return Own(CreateWakeTimer());
        }

        ITimer Own(ITimer timer)
        {
            loop.Closed += timer.Dispose;
            return timer;
        }
    }
}
