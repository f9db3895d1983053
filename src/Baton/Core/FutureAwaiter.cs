using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>Awaits a <see cref="Future"/>. For the compiler.</summary>
public readonly struct FutureAwaiter : ICriticalNotifyCompletion, ILoopAwaiter
{
    private readonly Future _future;

    internal FutureAwaiter(Future future) => _future = future;

    /// <summary>Whether there is nothing to wait for.</summary>
    /// <exception cref="InvalidOperationException">This is not the future's loop, or the current task awaits itself.</exception>
    public bool IsCompleted => _future.PollForAwait();

    /// <summary>Ends the await: throws where the future failed or was cancelled.</summary>
    public void GetResult() => _future.EndAwait();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => FutureWait.Suspend(_future, continuation, ExecutionContext.Capture());

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => FutureWait.Suspend(_future, continuation, null);

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => awaiting.SuspendOn(_future);
}

/// <summary>Awaits a <see cref="Future{TResult}"/>. For the compiler.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public readonly struct FutureAwaiter<TResult> : ICriticalNotifyCompletion, ILoopAwaiter
{
    private readonly Future<TResult> _future;

    internal FutureAwaiter(Future<TResult> future) => _future = future;

    /// <summary>Whether there is nothing to wait for.</summary>
    /// <exception cref="InvalidOperationException">This is not the future's loop, or the current task awaits itself.</exception>
    public bool IsCompleted => _future.PollForAwait();

    /// <summary>Ends the await: the result, or throws where the future failed or was cancelled.</summary>
    public TResult GetResult() => _future.EndAwait();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => FutureWait.Suspend(_future, continuation, ExecutionContext.Capture());

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => FutureWait.Suspend(_future, continuation, null);

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => awaiting.SuspendOn(_future);
}

/// <summary>Awaits a <see cref="LoopTask{TResult}"/>. For the compiler.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public readonly struct LoopTaskAwaiter<TResult> : ICriticalNotifyCompletion, ILoopAwaiter
{
    private readonly LoopTask<TResult> _task;

    internal LoopTaskAwaiter(LoopTask<TResult> task) => _task = task;

    /// <summary>Whether there is nothing to wait for.</summary>
    /// <exception cref="InvalidOperationException">This is not the task's loop, or the task awaits itself.</exception>
    public bool IsCompleted => _task.PollForAwait();

    /// <summary>Ends the await: the result, or throws where the task failed or was cancelled.</summary>
    public TResult GetResult() => _task.EndAwait();

    /// <inheritdoc/>
    public void OnCompleted(Action continuation) => FutureWait.Suspend(_task, continuation, ExecutionContext.Capture());

    /// <inheritdoc/>
    public void UnsafeOnCompleted(Action continuation) => FutureWait.Suspend(_task, continuation, null);

    void ILoopAwaiter.Suspend(CoroutineBox awaiting) => awaiting.SuspendOn(_task);
}

/// <summary>
/// A plain <c>async</c> method that awaits a future: a leaf of the task in which it was called, like a coroutine that does.
/// </summary>
internal sealed class FutureWait : LoopItem
{
    private readonly Future _future;
    private readonly LoopTask? _task;
    private readonly CancelScope? _scope;
    private readonly Action _continuation;
    private readonly bool _useContext;
    private readonly ExecutionContext? _executionContext;

    private FutureWait(Future future, Action continuation, ExecutionContext? executionContext)
    {
        _future = future;
        _task = future.Loop.CurrentTask;
        _scope = future.Loop.CurrentScope;
        _continuation = continuation;
        _useContext = SynchronizationContext.Current is LoopSynchronizationContext;
        _executionContext = executionContext;
    }

    internal static void Suspend(Future future, Action continuation, ExecutionContext? executionContext)
    {
        var wait = new FutureWait(future, continuation, executionContext);
        future.AddWaiter(wait);
        wait._task?.AddLeaf(wait, wait._scope);
    }

    internal override void Run(EventLoop loop)
    {
        _task?.LeaveAwaited(_future, this, _scope);
        loop.EnterForeign(_task, _scope, _useContext, _executionContext);
        _continuation();
    }

    internal override CancelScope? WaitScope => _scope;

    internal override bool CancelWait(string? message, CancelScope? origin) => _task!.HandOnCancel(_future, this, message, origin);

    internal override bool MayEndWithResult => _future is LoopTask { IsDone: false };

    internal override bool IsWaitOver => _future.IsDone;

    internal override Future? Awaiter => _task;

    internal override string Describe() => _future.Brief;

    internal override string DescribeAsCallback() => _task is null ? "plain async code" : $"plain async code of {_task.Brief}";
}

/// <summary>A done callback, with the execution context of its registration.</summary>
internal sealed class FutureCallback(Future future, Action<Future> callback) : LoopItem
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    internal Action<Future> Callback { get; } = callback;

    internal override void Run(EventLoop loop)
    {
        loop.EnterCallback(_context);
        Callback(future);
    }

    internal override string Describe() => $"done callback {EventLoop.NameOf(Callback)} of {future.Brief}";

    internal override string DescribeAsCallback() => EventLoop.NameOf(Callback);
}

/// <summary>A done callback with a state, and what waits by way of it.</summary>
internal sealed class FutureStateCallback(Future future, Action<Future, object?> callback, object? state, Future? awaitedBy) : LoopItem
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    internal Future? AwaitedBy { get; } = awaitedBy;

    internal bool Is(Action<Future, object?> otherCallback, object? otherState) => callback == otherCallback && Equals(state, otherState);

    internal override void Run(EventLoop loop)
    {
        loop.EnterCallback(_context);
        callback(future, state);
    }

    internal override Future? Awaiter => AwaitedBy;

    internal override string Describe() => $"done callback {EventLoop.NameOf(callback)} of {future.Brief}";

    internal override string DescribeAsCallback() => EventLoop.NameOf(callback);
}
