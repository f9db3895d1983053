namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// Calls a function on a thread of an executor and waits for what it returns or throws, while the loop goes on. For calls that block
    /// and for long computations. Corresponds to <c>asyncio.to_thread</c>.
    /// </summary>
    /// <remarks>
    /// <para>The function sees the <see cref="AsyncLocal{T}"/> values of whoever awaits; what it sets, the caller does not see. It may not
    /// touch the loop but through the calls for other threads, such as <see cref="EventLoop.Invoke{TResult}(Func{TResult})"/>.</para>
    /// <para>Cancelling the task ends the wait at once. A function that still stands in line then never runs; one that runs goes on, for a
    /// thread cannot be stopped: what it returns is dropped, and what it throws goes to the loop's exception handler. To let it end early,
    /// take the token that the other overloads offer.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="function">What to call, once the coroutine is awaited.</param>
    /// <param name="executor">Where to call it; the loop's <see cref="EventLoop.DefaultExecutor"/> where null.</param>
    /// <exception cref="ArgumentException">The function is asynchronous: it would return at its first <c>await</c>.</exception>
    /// <exception cref="InvalidOperationException">When awaited: the executor has been shut down.</exception>
    public static Coroutine<TResult> ToThread<TResult>(Func<TResult> function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        AsyncFunction.Refuse<TResult>(nameof(function));
        return Call(function, executor);

        static async Coroutine<TResult> Call(Func<TResult> function, IExecutor? executor) =>
            await EventLoop.Current.RunInExecutor(function, executor);
    }

    /// <inheritdoc cref="ToThread{TResult}(Func{TResult}, IExecutor?)"/>
    public static Coroutine ToThread(Action function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Call(function, executor);

        static async Coroutine Call(Action function, IExecutor? executor) => await EventLoop.Current.RunInExecutor(function, executor);
    }

    /// <inheritdoc cref="ToThread{TResult}(Func{TResult}, IExecutor?)"/>
    /// <param name="function">
    /// What to call, once the coroutine is awaited. Its token is cancelled when the wait is; the callbacks on the token then run on the
    /// loop's thread.
    /// </param>
    /// <param name="executor">Where to call it; the loop's <see cref="EventLoop.DefaultExecutor"/> where null.</param>
    public static Coroutine<TResult> ToThread<TResult>(Func<CancellationToken, TResult> function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        AsyncFunction.Refuse<TResult>(nameof(function));
        return Call(function, executor);

        static async Coroutine<TResult> Call(Func<CancellationToken, TResult> function, IExecutor? executor) =>
            await EventLoop.Current.RunInExecutor(function, executor);
    }

    /// <inheritdoc cref="ToThread{TResult}(Func{CancellationToken, TResult}, IExecutor?)"/>
    public static Coroutine ToThread(Action<CancellationToken> function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return Call(function, executor);

        static async Coroutine Call(Action<CancellationToken> function, IExecutor? executor) =>
            await EventLoop.Current.RunInExecutor(function, executor);
    }
}
