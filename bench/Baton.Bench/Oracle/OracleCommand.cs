using System.CommandLine;
using Baton.Oracle;

namespace Baton.Bench.Oracle;

/// <summary><c>oracle</c>: random programs on Baton and on CPython's asyncio, compared event by event.</summary>
internal static class OracleCommand
{
    public static Command Create()
    {
        var count = new Option<int>("--count") { Description = "How many scenarios.", DefaultValueFactory = _ => 100_000 };
        count.Validators.Add(result => CheckPositive(result, count));
        var first = new Option<int>("--seed") { Description = "The seed of the first scenario; the others follow it." };
        var jobs = new Option<int>("--jobs")
        {
            Description = "How many at once.",
            DefaultValueFactory = _ => Math.Min(Environment.ProcessorCount, 8),
        };
        jobs.Validators.Add(result => CheckPositive(result, jobs));
        var limit = new Option<int>("--stop-after")
        {
            Description = "How many differing scenarios to shrink and print before giving up.",
            DefaultValueFactory = _ => 5,
        };
        limit.Validators.Add(result => CheckPositive(result, limit));
        var file = new Option<FileInfo>("--file") { Description = "Run the scenario in this file instead, and print both traces." };
        file.AcceptExistingOnly();
        var command = new Command("oracle", "Runs random programs on Baton and on CPython's asyncio, and shows where what happens differs.")
        {
            count,
            first,
            jobs,
            limit,
            file,
        };
        command.SetAction(parsed => parsed.GetValue(file) is { } given
            ? RunFile(given)
            : new OracleRun(parsed.GetValue(first), parsed.GetValue(count), parsed.GetValue(limit)).Run(parsed.GetValue(jobs)));
        return command;
    }

    private static void CheckPositive(System.CommandLine.Parsing.OptionResult result, Option<int> option)
    {
        if (result.GetValue(option) < 1)
        {
            result.AddError($"{option.Name} must be at least 1.");
        }
    }

    private static int RunFile(FileInfo file)
    {
        using var asyncio = OracleRun.Start();
        if (asyncio is null)
        {
            return 2;
        }

        Scenario scenario;
        try
        {
            scenario = Scenario.Parse(File.ReadAllText(file.FullName));
        }
        catch (FormatException failure)
        {
            Console.Error.WriteLine($"{file}: {failure.Message}");
            return 2;
        }

        var comparison = new ScenarioComparer(asyncio).Compare(scenario);
        Console.WriteLine(comparison);
        Console.WriteLine(comparison switch
        {
            { IsExplained: false } => "They differ.",
            { Improvements.Count: > 0 } => $"They differ as they should: {string.Join(", ", comparison.Improvements)}.",
            _ => "They are the same.",
        });
        return comparison.IsExplained ? 0 : 1;
    }
}
