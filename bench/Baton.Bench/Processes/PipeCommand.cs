using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Baton.Bench.Net;

namespace Baton.Bench.Processes;

/// <summary><c>pipe</c>: how fast the output of a child is read, beside a program in C that does nothing else.</summary>
internal static class PipeCommand
{
    private const string Source = "pipe-read.c";
    private const string Worker = "pipe-worker";
    private const string Floor = "c";

    public static Command Create()
    {
        var rounds = TurnCommand.CreateRounds();
        var json = TurnCommand.CreateJson();
        var megabytes = new Option<int>("--megabytes") { Description = "What the child writes, in MiB.", DefaultValueFactory = _ => 1024 };
        var command = new Command("pipe", "Measures throughput and the reader's CPU time for what a child writes to its standard output.")
        {
            rounds,
            json,
            megabytes,
        };
        command.SetAction((parsed, _) => RunAsync(parsed.GetValue(rounds), parsed.GetValue(megabytes), parsed.GetValue(json)));
        return command;
    }

    /// <summary>What takes Baton's turns.</summary>
    public static Command CreateWorker()
    {
        var writer = new Argument<string>("writer");
        var asStream = new Option<bool>("--stream");
        var pipeSize = new Option<int?>("--pipe-size");
        var command = new Command(Worker) { writer, asStream, pipeSize };
        command.Hidden = true;
        command.SetAction(parsed => PipeWorker.Run(parsed.GetRequiredValue(writer), parsed.GetValue(asStream), parsed.GetValue(pipeSize)));
        return command;
    }

    private static async Task<int> RunAsync(int rounds, int megabytes, bool json)
    {
        var folder = Directory.CreateTempSubdirectory("baton-bench-");
        var peers = new List<TurnPeer>();
        try
        {
            if (!CBuild.TryBuild(Source, folder.FullName, out var program, out var reason))
            {
                await Console.Error.WriteLineAsync($"There is nothing to compare with: {reason}.");
                return 2;
            }

            peers.Add(await TurnPeer.StartAsync(Floor, new ProcessStartInfo(program)));
            peers.Add(await TurnPeer.StartAsync("baton", Net.ChildProcess.Self(Worker, program)));
            peers.Add(await TurnPeer.StartAsync("baton-stream", Net.ChildProcess.Self(Worker, program, "--stream")));
            peers.Add(await TurnPeer.StartAsync("baton-1m", Net.ChildProcess.Self(Worker, program, "--pipe-size", "1048576")));
            await Console.Error.WriteAsync($"{megabytes} MiB ");
            var work = (megabytes * 1024L * 1024).ToString(CultureInfo.InvariantCulture);
            Report(await TurnCommand.MeasureAsync(peers, work, megabytes, rounds), json);
        }
        finally
        {
            foreach (var peer in peers)
            {
                await peer.DisposeAsync();
            }

            folder.Delete(recursive: true);
        }

        return 0;
    }

    private static void Report(TurnSamples samples, bool json)
    {
        if (json)
        {
            BenchResult.WriteArray(
                Console.Out,
                [.. samples.Peers.SelectMany(peer => (BenchResult[])
                [
                    new(
                        $"pipe-{peer}-throughput",
                        "MiB/s",
                        1e6 / samples.Time(peer),
                        Against: $"pipe-{Floor}-throughput",
                        Ratio: samples.TimeRatio(Floor, peer)),
                    new(
                        $"pipe-{peer}-cpu",
                        "µs/MiB",
                        samples.Cpu(peer),
                        Against: $"pipe-{Floor}-cpu",
                        Ratio: samples.CpuRatio(peer, Floor)),
                ])]);
            return;
        }

        var table = new TextTable("reader");
        table.AddColumns(["throughput", "CPU", "throughput over C", "CPU over C"]);
        foreach (var peer in samples.Peers)
        {
            table.AddRow(
            [
                peer,
                $"{TurnCommand.Format(1e6 / samples.Time(peer), "F0")} MiB/s",
                $"{TurnCommand.Format(samples.Cpu(peer))} µs/MiB",
                TurnCommand.Format(samples.TimeRatio(Floor, peer), "F2"),
                TurnCommand.Format(samples.CpuRatio(peer, Floor), "F2"),
            ]);
        }

        table.Write(Console.Out);
    }
}
