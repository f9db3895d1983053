namespace Baton;

/// <summary>
/// Brings plain <c>async Task</c> code back to the loop that it was called on, and to its task. There is one for each task, which is how
/// the current task survives code that knows nothing of Baton, and one for the loop's callbacks.
/// </summary>
/// <remarks>
/// Every task has one, and every cancel scope, so it holds a single reference: to the scope that holds where it is captured, else to the
/// task, or of the loop's own one, to the loop.
/// </remarks>
internal sealed class LoopSynchronizationContext : SynchronizationContext
{
    private static volatile SendOrPostCallback? s_known;
    private static volatile SendOrPostCallback? s_alsoKnown;

    private readonly object _owner;

    internal LoopSynchronizationContext(EventLoop loop) => _owner = loop;

    internal LoopSynchronizationContext(LoopTask task)
        : this(task, task.Loop)
    {
    }

    internal LoopSynchronizationContext(CancelScope scope)
        : this(scope, scope.Task.Loop)
    {
    }

    private LoopSynchronizationContext(object owner, EventLoop loop)
    {
        _owner = owner;
        if (loop.IsDebug)
        {
            RequireWaitNotification();
        }
    }

    private LoopTask? Task => _owner is CancelScope scope ? scope.Task : _owner as LoopTask;

    private CancelScope? Scope => _owner is LoopTask task ? task.RootScope : _owner as CancelScope;

    private EventLoop Loop => _owner as EventLoop ?? Task!.Loop;

    /// <summary>
    /// Puts the call in the ready queue, never inline. Where the loop has closed, nothing can run it any more and it is dropped.
    /// </summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);

        // A coroutine that awaits a task of the BCL comes this way: its delegate only queues it, so queue it here and save a trip. The
        // BCL's callback does nothing but call the delegate; somebody else's may do more.
        if (state is Action { Target: CoroutineBox } resume && IsOfCoreLibrary(d))
        {
            resume();
            return;
        }

        var loop = Loop;
        var item = ForeignContinuation.Rent(d, state, Task, Scope, useContext: true, executionContext: null);
        if (loop.IsOnLoopThread)
        {
            loop.Ready(item);
        }
        else
        {
            loop.TryPost(item);
        }
    }

    /// <summary>
    /// Whether a callback is one of the BCL's, which has very few, each in a single delegate. Finding out is slow, so those are remembered.
    /// </summary>
    private static bool IsOfCoreLibrary(SendOrPostCallback callback)
    {
        if (ReferenceEquals(callback, s_known) || ReferenceEquals(callback, s_alsoKnown))
        {
            return true;
        }

        if (callback.Method.Module != typeof(object).Module)
        {
            return false;
        }

        s_alsoKnown = s_known;
        s_known = callback;
        return true;
    }

    /// <summary>Runs the call at once on the loop thread, else queues it and waits until it has run.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        var loop = Loop;
        if (loop.IsOnLoopThread)
        {
            d(state);
            return;
        }

        loop.RunCoroutineThreadSafe(Call(d, state)).GetAwaiter().GetResult();
    }

    /// <summary>Has the runtime call <see cref="Wait"/> for whatever blocks the thread while this context is installed.</summary>
    internal void RequireWaitNotification() => SetWaitNotificationRequired();

    /// <summary>Code blocks the loop's thread. For the runtime, which calls this in debug mode only.</summary>
    public override int Wait(IntPtr[] waitHandles, bool waitAll, int millisecondsTimeout)
    {
        Loop.OnBlockingWait(millisecondsTimeout);
        return WaitHelper(waitHandles, waitAll, millisecondsTimeout);
    }

    /// <summary>The same context: a copy would be taken for another place by code that compares.</summary>
    public override SynchronizationContext CreateCopy() => this;

    /// <summary>An <c>async void</c> method starts. Nobody can wait for it, but the loop says so if it closes over it.</summary>
    public override void OperationStarted() => Interlocked.Increment(ref Loop.AsyncVoidCalls);

    /// <summary>An <c>async void</c> method has ended, on whatever thread.</summary>
    public override void OperationCompleted() => Interlocked.Decrement(ref Loop.AsyncVoidCalls);

#pragma warning disable CS1998 // There is nothing to await.
    private static async Coroutine Call(SendOrPostCallback callback, object? state) => callback(state);
#pragma warning restore CS1998
}
