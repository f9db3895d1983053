namespace Fetch;

/// <summary>Prints what was done.</summary>
internal sealed class Report(PageResults results, long elapsedNanoseconds, long largestDelayNanoseconds, ThreadLog threads)
{
    private const int MaximumFailures = 20;

    /// <summary>One line a page, in the order of the addresses.</summary>
    public void PrintPages()
    {
        Console.WriteLine($"{"result",-15} {"bytes",12} {"time",12}  address");
        foreach (var page in results.Ended)
        {
            Print(page);
        }

        Console.WriteLine();
    }

    /// <summary>One line a page that failed, up to a number that one can still read.</summary>
    public void PrintFailures()
    {
        foreach (var page in results.Ended.Where(page => page.Failure is not null).Take(MaximumFailures))
        {
            Print(page);
        }

        if (results.Failed > MaximumFailures)
        {
            Console.WriteLine($"… and {results.Failed - MaximumFailures:N0} more that failed.");
        }
    }

    public void PrintSummary()
    {
        var latencies = results.SortedLatencies();
        var ids = threads.ThreadIds;
        PrintFigure("pages", $"{results.Fetched:N0} fetched, {results.Failed:N0} failed, {results.Total - results.Done:N0} not done");
        PrintFigure("bytes", $"{results.Bytes:N0}");
        PrintFigure(
            "errors",
            results.Failed == 0 ? "none" : string.Join(", ", results.FailuresByKind.Select(kind => $"{kind.Value:N0} {kind.Key}")));
        PrintFigure("time", $"{elapsedNanoseconds / 1e9:N2} s, {results.Done / (elapsedNanoseconds / 1e9):N0} pages a second");
        PrintFigure("latency", latencies.Length == 0 ? "-" : $"p50 {Percentile(latencies, 0.50)}, p99 {Percentile(latencies, 0.99)}");
        PrintFigure("loop delay", $"{Durations.Milliseconds(largestDelayNanoseconds)} at most");
        PrintFigure(
            "user code ran on",
            ids.Count == 1 ? $"thread {ids.First()} (the only one)" : $"threads {string.Join(", ", ids)}: it must be one");
        Console.WriteLine(
            $"{(results.Done < results.Total ? "Stopped early: " : "")}{results.Fetched:N0} of {results.Total:N0} pages fetched.");
    }

    private static void PrintFigure(string name, string value) => Console.WriteLine($"{name,-18}{value}");

    private static void Print(PageResult page)
    {
        var result = page.Failure?.Kind ?? $"HTTP {page.Status}";
        var reason = page.Failure is { } failure ? $": {failure.Message}" : "";
        Console.WriteLine($"{result,-15} {page.Bytes,12:N0} {Durations.Milliseconds(page.Nanoseconds),12}  {page.Address.Text}{reason}");
    }

    /// <summary>The value that a share of all values does not exceed.</summary>
    private static string Percentile(long[] sorted, double share) =>
        Durations.Milliseconds(sorted[Math.Max(0, (int)Math.Ceiling(sorted.Length * share) - 1)]);
}
