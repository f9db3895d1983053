namespace Baton;

// A limit costs next to nothing while the code in the scope does not suspend, since nothing can time out before it does: the clock is read,
// and the timer set, at the first suspension. What has passed until then is known from a clock that is coarse and cheap.
public sealed partial class CancelScope
{
    private static readonly Action<object?> ExpireAction = static scope => ((CancelScope)scope!).Expire();

    private Limit _limit;

    /// <summary>Nanoseconds: the time-out until the first suspension, then, or where it was given so, the deadline.</summary>
    private long _time;
    private long _coarseEntry;
    private Handle _timer;

    private enum Limit : byte
    {
        None,

        /// <summary>A time from the entry, which has not been added to the clock's yet.</summary>
        Timeout,
        Deadline,

        /// <summary>A deadline with a timer, or one that has passed.</summary>
        Set,
    }

    /// <summary>
    /// The time of the loop's clock, in nanoseconds, at which the scope is cancelled; null for none, and before a scope with a time-out is
    /// entered. May be changed at any time before it has passed.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public long? Deadline
    {
        get
        {
            if (_limit == Limit.Timeout && IsEntered && !CancelCalled)
            {
                SetTimer();
            }

            return _limit is Limit.Deadline or Limit.Set ? _time : null;
        }

        set
        {
            _loop.CheckThread();
            _timer.Cancel();
            _time = value ?? 0;
            _limit = value is null ? Limit.None : Limit.Deadline;
            if (IsEntered && !CancelCalled && _limit != Limit.None)
            {
                SetTimer();
            }
        }
    }

    /// <summary>Sets the deadline anew, from now. Null takes it away.</summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Reschedule(TimeSpan? timeout) => Deadline = timeout is { } time && time != System.Threading.Timeout.InfiniteTimeSpan
        ? EventLoop.Deadline(_loop.Time, EventLoop.ToNanoseconds(time))
        : null;

    private bool IsWaitingForSuspension => _limit == Limit.Timeout && IsEntered && !CancelCalled;

    /// <summary>A coroutine in the scope suspends, or sets a timer of its own.</summary>
    internal void SetWaitingTimers()
    {
        // The outer ones first, so that of equal deadlines they come first.
        while (FindOutermostWaiting() is { } scope)
        {
            scope.SetTimer();
        }
    }

    private CancelScope? FindOutermostWaiting()
    {
        CancelScope? outermost = null;
        for (var scope = this; scope is not null && ReferenceEquals(scope.Task, Task); scope = scope.Parent)
        {
            if (scope.IsWaitingForSuspension)
            {
                outermost = scope;
            }
        }

        return outermost;
    }

    private void StartLimit()
    {
        if (_limit == Limit.Timeout && _time > 0)
        {
            _coarseEntry = _loop.CoarseTime;
        }
        else
        {
            SetTimer();
        }
    }

    private void SetTimer()
    {
        var now = _loop.Time;
        if (_limit == Limit.Timeout)
        {
            // Never too early, and too late only where the code has run for long before it suspended, by what the coarse clock does not
            // tell.
            var passed = _time > 0 ? Math.Max(0, _loop.CoarseTime - _coarseEntry - _loop.CoarseResolution) : 0;
            _time = EventLoop.Deadline(now - passed, _time);
        }

        _limit = Limit.Set;
        if (_time > now)
        {
            if (_time != long.MaxValue)
            {
                _timer = _loop.CallAt(_time, ExpireAction, this).AsHandle();
            }
        }
        else if (IsLevelTriggered)
        {
            Expire();
        }
        else
        {
            // As in asyncio, what is thrown once comes from the loop: code that never waits is not timed out.
            _timer = _loop.CallSoon(ExpireAction, this);
        }
    }

    private void Expire()
    {
        IsExpired = true;
        Cancel();
    }
}
