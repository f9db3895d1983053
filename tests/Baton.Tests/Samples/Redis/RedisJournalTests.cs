using System.Text;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>The sample's append-only file.</summary>
public sealed class RedisJournalTests : IDisposable
{
    private const int SigKill = 9;
    private readonly TemporaryFolder _folder = new();

    private string[] JournalOptions => ["--appendonly", "yes", "--appendfsync", "always", "--dir", _folder.Path];

    private string FilePath => _folder["appendonly.aof"];

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Everything_is_there_after_a_restart()
    {
        const string Check = """
            GET text => changed
            TTL text => :-1
            GET counter => 3
            GET sum => 0.3
            EXISTS deleted => :0
            TTL limited => :1000
            TTL given => :1000
            LRANGE list 0 -1 => [b, c]
            HGETALL hash => [f, 2]
            SCARD set => :1
            ZRANGE sorted 0 -1 WITHSCORES => [b, 2, a, 3.5]
            MGET first second => [1, 2]
            GET renamed => r
            EXISTS past => :0
            LRANGE pushed 0 -1 => [y]
            DBSIZE => :13
            """;
        await using (var sample = await StartAsync())
        {
            NetTest.Run(async () =>
            {
                await using var client = await sample.ConnectAsync();
                await RedisScript.HaveAsync(client, """
                    SET text first EX 100 => OK
                    APPEND text x => :6
                    SET text changed => OK
                    INCR counter => :1
                    INCRBY counter 2 => :3
                    INCRBYFLOAT sum 0.1 => 0.1
                    INCRBYFLOAT sum 0.2 => 0.3
                    SET deleted x => OK
                    DEL deleted => :1
                    SET limited x EX 1000 => OK
                    SET given x => OK
                    EXPIRE given 1000 => :1
                    RPUSH list a b c => :3
                    LPOP list => a
                    HSET hash f 1 => :1
                    HINCRBY hash f 1 => :2
                    SADD set a b c => :3
                    SREM set missing => :0
                    ZADD sorted 1 a 2 b => :2
                    ZINCRBY sorted 2.5 a => 3.5
                    MULTI => OK
                    SET first 1 => QUEUED
                    SET second 2 => QUEUED
                    EXEC => [OK, OK]
                    SET old r => OK
                    RENAME old renamed => OK
                    SET past x => OK
                    EXPIRE past 0 => :1
                    RPUSH pushed x y => :2
                    BLPOP pushed 0 => [pushed, x]
                    """);
                await client.Call("SPOP", "set", "2");
                await RedisScript.HaveAsync(client, Check);
            });
            await sample.StopAsync();
        }

        // An inline command, which is logged as any other, a rewriting, and what comes after it.
        await using (var sample = await StartAsync())
        {
            NetTest.Run(async () =>
            {
                await using var client = await sample.ConnectAsync();
                await RedisScript.HaveAsync(client, Check);
                await client.Connection.WriteAsync(Encoding.ASCII.GetBytes("SET 'in line' \"1 2\"\r\n"));
                Assert.Equal("OK", await client.Read());
                await RedisScript.HaveAsync(client, "BGREWRITEAOF => Background append only file rewriting started");
            });
            await sample.Process.WaitForLineAsync("was rewritten");
            NetTest.Run(async () =>
            {
                await using var client = await sample.ConnectAsync();
                await client.Call("SET", "after", "1");
            });
            await sample.StopAsync();
        }

        await using (var sample = await StartAsync())
        {
            NetTest.Run(async () =>
            {
                await using var client = await sample.ConnectAsync();
                Assert.Equal("1", await client.Call("GET", "after"));
                Assert.Equal("1 2", await client.Call("GET", "in line"));
                await RedisScript.HaveAsync(client, "DEL after => :1");
                await client.Call("DEL", "in line");
                await RedisScript.HaveAsync(client, Check);
            });
            await sample.StopAsync();
        }
    }

