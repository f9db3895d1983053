using System.Runtime.InteropServices;

namespace Baton;

public sealed partial class EventLoop
{
    private Dictionary<PosixSignal, SignalSource>? _signals;

    /// <summary>
    /// Has a callback called on the loop, once for each time that a signal arrives, in the execution context of now. Corresponds to
    /// <c>loop.add_signal_handler</c>, but works on whichever thread the loop runs, and a signal may have several handlers: they are called
    /// in the order in which they were added.
    /// </summary>
    /// <remarks>
    /// <para>While it has a handler, the signal does nothing else: neither its default action, nor what
    /// <see cref="Run(Func{Coroutine}, EventLoopOptions?)"/> does with SIGINT and SIGTERM. That holds again when the last handler has been
    /// removed. Several loops of a process that handle a signal are all called.</para>
    /// <para>A thread of the runtime takes each signal and posts to the loop, so that no signal is lost while the loop is busy; but those
    /// that one process sends another in quick succession may become one before they arrive, as signals do: of a kind that is pending the
    /// kernel keeps one. The order in which different signals arrive is not kept.</para>
    /// <para>What a callback throws goes to the <see cref="ExceptionHandler"/>. It runs outside of any task: to await something, it starts
    /// one.</para>
    /// <para>A loop with handlers that is not disposed of is never collected.</para>
    /// </remarks>
    /// <param name="signal">Which: one of the BCL's names or of <see cref="LoopSignals"/>, or the platform's number, cast.</param>
    /// <param name="callback">What to call.</param>
    /// <returns>The handler, which disposing of removes. Need not be kept: closing the loop removes all.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There can be no such signal.</exception>
    /// <exception cref="InvalidOperationException">
    /// The signal cannot be handled, such as SIGKILL, or only by the runtime, such as SIGSEGV; or the loop is closed, or this is not its
    /// thread.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">The platform has no such signal: Windows knows SIGINT, SIGTERM, SIGQUIT and
    /// SIGHUP.</exception>
    public SignalRegistration AddSignalHandler(PosixSignal signal, Action callback)
    {
        ArgumentNullException.ThrowIfNull(callback);
        return AddSignalHandler(signal, CallbackItem.RunAction, callback);
    }

    /// <inheritdoc cref="AddSignalHandler(PosixSignal, Action)"/>
    /// <param name="signal">Which: one of the BCL's names or of <see cref="LoopSignals"/>, or the platform's number, cast.</param>
    /// <param name="callback">What to call.</param>
    /// <param name="state">What to call it with.</param>
    public SignalRegistration AddSignalHandler(PosixSignal signal, Action<object?> callback, object? state)
    {
        ArgumentNullException.ThrowIfNull(callback);
        CheckThread();
        CheckOpen();
        return SignalSourceOf(signal).Add(callback, state);
    }

    /// <summary>
    /// Removes all handlers that this loop has for a signal. They are not called any more, not even for a signal that has arrived already.
    /// Corresponds to <c>loop.remove_signal_handler</c>.
    /// </summary>
    /// <param name="signal">Which.</param>
    /// <returns>False where there was none.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There can be no such signal.</exception>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public bool RemoveSignalHandler(PosixSignal signal)
    {
        signal = LoopSignals.Normalize(signal);
        if (_state == State.Closed)
        {
            return false;
        }

        CheckThread();
        return _signals is not null && _signals.TryGetValue(signal, out var source) && source.RemoveAll();
    }

    /// <summary>
    /// Waits for the first of some signals, which are handled from when the coroutine starts until it ends, and only then: whoever wants
    /// each of several adds a handler.
    /// </summary>
    /// <param name="signals">Which to wait for.</param>
    /// <returns>The one that came, under its name of the BCL's where it has one.</returns>
    /// <inheritdoc cref="AddSignalHandler(PosixSignal, Action)" path="/exception"/>
    /// <exception cref="ArgumentException">No signal is named.</exception>
    public async Coroutine<PosixSignal> WaitForSignalAsync(params PosixSignal[] signals)
    {
        ArgumentNullException.ThrowIfNull(signals);
        if (signals.Length == 0)
        {
            throw new ArgumentException("Name at least one signal to wait for.", nameof(signals));
        }

        var arrived = CreateFuture<PosixSignal>();
        var handlers = new List<SignalRegistration>(signals.Length);
        try
        {
            foreach (var signal in signals.Select(LoopSignals.Normalize))
            {
                handlers.Add(AddSignalHandler(signal, () => arrived.TrySetResult(signal)));
            }

            return await arrived;
        }
        finally
        {
            handlers.ForEach(static handler => handler.Dispose());
        }
    }

    private SignalSource SignalSourceOf(PosixSignal signal)
    {
        if (_signals is null)
        {
            _signals = [];
            Closed += CloseSignals;
        }

        signal = LoopSignals.Normalize(signal);
        if (!_signals.TryGetValue(signal, out var source))
        {
            source = new SignalSource(this, signal);
            _signals.Add(signal, source);
        }

        return source;
    }

    private void CloseSignals()
    {
        foreach (var source in _signals!.Values)
        {
            source.Close();
        }

        _signals.Clear();
    }
}
