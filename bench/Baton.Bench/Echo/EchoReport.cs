using System.Globalization;

namespace Baton.Bench.Echo;

/// <summary>Prints the results of a run: tables for people, records for programs.</summary>
internal sealed class EchoReport(EchoOptions options, EchoResults results)
{
    // Throughput last: on a machine that others use as well it is the figure that says least.
    private static readonly EchoMetric[] TableMetrics = EchoMetric.All;

    public void WriteTables(TextWriter output)
    {
        output.WriteLine(
            $"Echo of {LoadGenerator.MessageSize} bytes over 127.0.0.1, {options.Rounds} interleaved rounds of " +
            $"{options.Window.TotalSeconds:0.#} s, medians over the rounds. " +
            "Times in us; CPU, user, kernel and system calls are the server's, for one request.");
        WriteServers(output);
        WriteRatios(output);
        WriteSystemCalls(output);
    }

    /// <summary>
    /// Our main server's figures are called <c>echo-CONNECTIONS-METRIC</c>, one record for each server it is compared with. Everything
    /// else carries its server's name: <c>echo-CONNECTIONS-SERVER-METRIC</c>.
    /// </summary>
    public IReadOnlyList<BenchResult> ToRecords()
    {
        var records = new List<BenchResult>();
        foreach (var connections in results.Connections)
        {
            foreach (var server in results.Servers)
            {
                foreach (var metric in EchoMetric.All)
                {
                    AddRecords(records, server, connections, metric.Name, metric.Unit,
                        results.Median(server.Name, connections, metric),
                        against => results.MedianRatio(server.Name, against, connections, metric));
                }

                if (results.SystemCalls(server.Name, connections) is { } calls)
                {
                    AddRecords(records, server, connections, "syscalls", "calls/request", calls.PerRequest,
                        against => results.SystemCallRatio(server.Name, against, connections));
                }
            }
        }
        return records;
    }

    private void AddRecords(
        List<BenchResult> records,
        EchoPeer server,
        int connections,
        string metric,
        string unit,
        double value,
        Func<string, double?> ratioTo)
    {
        var name = server.Name == EchoPeer.Baton ? $"echo-{connections}-{metric}" : $"echo-{connections}-{server.Name}-{metric}";
        var others = server.IsOurs ? results.Servers.Where(other => !other.IsOurs).ToList() : [];
        if (others.Count == 0) records.Add(new BenchResult(name, unit, value));
        records.AddRange(others.Select(other => new BenchResult(name, unit, value, Against: other.Name, Ratio: ratioTo(other.Name))));
    }

    private void WriteServers(TextWriter output)
    {
        var table = new TextTable("connections", "server");
        table.AddColumns(TableMetrics.Select(metric => metric.Heading));
        table.AddColumns(["system calls", "server busy", "load busy"]);
        foreach (var connections in results.Connections)
        {
            foreach (var server in results.Servers)
            {
                table.AddRow([
                    $"{connections}",
                    server.Name,
                    .. TableMetrics.Select(metric => Format(results.Median(server.Name, connections, metric), metric)),
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

        output.WriteLine("Ours over theirs: the ratio in each round, and of these the median. Below 1 is better, except for requests/s.");
        var table = new TextTable("connections", "ratio");
        table.AddColumns(TableMetrics.Select(metric => metric.Heading));
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
                        .. TableMetrics.Select(metric => Format(results.MedianRatio(server.Name, other.Name, connections, metric), "0.00")),
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
        output.WriteLine($"System calls for one request: {results.SystemCallsNote}");
        foreach (var connections in results.Connections)
        {
            foreach (var server in results.Servers)
            {
                if (results.SystemCalls(server.Name, connections) is { } calls)
                    output.WriteLine($"  {connections} x {server.Name}: {calls.Breakdown}");
            }
        }
    }

    private static string Format(double value, EchoMetric metric) => Format(value, metric == EchoMetric.Throughput ? "0" : "0.00");

    private static string Format(double? value, string format) => value?.ToString(format, CultureInfo.InvariantCulture) ?? "n/a";
}
