using System.Globalization;
using System.Net;
using System.Text;

namespace Baton.Soak.Workloads;

/// <summary>HttpClient over the loop's connections: pages of known content, asked for at once, and given up.</summary>
internal sealed class HttpWorkload : Workload
{
    private const int MostBytes = 50_000;

    private Server _server = null!;
    private HttpClient _client = null!;

    public override string Name => "Http";

    public override async Coroutine StartAsync(SoakPhase phase)
    {
        _server = await Server.StartAsync(new IPEndPoint(IPAddress.Loopback, 0), ServeAsync);
        _client = LoopHttp.CreateClient();
    }

    public override async Coroutine StopAsync()
    {
        _client.Dispose();
        await _server.ShutdownAsync(TimeSpan.FromSeconds(1));
    }

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        if (worker.Chance(0.2))
        {
            await worker.Abuse(async Coroutine () => await GetAsync(worker), 3);
            return;
        }

        await GetAsync(worker);
    }

    private async Coroutine GetAsync(SoakWorker worker)
    {
        var pattern = worker.NextPattern();
        var length = worker.Length(MostBytes);
        var address = new Uri(string.Create(
            CultureInfo.InvariantCulture,
            $"http://{_server.EndPoints[0]}/{pattern.Seed}/{length}/{(worker.Chance(0.5) ? "chunked" : "whole")}"));
        var bytes = await _client.GetByteArrayAsync(address);
        SoakException.ThrowUnless(bytes.Length == length, $"A page of {bytes.Length} bytes came instead of {length}.");
        pattern.Check(bytes, 0);
    }

    private static async Coroutine ServeAsync(Connection connection)
    {
        try
        {
            while (await connection.WaitForRequestAsync() && await connection.Input.ReadLineAsync() is { } request)
            {
                while (await connection.Input.ReadLineAsync() is { Length: > 0 })
                {
                    // A header, of which none matters.
                }

                await AnswerAsync(connection, request.Split(' ')[1].Split('/'));
            }
        }
        catch (IOException)
        {
            connection.Abort();
        }
    }

    private static async Coroutine AnswerAsync(Connection connection, string[] path)
    {
        var pattern = new Pattern(uint.Parse(path[1], CultureInfo.InvariantCulture));
        var length = int.Parse(path[2], CultureInfo.InvariantCulture);
        if (path[3] == "whole")
        {
            await WriteTextAsync(connection, $"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n");
            await connection.WriteAsync(pattern.Make(0, length));
            return;
        }

        await WriteTextAsync(connection, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
        for (var offset = 0; offset < length;)
        {
            var count = Math.Min(length - offset, 1 + ((offset + 7) * 31 % 5000));
            await WriteTextAsync(connection, $"{count:x}\r\n");
            await connection.WriteAsync(pattern.Make(offset, count));
            await WriteTextAsync(connection, "\r\n");
            offset += count;
        }

        await WriteTextAsync(connection, "0\r\n\r\n");
    }

    private static async Coroutine WriteTextAsync(Connection connection, string text) =>
        await connection.WriteAsync(Encoding.ASCII.GetBytes(text));
}
