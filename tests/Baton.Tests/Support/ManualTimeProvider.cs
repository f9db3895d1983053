namespace Baton.Tests;

/// <summary>
/// A provider that the test moves, and that then calls its timers: what <c>FakeTimeProvider</c> does. Any thread may move it.
/// </summary>
public sealed class ManualTimeProvider(DateTimeOffset start) : TimeProvider
{
    private readonly object _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _now = start;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>Timers that are set.</summary>
    public int SetTimers => Locked(() => _timers.Count(timer => timer.Due is not null));

    public int Timers => Locked(() => _timers.Count);

    /// <summary>Called when a timer has been set.</summary>
    public Action? TimerSet { get; set; }

    public override long GetTimestamp() => Locked(() => _now.Ticks);

    public override DateTimeOffset GetUtcNow() => Locked(() => _now);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, () => callback(state));
        Locked(() => _timers.Add(timer));
        timer.Change(dueTime, period);
        return timer;
    }

    public void Advance(TimeSpan time)
    {
        List<ManualTimer> due = [];
        lock (_gate)
        {
            _now += time;
            foreach (var timer in _timers.Where(timer => timer.Due <= _now))
            {
                timer.Due = null;
                due.Add(timer);
            }
        }

        due.ForEach(timer => timer.Callback());
    }

    private TValue Locked<TValue>(Func<TValue> read)
    {
        lock (_gate)
        {
            return read();
        }
    }

    private void Locked(Action action)
    {
        lock (_gate)
        {
            action();
        }
    }

    private sealed class ManualTimer(ManualTimeProvider provider, Action callback) : ITimer
    {
        public Action Callback { get; } = callback;

        public DateTimeOffset? Due { get; set; }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            provider.Locked(() => Due = dueTime == Timeout.InfiniteTimeSpan ? null : provider._now + dueTime);
            if (dueTime == TimeSpan.Zero)
            {
                provider.Advance(TimeSpan.Zero);
            }

            if (dueTime != Timeout.InfiniteTimeSpan)
            {
                provider.TimerSet?.Invoke();
            }

            return true;
        }

        public void Dispose() => provider.Locked(() => provider._timers.Remove(this));

        public ValueTask DisposeAsync()
        {
            Dispose();
            return default;
        }
    }
}
