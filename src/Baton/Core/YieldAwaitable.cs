using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>What <see cref="Coroutine.Yield"/> returns: awaiting it makes exactly one trip through the loop.</summary>
public readonly struct YieldAwaitable
{
    /// <summary>For <c>await</c>.</summary>
    public YieldAwaiter GetAwaiter() => default;
}

/// <summary>Awaits a <see cref="YieldAwaitable"/>. For the compiler.</summary>
public readonly struct YieldAwaiter : ICriticalNotifyCompletion, ILoopAwaiter
{
    /// <summary>Always false: a yield always suspends.</summary>
    public bool IsCompleted
    {
        get
        {
            _ = EventLoop.Current;
            return false;
        }
    }

    /// <summary>Ends the await.</summary>
    /// <exception cref="CancelledException">The current task was cancelled meanwhile.</exception>
    public void GetResult()
    {
        if (EventLoop.Current.CurrentTask is { } task && task.TryTakePendingCancel(out var cancelled))
        {
            throw cancelled;
        }
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) =>
        EventLoop.Current.Ready(ForeignContinuation.Rent(continuation, ExecutionContext.Capture()));

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => EventLoop.Current.Ready(ForeignContinuation.Rent(continuation, null));

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => awaiting.Yield();
}
