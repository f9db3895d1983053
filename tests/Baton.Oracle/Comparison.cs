namespace Baton.Oracle;

/// <summary>What a scenario has done on both.</summary>
/// <param name="Scenario">What was run.</param>
/// <param name="Expected">What happened on asyncio: with the improvements that explain the difference, or else with all of them.</param>
/// <param name="Actual">What happened on Baton.</param>
/// <param name="Improvements">
/// What asyncio lacked to do the same. None where it did the same, or where nothing explains the difference.
/// </param>
public sealed record Comparison(
    Scenario Scenario, IReadOnlyList<string> Expected, IReadOnlyList<string> Actual, IReadOnlyList<string> Improvements)
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
