using System.Runtime.CompilerServices;

namespace Baton;

// The trampoline that runs coroutines, and what holds around each item: the current task, the synchronization context, the execution
// context.
//
// A coroutine that starts another one calls it directly, from inside the awaiter; one that ends, or that has to be started on a fresh
// stack, leaves what to run next in _next and returns. So the stack never grows with the number of coroutines that end one after the other,
// and only so far with those that start.
public sealed partial class EventLoop
{
    private static readonly ExecutionContext DefaultContext = CaptureDefault();

    private readonly LoopSynchronizationContext _context;
    private SynchronizationContext? _installedContext;
    private CoroutineBox? _next;
    private int _budget = StepBudget;

    /// <summary>Calls of <c>async void</c> methods that have not ended. Counted from any thread.</summary>
    internal int AsyncVoidCalls;

    /// <summary>How many coroutines have started inside one another in the step that runs now.</summary>
    internal int Depth { get; set; }

    /// <summary>
    /// Whether code runs that asked for no synchronization context; a coroutine that starts there needs its own installed.
    /// </summary>
    internal bool IsContextSuspended { get; private set; }

    /// <summary>The callback that runs now, to name it when it throws.</summary>
    internal Action<object?>? RunningCallback { get; set; }

    internal object? RunningCallbackState { get; set; }

    /// <summary>Puts an item in the ready queue.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Ready(LoopItem item) => _ready.Enqueue(item);

    /// <summary>
    /// Runs a coroutine as soon as the one that runs now returns: without a trip through the loop where that is possible.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void ResumeNext(CoroutineBox box)
    {
        if (_next is null)
        {
            _next = box;
        }
        else
        {
            _ready.Enqueue(box);
        }
    }

    /// <summary>Runs a coroutine, and then whatever each one leaves to be run next.</summary>
    internal void Drive(CoroutineBox box)
    {
        var depth = Depth;
        Depth = 0;
        CoroutineBox? next = box;
        do
        {
            _next = null;
            next.PrepareToResume();
            if (!ReferenceEquals(CurrentScope, next.Scope))
            {
                ReturnToScope(next.Scope);
            }

            RestoreContext(next.Context);
            next.MoveNext();
            next = _next;
        }
        while (next is not null);
        Depth = depth;
    }

    /// <summary>Prepares for a step of a task, or of a coroutine outside of any.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void EnterTask(LoopTask? task, CancelScope? scope)
    {
        CurrentTask = task;
        scope = CancelScope.Holding(scope);
        if (!ReferenceEquals(CurrentScope, scope))
        {
            // Mostly both are null, and a compare costs less than the write barrier of a store.
            CurrentScope = scope;
        }

        IsContextSuspended = false;
        SetContext(ContextOf(task, scope));
    }

    /// <summary>Changes the cancel scope within a step.</summary>
    internal void ReturnToScope(CancelScope? scope)
    {
        CurrentScope = CancelScope.Holding(scope);
        if (!IsContextSuspended)
        {
            SetContext(ContextOf(CurrentTask, CurrentScope));
        }
    }

    /// <summary>Prepares for a callback: no task, the loop's own synchronization context.</summary>
    internal void EnterCallback(ExecutionContext? context)
    {
        LeaveTask();
        IsContextSuspended = false;
        SetContext(_context);
        RestoreContext(context);
    }

    /// <summary>
    /// Prepares for a continuation of code that is not a coroutine. Such code finds the synchronization context of its task if it asked for
    /// it. If it did not, it finds none, so that what the BCL awaits within itself continues inline on this thread instead of hopping to
    /// the pool.
    /// </summary>
    internal void EnterForeign(LoopTask? task, CancelScope? scope, bool useContext, ExecutionContext? context)
    {
        if (task is { IsDone: true })
        {
            // Code that the task has left behind.
            task = null;
            scope = null;
        }

        CurrentTask = task;
        CurrentScope = CancelScope.Holding(scope);
        IsContextSuspended = !useContext;
        SetContext(useContext ? ContextOf(task, CurrentScope) : null);
        RestoreContext(context);
    }

    /// <summary>Starts a coroutine inside code that runs without a synchronization context.</summary>
    internal void RunWithTaskContext(CoroutineBox box)
    {
        IsContextSuspended = false;
        var context = SynchronizationContext.Current;
        SetContext(ContextOf(CurrentTask, CurrentScope));
        box.MoveNext();
        SetContext(context);
        IsContextSuspended = true;
    }

    private void LeaveTask()
    {
        CurrentTask = null;
        CurrentScope = null;
    }

    /// <summary>The context that brings plain code back to where it was: to its task, and to the scope that the task has entered.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private LoopSynchronizationContext ContextOf(LoopTask? task, CancelScope? scope) =>
        scope is not null ? scope.ContextFor(task)
        : task is null ? _context
        : task.Context;

    /// <summary>
    /// Installs a synchronization context. Code that runs in between may have installed another, so ours is only a guess that saves one of
    /// two look-ups of the thread.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SetContext(SynchronizationContext? context)
    {
        if (!ReferenceEquals(_installedContext, context) || !ReferenceEquals(SynchronizationContext.Current, context))
        {
            _installedContext = context;
            SynchronizationContext.SetSynchronizationContext(context);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void RestoreContext(ExecutionContext? context)
    {
        // Null: the flow was suppressed where it would have been captured.
        context ??= DefaultContext;
        if (!ReferenceEquals(ExecutionContext.Capture(), context))
        {
            ExecutionContext.Restore(context);
        }
    }

    /// <summary>
    /// The execution context of now, to return to with <see cref="ReturnTo"/>: there is one even where its flow is suppressed.
    /// </summary>
    internal static ExecutionContext CaptureToReturn(out bool isFlowSuppressed)
    {
        isFlowSuppressed = ExecutionContext.IsFlowSuppressed();
        if (!isFlowSuppressed)
        {
            return ExecutionContext.Capture()!;
        }

        ExecutionContext.RestoreFlow();
        var context = ExecutionContext.Capture()!;
        ExecutionContext.SuppressFlow();
        return context;
    }

    internal static void ReturnTo(ExecutionContext context, bool isFlowSuppressed)
    {
        ExecutionContext.Restore(context);
        if (isFlowSuppressed)
        {
            ExecutionContext.SuppressFlow();
        }
    }

    private static ExecutionContext CaptureDefault()
    {
        // The context without any AsyncLocal, which the BCL does not show to anybody by name.
        var thread = new Thread(static holder => ((ExecutionContext?[])holder!)[0] = ExecutionContext.Capture()) { IsBackground = true };
        var result = new ExecutionContext?[1];
        thread.UnsafeStart(result);
        thread.Join();
        return result[0]!;
    }

    /// <summary>For code outside of items that started a coroutine too deep to run it there: it runs in the next batch.</summary>
    private void QueueDeferred()
    {
        if (_next is { } next)
        {
            _next = null;
            _ready.Enqueue(next);
        }
    }

    private void DriveDeferred()
    {
        var next = _next!;
        EnterTask(next.Task, next.Scope);
        Drive(next);
    }
}
