using System.Diagnostics;

namespace Baton.Bench.Net;

/// <summary>What the load generator's process does from its start to its end: warm up, measure one window, report on stdout.</summary>
internal static class LoadSession
{
    public const string ReadyLine = "ready";

    public static void Run(ILoad generator, int serverProcess, LoadPlan plan)
    {
        generator.Start();
        generator.RunFor(plan.Warmup);
        if (plan.Mode == LoadMode.Bracketed)
            RunBracketed(generator, serverProcess, plan.Window);
        else
            RunFlowing(generator, serverProcess, plan.Window, count: plan.Mode == LoadMode.Counted);
    }

    private static void RunFlowing(ILoad generator, int serverProcess, TimeSpan window, bool count)
    {
        using var counter = count ? OpenCounter(serverProcess) : null;
        var before = counter?.Read();
        var report = Measure(generator, serverProcess, () => generator.RunFor(window));
        if (counter is not null)
        {
            report = report with
            {
                ServerSystemCalls = counter.Read().ToDictionary(call => call.Key, call => call.Value - before![call.Key]),
            };
        }
        Console.WriteLine(report.ToJson());
    }

    private static void RunBracketed(ILoad generator, int serverProcess, TimeSpan window)
    {
        generator.Drain();
        Console.WriteLine(ReadyLine);
        if (Console.ReadLine() is null) return;

        var report = Measure(generator, serverProcess, () =>
        {
            generator.Start();
            generator.RunFor(window);
            generator.Drain();
        });
        Console.WriteLine(report.ToJson());

        // The connections stay open until the tracer has let go: closing them is the server's work too, but not a request's.
        Console.ReadLine();
    }

    private static LoadReport Measure(ILoad generator, int serverProcess, Action run)
    {
        generator.Latencies.Clear();
        var ownStart = CpuTime.Of(Environment.ProcessId);
        var serverStart = CpuTime.Of(serverProcess);
        var start = Stopwatch.GetTimestamp();

        run();

        var elapsed = Stopwatch.GetElapsedTime(start);
        var server = CpuTime.Of(serverProcess) - serverStart;
        var own = CpuTime.Of(Environment.ProcessId) - ownStart;
        var latencies = generator.Latencies;
        return new LoadReport(
            latencies.Count, elapsed.TotalSeconds, server.User, server.Kernel, own.Total,
            latencies.Quantile(0.50), latencies.Quantile(0.99));
    }

    private static SystemCallCounter OpenCounter(int serverProcess) =>
        SystemCallCounter.TryOpen(serverProcess) ?? throw new InvalidOperationException("The kernel does not let us count system calls.");
}
