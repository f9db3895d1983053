using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// One signal as one loop handles it: by the handlers that the program has added, and where there are none, as
/// <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/> does.
/// </summary>
/// <remarks>
/// One registration with the runtime serves both, so that one takes over from the other at once: there is no moment at which neither
/// handles the signal, nor one at which both do.
/// </remarks>
internal sealed class SignalSource
{
    private static readonly Action<object?> QueueCallsAction = static source => ((SignalSource)source!).QueueCalls();

    private readonly List<SignalRegistration> _handlers = [];
    private PosixSignalRegistration? _registration;
    private Action<PosixSignalContext>? _fallback;
    private int _handlerCount;

    internal SignalSource(EventLoop loop, PosixSignal signal)
    {
        Loop = loop;
        Signal = signal;
    }

    internal EventLoop Loop { get; }

    internal PosixSignal Signal { get; }

    internal SignalRegistration Add(Action<object?> callback, object? state)
    {
        Register();
        var handler = new SignalRegistration(this, callback, state);
        _handlers.Add(handler);
        Volatile.Write(ref _handlerCount, _handlers.Count);
        return handler;
    }

    internal void Remove(SignalRegistration handler)
    {
        if (_handlers.Remove(handler))
        {
            handler.CancelCalls();
            Volatile.Write(ref _handlerCount, _handlers.Count);
            UnregisterIfUnused();
        }
    }

    /// <summary>Removes all handlers. False where there is none.</summary>
    internal bool RemoveAll()
    {
        if (_handlers.Count == 0)
        {
            return false;
        }

        _handlers.ForEach(static handler => handler.CancelCalls());
        _handlers.Clear();
        Volatile.Write(ref _handlerCount, 0);
        UnregisterIfUnused();
        return true;
    }

    /// <summary>
    /// Says what happens, on the thread of the runtime that brings the signal, where the program handles it by nothing else.
    /// </summary>
    internal void SetFallback(Action<PosixSignalContext>? fallback)
    {
        Volatile.Write(ref _fallback, fallback);
        if (fallback is null)
        {
            UnregisterIfUnused();
        }
        else
        {
            Register();
        }
    }

    /// <summary>The loop has closed: leaves the signal to itself, and lets go of the handlers.</summary>
    internal void Close()
    {
        _handlers.Clear();
        Volatile.Write(ref _handlerCount, 0);
        Volatile.Write(ref _fallback, null);
        UnregisterIfUnused();
    }

    private void Register() => _registration ??= LoopSignals.Register(Signal, Handle);

    private void UnregisterIfUnused()
    {
        if (_handlers.Count == 0 && _fallback is null)
        {
            _registration?.Dispose();
            _registration = null;
        }
    }

    // Called on a thread of the runtime's, for each signal that the kernel has delivered.
    private void Handle(PosixSignalContext context)
    {
        if (Volatile.Read(ref _handlerCount) > 0)
        {
            context.Cancel = true;
            Loop.TryCallSoonThreadSafe(QueueCallsAction, this);
        }
        else if (Volatile.Read(ref _fallback) is { } fallback)
        {
            fallback(context);
        }
        else
        {
            // It arrived while it was handled. Its default action, in most cases the end of the process, is not for it.
            context.Cancel = true;
        }
    }

    private void QueueCalls()
    {
        foreach (var handler in _handlers)
        {
            handler.Queue();
        }
    }
}
