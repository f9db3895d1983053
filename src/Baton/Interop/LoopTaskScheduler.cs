namespace Baton;

/// <summary>See <see cref="EventLoop.TaskScheduler"/>.</summary>
internal sealed class LoopTaskScheduler : TaskScheduler
{
    private readonly EventLoop _loop;
    private readonly Action<object?> _run;

    // Tasks that stand in the loop's queue. A lock, because they come from any thread, and because debuggers ask for them.
    private readonly HashSet<Task> _queued = [];

    internal LoopTaskScheduler(EventLoop loop)
    {
        _loop = loop;
        _run = Run;
    }

    public override int MaximumConcurrencyLevel => 1;

    protected override void QueueTask(Task task)
    {
        lock (_queued)
        {
            _queued.Add(task);
        }

        if (!_loop.TryCallSoonThreadSafe(_run, task))
        {
            Take(task);
            throw new InvalidOperationException($"Event loop '{_loop.Name}' is closed and runs no more tasks.");
        }
    }

    /// <summary>Its turn in the loop's queue stays, and finds nothing to do.</summary>
    protected override bool TryDequeue(Task task) => Take(task);

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        ReferenceEquals(EventLoop.CurrentOrNull, _loop) && (!taskWasPreviouslyQueued || Take(task)) && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        // A debugger calls this with the other threads stopped, so it must not wait for one of them.
        if (!Monitor.TryEnter(_queued))
        {
            throw new NotSupportedException();
        }

        try
        {
            return [.. _queued];
        }
        finally
        {
            Monitor.Exit(_queued);
        }
    }

    private void Run(object? task)
    {
        if (Take((Task)task!))
        {
            TryExecuteTask((Task)task!);
        }
    }

    private bool Take(Task task)
    {
        lock (_queued)
        {
            return _queued.Remove(task);
        }
    }
}
