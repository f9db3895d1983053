namespace Baton;

/// <summary>
/// A loop on a thread of its own, for programs whose own threads are taken: with a user interface, under ASP.NET, in tests. Other programs
/// call <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/>, which needs no other thread.
/// </summary>
/// <remarks>
/// <para>All members may be called on any thread, but for those that wait for the end, which throw on the loop's own.</para>
/// <para>When it is stopped, the tasks that are left are cancelled and awaited, functions in the default executor too, and the loop is
/// closed: as at the end of <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/>.</para>
/// </remarks>
public sealed class EventLoopThread : IDisposable, IAsyncDisposable
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly EventLoopOptions _loopOptions;
    private readonly Thread _thread;
    private EventLoop? _loop;
    private Future? _stop;

    private EventLoopThread(EventLoopThreadOptions options)
    {
        _loopOptions = options.Loop?.Copy() ?? new EventLoopOptions();
        _loopOptions.HandleSignals = false;
        _loopOptions.Name ??= options.Name;
        _thread = new Thread(Main) { IsBackground = options.IsBackground, Name = options.Name };
    }

    /// <summary>The loop that runs on the thread.</summary>
    public EventLoop Loop => _loop!;

    /// <summary>The thread's name.</summary>
    public string Name => _thread.Name!;

    /// <summary>
    /// Done when the loop has been closed. It fails if the loop itself failed, its driver for one, which the loop's exception handler is
    /// told as well; failures of tasks and callbacks do not count.
    /// </summary>
    public Task Completion => _ended.Task;

    /// <summary>Starts a thread with a loop, and returns when the loop runs.</summary>
    /// <param name="options">How to make the thread and the loop.</param>
    /// <exception cref="InvalidOperationException">
    /// No driver was given, and the environment variable BATON_DRIVER names one that there is not.
    /// </exception>
    public static EventLoopThread Start(EventLoopThreadOptions? options = null)
    {
        var thread = new EventLoopThread(options ?? new EventLoopThreadOptions());

        // Unsafe: what runs on the loop brings its own execution context.
        thread._thread.UnsafeStart();
        thread._started.Task.GetAwaiter().GetResult();
        return thread;
    }

    /// <summary>Runs a coroutine as a task of the loop.</summary>
    /// <param name="main">Called on the loop; makes the coroutine.</param>
    /// <param name="cancellationToken">Cancels the task on the loop.</param>
    /// <returns>A task of the BCL that ends as the coroutine does. Its continuations run on the thread pool, not on the loop.</returns>
    /// <exception cref="InvalidOperationException">
    /// The loop is closed. Where it closes before it comes to the coroutine, the task fails in this way.
    /// </exception>
    public Task Run(Func<Coroutine> main, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return Loop.RunCoroutineThreadSafe(Call(main), cancellationToken);

        static async Coroutine Call(Func<Coroutine> main) => await main();
    }

    /// <inheritdoc cref="Run(Func{Coroutine}, CancellationToken)"/>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    public Task<TResult> Run<TResult>(Func<Coroutine<TResult>> main, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(main);
        return Loop.RunCoroutineThreadSafe(Call(main), cancellationToken);

        static async Coroutine<TResult> Call(Func<Coroutine<TResult>> main) => await main();
    }

    /// <summary>Has a callback called on the loop. The same as <see cref="EventLoop.CallSoonThreadSafe(Action)"/>.</summary>
    /// <exception cref="InvalidOperationException">The loop is closed.</exception>
    public Handle Post(Action callback) => Loop.CallSoonThreadSafe(callback);

    /// <summary>Asks the loop to end, and returns at once. For the loop's own thread too. Can be called again.</summary>
    public void RequestStop() => Loop.TryCallSoonThreadSafe(static stop => ((Future)stop!).TrySetResult(), _stop);

    /// <summary>Asks the loop to end, and waits until it has been closed.</summary>
    /// <param name="timeout">
    /// How long to wait, in real time; for as long as it takes where null. The loop goes on ending after that.
    /// </param>
    /// <exception cref="TimeoutException">It took longer: a task does not heed its cancellation, or a callback blocks.</exception>
    /// <exception cref="InvalidOperationException">This is the loop's own thread.</exception>
    public Task StopAsync(TimeSpan? timeout = null)
    {
        CheckNotOwnThread();
        RequestStop();
        return WaitForEnd(timeout ?? Timeout.InfiniteTimeSpan);
    }

    /// <summary>
    /// Asks the loop to end, and waits, blocking this thread, until it has been closed and the thread has ended. Does not throw a failure
    /// of the loop, which its exception handler has been told. Can be called again.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is the loop's own thread.</exception>
    public void Dispose()
    {
        CheckNotOwnThread();
        RequestStop();
        _thread.Join();
    }

    /// <summary>As <see cref="Dispose"/>, without blocking this thread.</summary>
    /// <exception cref="InvalidOperationException">This is the loop's own thread.</exception>
    public ValueTask DisposeAsync()
    {
        CheckNotOwnThread();
        RequestStop();
        return new ValueTask(_ended.Task.ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default));
    }

    /// <inheritdoc/>
    public override string ToString() => $"Event loop thread '{Name}'";

    private void Main()
    {
        try
        {
            EventLoop.Run(Serve, _loopOptions);
            _ended.SetResult();
        }
        catch (Exception exception) when (_loop is null)
        {
            _started.SetException(exception);
        }
        catch (Exception exception)
        {
            // From here on nobody may be left to look at the task, so the failure counts as seen once it has been reported.
            Loop.ReportException($"{this} failed", exception);
            _ended.SetException(exception);
            _ = _ended.Task.Exception;
        }
    }

    private async Coroutine Serve()
    {
        _loop = EventLoop.Current;
        _stop = _loop.CreateFuture();
        _started.SetResult();
        try
        {
            await _stop;
        }
        catch (CancelledException)
        {
            // Somebody cancelled all tasks: this is what follows anyway.
        }
    }

    private async Task WaitForEnd(TimeSpan timeout)
    {
        try
        {
            await _ended.Task.WaitAsync(timeout).ConfigureAwait(false);
        }
        catch (TimeoutException) when (!_ended.Task.IsCompleted)
        {
            throw new TimeoutException(
                $"{this} did not end within {timeout.TotalSeconds:0.###} s: a task does not heed its cancellation, a function in the default executor runs on, or a " +
                "callback blocks the loop.");
        }
    }

    private void CheckNotOwnThread()
    {
        if (ReferenceEquals(Thread.CurrentThread, _thread))
        {
            throw new InvalidOperationException(
                $"{this} cannot be stopped and waited for on its own thread, which would wait for itself. Do it on another one, or call RequestStop, which does not wait.");
        }
    }
}
