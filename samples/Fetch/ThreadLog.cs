using System.Collections.Concurrent;

namespace Fetch;

/// <summary>Notes the threads on which this program's code runs, to show that it is always the same one.</summary>
internal sealed class ThreadLog
{
    // The one collection here that many threads may use: a witness must not rely on the promise that it checks.
    private readonly ConcurrentDictionary<int, bool> _threads = new();

    public IReadOnlyCollection<int> ThreadIds => [.. _threads.Keys.Order()];

    /// <summary>Called after every await, and in every callback.</summary>
    public void Record() => _threads.TryAdd(Environment.CurrentManagedThreadId, true);
}
