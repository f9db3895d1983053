namespace Baton.Oracle;

/// <summary>What a scenario's <c>fail</c> throws.</summary>
public sealed class ScenarioException(int number) : Exception($"Error {number}")
{
    public int Number { get; } = number;
}
