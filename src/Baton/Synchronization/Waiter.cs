using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// One task's wait for a lock, a unit, an item, a signal: stands in a <see cref="WaiterQueue{TResult}"/> until somebody hands over what it
/// waits for.
/// </summary>
/// <remarks>
/// What is waited for is handed over at once, not merely announced: between a release and the step of the task that waited nobody can come
/// first, and a cancellation that comes in between has nothing to give back, because the task gets what it was given and is told at its
/// next suspension.
/// </remarks>
/// <typeparam name="TResult">What the wait yields.</typeparam>
internal class Waiter<TResult> : LoopOperation, IValueTaskSource<TResult>, IPooledWaiter<Waiter<TResult>>
{
    private readonly WaiterPool<Waiter<TResult>>? _pool;
    private Exception? _failure;

    // Neighbours in the queue.
    internal Waiter<TResult>? Next;
    internal Waiter<TResult>? Previous;

    /// <summary>What is handed over to the one who waits; for one who waits to hand something over, that.</summary>
    internal TResult Value = default!;

    /// <summary>Through what the task waits, where one queue serves several: the half of a channel.</summary>
    internal object? Half;

    protected Waiter(EventLoop loop)
        : base(loop)
    {
    }

    private Waiter(WaiterPool<Waiter<TResult>> pool)
        : base(pool.Loop) => _pool = pool;

    /// <summary>Where the waiter stands, or stood last.</summary>
    internal WaiterQueue<TResult>? Queue { get; set; }

    /// <summary>The wait, to be awaited for its result.</summary>
    internal ValueTask<TResult> Task => new(this, Token);

    /// <summary>The wait, to be awaited for its end.</summary>
    internal ValueTask VoidTask => new(this, Token);

    protected bool HasFailed => _failure is not null;

    static Waiter<TResult> IPooledWaiter<Waiter<TResult>>.Create(WaiterPool<Waiter<TResult>> pool) => new(pool);

    /// <summary>An operation that is done, but that must take a trip through the queue because the step's budget is used up.</summary>
    internal static Waiter<TResult> Done(EventLoop loop, TResult value)
    {
        var waiter = WaiterPool<Waiter<TResult>>.Of(loop).Rent();
        waiter.Begin();
        waiter.SucceedThroughQueue(value);
        return waiter;
    }

    /// <summary>Starts the wait, at the end of a queue.</summary>
    internal void Wait(WaiterQueue<TResult> queue)
    {
        Begin();
        queue.Enqueue(this);
    }

    internal void Succeed() => Complete();

    internal void Succeed(TResult value)
    {
        Value = value;
        Complete();
    }

    internal void SucceedThroughQueue(TResult value)
    {
        Value = value;
        CompleteThroughQueue();
    }

    internal void Fail(Exception failure)
    {
        _failure = failure;
        Complete(faulted: true);
    }

    internal override string Describe() => Queue is { } queue ? queue.ToString() : "operation that was done at once";

    TResult IValueTaskSource<TResult>.GetResult(short token)
    {
        EndUse(token);
        return TakeResult();
    }

    protected override void OnResultTaken() => TakeResult();

    protected override bool RequestCancel(string? message)
    {
        Queue!.Remove(this);
        Fail(new CancelledException(message));
        return true;
    }

    /// <summary>Says how the wait will end, before it does.</summary>
    protected void FailLater(Exception failure) => _failure = failure;

    /// <summary>Called when the task goes on, before the outcome is read.</summary>
    protected virtual void OnTaking()
    {
    }

    /// <summary>The use has ended.</summary>
    protected virtual void Recycle() => _pool!.Return(this);

    private TResult TakeResult()
    {
        OnTaking();
        var value = Value;
        var failure = _failure;
        Value = default!;
        Half = null;
        _failure = null;
        Recycle();
        if (failure is not null)
        {
            throw failure;
        }

        return value;
    }
}
