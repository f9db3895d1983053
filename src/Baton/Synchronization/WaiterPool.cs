namespace Baton;

/// <summary>A waiter that a <see cref="WaiterPool{TWaiter}"/> can make.</summary>
internal interface IPooledWaiter<TSelf>
    where TSelf : class, IPooledWaiter<TSelf>
{
    static abstract TSelf Create(WaiterPool<TSelf> pool);
}

/// <summary>
/// Waiters that are not in use, shared by all primitives of a loop. An operation belongs to a loop for good, so a pool does not outlive its
/// loop.
/// </summary>
internal sealed class WaiterPool<TWaiter>(EventLoop loop)
    where TWaiter : class, IPooledWaiter<TWaiter>
{
    /// <summary>Enough for a burst; what is beyond is left to the collector.</summary>
    private const int Limit = 1024;

    [ThreadStatic]
    private static WaiterPool<TWaiter>? t_current;

    private readonly Stack<TWaiter> _free = new();

    internal EventLoop Loop => loop;

    internal static WaiterPool<TWaiter> Of(EventLoop loop)
    {
        var pool = t_current;
        return pool is not null && ReferenceEquals(pool.Loop, loop) ? pool : t_current = new WaiterPool<TWaiter>(loop);
    }

    /// <summary>The same for one who asks often, and remembers: finding the pool of a thread costs as much as the rest of a wait.</summary>
    internal static WaiterPool<TWaiter> Of(EventLoop loop, ref WaiterPool<TWaiter>? known) =>
        known is { } pool && ReferenceEquals(pool.Loop, loop) ? pool : known = Of(loop);

    internal TWaiter Rent() => _free.TryPop(out var waiter) ? waiter : TWaiter.Create(this);

    internal void Return(TWaiter waiter)
    {
        if (_free.Count < Limit)
        {
            _free.Push(waiter);
        }
    }
}
