using System.Runtime.CompilerServices;

namespace Baton;

public sealed partial class EventLoop
{
    // While work is queued, the poll of an iteration is left out until so many items or so much time have passed since the last one: a
    // chain of short switches does not pay a system call each.
    private const int MaximumItemsBetweenPolls = 61;
    private const long MaximumTimeBetweenPolls = 50_000;

    // Reading the clock costs as much as a switch. It is read for the first iteration after a poll; then, while items are short, for every
    // 16th, else for each.
    private const int ClockStride = 16;
    private const long ShortStride = 10_000;

    /// <summary>No wait is longer, as in asyncio; nobody notices, and no driver has to care for overflow.</summary>
    private const ulong MaximumWait = 86_400UL * 1_000_000_000;

    private readonly List<(Action<object?> Callback, object? State)> _beforePoll = [];
    private int _itemsSincePoll = MaximumItemsBetweenPolls;
    private int _iterationsUntilClock;
    private long _lastPoll;
    private long _lastClock;

    /// <summary>
    /// Has a callback called once, at the end of the current iteration and before the loop polls again: for work that several callers of
    /// one iteration share, such as one system call for all their writes. It runs in no task, and in whatever execution context the loop is
    /// then.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is closed, or this is not its thread.</exception>
    public void BeforePoll(Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        CheckThread();
        CheckOpen();
        _beforePoll.Add((callback, state));
    }

    /// <summary>The number of the iteration that runs.</summary>
    internal long Iteration { get; private set; }

    /// <summary>One iteration: poll, collect, and run exactly what was queued at that moment.</summary>
    private void RunOnce()
    {
        if (MustPoll())
        {
            Poll();
        }

        DrainInbox();
        Iteration++;
        var count = _ready.Count;
        _itemsSincePoll += count;
        if (_debug is null)
        {
            RunBatch(count);
        }
        else
        {
            RunBatchInDebug(count);
        }

        if (_beforePoll.Count > 0)
        {
            RunBeforePoll();
        }
    }

    private bool MustPoll()
    {
        if (_ready.Count == 0 || _itemsSincePoll >= MaximumItemsBetweenPolls || _stopRequested)
        {
            return true;
        }

        if (--_iterationsUntilClock > 0)
        {
            return false;
        }

        var now = _clock.Now;
        _iterationsUntilClock = now - _lastClock < ShortStride ? ClockStride : 1;
        _lastClock = now;
        return now - _lastPoll >= MaximumTimeBetweenPolls;
    }

    /// <summary>A timer is due already: it is for the next iteration, however much else is queued.</summary>
    private void PollNext() => _itemsSincePoll = MaximumItemsBetweenPolls;

    private void Poll()
    {
        DrainInbox();
        _timers.Purge();
        var timeout = 0L;
        if (_ready.Count == 0 && !_stopRequested && _beforePoll.Count == 0)
        {
            _ready.TrimIfEmpty();
            timeout = _timers.TryPeek(out var when) ? TimeUntil(when) : -1;
            if (_busyPoll > 0 && timeout != 0)
            {
                timeout = PollBusily(timeout);
            }

            if (timeout > 0)
            {
                _clock.BeforeWait(this, when);

                // A clock that got there meanwhile has called, on this very thread.
                timeout = _ready.Count == 0 ? timeout : 0;
            }

            if (timeout != 0 && !TryPrepareToSleep())
            {
                timeout = 0;
            }
        }

        LeaveTask();
        _driver.Poll(timeout);
        Awake();
        DrainInbox();
        _itemsSincePoll = 0;
        _iterationsUntilClock = 1;
        _lastClock = _lastPoll = _clock.Now;
        while (_timers.TryTakeDue(_lastPoll, out var item))
        {
            _ready.Enqueue(item);
        }
    }

    /// <summary>How long to wait for a deadline. Deadlines at either end of time must not overflow.</summary>
    private long TimeUntil(long when)
    {
        var now = _clock.Now;
        return when <= now ? 0 : (long)Math.Min((ulong)(when - now), MaximumWait);
    }

    // Never inlined: reports find by it where the loop begins on the thread's stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunBatch(int count)
    {
        while (count > 0)
        {
            LoopItem? item = null;
            try
            {
                do
                {
                    count--;
                    item = _ready.Dequeue();
                    _budget = StepBudget;
                    item.Run(this);
                    if (_next is not null)
                    {
                        DriveDeferred();
                    }
                }
                while (count > 0);
            }
            catch (Exception exception)
            {
                // Coroutines keep their exceptions; what arrives here comes from a callback, or from an async void method.
                ReportFailedItem(item!, exception);
                QueueDeferred();
            }
        }

        LeaveTask();
    }

    // Never inlined: reports find by it where the loop begins on the thread's stack.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void RunBeforePoll()
    {
        // A callback may ask for another call, which is for the next iteration.
        var count = _beforePoll.Count;
        for (var i = 0; i < count; i++)
        {
            var (callback, state) = _beforePoll[i];
            var started = _debug is null ? 0 : BeginDebug(new TracedCallbackItem(this, null, NameOf(callback, state)));
            try
            {
                callback(state);
            }
            catch (Exception exception)
            {
                ReportException($"Exception in callback {NameOf(callback, state)}", exception);
            }

            QueueDeferred();
            if (_debug is not null)
            {
                EndDebug(started);
            }
        }

        _beforePoll.RemoveRange(0, count);
    }
}
