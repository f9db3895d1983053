namespace Baton;

/// <summary>
/// A flag that tasks of one loop wait for. Corresponds to <c>asyncio.Event</c>. Stays set until it is cleared, as a
/// <c>ManualResetEventSlim</c> does.
/// </summary>
/// <remarks>For the loop's thread only. It belongs to the loop that first uses it, and can be made before any runs.</remarks>
public sealed class AsyncEvent : ILoopBound
{
    private readonly WaiterQueue<VoidResult> _waiters;
    private LoopBinding _binding;

    /// <summary>Creates an event.</summary>
    /// <param name="isSet">Whether it is set.</param>
    public AsyncEvent(bool isSet = false)
    {
        IsSet = isSet;
        _waiters = new WaiterQueue<VoidResult>(this, nameof(WaitAsync));
    }

    /// <summary>Whether the event is set. Corresponds to <c>Event.is_set</c>.</summary>
    public bool IsSet { get; private set; }

    /// <summary>How many wait for the event.</summary>
    public int WaiterCount => _waiters.Count;

    string ILoopBound.Kind => nameof(AsyncEvent);

    bool ILoopBound.IsIdle => _waiters.Count == 0;

    /// <summary>
    /// Waits until the event is set; does not suspend when it is. Corresponds to <c>Event.wait</c>. Who was waiting when the event was set
    /// goes on, even if it is cleared before that task runs.
    /// </summary>
    /// <exception cref="InvalidOperationException">The event belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask WaitAsync()
    {
        var loop = _binding.Enter(this);
        if (IsSet)
        {
            return loop.TryConsumeBudget() ? default : Waiter<VoidResult>.Done(loop, default).VoidTask;
        }

        var waiter = _waiters.Rent(loop);
        waiter.Wait(_waiters);
        return waiter.VoidTask;
    }

    /// <summary>Sets the event and wakes all who wait, in the order in which they came. Corresponds to <c>Event.set</c>.</summary>
    /// <exception cref="InvalidOperationException">The event belongs to another loop.</exception>
    public void Set()
    {
        _binding.Check(this);
        IsSet = true;
        _waiters.SucceedAll();
    }

    /// <summary>Takes the event back: from now on <see cref="WaitAsync"/> waits. Corresponds to <c>Event.clear</c>.</summary>
    /// <exception cref="InvalidOperationException">The event belongs to another loop.</exception>
    public void Clear()
    {
        _binding.Check(this);
        IsSet = false;
    }

    /// <inheritdoc/>
    public override string ToString() => IsSet ? "AsyncEvent (set)" : $"AsyncEvent (unset, {_waiters.Count} waiting)";
}
