namespace Baton;

public sealed partial class EventLoop
{
    private const long NanosecondsPerTick = 100;
    private const int CallbackPoolLimit = 1024;

    private CallbackItem? _callbackPool;
    private int _pooledCallbacks;

    /// <summary>Timers that are set and neither due nor cancelled, sleeps among them.</summary>
    public int TimerCount => _timers.LiveCount;

    /// <summary>
    /// Has a callback called in the next iteration, after everything that is queued already, once, in the execution context of now.
    /// Corresponds to <c>loop.call_soon</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is closed, or this is not its thread.</exception>
    public Handle CallSoon(Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallSoon(CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="CallSoon(Action)"/>
    /// <param name="callback">What to call. A static lambda needs no closure and no allocation.</param>
    /// <param name="state">What to call it with.</param>
    public Handle CallSoon(Action<object?> callback, object? state)
    {
        var item = Prepare(callback, state);
        KeepArrivalOrder();
        _ready.Enqueue(item);
        return new Handle(item);
    }

    /// <summary>
    /// Has a callback called after a delay. It never fires early; timers with equal deadlines fire in the order in which they were set.
    /// Corresponds to <c>loop.call_later</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The loop is closed, or this is not its thread.</exception>
    public TimerHandle CallLater(TimeSpan delay, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallLater(delay, CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="CallLater(TimeSpan, Action)"/>
    public TimerHandle CallLater(TimeSpan delay, Action<object?> callback, object? state)
    {
        var handle = CallAt(Deadline(Time, ToNanoseconds(delay)), callback, state);
        if (delay <= TimeSpan.Zero)
        {
            PollNext();
        }

        return handle;
    }

    /// <summary>Has a callback called at a time of this loop's clock. Corresponds to <c>loop.call_at</c>.</summary>
    /// <param name="when">Nanoseconds of <see cref="Time"/>. A time that is past is due at once, in the next iteration.</param>
    /// <param name="callback">What to call.</param>
    /// <exception cref="InvalidOperationException">The loop is closed, or this is not its thread.</exception>
    public TimerHandle CallAt(long when, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return CallAt(when, CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="CallAt(long, Action)"/>
    public TimerHandle CallAt(long when, Action<object?> callback, object? state)
    {
        var item = Prepare(callback, state);

        // A limit whose code sets a timer counts from before: of equal deadlines its own comes first.
        CurrentScope?.SetWaitingTimers();
        _timers.Add(when, item);
        if (when <= _lastClock)
        {
            PollNext();
        }

        return new TimerHandle(item, when);
    }

    internal static long ToNanoseconds(TimeSpan time)
    {
        var ticks = time.Ticks;
        return ticks > long.MaxValue / NanosecondsPerTick ? long.MaxValue
            : ticks < long.MinValue / NanosecondsPerTick ? long.MinValue
            : ticks * NanosecondsPerTick;
    }

    /// <summary>A time from now that does not overflow.</summary>
    internal static long Deadline(long now, long delay)
    {
        var when = unchecked(now + delay);
        return ((now ^ when) & (delay ^ when)) >= 0 ? when
            : delay < 0 ? long.MinValue
            : long.MaxValue;
    }

    internal void AddTimer(long when, LoopItem item) => _timers.Add(when, item);

    internal void CancelTimer(LoopItem item) => _timers.Cancel(item);

    internal void Return(CallbackItem item)
    {
        if (_pooledCallbacks < CallbackPoolLimit)
        {
            _pooledCallbacks++;
            item.Link = _callbackPool;
            _callbackPool = item;
        }
    }

    private CallbackItem Prepare(Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        CheckThread();
        CheckOpen();
        var item = _callbackPool;
        if (_debug is { } debug)
        {
            item = new TracedCallbackItem(this, debug.Capture(), NameOf(callback, state));
        }
        else if (item is null)
        {
            item = new CallbackItem(this);
        }
        else
        {
            _callbackPool = (CallbackItem?)item.Link;
            _pooledCallbacks--;
            item.Link = null;
        }

        item.Set(callback, state);
        return item;
    }
}
