namespace Baton;

/// <summary>A future that is done when a task of the BCL is: it carries the news, not the outcome.</summary>
internal static class TaskFuture
{
    internal static Future Create(EventLoop loop, Task task)
    {
        var future = loop.CreateFuture();
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
