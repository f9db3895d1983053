using System.Security.Authentication;

namespace Baton.Tests.Net.Tls;

/// <summary>A <see cref="Connection"/> with TLS does what one without does.</summary>
public class TlsConnectionTests
{
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Bytes_go_both_ways_through_the_pipes(SslProtocols protocols) => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect(protocols);
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("ping\n"u8.ToArray());
        Assert.Equal("ping", await server.Input.ReadLineAsync());
        await server.Output.WriteAsync("pong\n"u8.ToArray());
        Assert.Equal("pong", await client.Input.ReadLineAsync());
        Assert.Equal(protocols, client.Tls!.Protocol);
        Assert.Equal(protocols, server.Tls!.Protocol);
    });

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void Much_goes_both_ways_at_once(SslProtocols protocols) => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect(protocols);
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern((8 << 20) + 7);
        var there = Coroutine.Start(Write(client));
        var back = Coroutine.Start(Write(server));
        var atServer = Coroutine.Start(TlsTest.ReadToEnd(server));
        Assert.Equal(bytes, await TlsTest.ReadToEnd(client));
        Assert.Equal(bytes, await atServer);
        await there;
        await back;

        async Coroutine Write(Connection connection)
        {
            await connection.WriteAsync(bytes);
            await connection.CompleteOutputAsync();
        }
    });

    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void One_side_ends_and_the_other_goes_on(SslProtocols protocols) => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect(protocols);
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("question"u8.ToArray());
        await client.CompleteOutputAsync();
        Assert.Equal("question"u8.ToArray(), await TlsTest.ReadToEnd(server));
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        await NetTest.Polls(5);
        await server.WriteAsync("answer"u8.ToArray());
        await server.CompleteOutputAsync();
        Assert.Equal("answer"u8.ToArray(), await TlsTest.ReadToEnd(client));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await client.WriteAsync(new byte[1]));
    });

    [Fact]
    public void A_close_ends_the_session_in_good_order() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var two = server;
        await client.WriteAsync("last words"u8.ToArray());
        await client.CloseAsync();
        Assert.Equal("last words"u8.ToArray(), await TlsTest.ReadToEnd(server));
        Assert.True(client.IsClosed);
        await client.CloseAsync();
    });

    [Fact]
    public void What_was_not_flushed_goes_out_at_the_close() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var two = server;
        var bytes = NetTest.Pattern(5 << 20);
        var read = Coroutine.Start(TlsTest.ReadToEnd(server));
        for (var rest = bytes.AsMemory(); !rest.IsEmpty;)
        {
            var memory = client.Output.GetMemory(100_000);
            var count = Math.Min(memory.Length, rest.Length);
            rest[..count].CopyTo(memory);
            client.Output.Advance(count);
            rest = rest[count..];
        }

        Assert.Equal(bytes.Length, client.BufferedOutput);
        await client.CloseAsync();
        Assert.Equal(bytes, await read);
    });

    [Fact]
    public void The_stream_is_that_of_the_session() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var stream = server.AsStream();
        await TlsTest.Upgrade(client, server);
        Assert.Same(stream, server.AsStream());
        var buffer = new byte[10];
        var read = Coroutine.Start(stream.ReadAsync(buffer).ToCoroutine());
        await NetTest.Iterate();
        Assert.False(read.IsDone);
        await client.AsStream().WriteAsync(new byte[] { 1, 2, 3 });
        Assert.Equal(3, await read);
        Assert.Equal([1, 2, 3], buffer[..3]);
        var wait = Coroutine.Start(stream.ReadAsync(Memory<byte>.Empty).ToCoroutine());
        await NetTest.Iterate(20);
        Assert.False(wait.IsDone);
        await client.WriteAsync(new byte[1]);
        Assert.Equal(0, await wait);
        Assert.Equal(1, await stream.ReadAsync(buffer));
        await client.CompleteOutputAsync();
        Assert.Equal(0, await stream.ReadAsync(Memory<byte>.Empty));
        Assert.Equal(0, await stream.ReadAsync(buffer));
        Assert.Equal(0, await stream.ReadAsync(buffer));
    });

    [Fact]
    public void An_idle_connection_holds_no_block() => NetTest.Run(async test =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = Coroutine.Start(TlsTest.ReadToEnd(server));
        await NetTest.Polls(5);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        await client.WriteAsync(NetTest.Pattern(100_000));
        await NetTest.Polls(20);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        await client.CompleteOutputAsync();
        Assert.Equal(100_000, (await read).Length);
    });

    [Fact]
    public void Tls_runs_in_tls() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect(SslProtocols.Tls13);
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("outer\n"u8.ToArray());
        Assert.Equal("outer", await server.Input.ReadLineAsync());
        await TlsTest.Upgrade(client, server, SslProtocols.Tls12);
        Assert.Equal(SslProtocols.Tls12, client.Tls!.Protocol);
        var bytes = NetTest.Pattern(3 << 20);
        var echo = Coroutine.Start(NetTest.Echo(server));
        var write = Coroutine.Start(Write());
        Assert.Equal(bytes, await client.Input.ReadExactlyAsync(bytes.Length));
        await write;
        await echo;
        await server.CloseAsync();
        Assert.True((await client.Input.ReadAsync()).IsCompleted);

        async Coroutine Write()
        {
            await client.WriteAsync(bytes);
            await client.CompleteOutputAsync();
        }
    });

    [Fact]
    public void Several_coroutines_write_and_each_write_arrives_whole_and_in_order() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var one = client;
        await using var two = server;
        var writers = Enumerable.Range(0, 8).Select(i => Coroutine.Start(Write((byte)i))).ToArray();
        var counts = new int[8];
        var total = 8 * 200 * 1000;
        for (var position = 0; position < total; position += 1000)
        {
            var message = await server.Input.ReadExactlyAsync(1000);
            Assert.All(message, value => Assert.Equal(message[0], value));
            counts[message[0]]++;
        }

        Assert.All(counts, count => Assert.Equal(200, count));
        foreach (var writer in writers)
        {
            await writer;
        }

        async Coroutine Write(byte value)
        {
            var message = new byte[1000];
            message.AsSpan().Fill(value);
            for (var i = 0; i < 200; i++)
            {
                await client.WriteAsync(message);
            }
        }
    });

    [Fact]
    public void Small_writes_of_one_iteration_leave_together() => NetTest.Run(async test =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var one = client;
        await using var two = server;
        await NetTest.Polls(3);
        var sends = test.Driver.Statistics.Sends;
        for (var i = 0; i < 100; i++)
        {
            _ = client.WriteAsync(new[] { (byte)i });
        }

        Assert.Equal(100, (await server.Input.ReadExactlyAsync(100)).Length);
        Assert.InRange(test.Driver.Statistics.Sends - sends, 1, 2);
    });
}
