using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Baton.Tests.Net;

/// <summary>
/// The reading side of a <see cref="Connection"/> keeps the rules of <see cref="PipeReader"/>, and holds no memory while it waits.
/// </summary>
public class ConnectionReadTests
{
    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Bytes_come_in_and_the_end_is_seen(AddressFamily family) => NetTest.Run(async test =>
    {
        LoopSocketTests.SkipWithout(family);
        var (client, server) = await NetTest.Connect(family);
        await using var one = client;
        await using var two = server;
        Assert.Equal(client.LocalEndPoint, server.RemoteEndPoint);
        Assert.Equal(server.LocalEndPoint, client.RemoteEndPoint);
        await client.WriteAsync(new byte[] { 1, 2, 3 });
        var read = await server.Input.ReadAsync();
        Assert.Equal([1, 2, 3], read.Buffer.ToArray());
        Assert.False(read.IsCompleted);
        server.Input.AdvanceTo(read.Buffer.End);

        await client.CompleteOutputAsync();
        read = await server.Input.ReadAsync();
        Assert.True(read.Buffer.IsEmpty);
        Assert.True(read.IsCompleted);
        server.Input.AdvanceTo(read.Buffer.End);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);

        // Half closed: the other direction still works.
        await server.WriteAsync(new byte[] { 4 });
        read = await client.Input.ReadAsync();
        Assert.Equal([4], read.Buffer.ToArray());
        client.Input.AdvanceTo(read.Buffer.End);
    });

    [Fact]
    public void A_connection_that_waits_holds_no_buffer() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        Assert.False(read.IsDone);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        await client.WriteAsync(new byte[100]);
        var result = await read;
        Assert.Equal(100, result.Buffer.Length);
        Assert.Equal(1, test.Driver.Blocks.LentCount);
        server.Input.AdvanceTo(result.Buffer.End);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
    });

    [Fact]
    public void Bytes_that_were_examined_and_not_consumed_come_again_with_the_next_ones() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.WriteAsync(new byte[] { 1, 2, 3 });
        var result = await server.Input.ReadAsync();
        server.Input.AdvanceTo(result.Buffer.GetPosition(1), result.Buffer.End);

        var more = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        Assert.False(more.IsDone);
        await client.WriteAsync(new byte[] { 4 });
        result = await more;
        Assert.Equal([2, 3, 4], result.Buffer.ToArray());

        // What was not examined comes again at once.
        server.Input.AdvanceTo(result.Buffer.GetPosition(1), result.Buffer.GetPosition(2));
        Assert.True(server.Input.TryRead(out result));
        Assert.Equal([3, 4], result.Buffer.ToArray());
        server.Input.AdvanceTo(result.Buffer.End);
        Assert.False(server.Input.TryRead(out _));
    });

    [Fact]
    public void Many_blocks_make_one_sequence() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(300_000);
        var write = Coroutine.Start(Write(client, bytes));
        var result = await server.Input.ReadAtLeastAsync(bytes.Length);
        Assert.False(result.Buffer.IsSingleSegment);
        Assert.Equal(bytes, result.Buffer.ToArray());
        await write;

        // Consumed in pieces across the borders of blocks.
        var at = 0;
        foreach (var piece in new[] { 1, 16_383, 1, 16_384, 50_000, 17, 100_000 })
        {
            server.Input.AdvanceTo(result.Buffer.GetPosition(piece), result.Buffer.GetPosition(piece));
            at += piece;
            Assert.True(server.Input.TryRead(out result));
            Assert.Equal(bytes[at..], result.Buffer.ToArray());
        }

        server.Input.AdvanceTo(result.Buffer.End);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
    });

    [Fact]
    public void A_trickle_does_not_hold_a_block_for_each_byte() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = Coroutine.Start(ReadAtLeast(server, 200));
        for (var i = 0; i < 200; i++)
        {
            await client.WriteAsync(new byte[1]);
            await NetTest.Until(() => test.Driver.Blocks.LentCount > 0);
        }

        var result = await read;
        Assert.Equal(1, test.Driver.Blocks.LentCount);
        server.Input.AdvanceTo(result.Buffer.End);
    });

    [Fact]
    public void CancelPendingRead_ends_the_read_with_a_result() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        server.Input.CancelPendingRead();
        var result = await read;
        Assert.True(result.IsCanceled);
        Assert.True(result.Buffer.IsEmpty);
        Assert.False(result.IsCompleted);

        // Called while none is pending it ends the next one.
        server.Input.CancelPendingRead();
        result = await server.Input.ReadAsync();
        Assert.True(result.IsCanceled);

        await client.WriteAsync(new byte[3]);
        result = await server.Input.ReadAsync();
        Assert.False(result.IsCanceled);
        server.Input.AdvanceTo(result.Buffer.End);
    });

    [Fact]
    public void A_token_cancels_the_read_from_any_thread() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await server.Input.ReadAsync(cancelled.Token));

        using var onLoop = new CancellationTokenSource();
        var read = Coroutine.Start(Read(server, onLoop.Token));
        await NetTest.Iterate();
        onLoop.Cancel();
        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        Assert.Equal(onLoop.Token, failure.CancellationToken);

        using var offLoop = new CancellationTokenSource();
        read = Coroutine.Start(Read(server, offLoop.Token));
        await NetTest.Iterate();
        using (LoopTest.StartThread(offLoop.Cancel))
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await read);
        }

        await client.WriteAsync(new byte[3]);
        var result = await server.Input.ReadAsync();
        server.Input.AdvanceTo(result.Buffer.End);
    });

    [Fact]
    public void A_token_that_is_cancelled_late_does_not_hit_the_next_read() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        for (var i = 0; i < 200; i++)
        {
            using var source = new CancellationTokenSource();
            var read = Coroutine.Start(Read(server, source.Token));
            await Coroutine.Yield();
            await client.WriteAsync(new byte[1]);
            using (LoopTest.StartThread(source.Cancel))
            {
                try
                {
                    server.Input.AdvanceTo((await read).Buffer.End);
                    continue;
                }
                catch (OperationCanceledException)
                {
                    // It came in time; the byte is there still.
                }
            }

            server.Input.AdvanceTo((await server.Input.ReadAsync()).Buffer.End);
        }
    });

    [Fact]
    public void Cancelling_the_task_in_each_state_loses_no_byte() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;

        // Before it starts.
        var read = Coroutine.Start(Read(server));
        read.Cancel();
        await NetTest.AssertCancelled(read);

        // While it waits.
        read = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        read.Cancel();
        await NetTest.AssertCancelled(read);

        // When the data is there and the task has not run since: whether it gets the bytes or they stay, they are not lost.
        var received = new List<byte>();
        for (byte i = 0; i < 20; i++)
        {
            var task = Coroutine.Start(ReadInto(server, received));
            await Coroutine.Yield();
            await client.WriteAsync(new[] { i });
            for (var n = 0; n < i; n++)
            {
                await Coroutine.Yield();
            }

            task.Cancel();
            try
            {
                await task;
            }
            catch (CancelledException)
            {
            }
        }

        await client.CompleteOutputAsync();
        while (await ReadInto(server, received))
        {
        }

        Assert.Equal(Enumerable.Range(0, 20).Select(i => (byte)i), received);
    });

    [Fact]
    public void A_read_that_is_awaited_late_has_its_result() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = server.Input.ReadAsync();
        await client.WriteAsync(new byte[5]);
        await NetTest.Until(() => read.IsCompleted);
        var result = await read;
        Assert.Equal(5, result.Buffer.Length);
        server.Input.AdvanceTo(result.Buffer.End);
    });

    [Fact]
    public void Misuse_is_told_apart() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var pending = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        Assert.Contains(
            "still in progress",
            Assert.Throws<InvalidOperationException>(() => { _ = server.Input.ReadAsync(); }).Message,
            StringComparison.Ordinal);
        await client.WriteAsync(new byte[5]);
        var result = await pending;
        Assert.Contains(
            "AdvanceTo",
            Assert.Throws<InvalidOperationException>(() => { _ = server.Input.ReadAsync(); }).Message,
            StringComparison.Ordinal);
        var start = result.Buffer.Start;
        var end = result.Buffer.End;
        Assert.Throws<ArgumentOutOfRangeException>(() => server.Input.AdvanceTo(end, start));
        server.Input.AdvanceTo(start);
        Assert.Throws<InvalidOperationException>(() => server.Input.AdvanceTo(start));
        server.Input.Complete();
        Assert.Contains(
            "completed",
            Assert.Throws<InvalidOperationException>(() => { _ = server.Input.ReadAsync(); }).Message,
            StringComparison.Ordinal);
    });

    [Fact]
    public void A_reset_is_an_IOException_that_names_the_connection_and_comes_again() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        var read = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        client.Abort();
        var failure = await Assert.ThrowsAsync<IOException>(async () => await read);
        Assert.Contains(server.RemoteEndPoint!.ToString()!, failure.Message, StringComparison.Ordinal);
        Assert.Contains("Receiving", failure.Message, StringComparison.Ordinal);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode);
        await Assert.ThrowsAsync<IOException>(async () => await server.Input.ReadAsync());
    });

    private static async Coroutine<ReadResult> Read(Connection connection, CancellationToken cancellationToken = default) =>
        await connection.Input.ReadAsync(cancellationToken);

    private static async Coroutine<ReadResult> ReadAtLeast(Connection connection, int count) =>
        await connection.Input.ReadAtLeastAsync(count);

    private static async Coroutine<bool> ReadInto(Connection connection, List<byte> received)
    {
        var result = await connection.Input.ReadAsync();
        received.AddRange(result.Buffer.ToArray());
        connection.Input.AdvanceTo(result.Buffer.End);
        return !result.IsCompleted;
    }

    private static async Coroutine Write(Connection connection, byte[] bytes) => await connection.WriteAsync(bytes);
}