    /// <summary>Reading the file must not go by the clock: what was carried out before a key expired had to do with that key.</summary>
    [Fact]
    public async Task What_has_expired_since_counts_for_what_came_after()
    {
        var content = Concat(
            ["SET", "kept", "5", "PXAT", "1000"], ["INCR", "kept"], ["PERSIST", "kept"],
            ["SET", "gone", "5", "PXAT", "1000"], ["DEL", "gone"], ["INCR", "gone"],
            ["SET", "limited", "5"], ["PEXPIREAT", "limited", "1000"], ["INCR", "limited"]);
        await File.WriteAllBytesAsync(FilePath, content, TestContext.Current.CancellationToken);

        await using var sample = await StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            await RedisScript.HaveAsync(client, """
                GET kept => 6
                GET gone => 1
                GET limited => nil
                """);
        });
        await sample.StopAsync();

        // The end of a key is a change as any other.
        byte[] expected = [.. content, .. Concat(["DEL", "limited"])];
        Assert.Equal(expected, await File.ReadAllBytesAsync(FilePath, TestContext.Current.CancellationToken));
    }

    /// <summary>A file that ends anywhere within its last command, or within a transaction, loses that and nothing else.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(14)]
    [InlineData(24)]
    [InlineData(60)]
    public async Task A_file_that_ends_in_the_middle_is_cut_off(int missing)
    {
        var whole = Concat(["SET", "a", "1"], ["INCR", "a"]);
        var last = Concat(["MULTI"], ["SET", "a", "9"], ["SET", "b", "9"], ["EXEC"]);
        await File.WriteAllBytesAsync(FilePath, [.. whole, .. last[..^missing]], TestContext.Current.CancellationToken);

        await using var sample = await StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            await RedisScript.HaveAsync(client, """
                GET a => 2
                EXISTS b => :0
                INCR a => :3
                """);
        });
        var result = await sample.StopAsync();
        Assert.Contains($"its last {last.Length - missing:N0} bytes are cut off", result.Output, StringComparison.Ordinal);
        byte[] expected = [.. whole, .. Concat(["INCR", "a"])];
        Assert.Equal(expected, await File.ReadAllBytesAsync(FilePath, TestContext.Current.CancellationToken));
    }

    [Theory]
    [InlineData("*2\r\n$3\r\nSET\r\n", "DEL")]
    [InlineData("SET a 1\r\n", "expected '*'")]
    [InlineData("*1\r\n$3\r\nXYZ\r\n", "'XYZ' is no command")]
    [InlineData("*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "GET has no place here")]
    [InlineData("*3\r\n$5\r\nLPUSH\r\n$1\r\na\r\n$1\r\nx\r\n", "WRONGTYPE")]
    [InlineData("\0\0\0\0", "expected '*', got byte 0")]
    public async Task A_file_that_is_damaged_is_refused_and_left_as_it_is(string damage, string message)
    {
        var before = Concat(["SET", "a", "1"]);
        byte[] content = [.. before, .. Encoding.Latin1.GetBytes(damage), .. Concat(["DEL", "a"])];
        await File.WriteAllBytesAsync(FilePath, content, TestContext.Current.CancellationToken);

        await using var process = SampleProcess.StartSample("RedisServer", "--port", "0", "--appendonly", "yes", "--dir", _folder.Path);
        var result = (await process.WaitForExitAsync()).WithoutStackTrace();

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"is damaged at byte {before.Length:N0}: ", result.Errors, StringComparison.Ordinal);
        Assert.Contains(message == "DEL" ? "expected '$', got '*'" : message, result.Errors, StringComparison.Ordinal);
        Assert.Equal(content, await File.ReadAllBytesAsync(FilePath, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task One_flush_of_the_device_serves_many_clients()
    {
        const int Clients = 50;
        const int Each = 40;
        await using var sample = await StartAsync();
        NetTest.Run(async () =>
        {
            await TaskGroup.Run(async group =>
            {
                for (var i = 0; i < Clients; i++)
                {
                    _ = group.CreateTask(IncrementAsync());
                }
            });
            await using var client = await sample.ConnectAsync();
            await RedisScript.HaveAsync(client, $"GET n => {Clients * Each}");
            var info = (string)(await client.Call("INFO"))!;
            var flushes = int.Parse(info.Split("aof_fsyncs:")[1].Split('\r')[0]);
            Assert.InRange(flushes, 1, Clients * Each / 2);
        });
        await sample.StopAsync();

        async Coroutine IncrementAsync()
        {
            await using var client = await sample.ConnectAsync();
            for (var i = 0; i < Each; i++)
            {
                await client.Call("INCR", "n");
            }
        }
    }

    [Fact]
    public async Task A_disk_that_takes_no_more_ends_it_and_nobody_is_told_that_all_is_well()
    {
        const int Unit = 512;
        await using (var sample = await RedisSample.StartWithFileLimitAsync(8, JournalOptions))
        {
            NetTest.Run(async () =>
            {
                await using var client = await sample.ConnectAsync();
                Assert.Equal("OK", await client.Call("SET", "a", "1"));
                await client.Connection.WriteAsync(RedisClient.Encode("SET", "b", new string('x', 9 * Unit)));
                Assert.Empty(await client.Connection.Input.ReadToEndAsync());
            });
            var result = (await sample.Process.WaitForExitAsync()).WithoutStackTrace();
            Assert.Equal(1, result.ExitCode);
            Assert.Contains("appendonly.aof", result.Errors, StringComparison.Ordinal);
        }

        // What was written in part goes.
        await using var again = await StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await again.ConnectAsync();
            await RedisScript.HaveAsync(client, """
                GET a => 1
                EXISTS b => :0
                """);
        });
        await again.StopAsync();
    }

    /// <summary>
    /// Kills the server at random moments. Whatever a client was told is there afterwards; what it has sent and not been told of may be.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_was_acknowledged_outlives_a_kill(int seed)
    {
        const int Rounds = 6;
        const int Clients = 4;
        var random = new Random(seed);
        var acknowledged = new long[Clients];
        for (var round = 0; round < Rounds; round++)
        {
            await using var sample = await StartAsync();
            NetTest.Run(async () =>
            {
                await using (var check = await sample.ConnectAsync())
                {
                    for (var i = 0; i < Clients; i++)
                    {
                        var value = long.Parse((string?)await check.Call("GET", $"counter{i}") ?? "0");
                        Assert.InRange(value, acknowledged[i], acknowledged[i] + 1);
                        Assert.Equal(value, long.Parse((string?)await check.Call("GET", $"copy{i}") ?? "0"));
                        Assert.Equal(value, (long)(await check.Call("LLEN", $"list{i}"))!);
                        acknowledged[i] = value;
                    }
                }

                var all = Enumerable.Range(0, Clients).Select(number => Coroutine.Start(WriteAsync(sample, number, acknowledged))).ToList();
                var before = acknowledged.Sum();
                var target = before + random.Next(1, 300);
                while (acknowledged.Sum() < target)
                {
                    await Coroutine.Yield();
                }

                sample.Process.Signal(SigKill);
                foreach (var one in all)
                {
                    await one;
                }
            });
            await sample.Process.WaitForExitAsync();
        }

        Assert.All(acknowledged, count => Assert.True(count > 0));
    }

    /// <summary>Writes until the server is gone; each time two counters and a list, as one.</summary>
    private static async Coroutine WriteAsync(RedisSample sample, int number, long[] acknowledged)
    {
        await using var client = await sample.ConnectAsync();
        byte[] transaction =
        [
            .. RedisClient.Encode("MULTI"),
            .. RedisClient.Encode("INCR", $"counter{number}"),
            .. RedisClient.Encode("INCR", $"copy{number}"),
            .. RedisClient.Encode("RPUSH", $"list{number}", "x"),
            .. RedisClient.Encode("EXEC"),
        ];
        try
        {
            while (true)
            {
                await client.Connection.WriteAsync(transaction);
                for (var i = 0; i < 4; i++)
                {
                    await client.Read();
                }

                acknowledged[number] = (long)((object?[])(await client.Read())!)[0]!;
            }
        }
        catch (Exception exception) when (exception is IOException or EndOfStreamException)
        {
            // Killed.
        }
    }

    private static byte[] Concat(params string[][] commands) => [.. commands.SelectMany(command => RedisClient.Encode(command))];

    private Task<RedisSample> StartAsync() =>
        RedisSample.StartAsync(JournalOptions);
}
