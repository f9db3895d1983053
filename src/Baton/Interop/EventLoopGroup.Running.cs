namespace Baton;

// Calls from any thread.
public sealed partial class EventLoopGroup
{
    /// <summary>Runs a coroutine as a task on a loop, from any thread.</summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="loop">The loop: one of the group, or any other that runs.</param>
    /// <param name="function">Called on that loop, with it; makes the coroutine. It sees the caller's <see cref="AsyncLocal{T}"/>
    /// values.</param>
    /// <param name="cancellationToken">Cancels the task on the loop.</param>
    /// <returns>A task of the BCL that ends as the coroutine does. Its continuations run on the thread pool, not on the loop.</returns>
    /// <exception cref="InvalidOperationException">
    /// The loop is closed. Where it closes before it comes to the coroutine, or the group is being shut down, the task fails in this way.
    /// </exception>
    public Task<TResult> RunAsync<TResult>(
        EventLoop loop, Func<EventLoop, Coroutine<TResult>> function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(function);
        return loop.RunCoroutineThreadSafe(Call(loop, function), cancellationToken);
    }

    /// <inheritdoc cref="RunAsync{TResult}(EventLoop, Func{EventLoop, Coroutine{TResult}}, CancellationToken)"/>
    public Task RunAsync(EventLoop loop, Func<EventLoop, Coroutine> function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        return RunAsync(loop, WithResult(function), cancellationToken);
    }

    /// <summary>The same on the <see cref="Next"/> loop.</summary>
    /// <inheritdoc cref="RunAsync{TResult}(EventLoop, Func{EventLoop, Coroutine{TResult}}, CancellationToken)"/>
    public Task<TResult> RunAsync<TResult>(Func<EventLoop, Coroutine<TResult>> function, CancellationToken cancellationToken = default) =>
        RunAsync(Next(), function, cancellationToken);

    /// <inheritdoc cref="RunAsync{TResult}(Func{EventLoop, Coroutine{TResult}}, CancellationToken)"/>
    public Task RunAsync(Func<EventLoop, Coroutine> function, CancellationToken cancellationToken = default) =>
        RunAsync(Next(), function, cancellationToken);

    /// <summary>Runs a coroutine on every loop of the group at the same time, from any thread.</summary>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="function">Called on each loop, with it, and so on several threads at once; makes the coroutine.</param>
    /// <param name="cancellationToken">Cancels all of the tasks.</param>
    /// <returns>
    /// A task of the BCL with the results in the order of the loops. When one fails, the others are cancelled; it ends when all have ended,
    /// and fails with the failure of each (<see cref="Task.Exception"/> has all of them).
    /// </returns>
    public Task<TResult[]> RunOnAllAsync<TResult>(
        Func<EventLoop, Coroutine<TResult>> function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var all = Task.WhenAll(Loops.Select(RunOneAsync));
        _ = all.ContinueWith(
            static (_, source) => ((CancellationTokenSource)source!).Dispose(),
            source,
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return all;

        async Task<TResult> RunOneAsync(EventLoop loop)
        {
            try
            {
                return await RunAsync(loop, function, source.Token).ConfigureAwait(false);
            }
            catch (Exception exception) when (exception is not OperationCanceledException)
            {
                source.Cancel(); // What is told by it only posts.
                throw;
            }
        }
    }

    /// <inheritdoc cref="RunOnAllAsync{TResult}(Func{EventLoop, Coroutine{TResult}}, CancellationToken)"/>
    public Task RunOnAllAsync(Func<EventLoop, Coroutine> function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        return RunOnAllAsync(WithResult(function), cancellationToken);
    }

    internal Coroutine<TResult> Call<TResult>(EventLoop loop, Func<EventLoop, Coroutine<TResult>> function) =>
        Find(loop) is { } member ? member.Run(function) : CallThere(loop, function);

    private static async Coroutine<TResult> CallThere<TResult>(EventLoop loop, Func<EventLoop, Coroutine<TResult>> function) =>
        await function(loop);
}
