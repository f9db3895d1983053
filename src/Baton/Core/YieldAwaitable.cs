using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>What <see cref="Coroutine.Yield"/> returns: awaiting it makes exactly one trip through the loop.</summary>
/// <remarks>
/// Cannot be stored, so that it cannot be carried to another thread and awaited there: that would have to be checked at every switch.
/// </remarks>
public readonly ref struct YieldAwaitable
{
    private readonly EventLoop _loop;

    internal YieldAwaitable(EventLoop loop) => _loop = loop;

    /// <summary>For <c>await</c>.</summary>
    public YieldAwaiter GetAwaiter() => new(_loop ?? EventLoop.Current);
}

/// <summary>Awaits a <see cref="YieldAwaitable"/>. For the compiler.</summary>
public readonly struct YieldAwaiter : ICriticalNotifyCompletion, ILoopAwaiter
{
    // Carried along, because finding the current loop costs a good part of a switch.
    private readonly EventLoop _loop;

    internal YieldAwaiter(EventLoop loop) => _loop = loop;

    /// <summary>Always false: a yield always suspends.</summary>
    public bool IsCompleted => false;

    /// <summary>Ends the await.</summary>
    /// <exception cref="CancelledException">The current task was cancelled meanwhile.</exception>
    public void GetResult()
    {
        if (_loop.CurrentTask is { } task && task.TryTakePendingCancel(_loop.CurrentScope, out var cancelled))
        {
            throw cancelled;
        }
    }

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => Suspend(continuation, ExecutionContext.Capture());

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => Suspend(continuation, null);

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => _loop.Ready(awaiting);

    private void Suspend(Action continuation, ExecutionContext? context)
    {
        _loop.CheckThread();
        _loop.Ready(ForeignContinuation.Rent(continuation, context));
    }
}
