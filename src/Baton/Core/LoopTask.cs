using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// A coroutine that runs by itself, in turns with the other tasks of its loop. Corresponds to <c>asyncio.Task</c>. Made by
/// <see cref="EventLoop.CreateTask(Coroutine, string?, bool?, CancelScope?)"/>; the loop keeps it until it is done, whether or not anybody
/// else does.
/// </summary>
/// <remarks>
/// Invariants. A task is in one of these states: not started (in the ready queue); running (<see cref="EventLoop.CurrentTask"/>); suspended
/// (its innermost coroutine, or plain code, stands with what it waits for, and everything of Baton's that is waited for is a leaf of the
/// task); done.
/// </remarks>
public partial class LoopTask : Future
{
    // Tasks of the loop that are not done form a list.
    internal LoopTask? Next;
    internal LoopTask? Previous;

    internal CoroutineSource? Source;
    private LoopSynchronizationContext? _context;
    private readonly int _number;
    private Details? _details;

    internal LoopTask(EventLoop loop, CoroutineSource? source, string? name)
        : base(loop)
    {
        Source = source;
        _number = loop.NextTaskNumber();
        if (name is not null)
        {
            Rare.Name = name;
        }

        if (source is CoroutineBox box)
        {
            box.Context = ExecutionContext.Capture();
        }
    }

    /// <summary>
    /// The task that runs on this thread now; null outside of tasks, such as in a callback. Holds in plain <c>async Task</c> methods that a
    /// task calls too. Corresponds to <c>asyncio.current_task</c>.
    /// </summary>
    public static LoopTask? Current => EventLoop.CurrentOrNull?.CurrentTask;

    /// <summary>The name, for reports. Corresponds to <c>Task.get_name</c> and <c>set_name</c>.</summary>
    public string Name
    {
        get => Rare.Name ??= $"Task-{_number}";
        set => Rare.Name = value ?? throw new ArgumentNullException(nameof(value));
    }

    private Details Rare => _details ??= new Details();

    /// <summary>
    /// The context that plain <c>async Task</c> code captures while this task runs: it brings such code back to the loop, and to the task.
    /// </summary>
    internal LoopSynchronizationContext Context => _context ??= new LoopSynchronizationContext(this);

    /// <inheritdoc/>
    protected override string Label => $"Task '{Name}'";

    /// <inheritdoc/>
    protected override string StateName => IsDone ? base.StateName : CancelRequests > 0 ? "cancelling" : base.StateName;

    /// <summary>Not for a task: its coroutine completes it.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public override bool TrySetResult() => throw new InvalidOperationException($"{this} gets its result from its coroutine.");

    /// <summary>Not for a task: its coroutine completes it.</summary>
    /// <exception cref="InvalidOperationException">Always.</exception>
    public override bool TrySetException(Exception exception) =>
        throw new InvalidOperationException($"{this} gets its exception from its coroutine.");

    /// <summary>Starts the task, or ends it when its outermost coroutine is one that enters the queue by itself.</summary>
    internal sealed override void Run(EventLoop loop)
    {
        if (Source is { Status: CoroutineStatus.Claimed } source)
        {
            if (_pendingRequests > 0)
            {
                // As in asyncio, a task that is cancelled before its first step never runs its body.
                source.Recycle();
                Source = null;
                EndCancelled(CancelMessage);
                return;
            }

            loop.EnterTask(this, RootScope);
            source.StartAsRoot(loop, this);
        }
        else
        {
            OnAwaitedCompleted(loop);
        }
    }

    /// <summary>The outermost coroutine has ended: so does the task.</summary>
    internal sealed override void OnAwaitedCompleted(EventLoop loop)
    {
        var source = Source;
        Source = null;
        if (source?.TakeFailure() is not { } failure)
        {
            if (_pendingRequests > 0 && !IsServed)
            {
                // Cancelled in its last step, and no suspension came at which it could have been told.
                source?.Recycle();
                EndCancelled(CancelMessage);
                return;
            }

            TakeResult(source);
            source?.Recycle();
            Unregister();
            MarkSucceeded();
            return;
        }

        source.Recycle();
        if (failure.SourceException is OperationCanceledException cancelled && CountsAsCancelled(cancelled))
        {
            EndCancelled(failure);
        }
        else
        {
            Unregister();
            MarkFailed(failure);
        }
    }

    private protected virtual void TakeResult(CoroutineSource? source)
    {
    }

    private void EndCancelled(object? messageOrException)
    {
        Unregister();
        MarkCancelled(messageOrException);
    }

    private void Unregister()
    {
        DropPendingRequests();
        Loop.Unregister(this);
        if (_details is not null)
        {
            LeaveScopes();
        }
    }

    /// <summary>What most tasks never have. There may be a million tasks, so it does not stand in each.</summary>
    private sealed class Details
    {
        internal string? Name;
        internal string? CancelMessage;
        internal CancellationTokenSource? TokenSource;

        /// <summary>The scope of a task group in which the task was made, and the task's neighbours there.</summary>
        internal CancelScope? RootScope;
        internal LoopTask? NextInScope;
        internal LoopTask? PreviousInScope;

        /// <summary>Scopes that the task has entered and of which somebody has asked for a token.</summary>
        internal List<CancelScope>? ScopesWithToken;

        /// <summary>Scopes that the task has entered and in which tasks of groups run.</summary>
        internal List<CancelScope>? ScopesWithTasks;

        /// <summary>Scopes that throw once, and are cancelled.</summary>
        internal int CancelledScopes;

        /// <summary>Those of them that have not thrown.</summary>
        internal int UndeliveredScopes;

        /// <summary>How many scopes that throw once have thrown so far, those among them that have been left since.</summary>
        internal int ThrownScopes;

        /// <summary>
        /// In how many iterations a cancelled scope has been delivered to this task, which goes on all the same; and the last of these.
        /// </summary>
        internal int Deliveries;
        internal long LastDelivery;
        internal TimerHandle NextDelivery;
    }
}

/// <summary>A task whose coroutine returns a value. See <see cref="LoopTask"/>.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public sealed partial class LoopTask<TResult> : LoopTask
{
    private TResult _result = default!;

    internal LoopTask(EventLoop loop, CoroutineBox<TResult>? source, string? name)
        : base(loop, source, name)
    {
    }

    /// <summary>The result. Corresponds to <c>Task.result</c>.</summary>
    /// <exception cref="InvalidStateException">The task is not done.</exception>
    /// <exception cref="CancelledException">The task was cancelled.</exception>
    public new TResult GetResult()
    {
        base.GetResult();
        return _result;
    }

    private protected override string ResultText => Text(_result);

    internal new TResult EndAwait()
    {
        base.EndAwait();
        return _result;
    }

    /// <summary>For <c>await</c>.</summary>
    public new LoopTaskAwaiter<TResult> GetAwaiter() => new(this);

    private protected override void TakeResult(CoroutineSource? source)
    {
        if (source is not null)
        {
            _result = Unsafe.As<CoroutineBox<TResult>>(source).PeekResult();
        }
    }
}
