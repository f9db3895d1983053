using System.Buffers;
using System.IO.Pipelines;
using System.Net.Sockets;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>The writing side of a <see cref="Connection"/>: causal, coalescing, and clear about what a cancelled write has done.</summary>
public class ConnectionWriteTests
{
    private const int Large = 8 << 20;

    [Fact]
    public void The_first_write_goes_out_at_once() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var before = test.Driver.Statistics;
        var write = client.WriteAsync(new byte[1000]);
        Assert.True(write.IsCompletedSuccessfully);
        await write;
        Assert.Equal(1, (test.Driver.Statistics - before).Sends);
        Assert.Equal(0, client.BufferedOutput);
        await NetTest.Until(() => server.Input.TryRead(out _));
    });

    [Fact]
    public void Further_small_writes_of_an_iteration_leave_in_one_system_call() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await NetTest.Polls(1);
        var before = test.Driver.Statistics;
        var bytes = NetTest.Pattern(50);
        var writes = new List<ValueTask>();
        for (var i = 0; i < 50; i++)
        {
            writes.Add(client.WriteAsync(bytes.AsMemory(i, 1)));
        }

        Assert.True(writes[0].IsCompleted);
        Assert.False(writes[1].IsCompleted);
        Assert.Equal(49, client.BufferedOutput);
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(50));
        foreach (var write in writes)
        {
            Assert.True(write.IsCompletedSuccessfully);
            await write;
        }

        var calls = test.Driver.Statistics - before;
        Assert.Equal(2, calls.Sends + calls.VectoredSends);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
    });

    [Fact]
    public void Small_and_large_writes_of_an_iteration_leave_in_one_vectored_call_in_order() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await NetTest.Polls(1);
        var bytes = NetTest.Pattern(40_021);
        var before = test.Driver.Statistics;
        var writes = new List<ValueTask>
        {
            client.WriteAsync(bytes.AsMemory(0, 1)),
            client.WriteAsync(bytes.AsMemory(1, 10)),
            client.WriteAsync(bytes.AsMemory(11, 40_000)),
            client.WriteAsync(bytes.AsMemory(40_011, 10)),
        };
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));
        foreach (var write in writes)
        {
            await write;
        }

        var calls = test.Driver.Statistics - before;
        Assert.Equal(1, calls.Sends);
        Assert.Equal(1, calls.VectoredSends);
    });

    [Fact]
    public void A_write_waits_until_the_system_has_taken_it() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(Large);
        var write = Coroutine.Start(Write(client, bytes));
        await NetTest.Iterate(50);
        Assert.False(write.IsDone);
        Assert.InRange(client.BufferedOutput, 1, Large);

        // Not copied: the one block in the queue is the caller's array.
        Assert.Equal(1, test.Driver.Blocks.LentCount);
        Assert.Equal(0, test.Driver.Blocks.FreeCount);
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(Large));
        await write;
        Assert.Equal(0, client.BufferedOutput);
    });

    [Fact]
    [CPython("regressions.Network.gh-127655")]
    public void Who_writes_many_pieces_at_once_waits_like_who_writes_a_large_one() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(Large);
        var write = Coroutine.Start(WritePieces());
        await NetTest.Iterate(50);
        Assert.False(write.IsDone);
        Assert.InRange(client.BufferedOutput, 1, Large);
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(Large));
        await write;
        Assert.Equal(0, client.BufferedOutput);

        async Coroutine WritePieces()
        {
            const int piece = 64 << 10;
            for (var at = 0; at < Large; at += piece)
            {
                client.Output.Write(bytes.AsSpan(at, piece));
            }

            await client.Output.FlushAsync();
        }
    });

    [Fact]
    public void The_pipe_writer_collects_until_it_is_flushed() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(100_000);
        var before = test.Driver.Statistics;
        for (var at = 0; at < bytes.Length; at += 10_000)
        {
            var memory = client.Output.GetMemory(10_000);
            Assert.InRange(memory.Length, 10_000, int.MaxValue);
            bytes.AsSpan(at, 10_000).CopyTo(memory.Span);
            client.Output.Advance(10_000);
        }

        Assert.Equal(bytes.Length, client.Output.UnflushedBytes);
        Assert.Equal(0, (test.Driver.Statistics - before).SystemCalls);
        var flush = await client.Output.FlushAsync();
        Assert.False(flush.IsCanceled);
        Assert.False(flush.IsCompleted);
        Assert.Equal(1, (test.Driver.Statistics - before).VectoredSends);
        Assert.Equal(0, client.Output.UnflushedBytes);
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));
    });

    [Fact]
    public void A_buffer_may_be_larger_than_a_block_and_be_given_back_unused() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(200_000);
        bytes.CopyTo(client.Output.GetSpan(bytes.Length));
        client.Output.Advance(bytes.Length);
        await client.Output.FlushAsync();
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));

        _ = client.Output.GetMemory();
        Assert.Equal(1, test.Driver.Blocks.LentCount);
        await client.Output.FlushAsync();
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        Assert.Throws<ArgumentOutOfRangeException>(() => client.Output.Advance(1));
    });

    [Fact]
    public void What_is_unflushed_goes_before_what_is_written() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        client.Output.GetSpan(1)[0] = 1;
        client.Output.Advance(1);
        await client.WriteAsync(new byte[] { 2 });
        Assert.Equal([1, 2], await server.Input.ReadExactlyAsync(2));
    });

    [Fact]
    public void A_buffer_that_is_being_filled_survives_the_sending_of_what_was_before_it() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.WriteAsync(new byte[] { 1 });
        var queued = client.WriteAsync(new byte[] { 2 });
        var memory = client.Output.GetMemory(1);
        await queued;
        memory.Span[0] = 3;
        client.Output.Advance(1);
        await client.Output.FlushAsync();
        Assert.Equal([1, 2, 3], await server.Input.ReadExactlyAsync(3));
    });

    [Fact]
    public void Cancelling_a_small_write_gives_up_the_wait_and_the_stream_goes_on_in_one_piece() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var filled = await Fill(client);
        var small = Coroutine.Start(Write(client, [1, 2, 3]));
        await NetTest.Iterate();
        small.Cancel();
        await NetTest.AssertCancelled(small);
        var next = Coroutine.Start(Write(client, [4]));

        await server.Input.ReadExactlyAsync(filled);
        Assert.Equal([1, 2, 3, 4], await server.Input.ReadExactlyAsync(4));
        await next;
    });

    [Fact]
    public void Cancelling_a_large_write_of_which_nothing_was_sent_withdraws_it() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var filled = await Fill(client);
        var before = Coroutine.Start(Write(client, [1]));
        var large = Coroutine.Start(Write(client, new byte[Large]));
        var after = Coroutine.Start(Write(client, [2]));
        await NetTest.Iterate();
        large.Cancel();
        await NetTest.AssertCancelled(large);
        Assert.InRange(client.BufferedOutput, 2, filled);

        await server.Input.ReadExactlyAsync(filled);
        Assert.Equal([1, 2], await server.Input.ReadExactlyAsync(2));
        await before;
        await after;
        await client.WriteAsync(new byte[] { 3 });
        Assert.Equal([3], await server.Input.ReadExactlyAsync(1));
    });

    [Fact]
    public void Cancelling_a_large_write_that_was_half_sent_breaks_the_output_and_says_so() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        var large = Coroutine.Start(Write(client, new byte[Large]));
        await NetTest.Iterate();
        var after = Coroutine.Start(Write(client, [2]));
        await NetTest.Iterate();
        large.Cancel();
        await NetTest.AssertCancelled(large);
        await Assert.ThrowsAsync<IOException>(async () => await after);
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
        Assert.Contains("cancelled", failure.Message, StringComparison.Ordinal);

        // The peer is not made to believe that this was the end.
        await client.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(async () => await server.Input.ReadExactlyAsync(Large));
    });

    [Fact]
    public void Cancelling_before_the_start_writes_nothing() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var before = test.Driver.Statistics.Sends;
        var write = Coroutine.Start(Write(client, [1]));
        write.Cancel();
        await NetTest.AssertCancelled(write);
        Assert.Equal(before, test.Driver.Statistics.Sends);
    });

    [Fact]
    public void A_write_that_has_happened_when_it_is_cancelled_is_delivered() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var isDelivered = false;
        await client.WriteAsync(new byte[1]);
        var write = Coroutine.Start(WriteAndSleep());

        // It waits for the end of the iteration, which sends it; in the next batch this runs before it does.
        await Coroutine.Yield();
        write.Cancel();
        await NetTest.AssertCancelled(write);
        Assert.True(isDelivered);
        await server.Input.ReadExactlyAsync(2);

        async Coroutine WriteAndSleep()
        {
            await client.WriteAsync(new byte[1]);
            isDelivered = true;
            await Coroutine.Sleep(TimeSpan.FromMinutes(1));
        }
    });

    [Fact]
    public void A_token_cancels_a_write_from_another_thread() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var filled = await Fill(client);
        using var source = new CancellationTokenSource();
        var write = Coroutine.Start(Write(client, [1], source.Token));
        await NetTest.Iterate();
        using (LoopTest.StartThread(source.Cancel))
        {
            var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await write);
            Assert.Equal(source.Token, failure.CancellationToken);
        }

        await server.Input.ReadExactlyAsync(filled + 1);
    });

    [Fact]
    public void CancelPendingFlush_ends_the_flush_with_a_result() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var filled = await Fill(client);
        var flush = Coroutine.Start(Flush(client));
        await NetTest.Iterate();
        client.Output.CancelPendingFlush();
        Assert.True((await flush).IsCanceled);
        client.Output.CancelPendingFlush();
        Assert.True((await client.Output.FlushAsync()).IsCanceled);
        await server.Input.ReadExactlyAsync(filled + 1);
        Assert.False((await client.Output.FlushAsync()).IsCanceled);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_multiple_drain")]
    public void Any_number_of_writes_may_wait_at_once_and_complete_in_order() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var filled = await Fill(client);
        var order = new List<int>();
        var tasks = Enumerable.Range(0, 200).Select(i => Coroutine.Start(WriteNumbered(i))).ToList();
        await NetTest.Iterate();
        Assert.Empty(order);
        await server.Input.ReadExactlyAsync(filled);
        var bytes = await server.Input.ReadExactlyAsync(200 * 300);
        foreach (var task in tasks)
        {
            await task;
        }

        Assert.Equal(Enumerable.Range(0, 200), order);
        Assert.Equal(Enumerable.Range(0, 200).SelectMany(i => Enumerable.Repeat((byte)i, 300)), bytes);

        async Coroutine WriteNumbered(int i)
        {
            await client.WriteAsync(Enumerable.Repeat((byte)i, 300).ToArray());
            order.Add(i);
        }
    });

    [Fact]
    public void Writing_after_the_end_is_an_error_of_the_caller() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.CompleteOutputAsync();
        Assert.Throws<InvalidOperationException>(() => { _ = client.WriteAsync(new byte[1]); });
        Assert.Throws<InvalidOperationException>(() => { _ = client.Output.GetMemory(); });
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void A_write_to_a_peer_that_has_gone_fails_with_the_reason() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        server.Abort();
        var failure = await Assert.ThrowsAsync<IOException>(async () =>
        {
            while (true)
            {
                await client.WriteAsync(new byte[1]);
                await Coroutine.Yield();
            }
        });
        Assert.Contains("Sending", failure.Message, StringComparison.Ordinal);
        Assert.Contains(
            Assert.IsType<SocketException>(failure.InnerException).SocketErrorCode,
            new[] { SocketError.ConnectionReset, SocketError.Shutdown });
    });

    /// <summary>Writes until writes have to wait, and has nothing queued. Returns how many bytes are on their way.</summary>
    internal static async Coroutine<int> Fill(Connection connection)
    {
        var chunk = new byte[64 * 1024];
        var filled = 0;
        var last = -1;
        var isFull = false;
        _ = Coroutine.Start(WriteUntilFull());
        await NetTest.Until(IsStill);
        isFull = true;

        // The last chunk was sent in part; its task ends when the peer has made room for the rest.
        return filled + chunk.Length;

        async Coroutine WriteUntilFull()
        {
            while (!isFull)
            {
                await connection.WriteAsync(chunk);
                filled += chunk.Length;
            }
        }

        bool IsStill()
        {
            var isStill = last == filled && NetTest.IsQuiet;
            last = filled;
            return isStill;
        }
    }

    private static async Coroutine Write(Connection connection, byte[] bytes, CancellationToken cancellationToken = default) =>
        await connection.WriteAsync(bytes, cancellationToken);

    private static async Coroutine<FlushResult> Flush(Connection connection)
    {
        connection.Output.GetSpan(1)[0] = 1;
        connection.Output.Advance(1);
        return await connection.Output.FlushAsync();
    }

    [Fact]
    public void A_buffer_that_is_asked_for_when_the_output_has_failed_leaves_nothing() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        client.Abort();
        for (var i = 0; i < 3; i++)
        {
            client.Output.GetSpan(20_000)[..20_000].Fill(1);
            client.Output.Advance(20_000);
            Assert.Throws<ArgumentOutOfRangeException>(() => client.Output.Advance(20_000));
        }

        await Assert.ThrowsAsync<IOException>(async () => await client.Output.FlushAsync());
        client.Output.GetSpan()[0] = 1;
        client.Output.Advance(1);
        Assert.Equal(0, client.Output.UnflushedBytes);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_buffer_in_which_somebody_is_writing_goes_to_nobody_else_when_the_connection_ends(bool closes) => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        client.Output.GetSpan(10)[..10].Fill(1);
        client.Output.Advance(10);
        var memory = client.Output.GetMemory(1000);
        if (closes)
        {
            client.Dispose();
        }
        else
        {
            client.Abort();
        }

        Assert.Equal(0, test.Driver.Blocks.LentCount);
        var blocks = Enumerable.Range(0, 10).Select(_ => test.Driver.Blocks.Rent()).ToList();
        blocks.ForEach(block => block.Space.Span.Clear());

        // As code does that awaits something to be put there.
        memory.Span.Fill(2);
        client.Output.Advance(1000);
        Assert.All(blocks, block => Assert.False(block.Space.Span.ContainsAnyExcept((byte)0)));
        blocks.ForEach(block => block.Release());
        await Assert.ThrowsAsync<IOException>(async () => await client.Output.FlushAsync());
        Assert.Equal(0, client.Output.UnflushedBytes);
    });
}
