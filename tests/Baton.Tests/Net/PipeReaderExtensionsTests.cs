using System.IO.Pipelines;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>Reading by lines, lengths and delimiters keeps asyncio's rules, however the bytes are cut into pieces.</summary>
public class PipeReaderExtensionsTests
{
    // Minimum segment size 16: the sequences have borders everywhere.
    private static readonly PipeOptions TinySegments = new(
        minimumSegmentSize: 16, useSynchronizationContext: false, readerScheduler: PipeScheduler.Inline);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    [InlineData(1000)]
    [CPython("test_pep492.StreamReaderTests.test_readline", Improvement = "Lines are strings without their ends, as everywhere in .NET.")]
    public void Lines_end_with_LF_or_CRLF_and_the_last_needs_neither(int piece) =>
        Feed("one\ntwo\r\n\n\r\nfünf\r\rx\nlast", piece, async reader =>
        {
            Assert.Equal("one", await reader.ReadLineAsync());
            Assert.Equal("two", await reader.ReadLineAsync());
            Assert.Equal("", await reader.ReadLineAsync());
            Assert.Equal("", await reader.ReadLineAsync());
            Assert.Equal("fünf\r\rx", await reader.ReadLineAsync());
            Assert.Equal("last", await reader.ReadLineAsync());
            Assert.Null(await reader.ReadLineAsync());
            Assert.Null(await reader.ReadLineAsync());
        });

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void A_line_may_have_as_many_bytes_as_the_limit(int piece) => Feed("12345\n123456\n", piece, async reader =>
    {
        Assert.Equal("12345", await reader.ReadLineAsync(limit: 5));
        var failure = await Assert.ThrowsAsync<LimitOverrunException>(async () => await reader.ReadLineAsync(limit: 5));
        Assert.Equal(6, failure.Consumed);
        Assert.Contains("5 bytes", failure.Message, StringComparison.Ordinal);

        // It is still there.
        Assert.Equal("123456", await reader.ReadLineAsync(limit: 6));
        Assert.Null(await reader.ReadLineAsync());
    });

    [Fact]
    public void A_line_without_end_is_over_the_limit_before_its_end_comes() => Feed(new string('x', 100), 10, async reader =>
    {
        var failure = await Assert.ThrowsAsync<LimitOverrunException>(async () => await reader.ReadLineAsync(limit: 20));
        Assert.InRange(failure.Consumed, 21, 100);
        Assert.Equal(100, (await reader.ReadLineAsync(limit: 100))!.Length);
    });

    [Fact]
    public void A_line_can_have_another_encoding() => Feed([0xE4, 0xF6, (byte)'\n'], 1, async reader =>
        Assert.Equal("äö", await reader.ReadLineAsync(encoding: Encoding.Latin1)));

