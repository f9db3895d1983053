using System.Net;

namespace Baton.Tests.Net.Counterparts;

/// <summary>curl, which knows HTTP better than the servers here do.</summary>
public class CurlTests
{
    [Fact]
    public void Curl_fetches_pages_one_after_the_other_over_one_connection() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, LoopHttpTests.ServePages);
        var url = $"http://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}";
        var output = await CounterpartProcess.Run("curl", ["--silent", "--show-error", "--max-time", "30", $"{url}/[1-20]"]);
        Assert.Equal(string.Concat(Enumerable.Range(1, 20).Select(i => $"page /{i}")), output);
        Assert.Equal(1, server.AcceptedCount);
    });

    [Fact]
    public void Curl_uploads() => NetTest.Run(async () =>
    {
        var bytes = NetTest.Pattern(3 << 20);
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, bytes);
            byte[]? received = null;
            await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
            {
                while (await connection.Input.ReadLineAsync() is { Length: > 0 })
                {
                }

                received = await connection.Input.ReadExactlyAsync(bytes.Length);
                await connection.WriteAsync("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nthanks"u8.ToArray());
            });
            var url = $"http://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}/";
            var output = await CounterpartProcess.Run("curl", ["--silent", "--show-error", "--max-time", "30", "-H", "Expect:", "-T", file, url]);
            Assert.Equal("thanks", output);
            Assert.Equal(bytes, received);
        }
        finally
        {
            File.Delete(file);
        }
    });
}
