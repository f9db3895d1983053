using System.CommandLine;
using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Net;

namespace Baton.Bench.Processes;

/// <summary><c>spawn</c>: what it costs to start a child and wait for it, beside asyncio and the BCL's <see cref="Process"/>.</summary>
internal static class SpawnCommand
{
    private const string Script = "spawn-asyncio.py";
    private const string Worker = "spawn-worker";

    public static Command Create()
    {
        var rounds = TurnCommand.CreateRounds();
        var json = TurnCommand.CreateJson();
        var count = new Option<int>("--count") { Description = "Children of a turn.", DefaultValueFactory = _ => 320 };
        var program = new Option<string>("--program") { Description = "What to start.", DefaultValueFactory = _ => "/bin/true" };
        var python = new Option<string>("--python")
        {
            Description = "The Python that asyncio runs on.",
            DefaultValueFactory = _ => "python3",
        };
        var command = new Command("spawn", "Measures time and the parent's CPU time for a child that is started and waited for.")
        {
            rounds,
            json,
            count,
            program,
            python,
        };
        command.SetAction((parsed, _) => RunAsync(
            parsed.GetValue(rounds),
            parsed.GetValue(count),
            parsed.GetRequiredValue(program),
            parsed.GetRequiredValue(python),
            parsed.GetValue(json)));
        return command;
    }

    /// <summary>What takes Baton's and the BCL's turns.</summary>
    public static Command CreateWorker()
    {
        var who = new Argument<string>("who");
        var program = new Argument<string>("program");
        var command = new Command(Worker) { who, program };
        command.Hidden = true;
        command.SetAction(parsed => parsed.GetValue(who) == "bcl"
            ? SpawnWorker.RunBcl(parsed.GetRequiredValue(program))
            : SpawnWorker.RunBaton(parsed.GetRequiredValue(program)));
        return command;
    }

    private static async Task<int> RunAsync(int rounds, int count, string program, string python, bool json)
    {
        var folder = Directory.CreateTempSubdirectory("baton-bench-");
        var peers = new List<TurnPeer>();
        var results = new List<BenchResult>();
        try
        {
            peers.Add(await TurnPeer.StartAsync("baton", Net.ChildProcess.Self(Worker, "baton", program)));
            var script = Path.Combine(folder.FullName, Script);
            await using (var embedded = typeof(SpawnCommand).Assembly.GetManifestResourceStream(Script)!)
            await using (var file = File.Create(script))
            {
                await embedded.CopyToAsync(file);
            }

            try
            {
                peers.Add(await TurnPeer.StartAsync("asyncio", new ProcessStartInfo(python, [script, program])));
            }
            catch (Exception exception) when (exception is Win32Exception or InvalidOperationException)
            {
                await Console.Error.WriteLineAsync($"asyncio is left out: {exception.Message}");
            }

            peers.Add(await TurnPeer.StartAsync("bcl", Net.ChildProcess.Self(Worker, "bcl", program)));
            foreach (var concurrency in (int[])[1, 16])
            {
                await Console.Error.WriteAsync($"{program}, {concurrency} at once ");
                var work = string.Create(CultureInfo.InvariantCulture, $"{count / concurrency * concurrency} {concurrency}");
                var samples = await TurnCommand.MeasureAsync(peers, work, count / concurrency * concurrency, rounds);
                Report(samples, peers, concurrency, json, results);
            }
        }
        finally
        {
            foreach (var peer in peers)
            {
                await peer.DisposeAsync();
            }

            folder.Delete(recursive: true);
        }

        if (json)
        {
            BenchResult.WriteArray(Console.Out, results);
        }

        return 0;
    }

    private static void Report(TurnSamples samples, List<TurnPeer> peers, int concurrency, bool json, List<BenchResult> results)
    {
        var name = $"spawn-{concurrency}";
        foreach (var peer in samples.Peers)
        {
            var ours = peer == "baton" ? name : $"{name}-{peer}";
            results.Add(new BenchResult($"{ours}-time", "µs", samples.Time(peer)));
            results.Add(new BenchResult($"{ours}-cpu", "µs", samples.Cpu(peer)));
            if (peer != "baton")
            {
                results.Add(new BenchResult(
                    $"{name}-time", "µs", samples.Time("baton"), Against: $"{ours}-time", Ratio: samples.TimeRatio("baton", peer)));
                results.Add(new BenchResult(
                    $"{name}-cpu", "µs", samples.Cpu("baton"), Against: $"{ours}-cpu", Ratio: samples.CpuRatio("baton", peer)));
            }
        }

        if (json)
        {
            return;
        }

        var table = new TextTable($"{concurrency} at once", "what");
        table.AddColumns(["time", "CPU", "Baton's time over it", "Baton's CPU over it"]);
        foreach (var peer in peers)
        {
            table.AddRow(
            [
                peer.Name,
                peer.Description,
                $"{TurnCommand.Format(samples.Time(peer.Name))} µs",
                $"{TurnCommand.Format(samples.Cpu(peer.Name))} µs",
                TurnCommand.Format(samples.TimeRatio("baton", peer.Name), "F2"),
                TurnCommand.Format(samples.CpuRatio("baton", peer.Name), "F2"),
            ]);
        }

        table.Write(Console.Out);
    }
}
