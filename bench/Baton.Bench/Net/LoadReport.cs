using System.Text.Json;
using System.Text.Json.Serialization;

namespace Baton.Bench.Net;

/// <summary>What the load generator tells the harness about its window, as one line of JSON.</summary>
/// <param name="Requests">Requests that ended within the window.</param>
/// <param name="Seconds">Its length.</param>
/// <param name="ServerUserNanoseconds">User time of the server process over the same window.</param>
/// <param name="ServerKernelNanoseconds">Its kernel time.</param>
/// <param name="LoadNanoseconds">CPU time of the load generator itself.</param>
/// <param name="P50Nanoseconds">Median latency of a request.</param>
/// <param name="P99Nanoseconds">99th percentile of it.</param>
/// <param name="ServerSystemCalls">The server's system calls over the window by name, if they were to be counted.</param>
internal sealed record LoadReport(
    long Requests,
    double Seconds,
    double ServerUserNanoseconds,
    double ServerKernelNanoseconds,
    double LoadNanoseconds,
    double P50Nanoseconds,
    double P99Nanoseconds,
    IReadOnlyDictionary<string, long>? ServerSystemCalls = null)
{
    public string ToJson() => JsonSerializer.Serialize(this, LoadJson.Default.LoadReport);

    public static LoadReport FromJson(string line) =>
        JsonSerializer.Deserialize(line, LoadJson.Default.LoadReport) ?? throw new FormatException($"Not a load report: {line}");
}

[JsonSerializable(typeof(LoadReport))]
internal sealed partial class LoadJson : JsonSerializerContext;
