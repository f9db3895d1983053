using System.Net.Sockets;
using Baton;

namespace Echo;

/// <summary>
/// Sends back whatever it receives, and counts. The counts need no lock: every connection's task runs on the one thread of the loop.
/// </summary>
internal sealed class EchoServer(bool quiet)
{
    private static readonly TimeSpan DrainTime = TimeSpan.FromSeconds(3);

    private long _connections;
    private long _bytes;
    private int _open;

    /// <summary>Serves until the task is cancelled, as Ctrl-C and SIGTERM do, and then shuts down in stages.</summary>
    /// <param name="host">Where to listen; null for every interface.</param>
    /// <param name="port">The port to listen on.</param>
    public async Coroutine RunAsync(string? host, int port)
    {
        await using var server = await Server.StartAsync(host, port, HandleAsync);
        foreach (var endPoint in server.EndPoints)
        {
            Console.WriteLine($"Listening on {endPoint}");
        }

        try
        {
            // Not ServeForeverAsync: that one answers a cancellation itself, by cancelling the handlers at once.
            await server.WaitClosedAsync();
        }
        catch (CancelledException)
        {
            // The cancellation is dealt with here, so it is taken back, and the awaits below work as usual. A second signal ends the
            // process at once.
            LoopTask.Current!.Uncancel();
            if (_open > 0)
            {
                Console.WriteLine($"Stopping: {_open:N0} open, which have {DrainTime.TotalSeconds} s to end.");
            }

            await server.ShutdownAsync(DrainTime);
        }

        Console.WriteLine($"Echoed {_bytes:N0} bytes to {_connections:N0} {(_connections == 1 ? "connection" : "connections")}.");
    }

    private async Coroutine HandleAsync(Connection connection)
    {
        var number = ++_connections;
        var peer = connection.RemoteEndPoint;
        var bytes = 0L;
        _open++;
        Say($"#{number} opened by {peer}, {_open:N0} open");
        var end = "closed";
        try
        {
            while (true)
            {
                var read = await connection.Input.ReadAsync();
                if (read.Buffer.IsEmpty && read.IsCompleted)
                {
                    break;
                }

                foreach (var segment in read.Buffer)
                {
                    await connection.Output.WriteAsync(segment);
                    bytes += segment.Length;
                }

                connection.Input.AdvanceTo(read.Buffer.End);
            }
        }
        catch (Exception exception) when (exception is IOException or SocketException)
        {
            // A peer that vanishes is nothing unusual for a server.
            end = $"lost ({exception.Message})";
        }
        catch (CancelledException)
        {
            end = "aborted";
            throw;
        }
        finally
        {
            _open--;
            _bytes += bytes;
            Say($"#{number} {end} after {bytes:N0} bytes, {_open:N0} open");
        }
    }

    private void Say(string line)
    {
        if (!quiet)
        {
            Console.WriteLine(line);
        }
    }
}
