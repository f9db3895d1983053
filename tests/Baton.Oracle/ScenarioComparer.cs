namespace Baton.Oracle;

/// <summary>Compares what scenarios do on Baton with what they do on CPython's asyncio.</summary>
public sealed class ScenarioComparer(AsyncioProcess asyncio)
{
    /// <summary>Runs a scenario on both.</summary>
    /// <exception cref="InvalidOperationException">The interpreter of either failed.</exception>
    public Comparison Compare(Scenario scenario) =>
        TryCompare(scenario) ?? throw new InvalidOperationException($"asyncio itself fails at this scenario:\n{scenario}");

    private Comparison? TryCompare(Scenario scenario)
    {
        asyncio.Send(scenario, []);
        var actual = BatonInterpreter.Run(scenario);
        var expected = asyncio.Receive();
        if (expected is null || actual.SequenceEqual(expected))
        {
            return expected is null ? null : new Comparison(scenario, expected, actual, []);
        }

        var needed = asyncio.Improvements.ToList();
        if (RunWith(needed) is not { } improved)
        {
            return null;
        }

        if (!actual.SequenceEqual(improved))
        {
            return new Comparison(scenario, improved, actual, []);
        }

        foreach (var name in asyncio.Improvements)
        {
            if (actual.SequenceEqual(RunWith(needed.Except([name])) ?? []))
            {
                needed.Remove(name);
            }
        }

        return new Comparison(scenario, improved, actual, needed);

        IReadOnlyList<string>? RunWith(IEnumerable<string> improvements)
        {
            asyncio.Send(scenario, improvements);
            return asyncio.Receive();
        }
    }

    /// <summary>The smallest scenario found that differs, too.</summary>
    public Comparison Shrink(Comparison differing) => Compare(Shrinker.Shrink(differing.Scenario, scenario => TryCompare(scenario) is { IsExplained: false }));
}

/// <param name="Scenario">What was run.</param>
/// <param name="Expected">What happened on asyncio: with the improvements that explain the difference, or else with all of them.</param>
/// <param name="Actual">What happened on Baton.</param>
/// <param name="Improvements">What asyncio lacked to do the same. None where it did the same, or where nothing explains the difference.</param>
public sealed record Comparison(Scenario Scenario, IReadOnlyList<string> Expected, IReadOnlyList<string> Actual, IReadOnlyList<string> Improvements)
{
    /// <summary>Whether both did the same, or what a deliberate improvement says.</summary>
    public bool IsExplained => Expected.SequenceEqual(Actual);

    /// <summary>The scenario, and both traces beside each other.</summary>
    public override string ToString()
    {
        var width = Math.Max(7, Expected.Select(line => line.Length).DefaultIfEmpty(0).Max());
        var common = Expected.Zip(Actual).TakeWhile(pair => pair.First == pair.Second).Count();
        var lines = Enumerable.Range(0, Math.Max(Expected.Count, Actual.Count))
            .Select(i => $"{(i == common ? '>' : ' ')} {(i < Expected.Count ? Expected[i] : "").PadRight(width)} | {(i < Actual.Count ? Actual[i] : "")}");
        return $"{Scenario}\n  {"asyncio".PadRight(width)} | Baton\n{string.Join('\n', lines)}\n";
    }
}
