using System.IO.Pipelines;
using System.Net.Sockets;

namespace Baton.Tests.Net.Faults;

/// <summary>
/// What peers do to a stream, over everything that a stream can run over, on the driver of the run. The harness sees to it that afterwards
/// no task, timer, socket, descriptor or block is left; each test sees to it that the loop and other connections go on.
/// </summary>
public class StreamFaultTests
{
    private const int Megabyte = 1 << 20;

    public static TheoryData<StreamKind> Kinds => Streams.All;

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_reset_fails_the_read_that_waits(StreamKind kind) => Run(kind, async (client, server) =>
    {
        // Something that the peer has not read when it closes makes a local socket tell of a reset, too.
        await server.WriteAsync(new byte[1]);
        var read = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        client.Abort();
        await AssertReset(read);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_reset_fails_the_write_that_waits_and_those_after_it(StreamKind kind) => Run(kind, async (client, server) =>
    {
        var write = Coroutine.Start(Write(server, 16 * Megabyte));
        await NetTest.Until(() => server.BufferedOutput > 0);
        client.Abort();
        await Assert.ThrowsAsync<IOException>(async () => await write);
        await Assert.ThrowsAsync<IOException>(async () => await server.WriteAsync(new byte[1]));
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_half_closed_stream_goes_on_in_the_other_direction(StreamKind kind) => Run(kind, async (client, server) =>
    {
        var bytes = NetTest.Pattern(3 * Megabyte);
        await client.WriteAsync(new byte[3]);
        await client.CompleteOutputAsync();
        Assert.Equal(3, (await server.Input.ReadExactlyAsync(3)).Length);
        Assert.True(await IsAtEnd(server.Input));
        var write = Coroutine.Start(Write(server, bytes));
        Assert.Equal(bytes, await client.Input.ReadExactlyAsync(bytes.Length));
        await write;
        await server.CompleteOutputAsync();
        Assert.True(await IsAtEnd(client.Input));
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_slow_reader_holds_the_writer_and_gets_everything(StreamKind kind) => Run(kind, async (client, server) =>
    {
        var bytes = NetTest.Pattern(12 * Megabyte);
        var write = Coroutine.Start(Write(client, bytes));
        await NetTest.Polls(20);
        Assert.False(write.IsDone);
        for (var i = 0; i < 50; i++)
        {
            Assert.Equal(bytes[i], (await server.Input.ReadExactlyAsync(1))[0]);
            await NetTest.Polls(1);
        }

        Assert.False(write.IsDone);
        Assert.Equal(bytes.AsMemory(50), (await server.Input.ReadExactlyAsync(bytes.Length - 50)).AsMemory());
        await write;
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_slow_writer_is_read_byte_by_byte(StreamKind kind) => Run(kind, async (client, server) =>
    {
        var bytes = NetTest.Pattern(100);
        var read = Coroutine.Start(server.Input.ReadExactlyAsync(bytes.Length));
        for (var i = 0; i < bytes.Length; i++)
        {
            Assert.False(read.IsDone);
            await client.WriteAsync(bytes.AsMemory(i, 1));
            await NetTest.Polls(1);
        }

        Assert.Equal(bytes, await read);
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_peer_that_never_answers_costs_the_reader_its_time_and_nothing_else(StreamKind kind) => Run(kind, async (client, server) =>
    {
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await Coroutine.WaitFor(server.Input.ReadExactlyAsync(1), TimeSpan.FromMilliseconds(20)));

        // Nothing of what comes later is lost to the wait that was given up.
        await client.WriteAsync(new byte[] { 7 });
        Assert.Equal([7], await server.Input.ReadExactlyAsync(1));
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void A_peer_that_sends_without_end_fills_no_memory_of_ours(StreamKind kind) => RunWithTest(kind, async (test, client, server) =>
    {
        // The kernel's buffers fill, and then the peer waits: until then the writer's bytes are its own.
        var chunk = new byte[Megabyte];
        var sent = 0;
        var flood = Coroutine.Start(Flood());
        await NetTest.Until(IsStill(() => sent));
        Assert.InRange(sent, 0, 64);

        // What the writer waits with, and records of it that are sealed already.
        Assert.InRange(test.Driver.Blocks.LentCount, 1, 8);

        // A reader that looks for a line meets the limit that it has set, holding little more.
        var failure = await Assert.ThrowsAsync<LimitOverrunException>(async () => await server.Input.ReadLineAsync(limit: 100_000));
        Assert.InRange(test.Driver.Blocks.LentCount, 0, 64);
        Assert.InRange(failure.Consumed, 100_000, 1_000_000);
        flood.Cancel();
        await Assert.ThrowsAnyAsync<Exception>(async () => await flood);
        async Coroutine Flood()
        {
            while (true)
            {
                await client.WriteAsync(chunk);
                sent++;
            }
        }
    });

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Closing_while_the_peer_sends_ends_both(StreamKind kind) => Run(kind, async (client, server) =>
    {
        var write = Coroutine.Start(Write(client, 16 * Megabyte));
        await NetTest.Until(() => client.BufferedOutput > 0);
        await server.CloseAsync();
        await Assert.ThrowsAsync<IOException>(async () => await write);
    });

    private static void Run(StreamKind kind, Func<Connection, Connection, Coroutine> body) =>
        RunWithTest(kind, (_, client, server) => body(client, server));

    private static void RunWithTest(StreamKind kind, Func<NetTest, Connection, Connection, Coroutine> body) => NetTest.Run(async test =>
    {
        var (bystanderClient, bystanderServer) = await NetTest.Connect();
        await using var bystander1 = bystanderClient;
        await using var bystander2 = bystanderServer;
        var (client, server) = await Streams.Connect(kind);
        try
        {
            await body(test, client, server);
        }
        finally
        {
            Streams.End(client);
            Streams.End(server);
        }

        await bystanderClient.WriteAsync(new byte[] { 1, 2, 3 });
        Assert.Equal([1, 2, 3], await bystanderServer.Input.ReadExactlyAsync(3));
    });

    private static async Coroutine AssertReset(LoopTask read)
    {
        var failure = await Assert.ThrowsAsync<IOException>(async () => await read);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
    }

    private static async Coroutine Read(Connection connection) => await connection.Input.ReadAsync();

    private static async Coroutine Write(Connection connection, ReadOnlyMemory<byte> bytes) => await connection.WriteAsync(bytes);

    private static Coroutine Write(Connection connection, int length) => Write(connection, new byte[length]);

    private static async Coroutine<bool> IsAtEnd(PipeReader reader)
    {
        var read = await reader.ReadAsync();
        return read.Buffer.IsEmpty && read.IsCompleted;
    }

    /// <summary>Whether a count has stayed as it was for a good while.</summary>
    private static Func<bool> IsStill(Func<int> count)
    {
        var last = -1;
        var same = 0;
        return () =>
        {
            same = count() == last ? same + 1 : 0;
            last = count();
            return same > 50;
        };
    }
}
