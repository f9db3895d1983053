using System.Runtime.InteropServices;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Samples.Redis;

/// <summary>What happens between the sample's clients: messages, transactions, waits; and how it starts and ends.</summary>
public sealed class RedisClientsTests
{
    [Fact]
    public async Task Messages_reach_the_subscribers_of_channels_and_patterns()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var subscriber = await sample.ConnectAsync();
            await using var publisher = await sample.ConnectAsync();
            await subscriber.Connection.WriteAsync(RedisClient.Encode("SUBSCRIBE", "news", "sport"));
            Assert.Equal("[subscribe, news, :1]", await ReadAsync(subscriber));
            Assert.Equal("[subscribe, sport, :2]", await ReadAsync(subscriber));
            await RedisScript.HaveAsync(subscriber, "PSUBSCRIBE n?ws* => [psubscribe, n?ws*, :3]");
            Assert.StartsWith("-ERR Can't execute 'get': only (P|S)SUBSCRIBE", await RedisScript.CallAsync(subscriber, "GET", "k"));
            await RedisScript.HaveAsync(subscriber, "PING => [pong, '']");

            await RedisScript.HaveAsync(publisher, """
                PUBLISH news one => :2
                PUBLISH newsletter two => :1
                PUBLISH other three => :0
                """);
            Assert.Equal("[message, news, one]", await ReadAsync(subscriber));
            Assert.Equal("[pmessage, n?ws*, news, one]", await ReadAsync(subscriber));
            Assert.Equal("[pmessage, n?ws*, newsletter, two]", await ReadAsync(subscriber));

