using System.Net;
using System.Text;

namespace Baton.Tests.Net.Counterparts;

/// <summary>As much of Redis's protocol, RESP2, as the tests speak. Strings are bytes: each character is one.</summary>
internal sealed class RedisClient(Connection connection) : IAsyncDisposable
{
    public Connection Connection => connection;

    public static async Coroutine<RedisClient> Connect(EndPoint endPoint) => new(await Connection.ConnectAsync(endPoint));

    public static byte[] Encode(params IEnumerable<string> command)
    {
        var parts = command.ToList();
        return Encoding.Latin1.GetBytes($"*{parts.Count}\r\n{string.Concat(parts.Select(part => $"${part.Length}\r\n{part}\r\n"))}");
    }

    /// <summary>Sends a command and reads its reply.</summary>
    public async Coroutine<object?> Call(params string[] command)
    {
        await connection.WriteAsync(Encode(command));
        return await Read();
    }

    /// <summary>A reply: a string, a number, null, or an array of these.</summary>
    public async Coroutine<object?> Read()
    {
        var line = await connection.Input.ReadLineAsync() ?? throw new EndOfStreamException("Redis has closed the connection.");
        switch (line[0])
        {
            case '+':
                return line[1..];
            case ':':
                return long.Parse(line[1..]);
            case '-':
                throw new InvalidOperationException(line[1..]);
            case '$':
                var length = int.Parse(line[1..]);
                return length < 0 ? null : Encoding.Latin1.GetString(await connection.Input.ReadExactlyAsync(length + 2), 0, length);
            case '*' when line == "*-1":
                return null;
            default:
                var replies = new object?[int.Parse(line[1..])];
                for (var i = 0; i < replies.Length; i++)
                {
                    replies[i] = await Read();
                }

                return replies;
        }
    }

    public ValueTask DisposeAsync() => connection.DisposeAsync();
}
