using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Counterparts;

/// <summary>curl, which knows HTTP better than the servers here do.</summary>
public class CurlTests
{
    internal static readonly string[] Quietly = ["--silent", "--show-error", "--no-progress-meter", "--max-time", "60"];

    [Fact]
    public void Curl_fetches_pages_one_after_the_other_over_one_connection() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, LoopHttpTests.ServePages);
        var output = await CounterpartProcess.Run("curl", [.. Quietly, $"{UrlOf(server)}/[1-20]"]);
        Assert.Equal(string.Concat(Enumerable.Range(1, 20).Select(i => $"page /{i}")), output);
        Assert.Equal(1, server.AcceptedCount);
    });

    [Fact]
    public void Curl_uploads() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var bytes = NetTest.Pattern(3 << 20);
        File.WriteAllBytes(folder["upload"], bytes);
        byte[]? received = null;
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            while (await connection.Input.ReadLineAsync() is { Length: > 0 })
            {
            }

            received = await connection.Input.ReadExactlyAsync(bytes.Length);
            await connection.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthanks"u8.ToArray());
        });
        var output = await CounterpartProcess.Run("curl", [.. Quietly, "-H", "Expect:", "-T", folder["upload"], $"{UrlOf(server)}/"]);
        Assert.Equal("thanks", output);
        Assert.Equal(bytes, received);
    });

    [Fact]
    public void A_thousand_pages_over_at_most_a_hundred_connections() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, LoopHttpTests.ServePages, new ServerOptions { Backlog = 512 });
        using var folder = new TemporaryFolder();
        string[] arguments = ["--parallel", "--parallel-max", "100", "--output", folder["#1"], $"{UrlOf(server)}/[1-1000]"];
        await CounterpartProcess.Run("curl", [.. Quietly, .. arguments]);
        Assert.All(Enumerable.Range(1, 1000), i => Assert.Equal($"page /{i}", File.ReadAllText(folder[$"{i}"])));
        Assert.InRange(server.AcceptedCount, 1, 100);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Curl_over_a_Unix_socket(bool isAbstract) => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var name = isAbstract ? $"baton-{Guid.NewGuid():N}" : folder["socket"];
        await using var server = await Server.StartAsync(
            new UnixDomainSocketEndPoint(isAbstract ? '\0' + name : name), LoopHttpTests.ServePages);
        var output = await CounterpartProcess.Run(
            "curl", [.. Quietly, isAbstract ? "--abstract-unix-socket" : "--unix-socket", name, "http://localhost/[1-3]"]);
        Assert.Equal("page /1page /2page /3", output);
    });

    [Fact]
    public void Curl_waits_for_100_Continue_and_sends_chunks() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var bytes = NetTest.Pattern(2 << 20);
        File.WriteAllBytes(folder["upload"], bytes);
        var received = new MemoryStream();
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var headers = new List<string>();
            while (await connection.Input.ReadLineAsync() is { Length: > 0 } header)
            {
                headers.Add(header);
            }

            Assert.Contains("Expect: 100-continue", headers);
            Assert.Contains("Transfer-Encoding: chunked", headers);
            await connection.WriteAsync("HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray());
            while (Convert.ToInt32(await connection.Input.ReadLineAsync(), 16) is > 0 and var length)
            {
                received.Write(await connection.Input.ReadExactlyAsync(length));
                Assert.Equal("", await connection.Input.ReadLineAsync());
            }

            await connection.WriteAsync(LoopHttpTests.Page("thanks"));
        });
        var output = await CounterpartProcess.Run(
            "curl",
            [.. Quietly, "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", "-T", folder["upload"], $"{UrlOf(server)}/"]);
        Assert.Equal("thanks", output);
        Assert.Equal(bytes, received.ToArray());
    });

    [Fact]
    public void A_curl_that_reads_slowly_gets_everything() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var bytes = NetTest.Pattern(6 << 20);
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            while (await connection.Input.ReadLineAsync() is { Length: > 0 })
            {
            }

            await connection.WriteAsync("HTTP/1.0 200 OK\r\n\r\n"u8.ToArray());
            await connection.WriteAsync(bytes);
        });
        await CounterpartProcess.Run("curl", [.. Quietly, "--limit-rate", "6M", "-o", folder["download"], $"{UrlOf(server)}/"]);
        Assert.Equal(bytes, File.ReadAllBytes(folder["download"]));
    });

    [Fact]
    public void A_curl_that_is_killed_ends_its_handler_and_nothing_else() => NetTest.Run(async () =>
    {
        var isStreaming = new AsyncEvent();
        Exception? failure = null;
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var request = await connection.Input.ReadLineAsync();
            while (await connection.Input.ReadLineAsync() is { Length: > 0 })
            {
            }

            if (request!.StartsWith("GET /page ", StringComparison.Ordinal))
            {
                await connection.WriteAsync(LoopHttpTests.Page("still here"));
                return;
            }

            await connection.WriteAsync("HTTP/1.0 200 OK\r\n\r\n"u8.ToArray());
            failure = await Record.ExceptionAsync(async () =>
            {
                while (true)
                {
                    await connection.WriteAsync(new byte[60_000]);
                    isStreaming.Set();
                }
            });
        });
        using (var curl = CounterpartProcess.Start("curl", [.. Quietly, "-o", "/dev/null", $"{UrlOf(server)}/endless"]))
        {
            await isStreaming.WaitAsync();
            curl.Kill();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.IsType<IOException>(failure);
        Assert.Equal("still here", await CounterpartProcess.Run("curl", [.. Quietly, $"{UrlOf(server)}/page"]));
    });

    private static string UrlOf(Server server) => $"http://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}";
}
