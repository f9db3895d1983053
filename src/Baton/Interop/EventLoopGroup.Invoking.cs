namespace Baton;

// Calls from coroutines, of whatever loop.
public sealed partial class EventLoopGroup
{
    /// <summary>
    /// Runs a coroutine as a task on another loop, and has the result on this one. For coroutines of any loop, of the group or not; other
    /// code calls <see cref="RunAsync{TResult}(EventLoop, Func{EventLoop, Coroutine{TResult}}, CancellationToken)"/>.
    /// </summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="loop">The loop: one of the group, or any other that runs, this one included.</param>
    /// <param name="function">Called on that loop, with it; makes the coroutine. It sees the caller's <see cref="AsyncLocal{T}"/>
    /// values.</param>
    /// <remarks>
    /// Lazy as every coroutine: nothing happens until it is awaited or made a task. What the other throws is thrown here. Cancelling the
    /// wait cancels the other task, and goes on waiting until that has ended: with its result, where it has one. The outcome comes back as
    /// one item, which wakes this loop once if it sleeps.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// The other loop is closed, closes meanwhile, or belongs to a group that is being shut down; or no loop runs on this thread.
    /// </exception>
    /// <exception cref="CancelledException">This wait, or the task on the other loop, was cancelled.</exception>
    public async Coroutine<TResult> InvokeAsync<TResult>(EventLoop loop, Func<EventLoop, Coroutine<TResult>> function)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(function);
        var results = await new CrossLoopCall<TResult>(EventLoop.Current, [loop], this, function).Start();
        return results[0];
    }

    /// <inheritdoc cref="InvokeAsync{TResult}(EventLoop, Func{EventLoop, Coroutine{TResult}})"/>
    public async Coroutine InvokeAsync(EventLoop loop, Func<EventLoop, Coroutine> function)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(function);
        await new CrossLoopCall<bool>(EventLoop.Current, [loop], this, WithResult(function)).Start();
    }

    /// <summary>The same on the <see cref="Next"/> loop.</summary>
    /// <inheritdoc cref="InvokeAsync{TResult}(EventLoop, Func{EventLoop, Coroutine{TResult}})"/>
    public Coroutine<TResult> InvokeAsync<TResult>(Func<EventLoop, Coroutine<TResult>> function) => InvokeAsync(Next(), function);

    /// <inheritdoc cref="InvokeAsync{TResult}(Func{EventLoop, Coroutine{TResult}})"/>
    public Coroutine InvokeAsync(Func<EventLoop, Coroutine> function) => InvokeAsync(Next(), function);

    /// <summary>
    /// Runs a coroutine on every loop of the group at the same time, and has all results on this one. For coroutines of any loop; other
    /// code calls <see cref="RunOnAllAsync{TResult}(Func{EventLoop, Coroutine{TResult}}, CancellationToken)"/>.
    /// </summary>
    /// <typeparam name="TResult">The type of the results.</typeparam>
    /// <param name="function">Called on each loop, with it, and so on several threads at once; makes the coroutine.</param>
    /// <returns>The results, in the order of the loops.</returns>
    /// <remarks>
    /// When one fails, the others are cancelled. It ends when all have ended, and this loop is woken once, by the last. Cancelling the wait
    /// cancels all of them.
    /// </remarks>
    /// <exception cref="AggregateException">Some failed: with the failure of each.</exception>
    /// <exception cref="CancelledException">This wait, or one of the tasks on the loops, was cancelled, and none failed.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public async Coroutine<TResult[]> InvokeOnAllAsync<TResult>(Func<EventLoop, Coroutine<TResult>> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        return await new CrossLoopCall<TResult>(EventLoop.Current, Loops, this, function).Start(isForAll: true);
    }

    /// <inheritdoc cref="InvokeOnAllAsync{TResult}(Func{EventLoop, Coroutine{TResult}})"/>
    public async Coroutine InvokeOnAllAsync(Func<EventLoop, Coroutine> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        await new CrossLoopCall<bool>(EventLoop.Current, Loops, this, WithResult(function)).Start(isForAll: true);
    }

    private static Func<EventLoop, Coroutine<bool>> WithResult(Func<EventLoop, Coroutine> function) => async loop =>
    {
        await function(loop);
        return true;
    };
}
