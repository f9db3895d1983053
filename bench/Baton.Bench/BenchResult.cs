using System.Text.Json;
using System.Text.Json.Serialization;

namespace Baton.Bench;

/// <summary>One figure of a benchmark run, as every command prints it under <c>--json</c>.</summary>
/// <param name="Name">What was measured, such as <c>echo-64-cpu-user</c>.</param>
/// <param name="Unit">The unit of <paramref name="Value"/>.</param>
/// <param name="Value">Our figure.</param>
/// <param name="Bytes">Bytes allocated for one operation, where that was measured.</param>
/// <param name="Against">What we were compared with, if anything.</param>
/// <param name="Ratio">Ours over theirs. It comes from pairs measured next to each other, so it is not the quotient of two medians.</param>
internal sealed record BenchResult(
    string Name,
    string Unit,
    double Value,
    double? Bytes = null,
    string? Against = null,
    double? Ratio = null)
{
    /// <summary>Prints the one array that <c>--json</c> promises; nothing else may go to the same writer.</summary>
    public static void WriteArray(TextWriter output, IReadOnlyList<BenchResult> results) =>
        output.WriteLine(JsonSerializer.Serialize(results, BenchJson.Default.IReadOnlyListBenchResult));
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    WriteIndented = true)]
[JsonSerializable(typeof(IReadOnlyList<BenchResult>))]
internal sealed partial class BenchJson : JsonSerializerContext;
