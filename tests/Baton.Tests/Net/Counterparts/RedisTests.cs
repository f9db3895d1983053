using System.Security.Cryptography;
using System.Text;

namespace Baton.Tests.Net.Counterparts;

/// <summary>Redis, driven over a <see cref="Connection"/>.</summary>
public class RedisTests(RedisServer redis) : IClassFixture<RedisServer>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_thousand_commands_in_a_pipeline_are_answered_in_order(bool local) => Run(async () =>
    {
        await using var client = await RedisClient.Connect(local ? redis.UnixEndPoint! : redis.EndPoint);
        await client.Call("DEL", "counter");
        var commands = Enumerable.Repeat(RedisClient.Encode("INCR", "counter"), 10_000).SelectMany(command => command).ToArray();
        var write = Coroutine.Start(Write(client.Connection, commands));
        for (var i = 1L; i <= 10_000; i++)
        {
            Assert.Equal(i, await client.Read());
        }

        await write;
    });

    [Fact]
    public void Large_values_come_back_as_they_were() => Run(async () =>
    {
        await using var client = await RedisClient.Connect(redis.EndPoint);
        var value = Encoding.Latin1.GetString(NetTest.Pattern(8 << 20));
        Assert.Equal("OK", await client.Call("SET", "large", value));
        var answer = (string)(await client.Call("GET", "large"))!;
        Assert.Equal(SHA256.HashData(Encoding.Latin1.GetBytes(value)), SHA256.HashData(Encoding.Latin1.GetBytes(answer)));
        Assert.Equal(1L, await client.Call("DEL", "large"));
    });

    [Fact]
    public void A_hundred_clients_at_once() => Run(async () =>
    {
        await using var client = await RedisClient.Connect(redis.EndPoint);
        await client.Call("DEL", "shared");
        await TaskGroup.Run(async group =>
        {
            for (var i = 0; i < 100; i++)
            {
                _ = group.CreateTask(Increment());
            }
        });
        Assert.Equal("10000", await client.Call("GET", "shared"));

        async Coroutine Increment()
        {
            await using var one = await RedisClient.Connect(redis.EndPoint);
            for (var i = 0; i < 100; i++)
            {
                await one.Call("INCR", "shared");
            }
        }
    });

    [Fact]
    public void A_subscriber_gets_every_message_in_order() => Run(async () =>
    {
        await using var subscriber = await RedisClient.Connect(redis.EndPoint);
        await using var publisher = await RedisClient.Connect(redis.EndPoint);
        Assert.Equal(new object?[] { "subscribe", "news", 1L }, await subscriber.Call("SUBSCRIBE", "news"));
        var publish = Coroutine.Start(Publish());
        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal(new object?[] { "message", "news", $"message {i}" }, await subscriber.Read());
        }

        await publish;
        Assert.Equal(new object?[] { "unsubscribe", "news", 0L }, await subscriber.Call("UNSUBSCRIBE", "news"));
        Assert.Equal("PONG", await subscriber.Call("PING"));

        async Coroutine Publish()
        {
            for (var i = 0; i < 1000; i++)
            {
                Assert.Equal(1L, await publisher.Call("PUBLISH", "news", $"message {i}"));
            }
        }
    });

    [Fact]
    public void A_blocking_command_whose_wait_was_cancelled_answers_the_next_read() => Run(async () =>
    {
        await using var waiting = await RedisClient.Connect(redis.EndPoint);
        await using var other = await RedisClient.Connect(redis.EndPoint);
        await other.Call("DEL", "list");
        var task = Coroutine.Start(waiting.Call("BLPOP", "list", "0"));
        await UntilBlocked(other, 1);
        task.Cancel();
        await NetTest.AssertCancelled(task);

        // Redis has not been told. What it answers later is not lost.
        Assert.Equal(1L, await other.Call("RPUSH", "list", "late"));
        Assert.Equal(new object?[] { "list", "late" }, await waiting.Read());
        Assert.Equal("PONG", await waiting.Call("PING"));
    });

    [Fact]
    public void A_blocking_command_ends_with_its_connection() => Run(async () =>
    {
        await using var other = await RedisClient.Connect(redis.EndPoint);
        await other.Call("DEL", "list");
        var task = Coroutine.Start(PopOnce());
        await UntilBlocked(other, 1);
        task.Cancel();
        await NetTest.AssertCancelled(task);
        await UntilBlocked(other, 0);
        Assert.Equal(1L, await other.Call("RPUSH", "list", "kept"));
        Assert.Equal("kept", await other.Call("LPOP", "list"));

        async Coroutine PopOnce()
        {
            await using var client = await RedisClient.Connect(redis.EndPoint);
            await client.Call("BLPOP", "list", "0");
        }
    });

    [Fact]
    public void A_time_limit_for_a_blocking_command() => Run(async () =>
    {
        await using var client = await RedisClient.Connect(redis.EndPoint);
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(TimeSpan.FromMilliseconds(20), async () =>
        {
            await client.Call("BLPOP", "never", "0");
        }));
    });

    [Fact]
    public void A_client_that_Redis_throws_out_reads_to_the_end() => Run(async () =>
    {
        await using var victim = await RedisClient.Connect(redis.EndPoint);
        await using var other = await RedisClient.Connect(redis.EndPoint);
        var id = await victim.Call("CLIENT", "ID");
        var read = Coroutine.Start(victim.Read());
        await NetTest.Iterate();
        Assert.Equal(1L, await other.Call("CLIENT", "KILL", "ID", $"{id}"));
        await Assert.ThrowsAsync<EndOfStreamException>(async () => await read);
    });

    /// <summary>
    /// Redis has limits for what a client that does not read may cost it. Ours is to tell an answer that was cut short from a whole one.
    /// </summary>
    [Fact]
    public void A_subscriber_that_does_not_read_is_thrown_out_and_knows() => Run(async () =>
    {
        await using var lazy = await RedisClient.Connect(redis.EndPoint);
        await using var other = await RedisClient.Connect(redis.EndPoint);
        await other.Call("CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 0 0");
        await lazy.Call("SUBSCRIBE", "flood");
        var message = new string('x', 100_000);
        var sent = 0;
        while ((long)(await other.Call("PUBLISH", "flood", message))! == 1)
        {
            Assert.InRange(++sent, 0, 10_000);
        }

        var received = 0;
        var end = await Record.ExceptionAsync(async () =>
        {
            while (true)
            {
                Assert.Equal(new object?[] { "message", "flood", message }, await lazy.Read());
                received++;
            }
        });
        Assert.True(end is IOException, $"{end}");
        Assert.InRange(received, 1, sent);
    });

    private static void Run(Func<Coroutine> main) => NetTest.Run(() =>
    {
        CounterpartProcess.Require("redis-server");
        return main();
    });

    private static async Coroutine Write(Connection connection, byte[] bytes) => await connection.WriteAsync(bytes);

    private static async Coroutine UntilBlocked(RedisClient client, int count)
    {
        while (!((string)(await client.Call("INFO", "clients"))!).Contains($"blocked_clients:{count}\r", StringComparison.Ordinal))
        {
        }
    }
}
