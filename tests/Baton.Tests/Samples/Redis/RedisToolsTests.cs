using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>The sample and Redis's own tools.</summary>
public sealed class RedisToolsTests
{
    [Fact]
    public async Task Redis_cli_talks_to_it_in_both_versions_of_the_protocol()
    {
        CounterpartProcess.Require("redis-cli");
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            Assert.Equal("OK\n", await CliAsync("-2", "SET", "a", "1"));
            Assert.Equal("(integer) 2\n", await CliAsync("-2", "INCR", "a"));
            Assert.Equal("(integer) 1\n", await CliAsync("-3", "HSET", "h", "f", "v"));
            Assert.Equal("1) \"f\"\n2) \"v\"\n", await CliAsync("-2", "HGETALL", "h"));
            Assert.Equal("1# \"f\" => \"v\"\n", await CliAsync("-3", "HGETALL", "h"));
            Assert.Equal("1) \"2\"\n2) (nil)\n", await CliAsync("-3", "MGET", "a", "b"));
            var keys = (await CliAsync("--scan")).Replace("\"", "", StringComparison.Ordinal);
            Assert.Equal(["a", "h"], keys.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order());
        });
        await sample.StopAsync();

        Coroutine<string> CliAsync(params string[] arguments) =>
            CounterpartProcess.Run("redis-cli", ["-p", $"{sample.EndPoint.Port}", "--no-raw", .. arguments]);
    }

    [Theory]
    [InlineData("no")]
    [InlineData("everysec")]
    [InlineData("always")]
    public async Task Redis_benchmark_puts_load_on_it_and_redis_check_aof_finds_the_file_in_order(string policy)
    {
        CounterpartProcess.Require("redis-benchmark");
        CounterpartProcess.Require("redis-check-aof");
        using var folder = new TemporaryFolder();
        await using (var sample = await RedisSample.StartAsync("--appendonly", "yes", "--appendfsync", policy, "--dir", folder.Path))
        {
            NetTest.Run(async () =>
            {
                var report = await CounterpartProcess.Run(
                    "redis-benchmark",
                    [
                        "-p", $"{sample.EndPoint.Port}", "-t", "set,get,incr,lpush,rpop,sadd,hset,spop,zadd,lrange_100,mset",
                        "-n", "2000", "-c", "20", "-P", "8", "-r", "100", "--csv",
                    ]);
                Assert.Contains("\"MSET (10 keys)\"", report, StringComparison.Ordinal);
                await using var client = await sample.ConnectAsync();
                await client.Call("SET", "last", "1");
            });
            await sample.StopAsync();
        }

        NetTest.Run(async () =>
        {
            var (exitCode, output, _) = await CounterpartProcess.RunToEnd("redis-check-aof", [folder["appendonly.aof"]]);
            Assert.Contains("is valid", output, StringComparison.Ordinal);
            Assert.Equal(0, exitCode);
        });

        await using var again = await RedisSample.StartAsync("--appendonly", "yes", "--appendfsync", policy, "--dir", folder.Path);
        NetTest.Run(async () =>
        {
            await using var client = await again.ConnectAsync();
            Assert.Equal("1", await client.Call("GET", "last"));
        });
        await again.StopAsync();
    }
}
