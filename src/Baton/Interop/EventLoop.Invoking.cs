namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>
    /// Calls a function on the loop, from any thread, and waits for what it returns or throws: for functions in executors and other threads
    /// that need something of the loop's. On the loop's own thread it is called right here.
    /// </summary>
    /// <remarks>
    /// From another thread it runs as a callback, outside of any task, in the caller's execution context. A loop that is not running calls
    /// it when it does; until then the caller waits.
    /// </remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="function">What to call.</param>
    /// <exception cref="ArgumentException">
    /// The function is asynchronous: use <see cref="RunCoroutineThreadSafe{TResult}(Coroutine{TResult})"/>.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The loop is closed, or was closed before it came to the function; or this is the thread of another loop, which must not block: use
    /// <see cref="InvokeAsync{TResult}(Func{TResult}, CancellationToken)"/> there.
    /// </exception>
    public TResult Invoke<TResult>(Func<TResult> function)
    {
        ArgumentNullException.ThrowIfNull(function);
        AsyncFunction.Refuse<TResult>(nameof(function));
        if (IsOnLoopThread)
        {
            CheckOpen();
            return function();
        }

        if (CurrentOrNull is { } other)
        {
            throw new InvalidOperationException(
                $"Invoke would block event loop '{other.Name}', which runs on this thread, until event loop '{Name}' has called the function. Await InvokeAsync instead.");
        }

        return PostCall(function, CancellationToken.None).GetAwaiter().GetResult();
    }

    /// <inheritdoc cref="Invoke{TResult}(Func{TResult})"/>
    public void Invoke(Action function)
    {
        ArgumentNullException.ThrowIfNull(function);
        Invoke(() =>
        {
            function();
            return true;
        });
    }

    /// <summary>
    /// Calls a function on the loop, from any thread, without waiting: as a callback, never inside this call. What it returns or throws
    /// comes through a task of the BCL.
    /// </summary>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="function">What to call.</param>
    /// <param name="cancellationToken">Keeps the function from being called, where it is cancelled in time.</param>
    /// <exception cref="ArgumentException">
    /// The function is asynchronous: use <see cref="RunCoroutineThreadSafe{TResult}(Coroutine{TResult}, CancellationToken)"/>.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The loop is closed. Where it closes before it comes to the function, the task fails in this way.
    /// </exception>
    public Task<TResult> InvokeAsync<TResult>(Func<TResult> function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        AsyncFunction.Refuse<TResult>(nameof(function));
        return PostCall(function, cancellationToken);
    }

    /// <inheritdoc cref="InvokeAsync{TResult}(Func{TResult}, CancellationToken)"/>
    public Task InvokeAsync(Action function, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        return PostCall(
            () =>
            {
                function();
                return true;
            },
            cancellationToken);
    }

    private Task<TResult> PostCall<TResult>(Func<TResult> function, CancellationToken cancellationToken)
    {
        var call = new FunctionCall<TResult>(this, function, cancellationToken);
        Post(call);
        return call.Task;
    }
}
