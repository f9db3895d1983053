using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>
/// Conversations with a Redis server: lines of a command and, behind an arrow, its reply. Words are separated by blanks; <c>''</c> is an
/// empty one, in a reply as well, and <c>\n</c> in a word is a line feed.
/// </summary>
internal static class RedisScript
{
    /// <summary>Has the conversation, and fails with the first reply that is another.</summary>
    public static async Coroutine HaveAsync(RedisClient client, string script)
    {
        foreach (var line in script.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var command = line[..line.IndexOf(" => ", StringComparison.Ordinal)];
            var reply = await CallAsync(client, Words(command));
            if (command.StartsWith("TTL ", StringComparison.Ordinal)
                && long.TryParse(line[(line.LastIndexOf(':') + 1)..], out var expected)
                && expected > 0)
            {
                // On a busy machine time has passed.
                Assert.InRange(long.Parse(reply.TrimStart(':')), Math.Max(1, expected - 60), expected);
                continue;
            }

            Assert.Equal(line, $"{command} => {reply}".TrimEnd());
        }
    }

    /// <summary>Sends a command; returns the reply as text.</summary>
    public static async Coroutine<string> CallAsync(RedisClient client, params string[] words)
    {
        try
        {
            return Render(await client.Call(words));
        }
        catch (InvalidOperationException error)
        {
            return "-" + error.Message;
        }
    }

    public static string Render(object? reply) => reply switch
    {
        null => "nil",
        "" => "''",
        object?[] array => $"[{string.Join(", ", array.Select(Render))}]",
        long number => $":{number}",
        _ => reply.ToString()!,
    };

    private static string[] Words(string command) =>
        [.. command.Split(' ').Select(word => word == "''" ? "" : word.Replace("\\n", "\n", StringComparison.Ordinal))];
}
