namespace Baton;

/// <summary>
/// An executor with a limit on how much runs at once; beyond it, work waits in line, first come, first served. The default executor of a
/// loop is one. Corresponds to <c>concurrent.futures.ThreadPoolExecutor</c>.
/// </summary>
/// <remarks>
/// <para>The threads are its own, not those of <see cref="ThreadPool"/>: functions that block would starve that one, which runs the BCL's
/// timers, sockets and name look-ups, and it adds threads only slowly. They start when there is work that no idle one could take, are
/// background threads, and go after 30 s without work.</para>
/// <para>All members may be called on any thread.</para>
/// </remarks>
public sealed class ThreadPoolExecutor : ThreadExecutor
{
    private static readonly TimeSpan IdleLimit = TimeSpan.FromSeconds(30);

    /// <summary>Creates an executor. No thread starts before there is work.</summary>
    /// <param name="maximumConcurrency">How much runs at once; <see cref="DefaultMaximumConcurrency"/> where null.</param>
    /// <param name="name">The name in reports, and of the threads, which have a number behind it.</param>
    public ThreadPoolExecutor(int? maximumConcurrency = null, string name = "executor")
        : base(name, maximumConcurrency ?? DefaultMaximumConcurrency, IdleLimit)
    {
    }

    /// <summary>As in Python: four more than there are processors, at most 32.</summary>
    public static int DefaultMaximumConcurrency => Math.Min(32, Environment.ProcessorCount + 4);

    /// <summary>How much runs at once.</summary>
    public int MaximumConcurrency => Threads.Limit;

    /// <summary>Threads that there are now, idle ones among them.</summary>
    public int ThreadCount => Threads.ThreadCount;
}