    [Theory]
    [InlineData(1)]
    [InlineData(5)]
    [InlineData(1000)]
    public void Exactly_so_many_bytes(int piece) => Feed("abcdefghijklmnopqrstuvwxyz", piece, async reader =>
    {
        Assert.Equal("abc", Text(await reader.ReadExactlyAsync(3)));
        Assert.Empty(await reader.ReadExactlyAsync(0));
        Assert.Equal("defghijklmnopqrstu", Text(await reader.ReadExactlyAsync(18)));
        var buffer = new byte[2];
        await reader.ReadExactlyAsync(buffer);
        Assert.Equal("vw", Text(buffer));

        var failure = await Assert.ThrowsAsync<IncompleteReadException>(async () => await reader.ReadExactlyAsync(4));
        Assert.Equal("xyz", Text(failure.Partial.ToArray()));
        Assert.Equal(4, failure.Expected);
        Assert.Contains("3 of 4", failure.Message, StringComparison.Ordinal);

        // As in asyncio, the partial bytes are consumed.
        failure = await Assert.ThrowsAsync<IncompleteReadException>(async () => await reader.ReadExactlyAsync(1));
        Assert.True(failure.Partial.IsEmpty);
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await reader.ReadExactlyAsync(-1));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(1000)]
    public void Until_a_delimiter_of_several_bytes(int piece) => Feed("key: value\r\n\r\nbody\r\rn\r\n\r", piece, async reader =>
    {
        Assert.Equal("key: value\r\n\r\n", Text(await reader.ReadUntilAsync("\r\n\r\n"u8.ToArray())));
        Assert.Equal("body\r\rn\r\n", Text(await reader.ReadUntilAsync("\r\n"u8.ToArray())));
        var failure = await Assert.ThrowsAsync<IncompleteReadException>(async () => await reader.ReadUntilAsync("\r\n"u8.ToArray()));
        Assert.Equal("\r", Text(failure.Partial.ToArray()));
        Assert.Null(failure.Expected);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(1000)]
    public void Of_several_delimiters_the_one_that_ends_first(int piece) => Feed("aXYZbYcX", piece, async reader =>
    {
        ReadOnlyMemory<byte>[] delimiters = ["XYZ"u8.ToArray(), "Y"u8.ToArray()];
        Assert.Equal("aXY", Text(await reader.ReadUntilAsync(delimiters)));
        Assert.Equal("ZbY", Text(await reader.ReadUntilAsync(delimiters)));
        await Assert.ThrowsAsync<IncompleteReadException>(async () => await reader.ReadUntilAsync(delimiters));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(1000)]
    public void The_limit_holds_for_what_is_before_the_delimiter(int piece) => Feed("12345--123456--", piece, async reader =>
    {
        Assert.Equal("12345--", Text(await reader.ReadUntilAsync("--"u8.ToArray(), limit: 5)));
        var failure = await Assert.ThrowsAsync<LimitOverrunException>(async () => await reader.ReadUntilAsync("--"u8.ToArray(), limit: 5));
        Assert.Equal(6, failure.Consumed);
        Assert.Equal("123456--", Text(await reader.ReadUntilAsync("--"u8.ToArray(), limit: 6)));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_separator")]
    public void A_delimiter_must_not_be_empty() => Feed("x", 1, async reader =>
    {
        await Assert.ThrowsAsync<ArgumentException>(async () => await reader.ReadUntilAsync(ReadOnlyMemory<byte>.Empty));
        await Assert.ThrowsAsync<ArgumentException>(async () => await reader.ReadUntilAsync([ReadOnlyMemory<byte>.Empty]));
        await Assert.ThrowsAsync<ArgumentException>(async () => await reader.ReadUntilAsync([]));
    });

    [Fact]
    public void A_cancelled_read_leaves_what_was_there() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("half a "u8.ToArray());
        var read = Coroutine.Start(server.Input.ReadLineAsync());
        await NetTest.Iterate(20);
        read.Cancel();
        await NetTest.AssertCancelled(read);
        await client.WriteAsync("line\n"u8.ToArray());
        Assert.Equal("half a line", await server.Input.ReadLineAsync());
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_of_any_pipe_is_cancelled_with_its_task_which_may_then_read_on(bool waits) => NetTest.Run(async () =>
    {
        var pipe = new Pipe(TinySegments);
        var task = Coroutine.Start(ReadTwice());
        await NetTest.Iterate();
        await pipe.Writer.WriteAsync("half a "u8.ToArray());
        await NetTest.Iterate();
        task.Cancel();
        if (waits)
        {
            await NetTest.Iterate(20);
            Assert.False(task.IsDone);
        }

        await pipe.Writer.WriteAsync("line\n"u8.ToArray());
        Assert.Equal("half a line", await task);

        async Coroutine<string?> ReadTwice()
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await pipe.Reader.ReadLineAsync());
            return await pipe.Reader.ReadLineAsync();
        }
    });

    [Fact]
    public void CancelPendingRead_is_an_OperationCanceledException() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("half a "u8.ToArray());
        var read = Coroutine.Start(Record.ExceptionAsync(async () => await server.Input.ReadLineAsync()).ToCoroutine());
        await NetTest.Iterate(20);
        server.Input.CancelPendingRead();
        Assert.IsType<OperationCanceledException>(await read);
        await client.WriteAsync("line\n"u8.ToArray());
        Assert.Equal("half a line", await server.Input.ReadLineAsync());
    });

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(100_000)]
    public void Over_a_connection_lines_come_as_they_were_sent(int piece) => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var lines = Enumerable.Range(0, piece == 1 ? 50 : 2000).Select(i => new string((char)('a' + (i % 26)), i % 97)).ToList();
        var bytes = Encoding.UTF8.GetBytes(string.Join('\n', lines) + "\n");
        var write = Coroutine.Start(WriteInPieces());
        foreach (var line in lines)
        {
            Assert.Equal(line, await server.Input.ReadLineAsync());
        }

        await write;

        async Coroutine WriteInPieces()
        {
            for (var at = 0; at < bytes.Length; at += piece)
            {
                await client.WriteAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)));
                await Coroutine.Yield();
            }
        }
    });

    private static void Feed(string text, int piece, Func<PipeReader, Coroutine> read) => Feed(Encoding.UTF8.GetBytes(text), piece, read);

    /// <summary>Reads from a pipe of the BCL into which a task writes the bytes piece by piece.</summary>
    private static void Feed(byte[] bytes, int piece, Func<PipeReader, Coroutine> read) => NetTest.Run(async () =>
    {
        var pipe = new Pipe(TinySegments);
        var write = Coroutine.Start(WriteInPieces());
        await read(pipe.Reader);
        await write;

        async Coroutine WriteInPieces()
        {
            for (var at = 0; at < bytes.Length; at += piece)
            {
                await pipe.Writer.WriteAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)));
                await Coroutine.Yield();
            }

            await pipe.Writer.CompleteAsync();
        }
    });

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}

internal static class TaskToCoroutine
{
    public static async Coroutine<T> ToCoroutine<T>(this Task<T> task) => await task;

    public static async Coroutine<T> ToCoroutine<T>(this ValueTask<T> task) => await task;
}
