using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>An <c>async Coroutine</c> method in flight: its state machine on the heap, and what it needs to be resumed.</summary>
internal abstract class CoroutineBox : CoroutineSource
{
    /// <summary>
    /// Nested starts beyond this depth are put off until the stack has unwound, so that recursion is bounded by memory and not by the
    /// stack.
    /// </summary>
    private const int MaximumDepth = 128;

    private Action? _resume;

    /// <summary>The loop that runs it, once it has been suspended.</summary>
    internal EventLoop? Loop;

    /// <summary>The future that the coroutine is suspended on, when it is one.</summary>
    private Future? _awaited;

    /// <summary>
    /// The context in which to start or resume: the one that held when the coroutine was suspended, as in every C# async method.
    /// </summary>
    internal ExecutionContext? Context;

    /// <summary>Whether the coroutine is suspended and has not been put in a queue since.</summary>
    private bool _isSuspended;

    /// <summary>Whether the box has gone to another thread than the one that has made it, where nobody counts it.</summary>
    internal bool IsElsewhere;

    /// <summary>The one delegate that this box ever makes, for awaiters that are not ours.</summary>
    private Action ResumeAction => _resume ??= ResumeFromForeign;

    /// <summary>Runs the state machine until it suspends or ends. Never throws.</summary>
    internal abstract void MoveNext();

    protected sealed override bool StartInline(EventLoop loop)
    {
        Status = CoroutineStatus.Started;
        var depth = loop.Depth;
        if (depth >= MaximumDepth || ((depth & 15) == 15 && !RuntimeHelpers.TryEnsureSufficientExecutionStack()))
        {
            Bind();
            Context = ExecutionContext.Capture();
            Scope = loop.CurrentScope;
            loop.ResumeNext(this);
            return false;
        }

        loop.Depth = depth + 1;
        var scope = loop.CurrentScope;
        var context = ExecutionContext.Capture();
        var isFlowSuppressed = false;
        if (context is null)
        {
            context = EventLoop.CaptureToReturn(out isFlowSuppressed);
        }

        if (loop.IsContextSuspended)
        {
            loop.RunWithTaskContext(this);
        }
        else
        {
            MoveNext();
        }

        // So does a cancel scope in which the coroutine was suspended stay with it.
        if (!ReferenceEquals(loop.CurrentScope, scope))
        {
            loop.ReturnToScope(scope);
        }

        // What the coroutine did to AsyncLocals stays with it, as in every C# async method.
        if (!ReferenceEquals(ExecutionContext.Capture(), context))
        {
            EventLoop.ReturnTo(context, isFlowSuppressed);
        }

        loop.Depth = depth;
        return IsEnded;
    }

    internal sealed override void StartAsRoot(EventLoop loop, LoopTask task)
    {
        Status = CoroutineStatus.Started;
        Loop = loop;
        Task = task;
        Continuation = task;
        Scope = loop.CurrentScope;
        loop.Drive(this);
    }

    /// <summary>
    /// Remembers where the coroutine runs: when it first suspends, because one that ends at once never needs to know.
    /// </summary>
    private void Bind()
    {
        Loop = EventLoop.Current;
        Task = Loop.CurrentTask;
    }

    /// <summary>Suspends the coroutine on an awaiter. Called by the builder, from inside <see cref="MoveNext"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void AwaitUnsafeOnCompleted<TAwaiter>(ref TAwaiter awaiter)
        where TAwaiter : ICriticalNotifyCompletion
    {
        PrepareToSuspend();

        // For a struct awaiter the JIT decides this test when it compiles the method, and boxes nothing.
        if (default(TAwaiter) is not null && awaiter is ILoopAwaiter)
        {
            ((ILoopAwaiter)awaiter).Suspend(this);
        }
        else
        {
            awaiter.UnsafeOnCompleted(ResumeAction);
        }
    }

