using System.ComponentModel;
using System.Diagnostics;
using System.Net;

namespace Baton.Tests.Net;

/// <summary>Programs that know nothing of Baton, as clients and as servers.</summary>
public class OutsideClientTests
{
    [Fact]
    public void Curl_fetches_pages_one_after_the_other_over_one_connection() => NetTest.Run(async () =>
    {
        SkipWithout("curl");
        await using var server = await Server.StartAsync("127.0.0.1", 0, HttpExtensionsTests.ServePages);
        var url = $"http://127.0.0.1:{((IPEndPoint)server.EndPoints[0]).Port}";
        var (exitCode, output) = await Run("curl", ["--silent", "--show-error", "--max-time", "30", $"{url}/[1-20]"]);
        Assert.Equal(0, exitCode);
        Assert.Equal(string.Concat(Enumerable.Range(1, 20).Select(i => $"page /{i}")), output);
        Assert.Equal(1, server.AcceptedCount);
    });

    [Fact]
    public void Curl_uploads() => NetTest.Run(async () =>
    {
        SkipWithout("curl");
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
            var (exitCode, output) = await Run("curl", ["--silent", "--show-error", "--max-time", "30", "-H", "Expect:", "-T", file, url]);
            Assert.Equal(0, exitCode);
            Assert.Equal("thanks", output);
            Assert.Equal(bytes, received);
        }
        finally
        {
            File.Delete(file);
        }
    });

    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    public void Nc_sends_half_closes_and_gets_everything_back(string host) => NetTest.Run(async () =>
    {
        SkipWithout("nc");
        LoopSocketTests.SkipWithout(IPAddress.Parse(host).AddressFamily);
        await using var server = await Server.StartAsync(host, 0, NetTest.Echo);
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        var text = string.Join('\n', Enumerable.Range(0, 20_000));
        var (exitCode, output) = await Run("nc", ["-N", host, $"{port}"], text);
        Assert.Equal(0, exitCode);
        Assert.Equal(text, output);
    });

    [Fact]
    public void Nc_as_the_server() => NetTest.Run(async () =>
    {
        SkipWithout("nc");
        var free = NetTest.Listen();
        var endPoint = (IPEndPoint)free.LocalEndPoint!;
        free.Dispose();
        var nc = Coroutine.Start(Run("nc", ["-l", "-N", "127.0.0.1", $"{endPoint.Port}"], "from nc\n"));
        Connection? client = null;
        while (client is null)
        {
            try
            {
                client = await Connection.ConnectAsync(endPoint);
            }
            catch (System.Net.Sockets.SocketException)
            {
                // It has not come so far.
                await NetTest.Polls(10);
            }
        }

        Assert.Equal("from nc", await client.Input.ReadLineAsync());
        Assert.Null(await client.Input.ReadLineAsync());
        await client.WriteAsync("to nc\n"u8.ToArray());
        await client.DisposeAsync();
        Assert.Equal((0, "to nc\n"), await nc);
    });

    private static void SkipWithout(string program)
    {
        var isThere = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
        Assert.SkipUnless(isThere, $"{program} is not installed.");
    }

    private static async Coroutine<(int ExitCode, string Output)> Run(string program, string[] arguments, string input = "")
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        }) ?? throw new Win32Exception();
        try
        {
            var output = process.StandardOutput.ReadToEndAsync();
            var errors = process.StandardError.ReadToEndAsync();
            await process.StandardInput.WriteAsync(input);
            process.StandardInput.Close();
            await Coroutine.FromTask(process.WaitForExitAsync());
            Assert.Equal("", await errors);
            return (process.ExitCode, await output);
        }
        finally
        {
            if (!process.HasExited)
            {
                process.Kill();
            }
        }
    }
}
