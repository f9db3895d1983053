using System.CommandLine;
using System.CommandLine.Parsing;

namespace Baton.Bench.Net;

/// <summary>The command of a network benchmark: what one request costs the server, in Baton and in what else there is.</summary>
internal static class NetCommand
{
    public static Command Create(NetBenchmark benchmark)
    {
        var names = benchmark.Peers.Select(peer => peer.Name).ToList();
        var connections = new Option<int[]>("--connections")
        {
            Description = "Numbers of connections, separated by commas.",
            HelpName = "N,N,...",
            DefaultValueFactory = _ => benchmark.DefaultConnections,
            CustomParser = argument =>
                ParseList(argument, text => int.TryParse(text, out var number) && number is >= 1 and <= 10_000, int.Parse),
        };
        var servers = new Option<string[]>("--servers")
        {
            Description = $"Servers to measure, separated by commas: {string.Join(", ", names)}.",
            HelpName = "NAME,NAME,...",
            DefaultValueFactory = _ => benchmark.Peers.Where(peer => peer.IsDefault).Select(peer => peer.Name).ToArray(),
            CustomParser = argument => ParseList(argument, names.Contains, text => text),
        };
        var cpus = new Option<int[]>("--cpus")
        {
            Description = "The CPU of the servers and the CPU of the load generator. By default the first two that may be used.",
            HelpName = "N,N",
            CustomParser = argument => ParseList(argument, text => int.TryParse(text, out _), int.Parse),
        };
        var seconds = new Option<double>("--seconds")
        {
            Description = "Length of a window, at least 0.5; 2 or more for a meaningful split of CPU time into user and kernel.",
            DefaultValueFactory = _ => 3,
        };
        var warmup = new Option<double>("--warmup")
        {
            Description = "Seconds of load before each window.",
            DefaultValueFactory = _ => 1,
        };
        var rounds = new Option<int>("--rounds")
        {
            Description = "How often the servers take turns.",
            DefaultValueFactory = _ => 5,
        };
        var json = new Option<bool>("--json") { Description = "Print nothing but one JSON array of figures." };

        Require(seconds, value => value is >= 0.5 and <= 600, "takes 0.5 to 600 seconds");
        Require(warmup, value => value is >= 0 and <= 600, "takes 0 to 600 seconds");
        Require(rounds, value => value is >= 1 and <= 1000, "takes 1 to 1000 rounds");
        Require(cpus, value => value is null or [] || (value.Length == 2 && value.All(CpuPinning.AllowedCpus().Contains)),
            "takes two CPUs that this process may use");

        var command = new Command(benchmark.Name, benchmark.Description)
        {
            connections, seconds, warmup, rounds, servers, cpus, json,
        };
        command.SetAction((parsed, cancellation) =>
        {
            var (serverCpu, loadCpu) = ChooseCpus(benchmark, parsed.GetValue(cpus));
            var options = new NetOptions(
                parsed.GetValue(connections)!,
                TimeSpan.FromSeconds(parsed.GetValue(seconds)),
                TimeSpan.FromSeconds(parsed.GetValue(warmup)),
                parsed.GetValue(rounds),
                serverCpu,
                loadCpu);
            return RunAsync(benchmark, options, parsed.GetValue(servers)!, parsed.GetValue(json), cancellation);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        NetBenchmark benchmark, NetOptions options, string[] names, bool json, CancellationToken cancellation)
    {
        // Whoever reads --json gets the array alone; people watch the progress on stderr in either case.
        var progress = Console.Error;
        if (!OperatingSystem.IsLinux())
        {
            progress.WriteLine("The network benchmarks need Linux: they stand on epoll and on the kernel's CPU clocks.");
            return 1;
        }

        progress.WriteLine(options.ServerCpu is null && benchmark.SpreadsServers
            ? $"Servers and load generator run where the system puts them, on {CpuPinning.AllowedCpus().Count} CPUs. The load generator is one thread: where " +
                "it is busy all the time, or server and load together are on all CPUs, they are the limit, and not the loops."
            : options.ServerCpu is null
            ? "Only one CPU may be used: server and load generator share it, unpinned, and latencies mean little."
            : $"Servers on CPU {options.ServerCpu}, load generator on CPU {options.LoadCpu}.");

        var folder = Directory.CreateTempSubdirectory("baton-bench-").FullName;
        try
        {
            var peers = names.Distinct().Select(name => benchmark.Peers.First(peer => peer.Name == name));
            var results = await new NetRunner(benchmark, options, folder, progress).RunAsync(peers, cancellation);
            if (results.Servers.Count == 0)
            {
                progress.WriteLine("No server is left to measure.");
                return 1;
            }

            var report = new NetReport(benchmark, options, results);
            if (json) BenchResult.WriteArray(Console.Out, report.ToRecords());
            else report.WriteTables(Console.Out);
            return 0;
        }
        catch (Exception) when (cancellation.IsCancellationRequested)
        {
            // Ctrl-C reaches the children too, so any of them may have been the first to fail.
            progress.WriteLine("Interrupted.");
            return 130;
        }
        catch (Exception failure) when (failure is TimeoutException or InvalidOperationException)
        {
            progress.WriteLine($"Failed: {failure.Message}");
            return 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static (int? Server, int? Load) ChooseCpus(NetBenchmark benchmark, int[]? chosen)
    {
        if (chosen is [var server, var load]) return (server, load);
        if (benchmark.SpreadsServers) return (null, null);
        return CpuPinning.AllowedCpus() is [var first, var second, ..] ? (first, second) : (null, null);
    }

    private static T[] ParseList<T>(ArgumentResult argument, Func<string, bool> isValid, Func<string, T> convert)
    {
        var texts = argument.Tokens.SelectMany(token => token.Value.Split(',', StringSplitOptions.TrimEntries)).ToList();
        foreach (var wrong in texts.Where(text => !isValid(text)))
        {
            argument.AddError($"'{wrong}' is not a value for {argument.Argument.Name}.");
            return [];
        }
        return texts.Select(convert).ToArray();
    }

    private static void Require<T>(Option<T> option, Func<T?, bool> isValid, string complaint) =>
        option.Validators.Add(result =>
        {
            if (!isValid(result.GetValue(option))) result.AddError($"{option.Name} {complaint}.");
        });
}
