namespace Baton;

/// <summary>
/// A wait for a condition: first in the condition's queue, then, notified or cancelled, in that of the lock. Its task sees one suspension.
/// </summary>
internal sealed class ConditionWaiter : LockWaiter, IPooledWaiter<ConditionWaiter>
{
    private readonly WaiterPool<ConditionWaiter> _pool;
    private AsyncCondition _condition = null!;
    private bool _isNotified;

    private ConditionWaiter(WaiterPool<ConditionWaiter> pool)
        : base(pool.Loop) => _pool = pool;

    static ConditionWaiter IPooledWaiter<ConditionWaiter>.Create(WaiterPool<ConditionWaiter> pool) => new(pool);

    /// <summary>A waiter that will have the same hold of the lock again, so that the releaser of before the wait still ends it.</summary>
    internal static ConditionWaiter RentFor(EventLoop loop, ref WaiterPool<ConditionWaiter>? pool, AsyncCondition condition, Releaser hold)
    {
        var waiter = WaiterPool<ConditionWaiter>.Of(loop, ref pool).Rent();
        waiter.WaitingTask = LoopTask.Current;
        waiter.Value = hold;
        waiter._condition = condition;
        waiter._isNotified = false;
        return waiter;
    }

    internal void OnNotified()
    {
        _isNotified = true;
        _condition.Lock.Resume(this);
    }

    internal override void Grant()
    {
        if (!HasFailed)
        {
            Succeed();
            return;
        }

        Complete(faulted: true);
        if (_isNotified)
        {
            // It leaves without having done what it was woken for.
            _condition.Notify();
        }
    }

    protected override bool RequestCancel(string? message)
    {
        FailLater(new CancelledException(message));
        if (!_isNotified)
        {
            Queue!.Remove(this);
            _condition.Lock.Resume(this);
        }

        return true;
    }

    protected override void Recycle()
    {
        _condition = null!;
        _pool.Return(this);
    }
}
