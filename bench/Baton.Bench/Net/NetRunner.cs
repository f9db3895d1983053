namespace Baton.Bench.Net;

/// <summary>
/// Starts the servers and lets them take turns: A, B, C, then A, B, C again, so that a slow minute of the machine hits all of them.
/// </summary>
internal sealed class NetRunner(NetBenchmark benchmark, NetOptions options, string temporaryFolder, TextWriter progress)
{
    // A .NET process that sees one CPU waits a second after the last new method before it compiles the hot ones, twice over.
    private static readonly LoadPlan FirstPlan = new(
        Connections: 64, Warmup: TimeSpan.FromSeconds(6), Window: TimeSpan.FromMilliseconds(100));

    // Nothing is timed while system calls are counted, so a short window is as good as a long one.
    private static readonly TimeSpan LongestCountedWindow = TimeSpan.FromSeconds(2);

    /// <summary>A server that this machine or this build cannot run is left out with a line that says why.</summary>
    public async Task<NetResults> RunAsync(IEnumerable<NetPeer> peers, CancellationToken cancellation)
    {
        var results = new NetResults();
        var servers = new List<ServerProcess>();
        try
        {
            foreach (var peer in peers)
            {
                if (peer.Prepare(benchmark, temporaryFolder, out var reason) is not { } startInfo)
                {
                    progress.WriteLine($"{peer.Name} is left out: {reason}");
                    continue;
                }

                progress.WriteLine($"starting and warming up {peer.Name}");
                results.Servers.Add(peer);
                var server = await ServerProcess.StartAsync(benchmark, peer, startInfo, options.ServerCpu, cancellation);
                servers.Add(server);
                await LoadProcess.MeasureAsync(server, FirstPlan, options.LoadCpu, cancellation);
            }

            foreach (var connections in options.Connections) await MeasureAsync(servers, connections, results, cancellation);
            await CountSystemCallsAsync(servers, results, cancellation);
            return results;
        }
        finally
        {
            foreach (var server in servers) await server.DisposeAsync();
        }
    }

    private async Task MeasureAsync(
        IReadOnlyList<ServerProcess> servers, int connections, NetResults results, CancellationToken cancellation)
    {
        var plan = new LoadPlan(connections, options.Warmup, options.Window);
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var server in servers)
            {
                var report = await LoadProcess.MeasureAsync(server, plan, options.LoadCpu, cancellation);
                results.Add(new NetSample(server.Peer.Name, connections, round, report));
                progress.WriteLine(
                    $"{connections} connections, round {round}/{options.Rounds}, {server.Peer.Name}: " +
                    $"{NetMetric.CpuTotal.Of(report):0.00} us/{benchmark.Unit} ({NetMetric.CpuUser.Of(report):0.00} user), " +
                    $"{NetMetric.Throughput.Of(report):0} {benchmark.Unit}s/s");
            }
        }
    }

    private async Task CountSystemCallsAsync(
        IReadOnlyList<ServerProcess> servers, NetResults results, CancellationToken cancellation)
    {
        if (SystemCallMethod.Choose(temporaryFolder) is not { } method)
        {
            results.SystemCallsNote = "n/a (strace not installed, and the kernel does not let us count)";
            return;
        }

        results.SystemCallsNote = method.Description;
        var window = options.Window < LongestCountedWindow ? options.Window : LongestCountedWindow;
        foreach (var connections in options.Connections)
        {
            var plan = new LoadPlan(connections, options.Warmup, window);
            foreach (var server in servers)
            {
                progress.WriteLine($"{connections} connections, counting the system calls of {server.Peer.Name}");
                try
                {
                    results.Add(server.Peer.Name, connections, await method.CountAsync(server, plan, options.LoadCpu, cancellation));
                }
                catch (SystemCallTraceException refusal)
                {
                    // A container may forbid tracing: the other figures stand without it.
                    results.SystemCallsNote = $"n/a ({refusal.Message})";
                    return;
                }
            }
        }
    }
}
