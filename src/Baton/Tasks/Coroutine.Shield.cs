namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// A future that ends as a coroutine does, which becomes a task at once; cancelling the future, or a task that awaits it, does not
    /// reach that task. Corresponds to <c>asyncio.shield</c>.
    /// </summary>
    /// <remarks>
    /// <para>The loop keeps the inner task. Where nobody waits any more when it fails, because the future was cancelled, the failure goes
    /// to the loop's exception handler. Where the inner task is cancelled itself, so is the future.</para>
    /// <para>When the loop ends, it cancels the inner task like every other one.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or the coroutine has been used.</exception>
    public static Future<TResult> Shield<TResult>(Coroutine<TResult> coroutine) =>
        ShieldFuture<TResult>.Create(EventLoop.Current.CreateTask(coroutine));

    /// <summary>A future that ends as a task or future does; cancelling it, or a task that awaits it, does not reach that one.</summary>
    /// <remarks><inheritdoc cref="Shield{TResult}(Coroutine{TResult})" path="/remarks/node()"/></remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <exception cref="InvalidOperationException">No loop runs on this thread, or the future belongs to another one.</exception>
    public static Future<TResult> Shield<TResult>(IAwaitable<TResult> awaitable)
    {
        ArgumentNullException.ThrowIfNull(awaitable);
        var inner = awaitable.ToFuture(EventLoop.Current);
        return inner is Future<TResult> { IsDone: true } done ? done : ShieldFuture<TResult>.Create(inner);
    }

    /// <inheritdoc cref="Shield{TResult}(Coroutine{TResult})"/>
    public static Future Shield(Coroutine coroutine) => Shield((IAwaitable)EventLoop.Current.CreateTask(coroutine));

    /// <inheritdoc cref="Shield{TResult}(IAwaitable{TResult})"/>
    public static Future Shield(IAwaitable awaitable)
    {
        ArgumentNullException.ThrowIfNull(awaitable);
        var inner = awaitable.ToFuture(EventLoop.Current);
        return inner.IsDone ? inner : ShieldFuture<bool>.Create(inner, hasResult: false);
    }
}
