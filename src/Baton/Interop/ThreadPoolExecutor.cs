namespace Baton;

/// <summary>
/// An executor with a limit on how much runs at once; beyond it, work waits in line, first come, first served. The default executor of a loop is one.
/// Corresponds to <c>concurrent.futures.ThreadPoolExecutor</c>.
/// </summary>
/// <remarks>
/// <para>The threads are its own, not those of <see cref="ThreadPool"/>: functions that block would starve that one, which runs the BCL's timers, sockets and
/// name look-ups, and it adds threads only slowly. They start when there is work that no idle one could take, are background threads, and go after 30 s without work.</para>
/// <para>All members may be called on any thread.</para>
/// </remarks>
public sealed class ThreadPoolExecutor : IExecutor, IDisposable, IAsyncDisposable
{
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(30);

    private readonly WorkerThreads _threads;

    /// <summary>Creates an executor. No thread starts before there is work.</summary>
    /// <param name="maximumConcurrency">How much runs at once; <see cref="DefaultMaximumConcurrency"/> where null.</param>
    /// <param name="name">The name in reports, and of the threads, which have a number behind it.</param>
    public ThreadPoolExecutor(int? maximumConcurrency = null, string name = "executor") =>
        _threads = new WorkerThreads("Executor", name, maximumConcurrency ?? DefaultMaximumConcurrency, IdleLimit);

    /// <summary>As in Python: four more than there are processors, at most 32.</summary>
    public static int DefaultMaximumConcurrency => Math.Min(32, Environment.ProcessorCount + 4);

    /// <summary>The name in reports.</summary>
    public string Name => _threads.Name;

    /// <summary>How much runs at once.</summary>
    public int MaximumConcurrency => _threads.Limit;

    /// <summary>Work that runs now.</summary>
    public int RunningCount => _threads.RunningCount;

    /// <summary>Work that waits for a thread, cancelled calls that have not been thrown out yet among it.</summary>
    public int QueuedCount => _threads.QueuedCount;

    /// <summary>Threads that there are now, idle ones among them.</summary>
    public int ThreadCount => _threads.ThreadCount;

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
    /// Shuts down, and waits, blocking this thread, until all work has been done and the threads have ended. In a coroutine, use
    /// <see cref="DisposeAsync"/> (<c>await using</c>).
    /// </summary>
    /// <exception cref="InvalidOperationException">This is one of the executor's own threads.</exception>
    public void Dispose() => _threads.ShutdownAndJoin();

    /// <summary>Shuts down, and waits until all work has been done.</summary>
    /// <exception cref="InvalidOperationException">This is one of the executor's own threads.</exception>
    public ValueTask DisposeAsync() => new(_threads.ShutdownAsync());

    /// <inheritdoc/>
    public override string ToString() => _threads.ToString();
}
