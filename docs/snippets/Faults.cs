using System.Net.Sockets;
using Baton;

namespace DocsSnippets;

public static class Faults
{
    #region peer
    /// <summary>Answers lines, whatever the peer does, and says how it ended.</summary>
    private static async Coroutine AnswerLines(Connection connection)
    {
        try
        {
            while (await Coroutine.WaitFor(connection.Input.ReadLineAsync(limit: 100), TimeSpan.FromMilliseconds(200)) is { } line)
            {
                await connection.WriteAsync(System.Text.Encoding.UTF8.GetBytes($"{line}!\n"));
            }

            Console.WriteLine("the end");
        }
        catch (TimeoutException)
        {
            Console.WriteLine("silent for too long");
        }
        catch (LimitOverrunException)
        {
            Console.WriteLine("a line without end");
        }
        catch (IOException failure)
        {
            Console.WriteLine($"broken: {(failure.InnerException as SocketException)?.SocketErrorCode}");
        }
    }

    public static void Peers() => EventLoop.Run(async Coroutine () =>
    {
        Func<Connection, Coroutine>[] peers =
        [
            async connection => await connection.CompleteOutputAsync(),
            async connection => await connection.Input.ReadAsync(), // says nothing
            async connection => await connection.WriteAsync(new byte[1000]),
            async connection => connection.Abort(),
        ];
        foreach (var peer in peers)
        {
            var (client, server) = await ConnectOverTcp();
            await using var one = client;
            await using var two = server;
            var answering = Coroutine.Start(AnswerLines(server));
            var acting = Coroutine.Start(peer(client));
            await answering;
            await server.CloseAsync();
            await acting;
        }
    });
    #endregion

    #region patience
    /// <summary>Connects, and tries again where that may help.</summary>
    private static async Coroutine<Connection> ConnectPatiently(System.Net.EndPoint endPoint, int attempts)
    {
        var pause = TimeSpan.FromMilliseconds(50);
        while (true)
        {
            try
            {
                return await Connection.ConnectAsync(endPoint, new ConnectOptions { Timeout = TimeSpan.FromSeconds(5) });
            }
            catch (SocketException failure) when (--attempts > 0 && MayPass(failure.SocketErrorCode))
            {
                Console.WriteLine($"{failure.SocketErrorCode}: again in {pause.TotalMilliseconds} ms");
                await Coroutine.Sleep(pause);
                pause *= 2;
            }
        }
    }

    private static bool MayPass(SocketError error) => error
        is SocketError.ConnectionRefused or SocketError.TimedOut or SocketError.TryAgain
        or SocketError.HostUnreachable or SocketError.NetworkUnreachable;
    #endregion

    public static void Patience() => EventLoop.Run(async Coroutine () =>
    {
        var options = new ServerOptions { StartServing = false };
        await using var server = await Server.StartAsync("127.0.0.1", 0, AnswerLines, options);
        EventLoop.Current.CallLater(TimeSpan.FromMilliseconds(20), server.StartServing);
        await using var connection = await ConnectPatiently(server.EndPoints[0], attempts: 10);
        await connection.WriteAsync("hello\n"u8.ToArray());
        Console.WriteLine(await connection.Input.ReadLineAsync());
        await connection.CompleteOutputAsync();
        await connection.Input.ReadToEndAsync();
    });

    private static async Coroutine<(Connection Client, Connection Server)> ConnectOverTcp()
    {
        using var listener = LoopSocket.Create(AddressFamily.InterNetwork);
        listener.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        listener.Listen();
        var client = await Connection.ConnectAsync(listener.LocalEndPoint!);
        return (client, new Connection(await listener.AcceptAsync()));
    }
}