    internal void AwaitOnCompleted<TAwaiter>(ref TAwaiter awaiter)
        where TAwaiter : INotifyCompletion
    {
        PrepareToSuspend();
        awaiter.OnCompleted(ResumeAction);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void PrepareToSuspend()
    {
        if (Loop is null)
        {
            Bind();
        }

        Context = ExecutionContext.Capture();
        var scope = Loop!.CurrentScope;
        if (!ReferenceEquals(Scope, scope))
        {
            EnterScope(scope);
        }

        _isSuspended = true;
    }

    private void EnterScope(CancelScope? scope)
    {
        Scope = scope;
        scope?.SetWaitingTimers();
    }

    /// <summary>Suspends on a future: a leaf of the task, so that cancelling the task cancels the future.</summary>
    internal void SuspendOn(Future future)
    {
        _awaited = future;
        future.AddWaiter(this);
        Task?.AddLeaf(this, Scope);
    }

    internal override void Run(EventLoop loop)
    {
        loop.EnterTask(Task, Scope);
        loop.Drive(this);
    }

    internal override void OnAwaitedCompleted(EventLoop loop) => loop.ResumeNext(this);

    /// <summary>Leaves what the coroutine was suspended on. Called before every resumption.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void PrepareToResume()
    {
        _isSuspended = false;
        if (_awaited is not null)
        {
            LeaveAwaited();
        }
    }

    internal override bool CancelWait(string? message, CancelScope? origin) =>
        _awaited is { } awaited && Task!.HandOnCancel(awaited, this, message, origin);

    internal override bool MayEndWithResult => _awaited is LoopTask { IsDone: false };

    internal override bool IsWaitOver => _awaited is { IsDone: true };

    internal override Future? Awaiter => Task;

    internal override string Describe() => _awaited is { } awaited ? awaited.Brief : "a coroutine";

    internal override string DescribeAsCallback() => Task is null ? "a coroutine" : Task.Brief;

    /// <summary>The state machine, or a copy of it, for reports.</summary>
    internal abstract object GetStateMachine();

    protected void ResetBox()
    {
        Loop = null;
        _isSuspended = false;
        Context = null;
        Reset();
    }

    private void LeaveAwaited()
    {
        var awaited = _awaited!;
        _awaited = null;
        Task?.LeaveAwaited(awaited, this, Scope);
    }

    /// <summary>
    /// The continuation that foreign awaiters get. Whatever thread it is called on and whatever it is called from, the coroutine resumes
    /// from the ready queue of its loop: never inside somebody's <c>SetResult</c>.
    /// </summary>
    private void ResumeFromForeign()
    {
        var loop = Loop;
        if (loop is null || !Interlocked.Exchange(ref _isSuspended, false))
        {
            throw new InvalidOperationException(
                "An awaiter called its continuation a second time; the coroutine has already been resumed.");
        }

        if (loop.IsOnLoopThread)
        {
            loop.Ready(this);
        }
        else
        {
            // Where the loop has closed, nothing can run the coroutine any more; whoever completed this on another thread is not to blame.
            loop.TryPost(this);
        }
    }
}

internal abstract class CoroutineBox<TResult> : CoroutineBox
{
    private TResult _result = default!;

    internal void SetResult(TResult result)
    {
        _result = result;
        Status = CoroutineStatus.Succeeded;
        Continuation?.OnAwaitedCompleted(Loop!);
    }

    internal void SetException(Exception exception)
    {
        Fail(exception);
        Continuation?.OnAwaitedCompleted(Loop!);
    }

    internal TResult TakeTypedResult(int version)
    {
        CheckEnded(version);
        if (Status == CoroutineStatus.Failed)
        {
            TakeResult(version);
        }

        var result = _result;
        Recycle();
        return result;
    }

    /// <summary>The result, for the task of which this is the outermost coroutine.</summary>
    internal TResult PeekResult() => _result;

    protected void ClearResult()
    {
        if (RuntimeHelpers.IsReferenceOrContainsReferences<TResult>())
        {
            _result = default!;
        }
    }
}

/// <summary>
/// The box of one async method. Pooled by thread: coroutines are made and end on their loop's thread, save the rare one that is made
/// elsewhere.
/// </summary>
internal sealed class CoroutineBox<TStateMachine, TResult> : CoroutineBox<TResult>
    where TStateMachine : IAsyncStateMachine
{
    /// <summary>Enough for a burst of one method's coroutines; what is beyond is left to the collector.</summary>
    private const int PoolLimit = 1024;

    [ThreadStatic]
    private static CoroutineBox<TStateMachine, TResult>? t_pool;

    [ThreadStatic]
    private static bool t_isCounted;

    private TStateMachine _stateMachine = default!;

    /// <summary>Boxes in the pool below and including this one, while it is in the pool.</summary>
    private int _pooled;

    internal static CoroutineBox<TStateMachine, TResult> Rent()
    {
        var box = t_pool;
        if (box is null || LoopDebug.IsAnywhere)
        {
            return Make();
        }

        t_pool = Unsafe.As<CoroutineBox<TStateMachine, TResult>?>(box.Link);
        box.Link = null;
        return box;
    }

    internal void SetStateMachine(ref TStateMachine stateMachine) => _stateMachine = stateMachine;

    internal override void MoveNext() => _stateMachine.MoveNext();

    internal override object GetStateMachine() => _stateMachine;

    internal override void Recycle()
    {
        _stateMachine = default!;
        ClearResult();
        ResetBox();
        var top = t_pool;
        var pooled = top is null ? 1 : top._pooled + 1;
        if (pooled <= PoolLimit)
        {
            _pooled = pooled;
            Link = top;
            t_pool = this;
        }
        else
        {
            CoroutineCensus.Current.OnDropped(this);
        }
    }

    private static CoroutineBox? GetPool() => t_pool;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static CoroutineBox<TStateMachine, TResult> Make()
    {
        var box = new CoroutineBox<TStateMachine, TResult>();
        var census = CoroutineCensus.Current;
        census.OnMade();
        if (!t_isCounted)
        {
            t_isCounted = true;
            census.Add(GetPool);
        }

        if (LoopDebug.IsAnywhere)
        {
            CoroutineGuard.Watch(box);
        }

        return box;
    }
}

/// <summary>An awaiter of Baton's own: it takes the coroutine itself instead of a delegate.</summary>
internal interface ILoopAwaiter
{
    void Suspend(CoroutineBox awaiting);
}

/// <summary>The result of a coroutine that has none.</summary>
internal readonly struct VoidResult;
