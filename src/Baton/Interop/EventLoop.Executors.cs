namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>
    /// As asyncio's: how long <see cref="Run(Func{Coroutine}, EventLoopOptions?)"/> waits for functions in the default executor.
    /// </summary>
    private static readonly TimeSpan DefaultExecutorLimit = TimeSpan.FromSeconds(300);

    private readonly HashSet<Future> _defaultExecutorCalls = [];
    private readonly List<Future> _defaultExecutorWaits = [];
    private IExecutor? _defaultExecutor;
    private ThreadPoolExecutor? _ownExecutor;
    private bool _isDefaultExecutorShutDown;

    /// <summary>
    /// The executor that runs functions where none is named: a <see cref="ThreadPoolExecutor"/> of the loop's own, made at first use,
    /// unless another is set. One that is set remains the setter's to dispose of, once the loop has closed. Corresponds to
    /// <c>loop.set_default_executor</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The default executor has been shut down, the loop is closed, or this is not its thread.
    /// </exception>
    public IExecutor DefaultExecutor
    {
        get
        {
            CheckDefaultExecutor();
            if (_defaultExecutor is null)
            {
                _ownExecutor = new ThreadPoolExecutor(name: $"{Name} executor");
                UseDefaultExecutor(_ownExecutor);
            }

            return _defaultExecutor!;
        }

        set
        {
            ArgumentNullException.ThrowIfNull(value);
            CheckDefaultExecutor();
            if (ReferenceEquals(value, _defaultExecutor))
            {
                return;
            }

            ReleaseOwnExecutor();
            UseDefaultExecutor(value);
        }
    }

    /// <summary>
    /// Calls a function on a thread of an executor, at once, and returns a future for what it returns or throws. Corresponds to
    /// <c>loop.run_in_executor</c>; <see cref="Coroutine.ToThread{TResult}(Func{TResult}, IExecutor?)"/> is the same as a coroutine.
    /// </summary>
    /// <remarks>
    /// <para>The function sees the <see cref="AsyncLocal{T}"/> values of the caller, as with <c>Task.Run</c>; what it sets, the caller does
    /// not see. It may not touch the loop but through the calls for other threads, such as
    /// <see cref="Invoke{TResult}(Func{TResult})"/>.</para>
    /// <para>Cancelling the future ends the wait at once. A function that still stands in line then never runs; one that runs goes on, for
    /// a thread cannot be stopped: what it returns is dropped, and what it throws goes to the loop's exception handler. To let it end
    /// early, take the token that the other overloads offer.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="function">What to call.</param>
    /// <param name="executor">Where to call it; the loop's <see cref="DefaultExecutor"/> where null.</param>
    /// <exception cref="ArgumentException">The function is asynchronous: it would return at its first <c>await</c>.</exception>
    /// <exception cref="InvalidOperationException">
    /// The executor has been shut down, the loop is closed, or this is not its thread.
    /// </exception>
    public Future<TResult> RunInExecutor<TResult>(Func<TResult> function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        AsyncFunction.Refuse<TResult>(nameof(function));
        return StartInExecutor<TResult>(function, takesToken: false, executor);
    }

    /// <inheritdoc cref="RunInExecutor{TResult}(Func{TResult}, IExecutor?)"/>
    public Future RunInExecutor(Action function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return StartInExecutor<bool>(function, takesToken: false, executor);
    }

    /// <inheritdoc cref="RunInExecutor{TResult}(Func{TResult}, IExecutor?)"/>
    /// <param name="function">
    /// What to call. Its token is cancelled when the future is; the callbacks on the token then run on the loop's thread.
    /// </param>
    /// <param name="executor">Where to call it; the loop's <see cref="DefaultExecutor"/> where null.</param>
    public Future<TResult> RunInExecutor<TResult>(Func<CancellationToken, TResult> function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        AsyncFunction.Refuse<TResult>(nameof(function));
        return StartInExecutor<TResult>(function, takesToken: true, executor);
    }

    /// <inheritdoc cref="RunInExecutor{TResult}(Func{CancellationToken, TResult}, IExecutor?)"/>
    public Future RunInExecutor(Action<CancellationToken> function, IExecutor? executor = null)
    {
        ArgumentNullException.ThrowIfNull(function);
        return StartInExecutor<bool>(function, takesToken: true, executor);
    }

    /// <summary>
    /// Takes no more functions for the default executor, and waits until those that it has are done, the abandoned ones among them. Those
    /// that are not done in time are reported by name, and left. <see cref="Run(Func{Coroutine}, EventLoopOptions?)"/> does this at its
    /// end, with 300 s. Corresponds to <c>loop.shutdown_default_executor</c>.
    /// </summary>
    /// <param name="timeout">How long to wait; <see cref="Timeout.InfiniteTimeSpan"/> for as long as it takes.</param>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public Coroutine ShutdownDefaultExecutor(TimeSpan timeout)
    {
        if (timeout != System.Threading.Timeout.InfiniteTimeSpan)
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(timeout, TimeSpan.Zero);
        }

        return ShutDownExecutor(timeout);
    }

    /// <summary>A call has ended, or will never start.</summary>
    internal void EndDefaultExecutorCall(Future call)
    {
        if (_defaultExecutorCalls.Remove(call) && _defaultExecutorCalls.Count == 0)
        {
            foreach (var wait in _defaultExecutorWaits)
            {
                wait.TrySetResult();
            }

            _defaultExecutorWaits.Clear();
        }
    }

    private ExecutorCall<TResult> StartInExecutor<TResult>(Delegate function, bool takesToken, IExecutor? executor)
    {
        CheckThread();
        CheckOpen();
        executor ??= DefaultExecutor;
        var call = new ExecutorCall<TResult>(this, function, takesToken);
        try
        {
            executor.Execute(ExecutorCall<TResult>.Work, call);
        }
        catch
        {
            call.Discard();
            throw;
        }

        if (ReferenceEquals(executor, _defaultExecutor))
        {
            _defaultExecutorCalls.Add(call);
        }

        return call;
    }

    private void CheckDefaultExecutor()
    {
        CheckThread();
        CheckOpen();
        if (_isDefaultExecutorShutDown)
        {
            throw new InvalidOperationException(
                $"The default executor of event loop '{Name}' has been shut down. Name another executor in the call, or make the call before the main task ends.");
        }
    }

    private void UseDefaultExecutor(IExecutor executor)
    {
        if (_defaultExecutor is null)
        {
            ShutdownSteps.Add(() => ShutdownDefaultExecutor(DefaultExecutorLimit));
            Closed += ReleaseOwnExecutor;
        }

        _defaultExecutor = executor;
    }

    private void ReleaseOwnExecutor()
    {
        _ownExecutor?.Shutdown();
        _ownExecutor = null;
    }

    private async Coroutine ShutDownExecutor(TimeSpan timeout)
    {
        CheckThread();
        _isDefaultExecutorShutDown = true;
        try
        {
            if (_defaultExecutorCalls.Count > 0)
            {
                await WaitForDefaultExecutor(timeout);
            }
        }
        finally
        {
            ReleaseOwnExecutor();
        }

        if (_defaultExecutorCalls.Count > 0)
        {
            ReportException(
                $"{_defaultExecutor} still ran after {timeout.TotalSeconds:0.###} s, and is left to itself: {string.Join(", ", _defaultExecutorCalls)}", null);
        }
    }

    private async Coroutine WaitForDefaultExecutor(TimeSpan timeout)
    {
        var end = CreateFuture();
        _defaultExecutorWaits.Add(end);
        var timer = timeout == System.Threading.Timeout.InfiniteTimeSpan
            ? default
            : CallLater(timeout, static end => ((Future)end!).TrySetResult(), end);
        try
        {
            await end;
        }
        finally
        {
            timer.Cancel();
            _defaultExecutorWaits.Remove(end);
        }
    }
}
