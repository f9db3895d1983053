using System.Text;

namespace Baton.Tests.Net.Pipes;

/// <summary>Reads a connection to its end.</summary>
internal static class ReadToEnd
{
    public static async Coroutine<string> Text(Connection connection)
    {
        var text = new StringBuilder();
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            text.Append(Encoding.UTF8.GetString(read.Buffer));
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return text.ToString();
            }
        }
    }

    public static async Coroutine<long> Count(Connection connection)
    {
        var count = 0L;
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            count += read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return count;
            }
        }
    }
}
