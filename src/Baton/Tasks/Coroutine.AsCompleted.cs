namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// Makes coroutines tasks, at once, and yields each task when it is done: in the order of completion. Corresponds to
    /// <c>asyncio.as_completed</c>.
    /// </summary>
    /// <remarks>
    /// <para>What it yields is done: <c>GetResult</c>, or awaiting it, costs nothing. It can be enumerated once. Leaving the loop early
    /// leaves the tasks running.</para>
    /// <para>The enumeration takes a token by <c>WithCancellation</c>; cancelling the current task ends the wait as well, and neither
    /// cancels the tasks.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="coroutines">The coroutines.</param>
    /// <param name="timeout">
    /// How long from now all of them may take: afterwards, the enumeration yields what is done and then throws a
    /// <see cref="TimeoutException"/>. Without limit where null or <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </param>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or a coroutine has been used.</exception>
    public static IAsyncEnumerable<LoopTask<TResult>> AsCompleted<TResult>(
        IEnumerable<Coroutine<TResult>> coroutines, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(coroutines);
        return StartAll(coroutines, static (loop, coroutine) => loop.CreateTask(coroutine), timeout);
    }

    /// <inheritdoc cref="AsCompleted{TResult}(IEnumerable{Coroutine{TResult}}, TimeSpan?)"/>
    public static IAsyncEnumerable<LoopTask> AsCompleted(IEnumerable<Coroutine> coroutines, TimeSpan? timeout = null)
    {
        ArgumentNullException.ThrowIfNull(coroutines);
        return StartAll(coroutines, static (loop, coroutine) => loop.CreateTask(coroutine), timeout);
    }

    /// <summary>
    /// Yields tasks or futures when they are done: the very ones, each once, in the order of completion. Corresponds to
    /// <c>asyncio.as_completed</c>.
    /// </summary>
    /// <remarks>
    /// <inheritdoc cref="AsCompleted{TResult}(IEnumerable{Coroutine{TResult}}, TimeSpan?)" path="/remarks/node()"/>
    /// </remarks>
    /// <typeparam name="TFuture">Such as <see cref="LoopTask"/>, <see cref="LoopTask{TResult}"/> or <see cref="Future"/>.</typeparam>
    /// <param name="futures">The tasks or futures.</param>
    /// <param name="timeout">
    /// How long from now all of them may take: afterwards, the enumeration yields what is done and then throws a
    /// <see cref="TimeoutException"/>. Without limit where null or <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </param>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or a future belongs to another loop.</exception>
    public static IAsyncEnumerable<TFuture> AsCompleted<TFuture>(IEnumerable<TFuture> futures, TimeSpan? timeout = null)
        where TFuture : Future
    {
        var loop = EventLoop.Current;
        return new CompletionSequence<TFuture>(loop, Distinct(futures, loop), timeout);
    }

    private static CompletionSequence<TTask> StartAll<TCoroutine, TTask>(
        IEnumerable<TCoroutine> coroutines, Func<EventLoop, TCoroutine, TTask> start, TimeSpan? timeout)
        where TTask : LoopTask
    {
        var loop = EventLoop.Current;
        var tasks = new List<TTask>();
        try
        {
            foreach (var coroutine in coroutines)
            {
                tasks.Add(start(loop, coroutine));
            }
        }
        catch
        {
            foreach (var task in tasks)
            {
                task.Cancel("The sequence did not come about.");
            }

            throw;
        }

        return new CompletionSequence<TTask>(loop, tasks, timeout);
    }
}
