using System.IO.Pipelines;
using System.Text;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's <c>StreamReader</c> promises, of reading from any pipe.</summary>
public class StreamReaderConformanceTests
{
    private const string Data = "line1\nline2\nline3\n";

    [Fact]
    [CPython("test_streams.StreamTests.test_read_zero")]
    public void Reading_no_bytes_takes_none() => Run(async pipe =>
    {
        Feed(pipe, Data);
        Assert.Empty(await pipe.Reader.ReadSomeAsync(0));
        Assert.Equal(Data, Left(pipe));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pipe.Reader.ReadSomeAsync(-1));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_read")]
    public void Reading_some_bytes_waits_for_the_first_and_takes_what_there_is() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadSomeAsync(30));
        await NetTest.Iterate();
        Assert.False(read.IsDone);
        Feed(pipe, Data);
        Assert.Equal(Data, Text(await read));
        Assert.Empty(Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_read_line_breaks")]
    public void Reading_some_bytes_leaves_the_rest() => Run(async pipe =>
    {
        Feed(pipe, "line1", "line2");
        Assert.Equal("line1", Text(await pipe.Reader.ReadSomeAsync(5)));
        Assert.Equal("line2", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_read_eof")]
    public void Reading_some_bytes_at_the_end_gives_none() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadSomeAsync(1024));
        await NetTest.Iterate();
        pipe.Writer.Complete();
        Assert.Empty(await read);
        Assert.Empty(await pipe.Reader.ReadSomeAsync(1024));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_read_until_eof")]
    public void Reading_to_the_end_waits_for_it() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadToEndAsync());
        await NetTest.Iterate();
        Feed(pipe, "chunk1\n", "chunk2");
        await NetTest.Iterate();
        Assert.False(read.IsDone);
        pipe.Writer.Complete();
        Assert.Equal("chunk1\nchunk2", Text(await read));
        Assert.Empty(await pipe.Reader.ReadToEndAsync());
    });

