namespace Baton;

/// <summary>
/// An executor with a thread of its own, on which everything runs strictly in order: for libraries whose handles belong to one thread, such
/// as those of a database file, and for work that must not overlap. Corresponds to <c>ThreadPoolExecutor(max_workers=1)</c> of Python.
/// </summary>
/// <remarks>
/// <para>The thread starts with the first work and stays until the executor is shut down, so that whatever is tied to it holds. It is a
/// background thread.</para>
/// <para>All members may be called on any thread.</para>
/// </remarks>
public sealed class DedicatedThreadExecutor : ThreadExecutor
{
    /// <summary>Creates an executor. Its thread starts with the first work.</summary>
    /// <param name="name">The name in reports, and of the thread; of several, with a number behind it.</param>
    /// <param name="threadCount">How many threads there are at most. With more than one, work starts in order but overlaps.</param>
    public DedicatedThreadExecutor(string name = "dedicated", int threadCount = 1)
        : base(name, threadCount, Timeout.InfiniteTimeSpan)
    {
    }
}
