namespace Baton;

/// <summary>A timer of <see cref="EventLoop.TimeProvider"/>.</summary>
/// <remarks>
/// The timer itself belongs to the loop thread. Changes come from any thread: each has a number, and one that arrives after a later one,
/// because that was made on the loop thread and needed no trip, is void.
/// </remarks>
internal sealed class LoopTimer : ITimer
{
    private const long Never = -1;

    // The limit of the BCL's timers.
    private const long MaximumMilliseconds = uint.MaxValue - 1;

    private static readonly Action<object?> FireAction = static timer => ((LoopTimer)timer!).Fire();

    private readonly EventLoop _loop;
    private readonly TimerCallback _callback;
    private readonly object? _state;
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private TimerHandle _handle;
    private long _due;
    private long _period;
    private long _carriedOut;
    private long _changes;
    private int _isDisposed;
    private int _isFiring;
    private TaskCompletionSource? _fired;

    internal LoopTimer(EventLoop loop, TimerCallback callback, object? state)
    {
        _loop = loop;
        _callback = callback;
        _state = state;
    }

    private bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    /// <summary>Sets the timer anew. False where it has been disposed of, or the loop is closed.</summary>
    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        var due = ToNanoseconds(dueTime, nameof(dueTime));
        var periodLength = ToNanoseconds(period, nameof(period));
        if (IsDisposed || _loop.IsClosed)
        {
            return false;
        }

        var change = Interlocked.Increment(ref _changes);
        var when = due == Never ? Never : _loop.Time + due;
        if (_loop.IsOnLoopThread)
        {
            Set(change, when, periodLength);
            return true;
        }

        return _loop.TryCallSoonThreadSafe(static setting => ((Setting)setting!).CarryOut(), new Setting(this, change, when, periodLength));
    }

    /// <summary>
    /// The callback is not called any more, but may be running on the loop if this is another thread: <see cref="DisposeAsync"/> waits for
    /// it.
    /// </summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) != 0 || _loop.IsClosed)
        {
            return;
        }

        if (_loop.IsOnLoopThread)
        {
            _handle.Cancel();
        }
        else
        {
            _loop.TryCallSoonThreadSafe(static timer => ((LoopTimer)timer!)._handle.Cancel(), this);
        }
    }

    public ValueTask DisposeAsync()
    {
        Dispose();
        if (_loop.IsOnLoopThread || Volatile.Read(ref _isFiring) == 0)
        {
            return default;
        }

        // Either the loop thread sees this source when the callback has returned, or this thread sees that it has.
        var fired = Interlocked.CompareExchange(
            ref _fired, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), null) ?? _fired;
        if (Interlocked.CompareExchange(ref _isFiring, 0, 0) == 0)
        {
            fired.TrySetResult();
        }

        return new ValueTask(fired.Task);
    }

    private static long ToNanoseconds(TimeSpan time, string parameter)
    {
        if (time == Timeout.InfiniteTimeSpan)
        {
            return Never;
        }

        ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.Zero, parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(time, TimeSpan.FromMilliseconds(MaximumMilliseconds), parameter);
        return time.Ticks * TimeSpan.NanosecondsPerTick;
    }

    private void Set(long change, long due, long period)
    {
        if (change <= _carriedOut || IsDisposed || _loop.IsClosed)
        {
            return;
        }

        _carriedOut = change;
        _handle.Cancel();
        _due = due;
        _period = period;
        if (due != Never)
        {
            Arm();
        }
    }

    private void Arm()
    {
        // The callback runs in the context in which the timer was made, so the one of now is of no use.
        if (ExecutionContext.IsFlowSuppressed())
        {
            _handle = _loop.CallAt(_due, FireAction, this);
            return;
        }

        using (ExecutionContext.SuppressFlow())
        {
            _handle = _loop.CallAt(_due, FireAction, this);
        }
    }

    private void Fire()
    {
        // Before the callback, which may set the timer anew or dispose of it.
        if (_period > 0)
        {
            Advance();
            Arm();
        }

        Interlocked.Exchange(ref _isFiring, 1);
        try
        {
            if (!IsDisposed)
            {
                Call();
            }
        }
        catch (Exception exception)
        {
            _loop.ReportException($"Exception in timer callback {EventLoop.NameOf(_callback)}", exception);
        }

        Interlocked.Exchange(ref _isFiring, 0);
        Volatile.Read(ref _fired)?.TrySetResult();
    }

    /// <summary>
    /// The next time of a period counts from when this one was due, so that delays do not add up. Those that are past already are left out.
    /// </summary>
    private void Advance()
    {
        _due += _period;
        var late = _loop.Time - _due;
        if (late > 0)
        {
            _due += (late + _period - 1) / _period * _period;
        }
    }

    private void Call()
    {
        if (_context is null)
        {
            _callback(_state);
        }
        else
        {
            ExecutionContext.Run(_context, static timer => ((LoopTimer)timer!)._callback(((LoopTimer)timer)._state), this);
        }
    }

    private sealed class Setting(LoopTimer timer, long change, long due, long period)
    {
        internal void CarryOut() => timer.Set(change, due, period);
    }
}
