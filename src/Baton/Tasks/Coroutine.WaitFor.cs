namespace Baton;

public readonly partial struct Coroutine
{
    private static readonly Action<Future, object?> ReleaseWaiter = static (_, waiter) => ((Future)waiter!).TrySetResult();

    /// <summary>
    /// Awaits a coroutine for at most a time, within the current task. When the time is over, the coroutine is cancelled, and once it has
    /// ended, a <see cref="TimeoutException"/> is thrown. Corresponds to <c>asyncio.wait_for</c>.
    /// </summary>
    /// <remarks>
    /// <para>The wait is for the coroutine to have really ended, so it may take longer than the time. Nothing is lost: if it returns all
    /// the same, because it was just done or because it suppresses the cancellation, its result is returned; if it throws something else,
    /// that is thrown.</para>
    /// <para>A time of zero or less: a coroutine is cancelled before it starts; a task or future that is done returns as it does, and any
    /// other is cancelled.</para>
    /// </remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="coroutine">What to await.</param>
    /// <param name="timeout">The time; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    /// <exception cref="TimeoutException">The time was over.</exception>
    /// <exception cref="InvalidOperationException">It is not a task that awaits this, or the coroutine has been used.</exception>
    public static async Coroutine<TResult> WaitFor<TResult>(Coroutine<TResult> coroutine, TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            return await coroutine;
        }

        if (IsOver(timeout))
        {
            return await EndNow<TResult>(EventLoop.Current.CreateTask(coroutine, eager: false), timeout);
        }

        var scope = EnterTimeout(timeout);
        try
        {
            var result = await coroutine;
            scope.Exit();
            return result;
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            throw TimedOut(timeout, exception);
        }
    }

    /// <inheritdoc cref="WaitFor{TResult}(Coroutine{TResult}, TimeSpan)"/>
    public static async Coroutine WaitFor(Coroutine coroutine, TimeSpan timeout)
    {
        if (timeout == Timeout.InfiniteTimeSpan)
        {
            await coroutine;
            return;
        }

        if (IsOver(timeout))
        {
            await EndNow(EventLoop.Current.CreateTask(coroutine, eager: false), timeout);
            return;
        }

        var scope = EnterTimeout(timeout);
        try
        {
            await coroutine;
            scope.Exit();
        }
        catch (Exception exception) when (scope.Exit(exception))
        {
            throw TimedOut(timeout, exception);
        }
    }

    /// <inheritdoc cref="WaitFor{TResult}(Coroutine{TResult}, TimeSpan)"/>
    /// <param name="awaitable">
    /// The task or future, or a coroutine. It is cancelled when the time is over; to leave it running, <c>Shield</c> it.
    /// </param>
    /// <param name="timeout">The time; <see cref="Timeout.InfiniteTimeSpan"/> for no limit.</param>
    public static Coroutine<TResult> WaitFor<TResult>(IAwaitable<TResult> awaitable, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(awaitable);
        return awaitable switch
        {
            Coroutine<TResult> coroutine => WaitFor(coroutine, timeout),
            Future future when IsOver(timeout) => EndNow<TResult>(future, timeout),
            _ => WaitFor(Await<TResult>((Future)awaitable), timeout),
        };
    }

    /// <inheritdoc cref="WaitFor{TResult}(IAwaitable{TResult}, TimeSpan)"/>
    public static Coroutine WaitFor(IAwaitable awaitable, TimeSpan timeout)
    {
        ArgumentNullException.ThrowIfNull(awaitable);
        return awaitable switch
        {
            Coroutine coroutine => WaitFor(coroutine, timeout),
            Future future when IsOver(timeout) => EndNow(future, timeout),
            _ => WaitFor(Await(awaitable), timeout),
        };
    }

    private static bool IsOver(TimeSpan timeout) => timeout <= TimeSpan.Zero && timeout != Timeout.InfiniteTimeSpan;

    private static async Coroutine Await(IAwaitable awaitable) => await awaitable.ToFuture(EventLoop.Current);

    private static async Coroutine<TResult> Await<TResult>(Future future)
    {
        await future;
        return IAwaitable<TResult>.ResultOf(future);
    }

    private static async Coroutine<TResult> EndNow<TResult>(Future future, TimeSpan timeout)
    {
        await EndNow(future, timeout);
        return IAwaitable<TResult>.ResultOf(future);
    }

    /// <summary>
    /// Returns as the future did if it is done; else cancels it and waits for its end. That takes turns of the loop: who tries again and
    /// again, with no time to wait, does not keep the loop to himself.
    /// </summary>
    private static async Coroutine EndNow(Future future, TimeSpan timeout)
    {
        var loop = EventLoop.Current;
        _ = ((IAwaitable)future).ToFuture(loop);
        if (future.IsDone)
        {
            future.GetResult();
            return;
        }

        // By way of a future of its own, so that who waits can be cancelled even where the other one takes its time.
        var ended = loop.CreateFuture();
        future.AddDoneCallback(ReleaseWaiter, ended, awaitedBy: LoopTask.Current);
        try
        {
            future.Cancel();
            await ended;
        }
        finally
        {
            future.RemoveDoneCallback(ReleaseWaiter, ended);
        }

        try
        {
            future.GetResult();
        }
        catch (CancelledException cancelled)
        {
            throw TimedOut(timeout, cancelled);
        }
    }

    private static CancelScope EnterTimeout(TimeSpan timeout)
    {
        var scope = new CancelScope(timeout) { IsLevelTriggered = false };
        scope.Enter();
        return scope;
    }

    private static TimeoutException TimedOut(TimeSpan timeout, Exception? cancelled) =>
        new($"What was waited for did not end within {(timeout < TimeSpan.Zero ? TimeSpan.Zero : timeout)}.", cancelled);
}
