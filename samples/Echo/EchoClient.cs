using System.Net.Sockets;
using Baton;

namespace Echo;

/// <summary>Connects the standard streams to a server: two tasks, one for each direction, that take turns on the loop.</summary>
internal static class EchoClient
{
    /// <summary>Runs until the server has sent everything and closed its side.</summary>
    public static async Coroutine RunAsync(HostAndPort peer)
    {
        await using var connection = await Connection.ConnectAsync(peer.Host, peer.Port);
        var sending = Coroutine.Start(SendAsync(connection), "send");
        try
        {
            await ReceiveAsync(connection);
        }
        finally
        {
            sending.Cancel();
        }
    }

    private static async Coroutine SendAsync(Connection connection)
    {
        var input = StandardInput.Start();
        try
        {
            while (await input.ReadAsync() is { IsEmpty: false } bytes)
            {
                await connection.WriteAsync(bytes);
            }

            // The end of the input is not the end of the conversation: the server still has to answer.
            await connection.CompleteOutputAsync();
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // The connection is lost, which the receiving side finds out as well; it reports it.
        }
    }

    private static async Coroutine ReceiveAsync(Connection connection)
    {
        using var output = Console.OpenStandardOutput();
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            foreach (var segment in read.Buffer)
            {
                // Blocks while the reader of our output is slow. Here nothing else waits for the loop; a program with more to do would
                // write from a thread.
                output.Write(segment.Span);
            }

            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                break;
            }
        }
    }
}