            await RedisScript.HaveAsync(subscriber, """
                PUNSUBSCRIBE => [punsubscribe, n?ws*, :2]
                UNSUBSCRIBE sport => [unsubscribe, sport, :1]
                UNSUBSCRIBE => [unsubscribe, news, :0]
                UNSUBSCRIBE => [unsubscribe, nil, :0]
                GET k => nil
                """);
            await RedisScript.HaveAsync(publisher, "PUBLISH news one => :0");
        });
        await sample.StopAsync();
    }

    [Fact]
    public async Task A_subscriber_that_does_not_read_is_disconnected_and_others_are_not()
    {
        await using var sample = await RedisSample.StartAsync("--output-limit", "1000000");
        NetTest.Run(async () =>
        {
            await using var slow = await sample.ConnectAsync();
            await using var quick = await sample.ConnectAsync();
            await using var publisher = await sample.ConnectAsync();
            await slow.Call("SUBSCRIBE", "c");
            await quick.Call("SUBSCRIBE", "c");
            var message = new string('m', 100_000);
            var published = 0;
            while (await publisher.Call("PUBLISH", "c", message) is 2L)
            {
                Assert.Equal(message, ((object?[])(await quick.Read())!)[2]);
                Assert.True(++published < 1000);
            }

            // The last one was for one of them only.
            Assert.Equal(message, ((object?[])(await quick.Read())!)[2]);
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                while (true)
                {
                    await slow.Read();
                }
            });
        });
        await sample.Process.WaitForLineAsync("is disconnected: it has not read");
        await sample.StopAsync();
    }

    [Fact]
    public async Task A_transaction_fails_when_a_key_that_it_watches_has_changed()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var first = await sample.ConnectAsync();
            await using var second = await sample.ConnectAsync();
            foreach (var change in new[] { "SET a 2", "DEL a", "SET a 1", "EXPIRE a 100", "FLUSHALL", "APPEND a x", "RENAME a b" })
            {
                await first.Call("SET", "a", "1");
                await first.Call("WATCH", "a", "other");
                await second.Call(change.Split(' '));
                await RedisScript.HaveAsync(first, """
                    MULTI => OK
                    SET done yes => QUEUED
                    EXEC => nil
                    EXISTS done => :0
                    """);
            }

            await first.Call("SET", "a", "1");
            await RedisScript.HaveAsync(first, "WATCH a => OK");
            await RedisScript.HaveAsync(second, "SET b 1 => OK");
            await RedisScript.HaveAsync(first, """
                MULTI => OK
                INCR a => QUEUED
                INCR a => QUEUED
                EXEC => [:2, :3]
                """);
        });
        await sample.StopAsync();
    }

    [Fact]
    public async Task Whoever_waits_longest_for_a_list_is_served_first_and_then_goes_on()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var first = await sample.ConnectAsync();
            await using var second = await sample.ConnectAsync();
            await using var gone = await sample.ConnectAsync();
            await using var pusher = await sample.ConnectAsync();

            // What comes while it waits is carried out afterwards.
            byte[] both = [.. RedisClient.Encode("BLPOP", "x", "l", "0"), .. RedisClient.Encode("ECHO", "after")];
            await first.Connection.WriteAsync(both);
            await UntilBlockedAsync(pusher, 1);
            await gone.Connection.WriteAsync(RedisClient.Encode("BLPOP", "l", "0"));
            await UntilBlockedAsync(pusher, 2);
            await second.Connection.WriteAsync(RedisClient.Encode("BRPOP", "l", "100"));
            await UntilBlockedAsync(pusher, 3);

            // Nothing is lost to one who has left.
            gone.Connection.Abort();
            await UntilBlockedAsync(pusher, 2);
            await RedisScript.HaveAsync(pusher, "RPUSH l a b c => :3");
            Assert.Equal("[l, a]", await ReadAsync(first));
            Assert.Equal("after", await ReadAsync(first));
            Assert.Equal("[l, c]", await ReadAsync(second));
            await RedisScript.HaveAsync(pusher, "LRANGE l 0 -1 => [b]");
        });
        await sample.StopAsync();
    }

    [Fact]
    public async Task Keys_expire_when_somebody_looks_and_when_nobody_does()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            await RedisScript.HaveAsync(client, "SET looked 1 PX 1 => OK");
            while (await client.Call("GET", "looked") is not null)
            {
            }

            for (var i = 0; i < 5000; i++)
            {
                await client.Connection.WriteAsync(RedisClient.Encode("SET", $"k{i}", "v", "PX", "1"));
                await client.Read();
            }

            // DBSIZE counts what is there, and looks at no key.
            while (await client.Call("DBSIZE") is not 0L)
            {
            }
        });
        await sample.StopAsync();
    }

    [Theory]
    [InlineData(PosixSignal.SIGINT)]
    [InlineData(PosixSignal.SIGTERM)]
    public async Task A_signal_ends_it_though_clients_are_connected(PosixSignal signal)
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var idle = await sample.ConnectAsync();
            await using var subscriber = await sample.ConnectAsync();
            await using var waiting = await sample.ConnectAsync();
            await idle.Call("PING");
            await subscriber.Call("SUBSCRIBE", "c");
            await waiting.Connection.WriteAsync(RedisClient.Encode("BLPOP", "l", "0"));
            await UntilBlockedAsync(idle, 1);
            sample.Process.Signal(signal);
            foreach (var client in new[] { idle, subscriber, waiting })
            {
                Assert.Empty(await client.Connection.Input.ReadToEndAsync());
            }
        });
        var result = (await sample.Process.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("Stopping: 3 connected.", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Shutdown_ends_it()
    {
        await using var sample = await RedisSample.StartAsync();
        NetTest.Run(async () =>
        {
            await using var client = await sample.ConnectAsync();
            await client.Connection.WriteAsync(RedisClient.Encode("SHUTDOWN", "NOSAVE"));
            Assert.Empty(await client.Connection.Input.ReadToEndAsync());
        });
        Assert.Equal(0, (await sample.Process.WaitForExitAsync()).WithoutStackTrace().ExitCode);
    }

    [Theory]
    [InlineData("--port must be from 0 to 65535", "--port", "70000")]
    [InlineData("'maybe'", "--appendonly", "maybe")]
    [InlineData("'sometimes'", "--appendfsync", "sometimes")]
    [InlineData("--output-limit must be at least 1", "--output-limit", "0")]
    [InlineData("no-such-host.invalid", "--bind", "no-such-host.invalid")]
    [InlineData("/no/such/folder", "--port", "0", "--appendonly", "yes", "--dir", "/no/such/folder")]
    public async Task It_says_what_is_wrong_with_its_options(string message, params string[] arguments)
    {
        await using var process = SampleProcess.StartSample("RedisServer", arguments);
        var result = (await process.WaitForExitAsync()).WithoutStackTrace();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains(message, result.Errors, StringComparison.Ordinal);
    }

    private static async Coroutine<string> ReadAsync(RedisClient client) => RedisScript.Render(await client.Read());

    private static async Coroutine UntilBlockedAsync(RedisClient client, int count)
    {
        while (!((string)(await client.Call("INFO"))!).Contains($"blocked_clients:{count}\r\n", StringComparison.Ordinal))
        {
        }
    }
}
