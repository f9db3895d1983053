namespace Baton;

/// <summary>A future that is done when a task of the BCL is: it carries the news, not the outcome.</summary>
internal sealed class TaskFuture : Future
{
    private readonly Task _task;

    private TaskFuture(EventLoop loop, Task task)
        : base(loop) => _task = task;

    /// <summary>Does nothing where the task has ended: what it ended with is delivered, though the news is still on its way.</summary>
    public override bool Cancel(string? message = null)
    {
        Loop.CheckThread();
        return !_task.IsCompleted && base.Cancel(message);
    }

    internal static Future Create(EventLoop loop, Task task)
    {
        var future = new TaskFuture(loop, task);
        task.ContinueWith(
            static (task, state) =>
            {
                _ = task.Exception; // Observed: whoever still waits gets it, and if nobody does, nobody asked.
                var future = (Future)state!;
                future.Loop.TryPost(new Completion(future));
            },
            future,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return future;
    }

    private sealed class Completion(Future future) : LoopItem
    {
        internal override void Run(EventLoop loop) => future.TrySetResult();
    }
}
