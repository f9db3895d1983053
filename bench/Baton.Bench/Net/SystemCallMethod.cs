namespace Baton.Bench.Net;

/// <summary>How this machine lets us count a server's system calls. All servers of a run are counted in the same way.</summary>
internal abstract class SystemCallMethod
{
    /// <summary>What a reader should know about the figures.</summary>
    public abstract string Description { get; }

    /// <summary>The best that works here, or null.</summary>
    public static SystemCallMethod? Choose(string temporaryFolder)
    {
        using var probe = SystemCallCounter.TryOpen(Environment.ProcessId);
        if (probe is not null) return new ByKernel();
        return SystemCallTrace.IsInstalled() ? new ByStrace(temporaryFolder) : null;
    }

    public abstract Task<SystemCallCount> CountAsync(
        ServerProcess server, LoadPlan plan, int? cpu, CancellationToken cancellation);

    private sealed class ByKernel : SystemCallMethod
    {
        public override string Description => "counted by the kernel in windows of their own";

        public override async Task<SystemCallCount> CountAsync(
            ServerProcess server, LoadPlan plan, int? cpu, CancellationToken cancellation)
        {
            var report = await LoadProcess.MeasureAsync(server, plan with { Mode = LoadMode.Counted }, cpu, cancellation);
            return new SystemCallCount(report.ServerSystemCalls!, report.Requests);
        }
    }

    private sealed class ByStrace(string temporaryFolder) : SystemCallMethod
    {
        public override string Description =>
            "counted by strace, which slows the server so far that it waits less often than it does untraced: a lower bound";

        public override async Task<SystemCallCount> CountAsync(
            ServerProcess server, LoadPlan plan, int? cpu, CancellationToken cancellation)
        {
            await using var load = LoadProcess.Start(server, plan with { Mode = LoadMode.Bracketed }, cpu);
            await load.WaitReadyAsync(cancellation);

            await using var trace = await SystemCallTrace.AttachAsync(server.ProcessId, temporaryFolder, cancellation);
            load.Proceed();
            var report = await load.ReadReportAsync(cancellation);
            var calls = await trace.DetachAsync(cancellation);
            load.Proceed();
            return new SystemCallCount(calls, report.Requests);
        }
    }
}
