namespace Baton;

/// <summary>
/// Tasks of one loop that hold a lock wait here until another one says that something has changed. Corresponds to <c>asyncio.Condition</c>.
/// </summary>
/// <remarks>
/// <para>Whoever waits has the lock again when the wait ends, however it ends. Being notified is no promise that the condition holds: check
/// it in a loop, or use <see cref="WaitForAsync"/>.</para>
/// <para>For the loop's thread only. It belongs to the loop that first uses it, and can be made before any runs.</para>
/// </remarks>
public sealed class AsyncCondition : ILoopBound
{
    private readonly WaiterQueue<Releaser> _waiters;
    private LoopBinding _binding;
    private WaiterPool<ConditionWaiter>? _pool;

    /// <summary>Creates a condition.</summary>
    /// <param name="mutex">The lock, which several conditions may share; one of its own where null.</param>
    public AsyncCondition(AsyncLock? mutex = null)
    {
        Lock = mutex ?? new AsyncLock();
        _waiters = new WaiterQueue<Releaser>(this, nameof(WaitAsync));
    }

    /// <summary>The lock.</summary>
    public AsyncLock Lock { get; }

    /// <summary>Whether somebody holds the lock. Corresponds to <c>Condition.locked</c>.</summary>
    public bool IsLocked => Lock.IsLocked;

    /// <summary>How many wait to be notified. Those that have been, and wait for the lock, count there.</summary>
    public int WaiterCount => _waiters.Count;

    string ILoopBound.Kind => nameof(AsyncCondition);

    bool ILoopBound.IsIdle => _waiters.Count == 0;

    /// <summary>Takes the lock. See <see cref="AsyncLock.AcquireAsync"/>. Corresponds to <c>Condition.acquire</c>.</summary>
    /// <exception cref="InvalidOperationException">The lock belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<Releaser> AcquireAsync() => Lock.AcquireAsync();

    /// <summary>Takes the lock if it is free. False when it is not.</summary>
    /// <exception cref="InvalidOperationException">The lock belongs to another loop.</exception>
    public bool TryAcquire() => Lock.TryAcquire();

    /// <summary>Releases the lock. Corresponds to <c>Condition.release</c>.</summary>
    /// <exception cref="InvalidOperationException">The lock is free, or belongs to another loop.</exception>
    public void Release() => Lock.Release();

    /// <summary>
    /// Releases the lock, waits until notified, and takes the lock again. Corresponds to <c>Condition.wait</c>.
    /// </summary>
    /// <remarks>
    /// A wait that is cancelled takes the lock again, too, before it throws, and that cannot be cut short. If it had been notified by then,
    /// the next one who waits is notified in its place. Once it has the lock again, the wait is over, and a cancellation arrives at the
    /// next suspension.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// Nobody holds the lock, it belongs to another loop, or no loop runs on this thread.
    /// </exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited. It holds the lock.</exception>
    public ValueTask WaitAsync()
    {
        var hold = Lock.CheckHeld(nameof(WaitAsync));
        var loop = _binding.Enter(this);
        var waiter = ConditionWaiter.RentFor(loop, ref _pool, this, new Releaser(Lock, hold));
        waiter.Wait(_waiters);
        Lock.Suspend();
        return waiter.VoidTask;
    }

    /// <summary>
    /// Waits until a predicate holds: checks it at once, and again each time that it is notified. Corresponds to <c>Condition.wait_for</c>.
    /// </summary>
    /// <param name="predicate">Called with the lock held.</param>
    /// <exception cref="InvalidOperationException">The predicate does not hold, and nobody holds the lock.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited. It holds the lock.</exception>
    public async Coroutine WaitForAsync(Func<bool> predicate)
    {
        ArgumentNullException.ThrowIfNull(predicate);
        while (!predicate())
        {
            await WaitAsync();
        }
    }

    /// <summary>
    /// Wakes those who have waited longest. They go on when they have the lock again, which the caller still holds. Corresponds to
    /// <c>Condition.notify</c>.
    /// </summary>
    /// <param name="count">How many; where fewer wait, all.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative.</exception>
    /// <exception cref="InvalidOperationException">Nobody holds the lock, or it belongs to another loop.</exception>
    public void Notify(int count = 1)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Lock.CheckHeld(nameof(Notify));
        _binding.Check(this);
        for (; count > 0 && _waiters.TryDequeue(out var waiter); count--)
        {
            ((ConditionWaiter)waiter).OnNotified();
        }
    }

    /// <summary>Wakes all who wait. Corresponds to <c>Condition.notify_all</c>.</summary>
    /// <exception cref="InvalidOperationException">Nobody holds the lock, or it belongs to another loop.</exception>
    public void NotifyAll() => Notify(int.MaxValue);

    /// <inheritdoc/>
    public override string ToString() => $"AsyncCondition ({_waiters.Count} waiting, {Lock})";
}
