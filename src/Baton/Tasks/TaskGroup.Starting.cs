namespace Baton;

public sealed partial class TaskGroup
{
    /// <summary>
    /// Starts a task of the group and waits until it says that it is ready, or fails before: then its exception is thrown here, and the
    /// group goes on. Corresponds to trio's <c>nursery.start</c>; asyncio has nothing like it.
    /// </summary>
    /// <param name="child">Makes the coroutine. It gets what to call <see cref="StartStatus.Started"/> of.</param>
    /// <param name="name">The task's name in reports.</param>
    /// <exception cref="InvalidOperationException">
    /// The task ended without having said that it was ready, or the group takes no new tasks.
    /// </exception>
    /// <exception cref="CancelledException">The waiting task was cancelled: so is the new one, and it has ended.</exception>
    public async Coroutine StartAsync(Func<StartStatus, Coroutine> child, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(child);
        var ready = _loop.CreateFuture();
        var task = StartWith(() => child(new StartStatus(ready)), ready, name);
        try
        {
            await ready;
        }
        catch (CancelledException) when (ready.IsCancelled && !task.IsDone)
        {
            await EndAsync(task);
            throw;
        }
    }

    /// <inheritdoc cref="StartAsync(Func{StartStatus, Coroutine}, string?)"/>
    /// <typeparam name="T">The type of the value that the task hands over.</typeparam>
    /// <returns>The value.</returns>
    public async Coroutine<T> StartAsync<T>(Func<StartStatus<T>, Coroutine> child, string? name = null)
    {
        ArgumentNullException.ThrowIfNull(child);
        var ready = _loop.CreateFuture<T>();
        var task = StartWith(() => child(new StartStatus<T>(ready)), ready, name);
        try
        {
            return await ready;
        }
        catch (CancelledException) when (ready.IsCancelled && !task.IsDone)
        {
            await EndAsync(task);
            throw;
        }
    }

    private LoopTask StartWith(Func<Coroutine> child, Future ready, string? name)
    {
        if (!CanCreate(out var refusal))
        {
            throw refusal;
        }

        var task = _loop.CreateTask(child(), name, scope: _outerScope);
        Add(new Member(this, task) { Ready = ready });
        return task;
    }

    /// <summary>
    /// A task has ended. True where it had not said that it was ready, so that whoever started it is told instead of the group.
    /// </summary>
    private static bool EndStart(Future ready, LoopTask task, Exception? failure)
    {
        if (ready.IsDone)
        {
            return false;
        }

        if (task.IsCancelled)
        {
            ready.Cancel($"{task} was cancelled before it had started.");
        }
        else
        {
            ready.TrySetException(
                failure ?? new InvalidOperationException($"{task} ended without saying that it had started: it has to call Started."));
        }

        return true;
    }

    /// <summary>Cancels a task and waits for its end, whatever else is cancelled meanwhile.</summary>
    private static async Coroutine EndAsync(LoopTask task)
    {
        task.Cancel();
        await CancelScope.Run(
            async Coroutine (_) =>
            {
                var ended = task.Loop.CreateFuture();
                task.AddDoneCallback(static (_, ended) => ((Future)ended!).TrySetResult(), ended, LoopTask.Current);
                await ended;
            },
            shield: true);
    }
}
