namespace Baton.Bench.Echo;

/// <summary>
/// Starts the servers and lets them take turns: A, B, C, then A, B, C again, so that a slow minute of the machine hits all of them.
/// </summary>
internal sealed class EchoRunner(EchoOptions options, string temporaryFolder, TextWriter progress)
{
    // A .NET process that sees one CPU waits a second after the last new method before it compiles the hot ones, twice over.
    private static readonly LoadPlan FirstPlan = new(
        Connections: 64, Warmup: TimeSpan.FromSeconds(6), Window: TimeSpan.FromMilliseconds(100));

    // Nothing is timed while system calls are counted, so a short window is as good as a long one.
    private static readonly TimeSpan LongestCountedWindow = TimeSpan.FromSeconds(2);

    public async Task<EchoResults> RunAsync(IReadOnlyList<EchoPeer> peers, CancellationToken cancellation)
    {
        var results = new EchoResults(peers);
        var servers = new List<EchoServerProcess>();
        try
        {
            foreach (var peer in peers)
            {
                progress.WriteLine($"starting and warming up {peer.Name}");
                var server = await EchoServerProcess.StartAsync(peer, options.ServerCpu, cancellation);
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
        IReadOnlyList<EchoServerProcess> servers, int connections, EchoResults results, CancellationToken cancellation)
    {
        var plan = new LoadPlan(connections, options.Warmup, options.Window);
        for (var round = 1; round <= options.Rounds; round++)
        {
            foreach (var server in servers)
            {
                var report = await LoadProcess.MeasureAsync(server, plan, options.LoadCpu, cancellation);
                results.Add(new EchoSample(server.Peer.Name, connections, round, report));
                progress.WriteLine(
                    $"{connections} connections, round {round}/{options.Rounds}, {server.Peer.Name}: " +
                    $"{EchoMetric.CpuTotal.Of(report):0.00} us/request ({EchoMetric.CpuUser.Of(report):0.00} user), " +
                    $"{EchoMetric.Throughput.Of(report):0} requests/s");
            }
        }
    }

    private async Task CountSystemCallsAsync(
        IReadOnlyList<EchoServerProcess> servers, EchoResults results, CancellationToken cancellation)
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
