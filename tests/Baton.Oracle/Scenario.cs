using System.Text;
using System.Text.Json;

namespace Baton.Oracle;

/// <summary>A program in the scenario language.</summary>
public sealed class Scenario
{
    public Scenario(Step[] body)
    {
        var id = 0;
        Body = Number(body, ref id);
        Count = id;
    }

    /// <summary>What the main task does.</summary>
    public Step[] Body { get; }

    /// <summary>How many steps there are, those inside others included.</summary>
    public int Count { get; }

    /// <summary>The operations of its steps.</summary>
    public IReadOnlySet<string> Operations => OperationsOf(Body).ToHashSet();

    /// <summary>Reads what <see cref="ToString"/> writes. Lines that start with <c>#</c> are comments.</summary>
    /// <exception cref="FormatException">It is no scenario.</exception>
    public static Scenario Parse(string text)
    {
        var json = string.Join('\n', text.Split('\n').Where(line => !line.StartsWith('#')));
        try
        {
            using var document = JsonDocument.Parse(json);
            return new Scenario(ReadBody(document.RootElement));
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException or ArgumentException or FormatException)
        {
            throw new FormatException($"This is no scenario: {failure.Message}", failure);
        }
    }

    /// <summary>The scenario as text, a step a line.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Write(text, Body, 0, withIds: false);
        return text.Append('\n').ToString();
    }

    /// <summary>The scenario in one line, with the steps' numbers in front of their operations.</summary>
    internal string ToRequest()
    {
        var text = new StringBuilder();
        Write(text, Body, 0, withIds: true);
        return text.Replace("\n", "").ToString();
    }

    private static IEnumerable<string> OperationsOf(Step[] body) =>
        body.SelectMany(step => step.Bodies.SelectMany(OperationsOf).Prepend(step.Operation));

    private static Step[] Number(Step[] body, ref int id)
    {
        var steps = new Step[body.Length];
        for (var i = 0; i < body.Length; i++)
        {
            var own = id++;
            var bodies = new Step[body[i].Bodies.Length][];
            for (var j = 0; j < bodies.Length; j++)
            {
                bodies[j] = Number(body[i].Bodies[j], ref id);
            }

            steps[i] = new Step(body[i].Operation, body[i].Numbers, bodies) { Id = own };
        }

        return steps;
    }

    private static Step[] ReadBody(JsonElement body) => [.. body.EnumerateArray().Select(ReadStep)];

    private static Step ReadStep(JsonElement step)
    {
        var parts = step.EnumerateArray().ToList();
        return new Step(
            parts[0].GetString()!,
            [.. parts.Skip(1).Where(part => part.ValueKind == JsonValueKind.Number).Select(part => part.GetInt32())],
            [.. parts.Skip(1).Where(part => part.ValueKind != JsonValueKind.Number).Select(ReadBody)]);
    }

    private static void Write(StringBuilder text, Step[] body, int depth, bool withIds)
    {
        text.Append('[');
        for (var i = 0; i < body.Length; i++)
        {
            var step = body[i];
            text.Append(i == 0 ? "\n" : ",\n").Append(' ', 2 * (depth + 1)).Append('[');
            if (withIds)
            {
                text.Append(step.Id).Append(", ");
            }

            text.Append('"').Append(step.Operation).Append('"');
            foreach (var number in step.Numbers)
            {
                text.Append(", ").Append(number);
            }

            foreach (var inner in step.Bodies)
            {
                text.Append(", ");
                Write(text, inner, depth + 1, withIds);
            }

            text.Append(']');
        }

        if (body.Length > 0)
        {
            text.Append('\n').Append(' ', 2 * depth);
        }

        text.Append(']');
    }
}
