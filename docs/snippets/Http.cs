using System.Net;
using Baton;

namespace DocsSnippets;

public static class Http
{
    #region client
    public static void Client() => EventLoop.Run(async Coroutine () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, Answer);
        using var http = LoopHttp.CreateClient();
        Console.WriteLine(await http.GetStringAsync($"http://{server.EndPoints[0]}/"));
    });

    /// <summary>As much of a web server as it takes.</summary>
    private static async Coroutine Answer(Connection connection)
    {
        while (await connection.Input.ReadLineAsync() is { Length: > 0 })
        {
        }

        await connection.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"u8.ToArray());
    }
    #endregion

    #region cancel
    public static void Cancel() => EventLoop.Run(async Coroutine () =>
    {
        await using var silent = await Server.StartAsync("127.0.0.1", 0, async Coroutine (_) => await Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        using var http = LoopHttp.CreateClient();
        try
        {
            await LoopTimeout.Run(TimeSpan.FromMilliseconds(50), async Coroutine () => await http.GetStringAsync($"http://{silent.EndPoints[0]}/"));
        }
        catch (TimeoutException)
        {
            Console.WriteLine("no answer within 50 ms");
        }
    });
    #endregion

    #region handler
    internal static HttpClient CreateClient()
    {
        var handler = LoopHttp.CreateHandler(new ConnectOptions { NoDelay = true });
        handler.MaxConnectionsPerServer = 20;
        handler.AutomaticDecompression = DecompressionMethods.All;
        handler.ConnectTimeout = TimeSpan.FromSeconds(10);
        return LoopHttp.CreateClient(handler);
    }
    #endregion
}
