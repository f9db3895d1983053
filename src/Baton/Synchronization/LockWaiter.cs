namespace Baton;

/// <summary>A task's wait for a lock. Its value is the releaser of the hold that it will get.</summary>
internal class LockWaiter : Waiter<Releaser>, IPooledWaiter<LockWaiter>
{
    private readonly WaiterPool<LockWaiter>? _pool;

    protected LockWaiter(EventLoop loop)
        : base(loop)
    {
    }

    private LockWaiter(WaiterPool<LockWaiter> pool)
        : base(pool.Loop) => _pool = pool;

    /// <summary>The task that will hold the lock.</summary>
    internal LoopTask? WaitingTask { get; set; }

    static LockWaiter IPooledWaiter<LockWaiter>.Create(WaiterPool<LockWaiter> pool) => new(pool);

    internal static LockWaiter RentFor(EventLoop loop, ref WaiterPool<LockWaiter>? pool)
    {
        var waiter = WaiterPool<LockWaiter>.Of(loop, ref pool).Rent();
        waiter.WaitingTask = LoopTask.Current;
        return waiter;
    }

    /// <summary>The lock is the waiter's.</summary>
    internal virtual void Grant() => Succeed();

    protected override void OnTaking() => WaitingTask = null;

    protected override void Recycle() => _pool!.Return(this);
}
