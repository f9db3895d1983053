using System.Globalization;

namespace Baton.Bench.Net;

/// <summary>Prints the results of a run: tables for people, records for programs.</summary>
internal sealed class NetReport(NetBenchmark benchmark, NetOptions options, NetResults results)
{
    public void WriteTables(TextWriter output)
    {
        output.WriteLine(
            $"{benchmark.Subject}, {options.Rounds} interleaved rounds of " +
            $"{options.Window.TotalSeconds:0.#} s, medians over the rounds. " +
            $"Times in us; CPU, user, kernel and system calls are the server's, for one {benchmark.Unit}.");
        WriteServers(output);
        WriteRatios(output);
        WriteSystemCalls(output);
    }

    /// <summary>
    /// Our main server's figures are called <c>BENCHMARK-CONNECTIONS-METRIC</c>, one record for each server it is compared with. Everything
    /// else carries its server's name: <c>BENCHMARK-CONNECTIONS-SERVER-METRIC</c>.
    /// </summary>
    public IReadOnlyList<BenchResult> ToRecords()
    {
        var records = new List<BenchResult>();
        foreach (var connections in results.Connections)
        {
            foreach (var server in results.Servers)
            {
                foreach (var metric in NetMetric.All)
                {
                    AddRecords(records, server, connections, metric.Name, Name(metric.Unit),
                        results.Median(server.Name, connections, metric),
                        against => results.MedianRatio(server.Name, against, connections, metric));
                }

                if (results.SystemCalls(server.Name, connections) is { } calls)
                {
                    AddRecords(records, server, connections, "syscalls", Name("calls/{0}"), calls.PerRequest,
                        against => results.SystemCallRatio(server.Name, against, connections));
                }
            }
        }
        return records;
    }

    private void AddRecords(
        List<BenchResult> records,
        NetPeer server,
        int connections,
        string metric,
        string unit,
        double value,
        Func<string, double?> ratioTo)
    {
        var subject = $"{benchmark.Name}-{connections}";
        var name = server == benchmark.Peers[0] ? $"{subject}-{metric}" : $"{subject}-{server.Name}-{metric}";
        var others = server.IsOurs ? results.Servers.Where(other => !other.IsOurs).ToList() : [];
        if (others.Count == 0) records.Add(new BenchResult(name, unit, value));
        records.AddRange(others.Select(other => new BenchResult(name, unit, value, Against: other.Name, Ratio: ratioTo(other.Name))));
    }

    private void WriteServers(TextWriter output)
    {
        var table = new TextTable("connections", "server");
        table.AddColumns(NetMetric.All.Select(metric => Name(metric.Heading)));
        table.AddColumns(["system calls", "server busy", "load busy"]);
        foreach (var connections in results.Connections)
        {
            foreach (var server in results.Servers)
            {
                table.AddRow([
                    $"{connections}",
                    server.Name,
                    .. NetMetric.All.Select(metric => Format(results.Median(server.Name, connections, metric), metric)),
                    results.SystemCalls(server.Name, connections) is { } calls ? Format(calls.PerRequest, "0.00") : "n/a",
                    Format(results.MedianOfSamples(server.Name, connections, sample => sample.ServerBusy), "0 %"),
                    Format(results.MedianOfSamples(server.Name, connections, sample => sample.LoadBusy), "0 %"),
                ]);
            }
            table.AddGap();
        }
        table.Write(output);
    }

    private void WriteRatios(TextWriter output)
    {
        var ours = results.Servers.Where(server => server.IsOurs).ToList();
        var others = results.Servers.Where(server => !server.IsOurs).ToList();
        if (ours.Count == 0 || others.Count == 0) return;

        output.WriteLine(
            $"Ours over theirs: the ratio in each round, and of these the median. Below 1 is better, except for {benchmark.Unit}s/s.");
        var table = new TextTable("connections", "ratio");
        table.AddColumns(NetMetric.All.Select(metric => Name(metric.Heading)));
        table.AddColumns(["system calls"]);
        foreach (var connections in results.Connections)
        {
            foreach (var server in ours)
            {
                foreach (var other in others)
                {
                    table.AddRow([
                        $"{connections}",
                        $"{server.Name}/{other.Name}",
                        .. NetMetric.All.Select(
                            metric => Format(results.MedianRatio(server.Name, other.Name, connections, metric), "0.00")),
                        Format(results.SystemCallRatio(server.Name, other.Name, connections), "0.00"),
                    ]);
                }
            }
            table.AddGap();
        }
        table.Write(output);
    }

    private void WriteSystemCalls(TextWriter output)
    {
        output.WriteLine($"System calls for one {benchmark.Unit}: {results.SystemCallsNote}");
        foreach (var connections in results.Connections)
        {
            foreach (var server in results.Servers)
            {
                if (results.SystemCalls(server.Name, connections) is { } calls)
                    output.WriteLine($"  {connections} x {server.Name}: {calls.Breakdown}");
            }
        }
    }

    private string Name(string format) => string.Format(CultureInfo.InvariantCulture, format, benchmark.Unit);

    private static string Format(double value, NetMetric metric) => Format(value, metric == NetMetric.Throughput ? "0" : "0.00");

    private static string Format(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "n/a";
}
