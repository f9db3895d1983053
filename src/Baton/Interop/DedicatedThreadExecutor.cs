namespace Baton;

/// <summary>
/// An executor with a thread of its own, on which everything runs strictly in order: for libraries whose handles belong to one thread, such as those of a database
/// file, and for work that must not overlap. Corresponds to <c>ThreadPoolExecutor(max_workers=1)</c> of Python.
/// </summary>
/// <remarks>
/// <para>The thread starts with the first work and stays until the executor is shut down, so that whatever is tied to it holds. It is a background thread.</para>
/// <para>All members may be called on any thread.</para>
/// </remarks>
public sealed class DedicatedThreadExecutor : IExecutor, IDisposable, IAsyncDisposable
{
    private readonly WorkerThreads _threads;

    /// <summary>Creates an executor. Its thread starts with the first work.</summary>
    /// <param name="name">The name in reports, and of the thread; of several, with a number behind it.</param>
    /// <param name="threadCount">How many threads there are at most. With more than one, work starts in order but overlaps.</param>
    public DedicatedThreadExecutor(string name = "dedicated", int threadCount = 1) =>
        _threads = new WorkerThreads("Executor", name, threadCount, Timeout.InfiniteTimeSpan);

    /// <summary>The name in reports.</summary>
    public string Name => _threads.Name;

    /// <summary>Work that runs now.</summary>
    public int RunningCount => _threads.RunningCount;

    /// <summary>Work that waits for the thread, cancelled calls that have not been thrown out yet among it.</summary>
    public int QueuedCount => _threads.QueuedCount;

    /// <summary>Whether it takes no more work.</summary>
    public bool IsShutDown => _threads.IsShutDown;

    /// <inheritdoc/>
    /// <remarks>What <paramref name="work"/> throws ends the process, as on any thread; functions that a loop runs here report to whoever awaits them.</remarks>
    /// <exception cref="InvalidOperationException">The executor has been shut down.</exception>
    public void Execute(Action<object?> work, object? state) => _threads.Execute(work, state);

    /// <summary>Takes no more work. What was taken before is still done. Corresponds to <c>Executor.shutdown</c>.</summary>
    /// <returns>A task that is done when the last work has ended; nobody has to wait for it.</returns>
    public Task Shutdown() => _threads.Shutdown();

    /// <summary>
    /// Shuts down, and waits, blocking this thread, until all work has been done and the thread has ended. In a coroutine, use
    /// <see cref="DisposeAsync"/> (<c>await using</c>).
    /// </summary>
    /// <exception cref="InvalidOperationException">This is the executor's own thread.</exception>
    public void Dispose() => _threads.ShutdownAndJoin();

    /// <summary>Shuts down, and waits until all work has been done.</summary>
    /// <exception cref="InvalidOperationException">This is the executor's own thread.</exception>
    public ValueTask DisposeAsync() => new(_threads.ShutdownAsync());

    /// <inheritdoc/>
    public override string ToString() => _threads.ToString();
}
