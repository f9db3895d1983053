namespace Baton;

/// <summary>The coroutine that <see cref="Coroutine.Sleep"/> returns: a timer and nothing else. Pooled by thread.</summary>
/// <remarks>
/// As in asyncio, a timer that fires costs two trips: one in which the timer's callback runs, one in which the coroutine resumes. A delay
/// of zero sets no timer and costs exactly one.
/// </remarks>
internal sealed class SleepOperation : CoroutineSource
{
    private const int PoolLimit = 4096;

    [ThreadStatic]
    private static SleepOperation? t_pool;

    [ThreadStatic]
    private static int t_pooled;

    private long _delay;
    private long _timerSequence;

    internal override long TimerSequence
    {
        get => _timerSequence;
        set => _timerSequence = value;
    }

    internal static SleepOperation Rent(long delay)
    {
        var sleep = t_pool;
        if (LoopDebug.IsAnywhere)
        {
            sleep = new SleepOperation();
            CoroutineGuard.Watch(sleep);
        }
        else if (sleep is null)
        {
            sleep = new SleepOperation();
        }
        else
        {
            t_pool = (SleepOperation?)sleep.Link;
            t_pooled--;
            sleep.Link = null;
        }

        sleep._delay = delay;
        return sleep;
    }

    protected override bool StartInline(EventLoop loop)
    {
        Task = loop.CurrentTask;
        Scope = loop.CurrentScope;
        Status = CoroutineStatus.Started;
        if (_delay <= 0)
        {
            loop.Ready(this);
        }
        else
        {
            // A limit around the sleep counts from before it: of equal deadlines its own comes first.
            Scope?.SetWaitingTimers();

            // A sleep without end needs no timer. It must not have one: where time is virtual, the end of time may well come.
            if (_delay != long.MaxValue)
            {
                loop.AddTimer(EventLoop.Deadline(loop.Time, _delay), this);
            }

            // It stays a leaf until its end is taken notice of, so that a request in between finds out that there is nothing to cancel.
            Task?.AddLeaf(this, Scope);
        }

        return false;
    }

    internal override void StartAsRoot(EventLoop loop, LoopTask task)
    {
        Continuation = task;
        StartInline(loop);
    }

    internal override void Run(EventLoop loop)
    {
        if (IsEnded)
        {
            return; // Cancelled after the timer had fired and before this ran.
        }

        if (_delay > 0)
        {
            Status = CoroutineStatus.Succeeded;
            if (Continuation is { } continuation)
            {
                loop.Ready(continuation);
            }

            return;
        }

        if (Task is not null && Task.TryTakePendingCancel(CancelScope.Holding(Scope), out var cancelled))
        {
            Fail(cancelled);
        }
        else
        {
            Status = CoroutineStatus.Succeeded;
        }

        // This was the trip.
        Continuation?.Run(loop);
    }

    internal override bool CancelWait(string? message, CancelScope? origin)
    {
        if (IsEnded || _delay <= 0)
        {
            return Status == CoroutineStatus.Failed;
        }

        var loop = Task!.Loop;
        if (_timerSequence != 0)
        {
            loop.CancelTimer(this);
        }

        Fail(new CancelledException(message));
        if (Continuation is { } continuation)
        {
            loop.Ready(continuation);
        }

        return true;
    }

    internal override bool IsWaitOver => Status == CoroutineStatus.Succeeded;

    internal override string Describe() => "Coroutine.Sleep";

    internal override void Recycle()
    {
        if (_delay > 0)
        {
            Task?.RemoveLeaf(this);
        }

        Reset();
        if (t_pooled < PoolLimit)
        {
            t_pooled++;
            Link = t_pool;
            t_pool = this;
        }
    }
}
