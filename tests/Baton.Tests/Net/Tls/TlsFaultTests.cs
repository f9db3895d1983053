using System.Buffers;
using System.Net.Sockets;
using System.Security.Authentication;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Tls;

/// <summary>What goes wrong in a session, and what is left then.</summary>
public class TlsFaultTests
{
    [Theory]
    [InlineData(SslProtocols.Tls12)]
    [InlineData(SslProtocols.Tls13)]
    public void A_session_that_is_cut_off_is_reported_as_such_after_its_data(SslProtocols protocols) => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        await TlsTest.Upgrade(one, two, protocols);
        await one.WriteAsync("data"u8.ToArray());
        Assert.Equal("dat"u8.ToArray(), await two.Input.ReadExactlyAsync(3));
        await relay.EndServer();
        Assert.Equal("a"u8.ToArray(), await two.Input.ReadExactlyAsync(1));
        for (var i = 0; i < 2; i++)
        {
            var failure = await Assert.ThrowsAsync<TlsTruncatedException>(async () => await two.Input.ReadAsync());
            Assert.Contains("127.0.0.1", failure.Message, StringComparison.Ordinal);
        }

        await Assert.ThrowsAsync<TlsTruncatedException>(async () => await two.AsStream().ReadExactlyAsync(new byte[1]));
    });

    [Fact]
    public void A_session_that_is_cut_off_within_a_record_is_reported_too() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        await TlsTest.Upgrade(one, two);
        await one.WriteAsync("first"u8.ToArray());
        Assert.Equal(5, (await two.Input.ReadExactlyAsync(5)).Length);
        await relay.Stop();
        await relay.Inject([0x17, 3, 3, 0, 100, 1, 2, 3]);
        await relay.EndServer();
        await Assert.ThrowsAsync<TlsTruncatedException>(async () => await two.Input.ReadAsync());
    });

    [Fact]
    public void A_record_that_was_changed_on_the_way_breaks_the_session() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        await TlsTest.Upgrade(one, two);
        relay.FromClient = bytes => bytes.Span[^1] ^= 1;
        await one.WriteAsync("data"u8.ToArray());
        var failure = await Assert.ThrowsAsync<IOException>(async () => await two.Input.ReadAsync());
        Assert.Contains("127.0.0.1", failure.Message, StringComparison.Ordinal);
        Assert.NotNull(failure.InnerException);
        await Assert.ThrowsAsync<IOException>(async () => await two.Input.ReadAsync());
        await relay.Stop();
    });

    [Fact]
    public void Garbage_in_place_of_a_record_breaks_the_session() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        await TlsTest.Upgrade(one, two);
        await relay.Inject("this is no record of TLS, by any means"u8.ToArray());
        await Assert.ThrowsAsync<IOException>(async () => await two.AsStream().ReadExactlyAsync(new byte[1]));
        await relay.Stop();
    });

    [Fact]
    public void A_reset_is_reported_as_a_reset() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        await TlsTest.Upgrade(one, two);
        var read = Coroutine.Start(TlsTest.ReadToEnd(two));
        await NetTest.Polls(3);
        await relay.ResetServer();
        var failure = await Assert.ThrowsAsync<IOException>(async () => await read);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    });

    [Fact]
    public void A_peer_that_aborts_is_not_one_that_ends() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var two = server;
        var read = Coroutine.Start(TlsTest.ReadToEnd(server));
        await NetTest.Polls(3);
        client.Abort();
        await Assert.ThrowsAnyAsync<IOException>(async () => await read);
    });

    [Fact]
    public void A_cancelled_read_loses_nothing_wherever_it_stands() => NetTest.Run(async () =>
    {
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        await TlsTest.Upgrade(one, two);
        relay.PieceSize = () => 7;
        var bytes = NetTest.Pattern(3000);
        var write = Coroutine.Start(Write());
        var received = new MemoryStream();
        var cancelled = 0;
        while (received.Length < bytes.Length)
        {
            var buffer = new byte[50];
            var read = Coroutine.Start(cancelled % 2 == 0 ? Read() : two.AsStream().ReadAsync(buffer).ToCoroutine());
            await NetTest.Iterate(1 + (cancelled % 7));
            read.Cancel();
            await Coroutine.Wait([read]);
            if (read.IsCancelled)
            {
                cancelled++;
            }
            else
            {
                received.Write(buffer, 0, read.GetResult());
            }

            async Coroutine<int> Read()
            {
                var result = await two.Input.ReadAsync();
                var count = (int)Math.Min(result.Buffer.Length, buffer.Length);
                result.Buffer.FirstSpan[..Math.Min(count, result.Buffer.FirstSpan.Length)].CopyTo(buffer);
                count = Math.Min(count, result.Buffer.FirstSpan.Length);
                two.Input.AdvanceTo(result.Buffer.GetPosition(count));
                return count;
            }
        }

        Assert.Equal(bytes, received.ToArray());
        Assert.NotEqual(0, cancelled);
        await write;
        await relay.Stop();

        async Coroutine Write()
        {
            for (var i = 0; i < bytes.Length; i += 300)
            {
                await one.WriteAsync(bytes.AsMemory(i, 300));
            }
        }
    });

    [Fact]
    public void A_small_write_that_was_cancelled_arrives_all_the_same_and_the_session_goes_on() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var one = client;
        await using var two = server;
        var filler = NetTest.Pattern(16 << 20);
        var fill = Coroutine.Start(TlsTest.Write(client, filler));
        await NetTest.Polls(5);
        Assert.False(fill.IsDone);
        var small = Coroutine.Start(TlsTest.Write(client, "small"u8.ToArray()));
        var large = Coroutine.Start(TlsTest.Write(client, new byte[100_000]));
        await NetTest.Polls(3);
        small.Cancel();
        large.Cancel();
        await NetTest.AssertCancelled(small);
        await NetTest.AssertCancelled(large);
        var read = Coroutine.Start(server.Input.ReadExactlyAsync(filler.Length + 5));
        await fill;
        var received = await read;
        Assert.Equal(filler, received[..filler.Length]);
        Assert.Equal("small"u8.ToArray(), received[filler.Length..]);
        await client.WriteAsync("next"u8.ToArray());
        Assert.Equal("next"u8.ToArray(), await server.Input.ReadExactlyAsync(4));
    });

    [Fact]
    public void A_large_write_that_was_cancelled_half_sent_ends_the_output_at_a_whole_record() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var two = server;
        var bytes = NetTest.Pattern(16 << 20);
        var write = Coroutine.Start(TlsTest.Write(client, bytes));
        await NetTest.Polls(5);
        write.Cancel();
        await NetTest.AssertCancelled(write);
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
        Assert.Contains("cancelled", failure.Message, StringComparison.Ordinal);
        var received = await server.Input.ReadExactlyAsync(100_000);
        Assert.Equal(bytes[..100_000], received);
        await client.CloseAsync();
        await Assert.ThrowsAnyAsync<IOException>(async () => await TlsTest.ReadToEnd(server));
    });

    [Fact]
    public void A_slow_reader_holds_the_writer_up() => NetTest.Run(async test =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(16 << 20);
        var write = Coroutine.Start(TlsTest.Write(client, bytes));
        await NetTest.Polls(20);
        Assert.False(write.IsDone);

        // Nothing is sealed ahead of the system's room but the two records that were under way.
        Assert.InRange(client.BufferedOutput, 1, bytes.Length);
        Assert.InRange(test.Driver.Blocks.LentCount, 1, 6);
        var read = Coroutine.Start(server.Input.ReadExactlyAsync(bytes.Length));
        await write;
        Assert.Equal(bytes, await read);
        Assert.Equal(0, client.BufferedOutput);
    });

    [Fact]
    public void Closing_gives_up_on_a_peer_that_does_not_read() => NetTest.RunInVirtualTime(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        await Coroutine.Gather(
            client.UpgradeToTlsAsync(TlsTest.ClientOptions(), shutdownTimeout: TimeSpan.FromSeconds(5)),
            server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
        client.Output.Write(new byte[16 << 20]);
        var start = test.Loop.Time;
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.CloseAsync());
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Equal(5_000_000_000, test.Loop.Time - start);
        Assert.True(client.IsClosed);
        await Assert.ThrowsAnyAsync<IOException>(async () => await TlsTest.ReadToEnd(server));
    });

    [Fact]
    public void Disposing_does_not_wait() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        await using var two = server;
        await client.WriteAsync("data"u8.ToArray());
        client.Dispose();
        Assert.True(client.IsClosed);
        Assert.Equal("data"u8.ToArray(), await TlsTest.ReadToEnd(server));

        (client, var other) = await TlsTest.Connect();
        await using var three = other;
        client.Output.Write(new byte[16 << 20]);
        client.Dispose();
        Assert.True(client.IsClosed);
        await Assert.ThrowsAnyAsync<IOException>(async () => await TlsTest.ReadToEnd(other));
    });

    [Fact]
    [CPython(
        "test_sslproto.SslProtoHandshakeTests.test_write_after_closing",
        Improvement = "A write to a connection that was closed fails, instead of being dropped in silence.")]
    public void Reads_and_writes_under_way_fail_when_the_connection_is_closed() => NetTest.Run(async () =>
    {
        foreach (var abort in new[] { true, false })
        {
            var (client, server) = await TlsTest.Connect();
            await using var two = server;
            var read = Coroutine.Start(client.Input.ReadAsync().ToCoroutine());
            var write = Coroutine.Start(TlsTest.Write(client, new byte[16 << 20]));
            await NetTest.Polls(5);
            if (abort)
            {
                client.Abort();
            }
            else
            {
                client.Dispose();
            }

            Assert.Contains(
                "closed on this side", (await Assert.ThrowsAsync<IOException>(async () => await read)).Message, StringComparison.Ordinal);
            Assert.Contains(
                "closed on this side", (await Assert.ThrowsAsync<IOException>(async () => await write)).Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
            await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadAsync());
        }
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Any_chunking_on_the_way_gives_the_same_bytes(int seed) => NetTest.Run(async () =>
    {
        var random = new Random(seed);
        using var relay = await TlsRelay.Start();
        await using var one = relay.Client;
        await using var two = relay.Server;
        relay.PieceSize = () => 1 + random.Next(random.Next(2) == 0 ? 40 : 40_000);
        await TlsTest.Upgrade(one, two, seed % 2 == 0 ? SslProtocols.Tls12 : SslProtocols.Tls13);
        var there = NetTest.Pattern(300_000 + seed);
        var back = NetTest.Pattern(200_000 + seed);
        var tasks = new[] { Coroutine.Start(Write(one, there)), Coroutine.Start(Write(two, back)) };
        var atServer = Coroutine.Start(Read(two, there.Length));
        Assert.Equal(back, await Read(one, back.Length));
        Assert.Equal(there, await atServer);
        await Coroutine.Wait(tasks);
        await relay.Stop();

        async Coroutine Write(Connection connection, byte[] bytes)
        {
            for (var position = 0; position < bytes.Length;)
            {
                var count = Math.Min(bytes.Length - position, 1 + random.Next(random.Next(3) == 0 ? 60_000 : 3000));
                await connection.WriteAsync(bytes.AsMemory(position, count));
                position += count;
            }
        }

        async Coroutine<byte[]> Read(Connection connection, int length)
        {
            var bytes = new byte[length];
            for (var position = 0; position < length;)
            {
                if (random.Next(2) == 0)
                {
                    var count = Math.Min(length - position, 1 + random.Next(30_000));
                    position += await connection.AsStream().ReadAsync(bytes.AsMemory(position, count));
                }
                else
                {
                    var count = Math.Min(length - position, 1 + random.Next(10_000));
                    (await connection.Input.ReadExactlyAsync(count)).CopyTo(bytes.AsSpan(position));
                    position += count;
                }
            }

            return bytes;
        }
    });
}
