using System.CommandLine;
using System.Diagnostics;

namespace Baton.Bench.Net;

/// <summary>
/// The hidden commands under which this program serves as its own peers and load generator, and how the harness calls them.
/// </summary>
internal static class ChildCommands
{
    private const string ServeCommand = "serve";
    private const string LoadCommand = "load";

    public static ProcessStartInfo Server(string benchmark, string peer) => ChildProcess.Self(ServeCommand, benchmark, peer);

    public static ProcessStartInfo Load(NetBenchmark benchmark, int port, int serverProcess, LoadPlan plan)
    {
        var start = ChildProcess.Self(
            LoadCommand, benchmark.Name,
            "--port", $"{port}", "--server-process", $"{serverProcess}", "--connections", $"{plan.Connections}",
            "--warmup", $"{plan.Warmup.TotalSeconds:R}", "--seconds", $"{plan.Window.TotalSeconds:R}", "--mode", $"{plan.Mode}");

        // All of it is compiled fully at first use: a generator that becomes faster during the window would measure itself.
        start.Environment["DOTNET_TieredCompilation"] = "0";
        return start;
    }

    public static Command CreateServer(IReadOnlyList<NetBenchmark> benchmarks)
    {
        var benchmark = new Argument<string>("benchmark");
        var peer = new Argument<string>("server");
        var command = new Command(ServeCommand, "Is one of the servers of a benchmark.") { benchmark, peer };
        command.Hidden = true;
        command.SetAction(parsed =>
            Find(benchmarks, parsed.GetValue(benchmark)).Peers.First(one => one.Name == parsed.GetValue(peer)).Serve!());
        return command;
    }

    public static Command CreateLoad(IReadOnlyList<NetBenchmark> benchmarks)
    {
        var benchmark = new Argument<string>("benchmark");
        var port = new Option<int>("--port") { Required = true };
        var serverProcess = new Option<int>("--server-process") { Required = true };
        var connections = new Option<int>("--connections") { Required = true };
        var warmup = new Option<double>("--warmup") { Required = true };
        var seconds = new Option<double>("--seconds") { Required = true };
        var mode = new Option<LoadMode>("--mode");
        var command = new Command(LoadCommand, "Loads a server of a benchmark and reports.")
        {
            benchmark, port, serverProcess, connections, warmup, seconds, mode,
        };
        command.Hidden = true;
        command.SetAction(parsed =>
        {
            var plan = new LoadPlan(
                parsed.GetValue(connections),
                TimeSpan.FromSeconds(parsed.GetValue(warmup)),
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                parsed.GetValue(mode));
            using var load = Find(benchmarks, parsed.GetValue(benchmark)).CreateLoad(parsed.GetValue(port), plan.Connections);
            LoadSession.Run(load, parsed.GetValue(serverProcess), plan);
        });
        return command;
    }

    private static NetBenchmark Find(IReadOnlyList<NetBenchmark> benchmarks, string? name) =>
        benchmarks.First(benchmark => benchmark.Name == name);
}
