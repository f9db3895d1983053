namespace Baton;

/// <summary>What executors with threads of their own have in common: work in line, first come, first served, and an orderly end.</summary>
/// <remarks>All members may be called on any thread.</remarks>
public abstract class ThreadExecutor : IExecutor, IDisposable, IAsyncDisposable
{
    private protected ThreadExecutor(string name, int limit, TimeSpan idleLimit) =>
        Threads = new WorkerThreads("Executor", name, limit, idleLimit);

    /// <summary>The name in reports.</summary>
    public string Name => Threads.Name;

    /// <summary>Work that runs now.</summary>
    public int RunningCount => Threads.RunningCount;

    /// <summary>Work that waits for a thread, cancelled calls that have not been thrown out yet among it.</summary>
    public int QueuedCount => Threads.QueuedCount;

    /// <summary>Whether it takes no more work.</summary>
    public bool IsShutDown => Threads.IsShutDown;

    private protected WorkerThreads Threads { get; }

    /// <inheritdoc/>
    /// <remarks>
    /// What <paramref name="work"/> throws ends the process, as on any thread; functions that a loop runs here report to whoever awaits
    /// them.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The executor has been shut down.</exception>
    public void Execute(Action<object?> work, object? state) => Threads.Execute(work, state);

    /// <summary>Takes no more work. What was taken before is still done. Corresponds to <c>Executor.shutdown</c>.</summary>
    /// <returns>A task that is done when the last work has ended; nobody has to wait for it.</returns>
    public Task Shutdown() => Threads.Shutdown();

    /// <summary>
    /// Shuts down, and waits, blocking this thread, until all work has been done and the threads have ended. In a coroutine, use
    /// <see cref="DisposeAsync"/> (<c>await using</c>).
    /// </summary>
    /// <exception cref="InvalidOperationException">This is one of the executor's own threads.</exception>
    public void Dispose()
    {
        Threads.ShutdownAndJoin();
        GC.SuppressFinalize(this);
    }

    /// <summary>Shuts down, and waits until all work has been done.</summary>
    /// <exception cref="InvalidOperationException">This is one of the executor's own threads.</exception>
    public ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return new ValueTask(Threads.ShutdownAsync());
    }

    /// <inheritdoc/>
    public override string ToString() => Threads.ToString();
}
