namespace Baton.Tests;

/// <summary>A clock that stands still until somebody moves it.</summary>
public sealed class VirtualClock(long start = 1_000_000_000) : LoopClock
{
    private long _now = start;

    public override long Now => Volatile.Read(ref _now);

    public void Advance(long nanoseconds)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(nanoseconds);
        Volatile.Write(ref _now, _now + nanoseconds);
    }

    public void Advance(TimeSpan time) => Advance(time.Ticks * 100);
}
