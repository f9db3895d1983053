namespace Baton.Bench.Net;

/// <summary>How often each system call was made, and over how many requests.</summary>
internal sealed record SystemCallCount(IReadOnlyDictionary<string, long> Calls, long Requests)
{
    public double PerRequest => (double)Calls.Values.Sum() / Requests;

    /// <summary>The calls that matter, most frequent first, each per request.</summary>
    public string Breakdown => string.Join(
        ", ",
        Calls.Where(call => call.Value * 200 >= Requests)
            .OrderByDescending(call => call.Value)
            .Select(call => $"{call.Key} {(double)call.Value / Requests:0.00}"));
}
