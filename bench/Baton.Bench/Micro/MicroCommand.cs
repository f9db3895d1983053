using System.CommandLine;

namespace Baton.Bench.Micro;

/// <summary><c>micro</c>: the cost of single operations of the scheduler, beside the BCL's.</summary>
internal static class MicroCommand
{
    public static Command Create()
    {
        var only = new Option<string[]>("--only") { Description = "Run only these benchmarks.", AllowMultipleArgumentsPerToken = true };
        only.AcceptOnlyFromAmong([.. MicroBenchmarks.All.Select(benchmark => benchmark.Name)]);
        var rounds = new Option<int>("--rounds")
        {
            Description = "Rounds, each with ours and the BCL's in turn.",
            DefaultValueFactory = _ => 5,
        };
        rounds.Validators.Add(result =>
        {
            if (result.GetValue(rounds) is < 1 or > 1000)
            {
                result.AddError("--rounds must be between 1 and 1000.");
            }
        });
        var json = new Option<bool>("--json") { Description = "Print one JSON array and nothing else to the standard output." };
        var noAsyncio = new Option<bool>("--no-asyncio")
        {
            Description = "Leave out Python's asyncio, which is measured where there is a python3.",
        };
        var command =
            new Command("micro", "Nanoseconds and bytes of single operations: a switch, an await, a task, a timer, a lock, a queue.")
            {
                only,
                rounds,
                json,
                noAsyncio,
            };
        command.SetAction(
            parsed => Run(parsed.GetValue(only) ?? [], parsed.GetValue(rounds), parsed.GetValue(json), !parsed.GetValue(noAsyncio)));
        return command;
    }

    private static int Run(string[] only, int rounds, bool json, bool withAsyncio)
    {
        var runner = new MicroRunner(rounds, Console.Error);
        var outcomes = MicroBenchmarks.All
            .Where(benchmark => only.Length == 0 || only.Contains(benchmark.Name))
            .Select(runner.Run)
            .ToList();
        AsyncioResults? asyncio = null;
        if (withAsyncio && !AsyncioPeer.TryRun(outcomes.Select(outcome => outcome.Benchmark.Name), out asyncio, out var reason))
        {
            Console.Error.WriteLine($"asyncio is left out: {reason}.");
        }

        if (json)
        {
            BenchResult.WriteArray(Console.Out, [.. outcomes.SelectMany(outcome => ToResults(outcome, asyncio))]);
        }
        else
        {
            Print(outcomes, asyncio);
        }

        return 0;
    }

    private static IEnumerable<BenchResult> ToResults(MicroOutcome outcome, AsyncioResults? asyncio)
    {
        var name = outcome.Benchmark.Name;
        yield return new BenchResult(name, "ns", outcome.Ours.Nanoseconds, outcome.Ours.Bytes, $"{name}-bcl", outcome.Ratio);
        yield return new BenchResult($"{name}-bcl", "ns", outcome.Theirs.Nanoseconds, outcome.Theirs.Bytes);
        if (asyncio?.Nanoseconds.TryGetValue(name, out var nanoseconds) == true)
        {
            yield return new BenchResult($"{name}-asyncio", "ns", nanoseconds);
        }
    }

    private static void Print(List<MicroOutcome> outcomes, AsyncioResults? asyncio)
    {
        Console.WriteLine($"{"",-18}{"Baton",20}{"BCL",22}{"ratio",9}{(asyncio is null ? "" : $"asyncio {asyncio.Python}"),20}");
        foreach (var outcome in outcomes)
        {
            var theirs = asyncio?.Nanoseconds.TryGetValue(outcome.Benchmark.Name, out var nanoseconds) == true
                ? $"{nanoseconds,17:F1} ns"
                : "";
            Console.WriteLine(
                $"{outcome.Benchmark.Name,-18}{outcome.Ours.Nanoseconds,10:F1} ns{outcome.Ours.Bytes,5:F0} B" +
                $"{outcome.Theirs.Nanoseconds,12:F1} ns{outcome.Theirs.Bytes,5:F0} B{outcome.Ratio,9:F2}{theirs}");
        }
    }
}