    [Fact]
    public void Reading_to_the_end_has_a_limit_beyond_which_the_bytes_stay() => Run(async pipe =>
    {
        Feed(pipe, "12345", "6");
        var failure = await Assert.ThrowsAsync<LimitOverrunException>(async () => await pipe.Reader.ReadToEndAsync(limit: 5));
        Assert.Equal((6, "The stream did not end within the limit of 5 bytes."), (failure.Consumed, failure.Message));
        pipe.Writer.Complete();
        Assert.Equal("123456", Text(await pipe.Reader.ReadToEndAsync(limit: 6)));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_read_exception")]
    [CPython("test_streams.StreamTests.test_readline_exception")]
    [CPython("test_streams.StreamTests.test_readexactly_exception")]
    public void A_failure_comes_out_of_the_next_read_of_every_kind_before_what_is_left() => Run(async pipe =>
    {
        Feed(pipe, Data);
        Assert.Equal("li", Text(await pipe.Reader.ReadSomeAsync(2)));
        Assert.Equal("ne1", await pipe.Reader.ReadLineAsync());
        Assert.Equal("li", Text(await pipe.Reader.ReadExactlyAsync(2)));
        var failure = new InvalidDataException();
        pipe.Writer.Complete(failure);
        Func<Coroutine>[] reads =
        [
            async Coroutine () => await pipe.Reader.ReadSomeAsync(2),
            async Coroutine () => await pipe.Reader.ReadLineAsync(),
            async Coroutine () => await pipe.Reader.ReadExactlyAsync(2),
            async Coroutine () => await pipe.Reader.ReadUntilAsync("\n"u8.ToArray()),
            async Coroutine () => await pipe.Reader.ReadToEndAsync(),
            async Coroutine () => await pipe.Reader.SkipLineAsync(),
        ];
        foreach (var read in reads)
        {
            Assert.Same(failure, await Assert.ThrowsAsync<InvalidDataException>(async () => await read()));
        }
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_exception_waiter")]
    public void A_failure_ends_a_read_that_waits() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadLineAsync());
        await NetTest.Iterate();
        pipe.Writer.Complete(new InvalidDataException());
        await Assert.ThrowsAsync<InvalidDataException>(async () => await read);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_exception_cancel")]
    public void A_failure_after_the_read_was_cancelled_is_kept_for_the_next() => Run(async pipe =>
    {
        var read = Coroutine.Start(Read());
        await NetTest.Iterate();
        read.Cancel();
        await NetTest.AssertCancelled(read);
        pipe.Writer.Complete(new InvalidDataException());
        await NetTest.Iterate();
        await Assert.ThrowsAsync<InvalidDataException>(async () => await pipe.Reader.ReadLineAsync());
        Assert.Throws<InvalidDataException>(() => pipe.Reader.TryRead(out _));

        async Coroutine Read() => await pipe.Reader.ReadLineAsync();
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_invalid_limit")]
    public void A_limit_is_at_least_one_byte() => Run(async pipe =>
    {
        foreach (var limit in new[] { 0, -1 })
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pipe.Reader.ReadLineAsync(limit));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pipe.Reader.ReadToEndAsync(limit));
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pipe.Reader.ReadUntilAsync("\n"u8.ToArray(), limit));
        }
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_read_limit")]
    [CPython("test_streams.StreamTests.test_readexactly_limit")]
    public void Counted_reads_may_take_more_than_the_reader_wants_to_hold() => NetTest.Run(async () =>
    {
        foreach (var exactly in new[] { false, true })
        {
            var pipe = new Pipe(new PipeOptions(pauseWriterThreshold: 3, resumeWriterThreshold: 1, useSynchronizationContext: false));
            var write = pipe.Writer.WriteAsync("chunk"u8.ToArray());
            Assert.False(write.IsCompleted); // More than it wants.
            Assert.Equal("chunk", Text(await (exactly ? pipe.Reader.ReadExactlyAsync(5) : pipe.Reader.ReadSomeAsync(5))));
            await write;
        }
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readline", Improvement = "Lines are strings without their ends, as everywhere in .NET.")]
    public void A_line_is_put_together_from_what_comes() => Run(async pipe =>
    {
        Feed(pipe, "chunk1 ");
        var read = Coroutine.Start(pipe.Reader.ReadLineAsync());
        await NetTest.Iterate();
        Feed(pipe, "chunk2 ", "chunk3 ", "\n chunk4");
        Assert.Equal("chunk1 chunk2 chunk3 ", await read);
        Assert.Equal(" chunk4", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readline_limit_with_existing_data",
        Improvement = "A line that is too long stays in the buffer, to be read with a larger limit or dropped by `SkipLineAsync`.")]
    public void A_line_over_the_limit_that_is_there_already() => Run(async pipe =>
    {
        Feed(pipe, "li", "ne1\nline2\n");
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await pipe.Reader.ReadLineAsync(limit: 3));
        Assert.True(await pipe.Reader.SkipLineAsync());
        Assert.Equal("line2\n", Left(pipe));

        // Without an end, it is over the limit before that comes.
        await pipe.Reader.SkipLineAsync();
        Feed(pipe, "li", "ne1", "li");
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await pipe.Reader.ReadLineAsync(limit: 3));
        Assert.Equal("line1li", Left(pipe));
        pipe.Writer.Complete();
        Assert.False(await pipe.Reader.SkipLineAsync());
        Assert.Empty(Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readline_limit",
        Improvement = "A line that is too long stays in the buffer, to be read with a larger limit or dropped by `SkipLineAsync`.")]
    public void A_line_over_the_limit_that_comes_later_and_one_of_just_the_limit() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadLineAsync(limit: 7));
        await NetTest.Iterate();
        Feed(pipe, "chunk1", "chunk2\n", "chunk3\n");
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await read);
        Assert.True(await pipe.Reader.SkipLineAsync());
        Assert.Equal("chunk3", await pipe.Reader.ReadLineAsync(limit: 7));

        Feed(pipe, "1234567\n", "12345678\n", "12345678");
        Assert.Equal("1234567", await pipe.Reader.ReadLineAsync(limit: 7));
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await pipe.Reader.ReadLineAsync(limit: 7));
        Assert.Equal("12345678", await pipe.Reader.ReadLineAsync(limit: 8));
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await pipe.Reader.ReadLineAsync(limit: 7));
        Assert.Equal("12345678", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readline_nolimit_nowait")]
    [CPython("test_streams.StreamTests.test_readline_read_byte_count")]
    public void A_line_that_is_there_is_read_at_once_and_the_rest_by_count() => Run(async pipe =>
    {
        Feed(pipe, Data[..6], Data[6..]);
        var read = Coroutine.Start(pipe.Reader.ReadLineAsync(), eager: true);
        Assert.True(read.IsDone);
        Assert.Equal("line1", await read);
        Assert.Equal("line2\nl", Text(await pipe.Reader.ReadSomeAsync(7)));
        Assert.Equal("ine3\n", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readline_eof")]
    [CPython("test_streams.StreamTests.test_readline_empty_eof", Improvement = "The end is null, which no line is.")]
    public void What_is_left_at_the_end_is_a_line_and_nothing_is_none() => Run(async pipe =>
    {
        Feed(pipe, "some data");
        pipe.Writer.Complete();
        Assert.Equal("some data", await pipe.Reader.ReadLineAsync());
        Assert.Null(await pipe.Reader.ReadLineAsync());
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_at_eof")]
    public void The_end_is_known_once_everything_before_it_was_read() => Run(async pipe =>
    {
        Assert.False(IsAtEnd());
        Feed(pipe, "some data\n");
        Assert.False(IsAtEnd());
        await pipe.Reader.ReadLineAsync();
        Assert.False(IsAtEnd());
        Feed(pipe, "some data\n");
        pipe.Writer.Complete();
        Assert.False(IsAtEnd());
        await pipe.Reader.ReadLineAsync();
        Assert.True(IsAtEnd());

        bool IsAtEnd()
        {
            if (!pipe.Reader.TryRead(out var result))
            {
                return false;
            }

            pipe.Reader.AdvanceTo(result.Buffer.Start);
            return result.IsCompleted && result.Buffer.IsEmpty;
        }
    });

    [Fact]
    public void Lines_can_be_iterated_over() => Run(async pipe =>
    {
        Feed(pipe, Data, "last");
        pipe.Writer.Complete();
        var lines = new List<string>();
        await foreach (var line in pipe.Reader.ReadLinesAsync())
        {
            lines.Add(line);
        }

        Assert.Equal(["line1", "line2", "line3", "last"], lines);
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_multi_chunks")]
    public void Until_a_separator_and_no_further() => Run(async pipe =>
    {
        foreach (var (chunk, left) in new[] { ("lineAAA", ""), ("lineAAA", ""), ("lineAAAxxx", "xxx") })
        {
            Feed(pipe, chunk);
            Assert.Equal("lineAAA", await Until(pipe, "AAA"));
            Assert.Equal(left, Left(pipe));
        }
    });

    [Theory]
    [InlineData("QWEaaXYaaa", "QWEaa", "XYaa", "a")]
    [InlineData("QWEaaXYaaa", "QWEaa", "XYa", "aa")]
    [InlineData("aaa", "aaa")]
    [InlineData("Xaaa", "Xaaa")]
    [InlineData("XXXaaa", "XXX", "a", "a", "a")]
    [CPython("test_streams.StreamTests.test_readuntil_multi_chunks_1")]
    public void A_separator_may_come_in_pieces(string expected, params string[] chunks) => Run(async pipe =>
    {
        var read = Coroutine.Start(Until(pipe, "aaa"));
        foreach (var chunk in chunks)
        {
            await NetTest.Iterate();
            Feed(pipe, chunk);
        }

        Assert.Equal(expected, await read);
        Assert.Empty(Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_eof")]
    public void An_end_without_separator_hands_over_and_takes_what_was_there() => Run(async pipe =>
    {
        Feed(pipe, "some dataAA");
        pipe.Writer.Complete();
        var failure = await Assert.ThrowsAsync<IncompleteReadException>(async () => await Until(pipe, "AAA"));
        Assert.Equal("some dataAA", Text(failure.Partial.ToArray()));
        Assert.Null(failure.Expected);
        Assert.Empty(Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_limit_found_sep")]
    public void A_separator_beyond_the_limit_takes_nothing_whether_it_has_come_or_not() => Run(async pipe =>
    {
        Feed(pipe, "some dataAA");
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await Until(pipe, "AAA", limit: 3));
        Assert.Equal("some dataAA", Left(pipe));
        Feed(pipe, "A");
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await Until(pipe, "AAA", limit: 3));
        Assert.Equal("some dataAAA", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_multi_separator")]
    public void Of_several_separators_the_one_that_ends_first_counts_even_if_it_is_longer() => Run(async pipe =>
    {
        Feed(pipe, "line 1\nline 2\r");
        Assert.Equal("line 1\n", await Until(pipe, ["\r", "\n"]));
        Assert.Equal("line 2\r", await Until(pipe, ["\r", "\n"]));
        Feed(pipe, "ABCDEFG");
        Assert.Equal("ABCDE", await Until(pipe, ["DEF", "BCDE"]));
        Assert.Equal("FG", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_multi_separator_limit")]
    public void Of_separators_that_end_together_the_limit_holds_for_the_shorter() => Run(async pipe =>
    {
        Feed(pipe, "some dataA");
        await Assert.ThrowsAsync<LimitOverrunException>(async () => await Until(pipe, ["A", "ome dataA"], limit: 3));
        Assert.Equal("some dataA", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_multi_separator_negative_offset")]
    public void A_separator_may_be_longer_than_what_is_there() => Run(async pipe =>
    {
        Feed(pipe, "data");
        var read = Coroutine.Start(Until(pipe, ["A", "long sep"]));
        await NetTest.Iterate();
        Feed(pipe, "Z");
        await NetTest.Iterate();
        Feed(pipe, "Aaaa");
        Assert.Equal("dataZA", await read);
        Assert.Equal("aaa", Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readuntil_bytearray")]
    public void A_separator_may_be_a_part_of_any_memory() => Run(async pipe =>
    {
        Feed(pipe, "some data\r\n");
        Assert.Equal("some data\r\n", Text(await pipe.Reader.ReadUntilAsync("[\r\n]"u8.ToArray().AsMemory(1, 2))));
        Assert.Empty(Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readexactly_zero_or_less")]
    public void Exactly_no_bytes_takes_none_and_less_is_refused() => Run(async pipe =>
    {
        Feed(pipe, Data);
        Assert.Empty(await pipe.Reader.ReadExactlyAsync(0));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await pipe.Reader.ReadExactlyAsync(-1));
        Assert.Equal(Data, Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readexactly")]
    public void Exactly_so_many_bytes_are_waited_for_and_no_more_taken() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadExactlyAsync(2 * Data.Length));
        await NetTest.Iterate();
        Feed(pipe, Data, Data, Data);
        Assert.Equal(Data + Data, Text(await read));
        Assert.Equal(Data, Left(pipe));
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_readexactly_eof")]
    public void An_end_before_so_many_bytes_hands_over_and_takes_what_was_there() => Run(async pipe =>
    {
        var read = Coroutine.Start(pipe.Reader.ReadExactlyAsync(2 * Data.Length));
        await NetTest.Iterate();
        Feed(pipe, Data);
        pipe.Writer.Complete();
        var failure = await Assert.ThrowsAsync<IncompleteReadException>(async () => await read);
        Assert.Equal(Data, Text(failure.Partial.ToArray()));
        Assert.Equal(36, failure.Expected);
        Assert.Equal("The stream ended after 18 of 36 bytes.", failure.Message);
        Assert.Empty(Left(pipe));
    });

    private static void Run(Func<Pipe, Coroutine> main) =>
        NetTest.Run(async () => await main(new Pipe(new PipeOptions(useSynchronizationContext: false))));

    private static void Feed(Pipe pipe, params string[] chunks)
    {
        foreach (var chunk in chunks)
        {
            Assert.True(pipe.Writer.WriteAsync(Encoding.UTF8.GetBytes(chunk)).IsCompletedSuccessfully);
        }
    }

    /// <summary>What nobody has taken, which stays there.</summary>
    private static string Left(Pipe pipe)
    {
        if (!pipe.Reader.TryRead(out var result))
        {
            return "";
        }

        var text = Encoding.UTF8.GetString(result.Buffer);
        pipe.Reader.AdvanceTo(result.Buffer.Start);
        return text;
    }

    private static async Coroutine<string> Until(Pipe pipe, string separator, int limit = PipeReaderExtensions.DefaultLimit) =>
        Text(await pipe.Reader.ReadUntilAsync(Encoding.UTF8.GetBytes(separator), limit));

    private static async Coroutine<string> Until(Pipe pipe, string[] separators, int limit = PipeReaderExtensions.DefaultLimit) =>
        Text(await pipe.Reader.ReadUntilAsync(
            [.. separators.Select(separator => (ReadOnlyMemory<byte>)Encoding.UTF8.GetBytes(separator))], limit));

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
