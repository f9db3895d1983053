namespace Baton.Oracle;

/// <summary>Compares what scenarios do on Baton with what they do on CPython's asyncio.</summary>
public sealed class ScenarioComparer(AsyncioProcess asyncio)
{
    /// <summary>Runs a scenario on both.</summary>
    /// <exception cref="InvalidOperationException">The interpreter of either failed.</exception>
    public Comparison Compare(Scenario scenario) =>
        TryCompare(scenario) ?? throw new InvalidOperationException($"asyncio itself fails at this scenario:\n{scenario}");

    /// <summary>The smallest scenario found that differs, too.</summary>
    public Comparison Shrink(Comparison differing) =>
        Compare(Shrinker.Shrink(differing.Scenario, scenario => TryCompare(scenario) is { IsExplained: false }));

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
}
