using System.Text;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>How the sample reads commands: whole, in pieces, as lines, in pipelines, and what is no command.</summary>
public sealed class RedisProtocolTests(RedisServer redis) : IClassFixture<RedisServer>
{
    /// <summary>What is sent, and everything that comes back before the end of the connection.</summary>
    public static TheoryData<string, string> Exchanges => new()
    {
        { "PING\r\nQUIT\r\n", "+PONG\r\n+OK\r\n" },
        { "PING\nQUIT\n", "+PONG\r\n+OK\r\n" },
        { "\r\n  \r\n  ECHO   hi  \r\nQUIT\r\n", "$2\r\nhi\r\n+OK\r\n" },
        { "ECHO \"a b\\x41\\n\"\r\nECHO 'it\\'s'\r\nQUIT\r\n", "$5\r\na bA\n\r\n$4\r\nit's\r\n+OK\r\n" },
        { "ECHO \"a\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n" },
        { "ECHO \"a\"b\r\n", "-ERR Protocol error: unbalanced quotes in request\r\n" },
        { "*0\r\n*-1\r\n*1\r\n$4\r\nQUIT\r\n", "+OK\r\n" },
        { "*1\r\n$4\r\nPING\r\n*x\r\n", "+PONG\r\n-ERR Protocol error: invalid multibulk length\r\n" },
        { "*99999999999\r\n", "-ERR Protocol error: invalid multibulk length\r\n" },
        { "*1\r\nPING\r\n", "-ERR Protocol error: expected '$', got 'P'\r\n" },
        { "*1\r\n$x\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
        { "*1\r\n$-1\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
        { "*1\r\n$536870913\r\n", "-ERR Protocol error: invalid bulk length\r\n" },
        { new string('x', 70_000), "-ERR Protocol error: too big inline request\r\n" },
        { "*" + new string('1', 70_000), "-ERR Protocol error: too big mbulk count string\r\n" },
        { "*1\r\n$" + new string('1', 70_000), "-ERR Protocol error: too big bulk count string\r\n" },
    };

    [Theory]
    [MemberData(nameof(Exchanges), DisableDiscoveryEnumeration = true)]
    public async Task The_sample_takes_it_as_it_should(string input, string output)
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            Assert.Equal(output, await ExchangeAsync(await sample.ConnectAsync(), input));
        });
        await sample.StopAsync();
    }

    [Theory]
    [MemberData(nameof(Exchanges), DisableDiscoveryEnumeration = true)]
    public void Redis_takes_it_the_same(string input, string output)
    {
        CounterpartProcess.Require("redis-server");
        NetTest.Run(async () =>
        {
            Assert.Equal(output, await ExchangeAsync(await RedisClient.Connect(redis.EndPoint), input));
        });
    }

    [Fact]
    public async Task It_takes_a_million_arguments_and_no_more()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            var output = await ExchangeAsync(await sample.ConnectAsync(), "*1048577\r\n");
            Assert.Equal("-ERR Protocol error: invalid multibulk length\r\n", output);
        });
        await sample.StopAsync();
    }

    [Fact]
    public async Task Commands_may_come_byte_by_byte()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            var bytes = Encoding.Latin1.GetBytes(
                "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$5\r\na\r\nb\n\r\n*2\r\n$3\r\nGET\r\n$1\r\nk\r\nECHO \"x y\"\r\n");
            foreach (var one in bytes)
            {
                await client.Connection.WriteAsync(new[] { one });
                await Coroutine.Yield();
            }

            Assert.Equal("OK", await client.Read());
            Assert.Equal("a\r\nb\n", await client.Read());
            Assert.Equal("x y", await client.Read());
        });
        await sample.StopAsync();
    }

    [Fact]
    public async Task A_pipeline_is_answered_in_order_however_it_is_cut()
    {
        const int Count = 20_000;
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            var commands = Enumerable.Range(0, Count)
                .SelectMany(number => RedisClient.Encode("ECHO", new string('x', number % 300) + number)).ToArray();
            var sending = Coroutine.Start(SendAsync(client, commands));
            for (var number = 0; number < Count; number++)
            {
                Assert.Equal(new string('x', number % 300) + number, await client.Read());
            }

            await sending;
        });
        await sample.StopAsync();

        static async Coroutine SendAsync(RedisClient client, ReadOnlyMemory<byte> bytes)
        {
            for (var size = 1; !bytes.IsEmpty; size = (size * 7 % 9001) + 1)
            {
                var count = Math.Min(size, bytes.Length);
                await client.Connection.WriteAsync(bytes[..count]);
                bytes = bytes[count..];
            }
        }
    }

    [Fact]
    public async Task Large_values_and_many_arguments_come_back_as_they_were()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            var value = Encoding.Latin1.GetString(NetTest.Pattern(8 << 20));
            Assert.Equal("OK", await client.Call("SET", "large", value));
            Assert.True(value == (string)(await client.Call("GET", "large"))!);

            var members = Enumerable.Range(0, 100_000).Select(number => $"m{number}").ToArray();
            Assert.Equal(100_000L, await client.Call(["RPUSH", "many", .. members]));
            Assert.True(members.SequenceEqual(((object?[])(await client.Call("LRANGE", "many", "0", "-1"))!).Cast<string>()));
        });
        await sample.StopAsync();
    }

    [Fact]
    public async Task Version_3_of_the_protocol_has_types_of_its_own()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            var output = await ExchangeAsync(
                await sample.ConnectAsync(),
                "HSET h f v\r\nSADD s m\r\nZADD z 1.5 m\r\nHELLO 3\r\n" +
                "GET none\r\nHGETALL h\r\nSMEMBERS s\r\nZSCORE z m\r\nZRANGE z 0 -1 WITHSCORES\r\nSUBSCRIBE c\r\nPUBLISH c hi\r\nQUIT\r\n");
            Assert.Contains("%7\r\n$6\r\nserver\r\n", output, StringComparison.Ordinal);
            Assert.EndsWith(
                "_\r\n%1\r\n$1\r\nf\r\n$1\r\nv\r\n" +
                "~1\r\n$1\r\nm\r\n,1.5\r\n*1\r\n*2\r\n$1\r\nm\r\n,1.5\r\n>3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n" +
                ">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n:1\r\n+OK\r\n",
                output,
                StringComparison.Ordinal);
        });
        await sample.StopAsync();
    }

    private static async Coroutine<string> ExchangeAsync(RedisClient client, string input)
    {
        await using (client)
        {
            await client.Connection.WriteAsync(Encoding.Latin1.GetBytes(input));
            return Encoding.Latin1.GetString(await client.Connection.Input.ReadToEndAsync());
        }
    }
}
