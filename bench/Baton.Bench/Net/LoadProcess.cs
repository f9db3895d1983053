namespace Baton.Bench.Net;

/// <summary>Runs the load generator as a child of its own, one process a window.</summary>
internal sealed class LoadProcess : IAsyncDisposable
{
    // For its start, a thousand connects, and a stalled server that it reports itself after ten seconds.
    private static readonly TimeSpan Allowance = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _child;
    private readonly LoadPlan _plan;

    private LoadProcess(ChildProcess child, LoadPlan plan)
    {
        _child = child;
        _plan = plan;
    }

    /// <summary>Warms the server up and observes one window in full flight.</summary>
    public static async Task<LoadReport> MeasureAsync(ServerProcess server, LoadPlan plan, int? cpu, CancellationToken cancellation)
    {
        await using var load = Start(server, plan, cpu);
        return await load.ReadReportAsync(cancellation);
    }

    public static LoadProcess Start(ServerProcess server, LoadPlan plan, int? cpu)
    {
        var child = ChildProcess.Start(ChildCommands.Load(server.Benchmark, server.Port, server.ProcessId, plan), cpu);
        // In flight it does not watch its input, so whoever gives up on it, at Ctrl-C say, need not wait.
        child.Grace = TimeSpan.Zero;
        return new LoadProcess(child, plan);
    }

    /// <summary>In <see cref="LoadMode.Bracketed"/>: returns when no request is under way any more.</summary>
    public async Task WaitReadyAsync(CancellationToken cancellation)
    {
        var line = await _child.ReadLineAsync(_plan.Warmup + Allowance, cancellation);
        if (line != LoadSession.ReadyLine) throw new InvalidOperationException($"The load generator said \"{line}\".");
    }

    /// <summary>In <see cref="LoadMode.Bracketed"/>: begins the window, or, after its report, closes the connections.</summary>
    public void Proceed() => _child.WriteLine("go");

    public async Task<LoadReport> ReadReportAsync(CancellationToken cancellation)
    {
        var line = await _child.ReadLineAsync(_plan.Warmup + _plan.Window + Allowance, cancellation);
        _child.Grace = TimeSpan.FromSeconds(1);
        return LoadReport.FromJson(line);
    }

    public ValueTask DisposeAsync() => _child.DisposeAsync();
}
