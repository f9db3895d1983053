using System.Globalization;
using System.Text;

namespace Baton;

/// <summary>
/// A callback in the ready queue or among the timers, with the execution context of its registration. Pooled by loop; a use is named by its
/// version.
/// </summary>
internal class CallbackItem(EventLoop loop) : LoopItem
{
    internal static readonly Action<object?> RunAction = static state => ((Action)state!)();

    private readonly EventLoop _loop = loop;
    private Action<object?>? _callback;
    private object? _state;
    private ExecutionContext? _context;
    private long _timerSequence;

    internal int Version { get; private set; }

    internal override long TimerSequence
    {
        get => _timerSequence;
        set => _timerSequence = value;
    }

    private protected EventLoop Loop => _loop;

    private protected virtual string StateName(int version) => IsPending(version) ? "pending" : "over";

    internal void Set(Action<object?> callback, object? state)
    {
        _callback = callback;
        _state = state;
        _context = ExecutionContext.Capture();
    }

    internal virtual bool IsPending(int version) => version == Version && _callback is not null;

    internal virtual void Cancel(int version)
    {
        _loop.CheckThread();
        if (!IsPending(version))
        {
            return;
        }

        if (_timerSequence != 0)
        {
            _loop.CancelTimer(this);
            Clear();
            Release();
        }
        else
        {
            // It stands in the ready queue and goes back to the pool when its turn comes.
            Clear();
        }
    }

    internal override void Run(EventLoop loop)
    {
        var callback = _callback;
        if (callback is null)
        {
            Release();
            return;
        }

        var state = _state;
        var context = _context;
        Clear();
        Release();
        loop.EnterCallback(context);
        loop.RunningCallback = callback;
        loop.RunningCallbackState = state;
        callback(state);
        loop.RunningCallback = null;
        loop.RunningCallbackState = null;
    }

    internal override string Describe() => _callback is null ? "a cancelled callback" : $"callback {EventLoop.NameOf(_callback, _state)}";

    /// <summary>
    /// What a handle says of the callback: its name while that is known, what has become of it, and in debug mode what it passes and where
    /// it was made.
    /// </summary>
    internal string Describe(string kind, int version, long? when)
    {
        var text = new StringBuilder(kind);
        if (NameOf(version) is { } name)
        {
            text.Append(' ').Append(name);
        }

        text.Append(" (").Append(StateName(version));
        if (when is { } deadline)
        {
            text.Append(", due at ").Append(deadline.ToString(CultureInfo.InvariantCulture)).Append(" ns");
        }

        if (Origin?.Innermost is { } site)
        {
            text.Append(", created at ").Append(site);
        }

        return text.Append(')').ToString();
    }

    private protected virtual string? NameOf(int version)
    {
        // Another thread may ask while the loop's runs the callback.
        var callback = _callback;
        var state = _state;
        if (callback is null || !IsPending(version))
        {
            return null;
        }

        var name = EventLoop.NameOf(callback, state);

        // What is passed may be confidential: only in debug mode. Its text is made where it belongs.
        return ReferenceEquals(callback, RunAction) || !_loop.IsDebug || !_loop.IsOnLoopThread ? name : $"{name} with {Future.Text(state)}";
    }

    private protected virtual void Release() => _loop.Return(this);

    private protected void Clear()
    {
        Version++;
        _callback = null;
        _state = null;
        _context = null;
    }
}

/// <summary>A callback from another thread. Not pooled, so that any thread may cancel it at any time.</summary>
internal sealed class ThreadSafeCallbackItem(EventLoop loop) : CallbackItem(loop)
{
    private const int Waiting = 0;
    private const int Over = 1;

    private int _state;

    internal override CreationSite? Origin => LoopDebug.SiteOf(this);

    internal override bool IsPending(int version) => Volatile.Read(ref _state) == Waiting;

    internal override void Cancel(int version) => Interlocked.CompareExchange(ref _state, Over, Waiting);

    internal override void Run(EventLoop loop)
    {
        if (Interlocked.CompareExchange(ref _state, Over, Waiting) == Waiting)
        {
            base.Run(loop);
        }
        else
        {
            // Cancelled. Whoever keeps the handle does not keep what it would have called.
            Clear();
        }
    }

    private protected override void Release()
    {
    }
}
