namespace Baton.Bench.Net;

/// <summary>What the user asked of a run.</summary>
/// <param name="Connections">The numbers of connections, each measured in all rounds.</param>
/// <param name="Window">The measured time of each server in each round.</param>
/// <param name="Warmup">The time before each window under the same load.</param>
/// <param name="Rounds">How often the servers take turns.</param>
/// <param name="ServerCpu">Where the servers run, or null for anywhere.</param>
/// <param name="LoadCpu">Where the load generator runs, or null for anywhere.</param>
internal sealed record NetOptions(
    IReadOnlyList<int> Connections,
    TimeSpan Window,
    TimeSpan Warmup,
    int Rounds,
    int? ServerCpu,
    int? LoadCpu);
