namespace Baton;

/// <summary>A task's wait at a barrier, which wants to know when the task goes on.</summary>
internal sealed class BarrierWaiter : Waiter<int>, IPooledWaiter<BarrierWaiter>
{
    private readonly WaiterPool<BarrierWaiter> _pool;
    private AsyncBarrier _barrier = null!;

    private BarrierWaiter(WaiterPool<BarrierWaiter> pool)
        : base(pool.Loop) => _pool = pool;

    /// <summary>Whether the barrier has let the task go, rather than the task the barrier.</summary>
    internal bool IsLeaving { get; set; }

    static BarrierWaiter IPooledWaiter<BarrierWaiter>.Create(WaiterPool<BarrierWaiter> pool) => new(pool);

    internal static BarrierWaiter RentFor(EventLoop loop, ref WaiterPool<BarrierWaiter>? pool, AsyncBarrier barrier)
    {
        var waiter = WaiterPool<BarrierWaiter>.Of(loop, ref pool).Rent();
        waiter._barrier = barrier;
        waiter.IsLeaving = false;
        return waiter;
    }

    protected override void OnTaking()
    {
        if (IsLeaving && _barrier.Leave() is { } failure && !HasFailed)
        {
            FailLater(failure);
        }
    }

    protected override void Recycle()
    {
        _barrier = null!;
        _pool.Return(this);
    }
}
