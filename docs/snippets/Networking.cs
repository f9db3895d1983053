using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Baton;

namespace DocsSnippets;

public static class Networking
{
    #region connect
    public static void Connect() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, Greet);
        await using var connection = await Connection.ConnectAsync("127.0.0.1", ((IPEndPoint)server.EndPoints[0]).Port);
        await connection.WriteAsync("Ann\n"u8.ToArray());
        Console.WriteLine(await connection.Input.ReadLineAsync());
        Console.WriteLine(await connection.Input.ReadLineAsync() ?? "the end");
    });

    private static async Coroutine Greet(Connection connection)
    {
        var name = await connection.Input.ReadLineAsync();
        await connection.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"Hello, {name}!\n"));
    }
    #endregion

    #region frames
    /// <summary>Answers each frame, a length of four bytes and so many bytes, with the same frame.</summary>
    private static async Coroutine EchoFrames(Connection connection)
    {
        var header = new byte[4];
        try
        {
            while (true)
            {
                await connection.Input.ReadExactlyAsync(header);
                var body = await connection.Input.ReadExactlyAsync(System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(header));
                connection.Output.Write(header);
                connection.Output.Write(body);
                await connection.Output.FlushAsync(); // both leave in one call
            }
        }
        catch (IncompleteReadException end) when (end.Partial.IsEmpty)
        {
            // The peer ended between two frames.
        }
    }
    #endregion

    public static void Frames() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, EchoFrames);
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await connection.WriteAsync(new byte[] { 0, 0, 0, 2, 7, 8 });
        Console.WriteLine(string.Join(' ', await connection.Input.ReadExactlyAsync(6)));
    });

    #region pipe
    private static async Coroutine<long> CountBytes(Connection connection)
    {
        var total = 0L;
        while (true)
        {
            var read = await connection.Input.ReadAsync();
            total += read.Buffer.Length;
            connection.Input.AdvanceTo(read.Buffer.End);
            if (read.IsCompleted)
            {
                return total;
            }
        }
    }
    #endregion

    #region half-close
    public static void HalfClose() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (peer) =>
        {
            var total = await CountBytes(peer); // until the other side has ended
            await peer.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{total} bytes\n"));
        });
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await connection.WriteAsync(new byte[100_000]);
        await connection.CompleteOutputAsync();
        Console.WriteLine(await connection.Input.ReadLineAsync());
    });
    #endregion

    #region shutdown
    internal static async Coroutine Serve(int port)
    {
        await using var server = await Server.StartAsync(host: null, port, EchoFrames);
        try
        {
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan); // until Ctrl-C or SIGTERM cancels the main task
        }
        finally
        {
            await server.ShutdownAsync(drain: TimeSpan.FromSeconds(10));
        }
    }
    #endregion

    public static void Stages() => EventLoop.Run(async Coroutine () =>
    {
        #region stages
        await using var server = await Server.StartAsync("127.0.0.1", 0, WaitForTheEnd);
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(20));
        Console.WriteLine($"connections: {server.ConnectionCount}, serving: {server.IsServing}");
        await server.ShutdownAsync(drain: TimeSpan.FromMilliseconds(20));
        Console.WriteLine($"connections: {server.ConnectionCount}, serving: {server.IsServing}");
        #endregion
    });

    private static async Coroutine WaitForTheEnd(Connection connection)
    {
        try
        {
            await connection.Input.ReadLineAsync();
        }
        finally
        {
            Console.WriteLine("the handler is cancelled");
        }
    }

    #region back-pressure
    public static void BackPressure() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, ReadLate);
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        var writing = Coroutine.Start(WriteMuch(connection));
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(50));
        Console.WriteLine($"the writer waits: {!writing.IsDone}");
        await connection.Input.ReadLineAsync(); // the server begins to read
        await writing;
        Console.WriteLine($"left to send: {connection.BufferedOutput}");
    });

    private static async Coroutine WriteMuch(Connection connection)
    {
        var block = new byte[1024 * 1024];
        for (var i = 0; i < 32; i++)
        {
            await connection.WriteAsync(block); // waits while the peer does not read
        }
    }

    private static async Coroutine ReadLate(Connection connection)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(100));
        await connection.WriteAsync("now\n"u8.ToArray());
        await CountBytes(connection);
    }
    #endregion

    #region coalesce
    public static void Coalesce() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (peer) => await CountBytes(peer));
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await Coroutine.Yield();
        var before = EventLoop.Current.Driver.Statistics;
        var writers = Enumerable.Range(0, 100).Select(number => Coroutine.Start(Write(connection, number))).ToList();
        foreach (var writer in writers)
        {
            await writer;
        }

        var spent = EventLoop.Current.Driver.Statistics - before;
        Console.WriteLine($"100 writes, {spent.Sends + spent.VectoredSends} system calls");
    });

    private static async Coroutine Write(Connection connection, int number) => await connection.WriteAsync(new[] { (byte)number });
    #endregion

    #region sockets
    public static void Sockets() => EventLoop.Run(async Coroutine () =>
    {
        using var listener = LoopSocket.Create(AddressFamily.InterNetwork);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await listener.AcceptAsync();
        await client.SendAllAsync("ping"u8.ToArray());
        var buffer = new byte[16];
        var count = await accepted.ReceiveAsync(buffer);
        Console.WriteLine(System.Text.Encoding.ASCII.GetString(buffer, 0, count));
    });
    #endregion

    #region streams
    public static void Streams() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (connection) =>
        {
            await using var writer = new StreamWriter(connection.AsStream());
            await writer.WriteLineAsync("grüß dich");
        });

        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        using var reader = new StreamReader(connection.AsStream());
        Console.WriteLine($"{await reader.ReadLineAsync()}, on the loop: {EventLoop.CurrentOrNull is not null}");
    });
    #endregion

    #region unix
    public static void Unix() => EventLoop.Run(async Coroutine () =>
    {
        var path = Path.Combine(Path.GetTempPath(), $"{Path.GetRandomFileName()}.sock");
        await using var server = await Server.StartAsync(new UnixDomainSocketEndPoint(path), Greet);
        await using var connection = await Connection.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await connection.WriteAsync("Bob\n"u8.ToArray());
        Console.WriteLine(await connection.Input.ReadLineAsync());
    });
    #endregion

    #region failure
    public static void HandlerFails()
    {
        var options = new EventLoopOptions { ExceptionHandler = (_, context) => Console.WriteLine(context.Exception!.Message) };
        EventLoop.Run(
            async Coroutine () =>
            {
                await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (_) => throw new InvalidDataException("a bug in the handler"));
                await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
                try
                {
                    await connection.Input.ReadAsync();
                }
                catch (IOException exception)
                {
                    Console.WriteLine(((SocketException)exception.InnerException!).SocketErrorCode);
                }
            },
            options);
    }
    #endregion

    #region requests
    public static void Requests() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, AnswerRequests);
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await connection.WriteAsync("time\n"u8.ToArray());
        Console.WriteLine(await connection.Input.ReadLineAsync());
        await server.ShutdownAsync(drain: TimeSpan.FromHours(1)); // does not take an hour
        Console.WriteLine(await connection.Input.ReadLineAsync() ?? "the end");
    });

    private static async Coroutine AnswerRequests(Connection connection)
    {
        while (await connection.WaitForRequestAsync())
        {
            var request = await connection.Input.ReadLineAsync();
            await connection.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"You asked for the {request}.\n"));
        }
    }
    #endregion

    #region attempts
    public static void Attempts() => EventLoop.Run(async Coroutine () =>
    {
        EndPoint[] replicas = [new IPEndPoint(IPAddress.Loopback, 1), new IPEndPoint(IPAddress.Parse("127.0.0.2"), 2)];
        try
        {
            await using var connection = await Connection.ConnectAsync(replicas, new ConnectOptions { Timeout = TimeSpan.FromSeconds(10) });
        }
        catch (ConnectException failure)
        {
            foreach (var attempt in failure.Attempts)
            {
                Console.WriteLine($"{attempt.EndPoint}: {attempt.SocketErrorCode}");
            }
        }
    });
    #endregion

    public static void Messages() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async Coroutine (peer) =>
        {
            await peer.WriteAsync("0123456789"u8.ToArray());
        });
        var endPoint = server.EndPoints[0];
        await ErrorMessages.PrintAsync(async Coroutine () => await Server.StartAsync(endPoint, EchoFrames));
        await using (var connection = await Connection.ConnectAsync(endPoint))
        {
            await ErrorMessages.PrintAsync(async Coroutine () => await connection.Input.ReadLineAsync(limit: 5));
            await ErrorMessages.PrintAsync(async Coroutine () => await connection.Input.ReadExactlyAsync(20));
        }

        await using (var connection = await Connection.ConnectAsync(endPoint))
        {
            await ErrorMessages.PrintAsync(async Coroutine () => await connection.Input.ReadUntilAsync("\r\n"u8.ToArray()));
        }

        await using (var connection = await Connection.ConnectAsync(endPoint))
        {
            await connection.Input.ReadAsync();
            await ErrorMessages.PrintAsync(async Coroutine () => await connection.Input.ReadAsync());
            await connection.Output.CompleteAsync();
            await ErrorMessages.PrintAsync(async Coroutine () => await connection.WriteAsync(new byte[1]));
            connection.Abort();
        }

        await using (var silent = await Server.StartAsync("127.0.0.1", 0, async Coroutine (peer) => await CountBytes(peer)))
        {
            var connection = await Connection.ConnectAsync(silent.EndPoints[0]);
            var reading = Coroutine.Start(ErrorMessages.PrintAsync(async Coroutine () => await connection.Input.ReadAsync()));
            await Coroutine.Yield();
            await ErrorMessages.PrintAsync(async Coroutine () => await connection.Input.ReadAsync());
            ErrorMessages.Print(() => connection.AsStream().ReadByte());
            connection.Dispose();
            await reading;
        }

        await server.DisposeAsync();
        await ErrorMessages.PrintAsync(async Coroutine () => await Connection.ConnectAsync(endPoint));
    });
}
