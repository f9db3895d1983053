namespace Baton;

/// <summary>See <see cref="EventLoop.TimeProvider"/>.</summary>
internal sealed class LoopTimeProvider(EventLoop loop) : TimeProvider
{
    public override long TimestampFrequency => 1_000_000_000;

    public override long GetTimestamp() => loop.Time;

    public override DateTimeOffset GetUtcNow() => loop.Clock.UtcNow;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        var timer = new LoopTimer(loop, callback, state);
        if (!timer.Change(dueTime, period))
        {
            throw new InvalidOperationException($"Event loop '{loop.Name}' is closed and runs no more timers.");
        }

        return timer;
    }
}
