using System.Net;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>The sample RedisServer, running beside a test.</summary>
internal sealed class RedisSample : IAsyncDisposable
{
    private RedisSample(SampleProcess process, IPEndPoint endPoint)
    {
        Process = process;
        EndPoint = endPoint;
    }

    public SampleProcess Process { get; }

    public IPEndPoint EndPoint { get; }

    public static Task<RedisSample> StartAsync(params string[] arguments) =>
        ListeningAsync(SampleProcess.StartSample("RedisServer", ["--bind", "127.0.0.1", "--port", "0", .. arguments]));

    /// <summary>Starts it with a limit on the length of files, in units of 512 bytes, as if the disk were full there.</summary>
    public static Task<RedisSample> StartWithFileLimitAsync(int limit, params string[] arguments) => ListeningAsync(SampleProcess.StartTool(
        "sh",
        [
            "-c", $"trap '' XFSZ; ulimit -f {limit}; export DOTNET_EnableWriteXorExecute=0 DOTNET_EnableDiagnostics=0; exec \"$@\"", "sh",
            .. SampleProcess.CommandOf("RedisServer", ["--bind", "127.0.0.1", "--port", "0", .. arguments]),
        ]));

    private static async Task<RedisSample> ListeningAsync(SampleProcess process)
    {
        try
        {
            var line = await process.WaitForLineAsync("Listening on ");
            return new RedisSample(process, IPEndPoint.Parse(line["Listening on ".Length..]));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    public Coroutine<RedisClient> ConnectAsync() => RedisClient.Connect(EndPoint);

    /// <summary>Has it end, and checks that it does so in good order.</summary>
    public async Task<SampleResult> StopAsync()
    {
        Process.Signal(System.Runtime.InteropServices.PosixSignal.SIGTERM);
        var result = (await Process.WaitForExitAsync()).WithoutStackTrace();
        Assert.Empty(result.Errors);
        Assert.Equal(0, result.ExitCode);
        return result;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();
}
