using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// A handler that was added with <see cref="EventLoop.AddSignalHandler(PosixSignal, Action)"/>. Disposing of it removes it, and leaves
/// others of the signal.
/// </summary>
public sealed class SignalRegistration : IDisposable
{
    private readonly SignalSource _source;
    private readonly Action<object?> _callback;
    private readonly object? _state;
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private readonly List<Handle> _calls = [];

    internal SignalRegistration(SignalSource source, Action<object?> callback, object? state)
    {
        _source = source;
        _callback = callback;
        _state = state;
    }

    /// <summary>The signal, under its name of the BCL's where it has one.</summary>
    public PosixSignal Signal => _source.Signal;

    /// <summary>
    /// Removes the handler. It is not called any more, not even for a signal that has arrived already and for which it has not been called
    /// yet. Can be called again, and once the loop is closed, which has removed it then.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public void Dispose()
    {
        if (!_source.Loop.IsClosed)
        {
            _source.Loop.CheckThread();
            _source.Remove(this);
        }
    }

    /// <summary>Queues a call, as a callback of its own.</summary>
    internal void Queue()
    {
        _calls.RemoveAll(static call => !call.IsPending);
        if (_context is not null)
        {
            ExecutionContext.Run(_context, static registration => ((SignalRegistration)registration!).QueueCall(), this);
            return;
        }

        using (ExecutionContext.SuppressFlow())
        {
            QueueCall();
        }
    }

    internal void CancelCalls()
    {
        foreach (var call in _calls)
        {
            call.Cancel();
        }

        _calls.Clear();
    }

    private void QueueCall() => _calls.Add(_source.Loop.CallSoon(_callback, _state));
}
