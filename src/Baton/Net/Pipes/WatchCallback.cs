using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// A callback of <see cref="EventLoop.AddReader(int, Action)"/>, in the ready queue once for each time that it is called.
/// </summary>
internal sealed class WatchCallback : LoopItem
{
    private readonly EventLoop _loop;
    private readonly DescriptorWatch _watch;
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private Action<object?>? _callback;
    private object? _state;
    private SafeHandle? _handle;
    private bool _isQueued;

    internal WatchCallback(EventLoop loop, DescriptorWatch watch, Action<object?> callback, object? state, SafeHandle? handle)
    {
        _loop = loop;
        _watch = watch;
        _callback = callback;
        _state = state;
        var isAdded = false;
        handle?.DangerousAddRef(ref isAdded);
        _handle = handle;
    }

    internal void Queue()
    {
        if (!_isQueued)
        {
            _isQueued = true;
            _loop.Ready(this);
        }
    }

    /// <summary>It is not called any more.</summary>
    internal void End()
    {
        _callback = null;
        _state = null;
        _handle?.DangerousRelease();
        _handle = null;
    }

    internal override void Run(EventLoop loop)
    {
        _isQueued = false;
        if (_callback is not { } callback)
        {
            return;
        }

        var state = _state;
        loop.EnterCallback(_context);
        loop.RunningCallback = callback;
        loop.RunningCallbackState = state;
        callback(state);
        loop.RunningCallback = null;
        loop.RunningCallbackState = null;
    }

    internal override string Describe() =>
        _callback is null
            ? "a callback that was removed"
            : $"callback {EventLoop.NameOf(_callback, _state)} for descriptor {_watch.Descriptor}";
}
