namespace Baton;

/// <summary>
/// Brings plain <c>async Task</c> code back to the loop that it was called on, and to its task. There is one for each task, which is how the current task
/// survives code that knows nothing of Baton, and one for the loop's callbacks.
/// </summary>
internal sealed class LoopSynchronizationContext(EventLoop loop, LoopTask? task) : SynchronizationContext
{
    internal EventLoop Loop { get; } = loop;

    internal LoopTask? Task { get; } = task;

    /// <summary>Puts the call in the ready queue, never inline. Where the loop has closed, nothing can run it any more and it is dropped.</summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);

        // A coroutine that awaits a task of the BCL comes this way: its delegate only queues it, so queue it here and save a trip.
        if (state is Action { Target: CoroutineBox box } resume)
        {
            resume();
            return;
        }

        var item = ForeignContinuation.Rent(d, state, Task, useContext: true, executionContext: null);
        if (Loop.IsOnLoopThread)
        {
            Loop.Ready(item);
        }
        else
        {
            Loop.TryPost(item);
        }
    }

    /// <summary>Runs the call at once on the loop thread, else queues it and waits until it has run.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        ArgumentNullException.ThrowIfNull(d);
        if (Loop.IsOnLoopThread)
        {
            d(state);
            return;
        }

        Loop.RunThreadSafe(() => d(state)).GetAwaiter().GetResult();
    }

    /// <summary>The same context: a copy would be taken for another place by code that compares.</summary>
    public override SynchronizationContext CreateCopy() => this;
}
