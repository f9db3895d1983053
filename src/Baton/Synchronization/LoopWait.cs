using System.Runtime.ExceptionServices;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// The wait of a task of a loop. It travels to the loop by itself, as an item; its operation, which the task awaits, is completed there.
/// </summary>
internal sealed class LoopWait<T> : CrossLoopWait<T>, EventLoop.IAbandonable, IPooledWaiter<LoopWait<T>>
{
    private readonly WaiterPool<LoopWait<T>> _pool;
    private readonly Operation _operation;
    private CrossLoopChannel<T>? _channel;
    private CancellationToken _cancellationToken;
    private CancellationTokenRegistration _registration;

    private LoopWait(WaiterPool<LoopWait<T>> pool)
    {
        _pool = pool;
        _operation = new Operation(this, pool.Loop);
    }

    static LoopWait<T> IPooledWaiter<LoopWait<T>>.Create(WaiterPool<LoopWait<T>> pool) => new(pool);

    internal static LoopWait<T> Rent(EventLoop loop) => WaiterPool<LoopWait<T>>.Of(loop).Rent();

    internal ValueTask<T> BeginReading(CrossLoopChannel<T> channel, CancellationToken cancellationToken)
    {
        Begin(channel, cancellationToken);
        return _operation.Task;
    }

    internal ValueTask BeginWriting(CrossLoopChannel<T> channel, CancellationToken cancellationToken)
    {
        Begin(channel, cancellationToken);
        return _operation.VoidTask;
    }

    internal override bool Signal() => _pool.Loop.TryPost(this);

    internal override void Run(EventLoop loop) => _operation.Complete(faulted: Failure is not null);

    internal override string Describe() => $"{(IsReader ? "ReadAsync" : "WriteAsync")} of {_channel}";

    /// <summary>The loop closes over what was on its way to it.</summary>
    void EventLoop.IAbandonable.Abandon()
    {
        if (IsReader && Failure is null)
        {
            _channel!.TakeBack(Item);
        }
    }

    private void Begin(CrossLoopChannel<T> channel, CancellationToken cancellationToken)
    {
        _channel = channel;
        _operation.Begin();
        if (cancellationToken.CanBeCanceled)
        {
            _cancellationToken = cancellationToken;
            _registration = cancellationToken.UnsafeRegister(static wait => ((LoopWait<T>)wait!).CancelByToken(), this);
        }
    }

    private void CancelByToken() => CancelByToken(_channel!, this, _cancellationToken);

    private T Take()
    {
        // When it has been disposed of, no callback runs any more that would hit the next use.
        _registration.Dispose();
        _registration = default;
        _cancellationToken = default;
        var item = Item;
        var failure = Failure;
        _channel = null;
        Item = default!;
        Failure = null;
        IsReader = false;
        _pool.Return(this);
        if (failure is not null)
        {
            ExceptionDispatchInfo.Throw(failure);
        }

        return item;
    }

    private sealed class Operation(LoopWait<T> wait, EventLoop loop) : LoopOperation(loop), IValueTaskSource<T>
    {
        internal ValueTask<T> Task => new(this, Token);

        internal ValueTask VoidTask => new(this, Token);

        internal new void Begin() => base.Begin();

        T IValueTaskSource<T>.GetResult(short token)
        {
            EndUse(token);
            return wait.Take();
        }

        internal override string Describe() => wait.Describe();

        protected override void OnResultTaken() => wait.Take();

        /// <summary>What has been handed over is on its way: then the cancellation is for the next suspension.</summary>
        protected override bool RequestCancel(string? message)
        {
            if (!wait._channel!.TryWithdraw(wait))
            {
                return false;
            }

            wait.Failure = new CancelledException(message);
            Complete(faulted: true);
            return true;
        }
    }
}
