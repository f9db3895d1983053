namespace Baton;

/// <summary>
/// Mutual exclusion among the tasks of one loop: for state that must not be seen between two awaits. Corresponds to <c>asyncio.Lock</c>.
/// </summary>
/// <remarks>
/// <para>Fair: waiters get it in the order in which they came, each directly from the one before, so that nobody can overtake. Taking a
/// lock that is free neither suspends nor allocates.</para>
/// <para>Not reentrant: a task that waits for a lock that it holds waits for ever. <see cref="ToString"/> says who holds it.</para>
/// <para>For the loop's thread only. It belongs to the loop that first uses it, and can be made before any runs.</para>
/// </remarks>
/// <example><code>using (await mutex.AcquireAsync()) { … }</code></example>
public sealed class AsyncLock : ILoopBound
{
    private readonly WaiterQueue<Releaser> _waiters;
    private LoopBinding _binding;
    private WaiterPool<LockWaiter>? _pool;
    private LoopTask? _holder;

    // Holds are numbered, so that a releaser can tell its own; 0 while the lock is free.
    private long _hold;
    private long _lastHold;

    /// <summary>Creates a lock that is free.</summary>
    public AsyncLock() => _waiters = new WaiterQueue<Releaser>(this, nameof(AcquireAsync));

    /// <summary>Whether somebody holds the lock. Corresponds to <c>Lock.locked</c>.</summary>
    public bool IsLocked => _hold != 0;

    /// <summary>How many wait for the lock.</summary>
    public int WaiterCount => _waiters.Count;

    string ILoopBound.Kind => nameof(AsyncLock);

    bool ILoopBound.IsIdle => _hold == 0;

    /// <summary>
    /// Takes the lock, when it is free and everybody who came earlier has had it. Corresponds to <c>Lock.acquire</c>. A wait that is
    /// cancelled leaves the lock alone; once it has been handed over, it is the task's, and the cancellation arrives at its next
    /// suspension.
    /// </summary>
    /// <returns>What releases the lock when disposed of. It may be ignored in favour of <see cref="Release()"/>.</returns>
    /// <exception cref="InvalidOperationException">The lock belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<Releaser> AcquireAsync()
    {
        var loop = _binding.Enter(this);
        if (_hold != 0)
        {
            return Wait(loop);
        }

        var releaser = Take();
        return loop.TryConsumeBudget() ? new ValueTask<Releaser>(releaser) : Waiter<Releaser>.Done(loop, releaser).Task;
    }

    /// <summary>Takes the lock if it is free. False when it is not.</summary>
    /// <exception cref="InvalidOperationException">The lock belongs to another loop.</exception>
    public bool TryAcquire()
    {
        _binding.Check(this);
        if (_hold != 0)
        {
            return false;
        }

        Take();
        return true;
    }

    /// <summary>
    /// Releases the lock: the first who waits has it from now on. Any task may release it. Corresponds to <c>Lock.release</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The lock is free, or belongs to another loop.</exception>
    public void Release()
    {
        _binding.Check(this);
        if (_hold == 0)
        {
            throw new InvalidOperationException(
                "The AsyncLock is not locked, so it cannot be released. Call Release once for each AcquireAsync.");
        }

        HandOver();
    }

    /// <inheritdoc/>
    public override string ToString() => _hold == 0
        ? "AsyncLock (unlocked)"
        : $"AsyncLock (locked{(_holder is null ? "" : $" by {_holder}")}, {_waiters.Count} waiting)";

    /// <summary>For a releaser: does nothing unless that hold is the present one.</summary>
    internal void EndHold(long hold)
    {
        _binding.Check(this);
        if (_hold == hold)
        {
            HandOver();
        }
    }

    /// <summary>
    /// For a condition: the number of the present hold, which the condition gives back with <see cref="Suspend"/> and takes up again later.
    /// </summary>
    /// <exception cref="InvalidOperationException">The lock is free, or belongs to another loop.</exception>
    internal long CheckHeld(string member)
    {
        _binding.Check(this);
        if (_hold == 0)
        {
            throw new InvalidOperationException(
                $"AsyncCondition.{member} needs the condition's lock, which nobody holds. Await AcquireAsync first.");
        }

        return _hold;
    }

    /// <summary>For a condition: releases the lock, until <see cref="Resume"/>.</summary>
    internal void Suspend() => HandOver();

    /// <summary>For a condition: has a waiter take up its hold again, when it is its turn.</summary>
    internal void Resume(LockWaiter waiter)
    {
        if (_hold == 0)
        {
            Grant(waiter);
        }
        else
        {
            _waiters.Enqueue(waiter);
        }
    }

    private Releaser Take()
    {
        _hold = ++_lastHold;
        _holder = LoopTask.Current;
        return new Releaser(this, _hold);
    }

    private ValueTask<Releaser> Wait(EventLoop loop)
    {
        var waiter = LockWaiter.RentFor(loop, ref _pool);
        waiter.Value = new Releaser(this, ++_lastHold);
        waiter.Wait(_waiters);
        return waiter.Task;
    }

    private void HandOver()
    {
        if (_waiters.TryDequeue(out var waiter))
        {
            Grant((LockWaiter)waiter);
        }
        else
        {
            _hold = 0;
            _holder = null;
        }
    }

    private void Grant(LockWaiter waiter)
    {
        _hold = waiter.Value.Hold;
        _holder = waiter.WaitingTask;
        waiter.Grant();
    }
}
