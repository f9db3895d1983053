namespace Fetch;

/// <summary>
/// The outcome so far, in the order of the addresses. Written by every worker and read by the progress display while they work, without a
/// lock: they share one thread, and each has it to itself from one <c>await</c> to the next.
/// </summary>
internal sealed class PageResults(int total)
{
    private readonly PageResult?[] _results = new PageResult?[total];
    private readonly SortedDictionary<string, int> _failures = new(StringComparer.Ordinal);

    public int Total => _results.Length;

    /// <summary>Pages that have ended, well or not.</summary>
    public int Done => Fetched + Failed;

    public int Fetched { get; private set; }

    public int Failed { get; private set; }

    public long Bytes { get; private set; }

    /// <summary>The number of failures of each kind.</summary>
    public IReadOnlyDictionary<string, int> FailuresByKind => _failures;

    /// <summary>The pages that have ended.</summary>
    public IEnumerable<PageResult> Ended => _results.OfType<PageResult>();

    public void Add(int index, PageResult result)
    {
        _results[index] = result;
        Bytes += result.Bytes;
        if (result.Failure is { } failure)
        {
            Failed++;
            _failures[failure.Kind] = _failures.GetValueOrDefault(failure.Kind) + 1;
        }
        else
        {
            Fetched++;
        }
    }

    /// <summary>The times that the fetched pages took, in nanoseconds, shortest first.</summary>
    public long[] SortedLatencies()
    {
        long[] latencies = [.. Ended.Where(result => result.Failure is null).Select(result => result.Nanoseconds)];
        Array.Sort(latencies);
        return latencies;
    }
}
