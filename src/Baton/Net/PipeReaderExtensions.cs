using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Baton;

/// <summary>Reads by lines, lengths and delimiters, as asyncio's <c>StreamReader</c> does, from any pipe reader.</summary>
/// <remarks>
/// A cancelled read consumes nothing: what arrived is there for the next one. The methods wait on the loop of the code that awaits them.
/// </remarks>
public static partial class PipeReaderExtensions
{
    /// <summary>The limit that the methods have unless they are given another, in bytes: 64 KiB, as in asyncio.</summary>
    public const int DefaultLimit = 64 * 1024;

    /// <summary>
    /// Reads a line: up to LF, which is dropped together with a CR before it. At the end of the stream, what is left counts as a line.
    /// Corresponds to <c>StreamReader.readline</c>.
    /// </summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="limit">The most bytes that a line may have before its LF.</param>
    /// <param name="encoding">How the bytes are encoded; UTF-8 where null.</param>
    /// <returns>The line; null when the stream has ended.</returns>
    /// <exception cref="LimitOverrunException">
    /// The line is longer. It stays in the buffer: read it with a larger limit, or go past it with <see cref="SkipLineAsync"/>.
    /// </exception>
    public static async Coroutine<string?> ReadLineAsync(this PipeReader reader, int limit = DefaultLimit, Encoding? encoding = null)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var scanned = 0L;
        while (true)
        {
            var result = await Read(reader);
            var buffer = result.Buffer;
            if (buffer.Slice(scanned).PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                if (line.Length > limit)
                {
                    throw NoDelimiter(reader, buffer, line.Length, limit);
                }

                var text = Decode(line, encoding);
                reader.AdvanceTo(buffer.GetPosition(1, end));
                return text;
            }

            scanned = buffer.Length;
            if (scanned > limit)
            {
                throw NoDelimiter(reader, buffer, scanned, limit);
            }

            if (result.IsCompleted)
            {
                var rest = scanned == 0 ? null : Decode(buffer, encoding);
                reader.AdvanceTo(buffer.End);
                return rest;
            }

            ThrowIfCanceled(reader, result);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Reads exactly so many bytes. Corresponds to <c>StreamReader.readexactly</c>.</summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="count">How many.</param>
    /// <exception cref="IncompleteReadException">The stream ended before; it has what was there.</exception>
    public static async Coroutine<byte[]> ReadExactlyAsync(this PipeReader reader, int count)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0)
        {
            return [];
        }

        // Not reserved before it is there: the count may have come from the peer.
        var result = await ReadAtLeastAsync(reader, count);
        var bytes = result.Buffer.Slice(0, count);
        var array = bytes.ToArray();
        reader.AdvanceTo(bytes.End);
        return array;
    }

    /// <summary>Fills a buffer. Does not allocate. Corresponds to <c>StreamReader.readexactly</c>.</summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="destination">What to fill.</param>
    /// <exception cref="IncompleteReadException">The stream ended before; it has what was there.</exception>
    public static async Coroutine ReadExactlyAsync(this PipeReader reader, Memory<byte> destination)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (destination.IsEmpty)
        {
            return;
        }

        var result = await ReadAtLeastAsync(reader, destination.Length);
        var bytes = result.Buffer.Slice(0, destination.Length);
        bytes.CopyTo(destination.Span);
        reader.AdvanceTo(bytes.End);
    }

    /// <summary>Reads up to and including a delimiter. Corresponds to <c>StreamReader.readuntil</c>.</summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="delimiter">One byte or several.</param>
    /// <param name="limit">The most bytes that may come before the delimiter.</param>
    /// <returns>The bytes, the delimiter included.</returns>
    /// <exception cref="LimitOverrunException">The delimiter did not come within the limit. The bytes stay in the buffer.</exception>
    /// <exception cref="IncompleteReadException">The stream ended before the delimiter; it has what was there.</exception>
    public static Coroutine<byte[]> ReadUntilAsync(this PipeReader reader, ReadOnlyMemory<byte> delimiter, int limit = DefaultLimit) =>
        ReadUntilAsync(reader, [delimiter], limit);

    /// <summary>
    /// Reads up to and including whichever of several delimiters ends first. Corresponds to <c>StreamReader.readuntil</c> with a tuple.
    /// </summary>
    /// <inheritdoc cref="ReadUntilAsync(PipeReader, ReadOnlyMemory{byte}, int)"/>
    /// <param name="reader">What to read from.</param>
    /// <param name="delimiters">The delimiters, each of one byte or several.</param>
    /// <param name="limit">The most bytes that may come before the delimiter.</param>
    public static async Coroutine<byte[]> ReadUntilAsync(
        this PipeReader reader, IReadOnlyList<ReadOnlyMemory<byte>> delimiters, int limit = DefaultLimit)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(delimiters);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        var longest = LongestOf(delimiters);

        // No delimiter begins before this.
        var scanned = 0L;
        while (true)
        {
            var result = await Read(reader);
            var buffer = result.Buffer;
            if (TryFind(buffer, scanned, delimiters, out var start, out var end))
            {
                if (start > limit)
                {
                    throw NoDelimiter(reader, buffer, start, limit);
                }

                var found = buffer.Slice(0, end).ToArray();
                reader.AdvanceTo(buffer.GetPosition(end));
                return found;
            }

            scanned = Math.Max(0, buffer.Length + 1 - longest);
            if (scanned > limit)
            {
                throw NoDelimiter(reader, buffer, scanned, limit);
            }

            if (result.IsCompleted)
            {
                throw Incomplete(reader, buffer, expected: null);
            }

            ThrowIfCanceled(reader, result);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    private static async Coroutine<ReadResult> ReadAtLeastAsync(PipeReader reader, int count)
    {
        var result = await Read(reader, count);
        if (result.Buffer.Length < count)
        {
            ThrowIfCanceled(reader, result);
            throw Incomplete(reader, result.Buffer, count);
        }

        return result;
    }

    /// <summary>
    /// Reads so that cancelling the task ends it: a connection's own reader sees to that itself, somebody else's needs a token.
    /// </summary>
    private static ValueTask<ReadResult> Read(PipeReader reader, int atLeast = 0)
    {
        if (reader is ConnectionReader)
        {
            return reader.ReadAtLeastAsync(atLeast);
        }

        return atLeast == 0 && reader.TryRead(out var result)
            ? ValueTask.FromResult(result)
            : new(ForeignOperation.Run(
                static (read, token) => read.Reader.ReadAtLeastAsync(read.AtLeast, token).AsTask(),
                (Reader: reader, AtLeast: atLeast),
                CancellationToken.None,
                static (read, result) => read.Reader.AdvanceTo(result.Buffer.Start)));
    }

    private static int LongestOf(IReadOnlyList<ReadOnlyMemory<byte>> delimiters)
    {
        var longest = 0;
        for (var i = 0; i < delimiters.Count; i++)
        {
            if (delimiters[i].IsEmpty)
            {
                throw new ArgumentException("A delimiter must not be empty.", nameof(delimiters));
            }

            longest = Math.Max(longest, delimiters[i].Length);
        }

        return longest > 0 ? longest : throw new ArgumentException("There must be at least one delimiter.", nameof(delimiters));
    }

    private static bool TryFind(
        ReadOnlySequence<byte> buffer, long scanned, IReadOnlyList<ReadOnlyMemory<byte>> delimiters, out long start, out long end)
    {
        start = 0;
        end = long.MaxValue;
        for (var i = 0; i < delimiters.Count; i++)
        {
            var delimiter = delimiters[i].Span;
            var reader = new SequenceReader<byte>(buffer);
            reader.Advance(Math.Min(scanned, buffer.Length));
            if (reader.TryReadTo(out ReadOnlySequence<byte> _, delimiter) && reader.Consumed < end)
            {
                end = reader.Consumed;
                start = end - delimiter.Length;
            }
        }

        return end != long.MaxValue;
    }

    private static string Decode(ReadOnlySequence<byte> line, Encoding? encoding)
    {
        if (!line.IsEmpty && line.Slice(line.Length - 1).FirstSpan[0] == '\r')
        {
            line = line.Slice(0, line.Length - 1);
        }

        return (encoding ?? Encoding.UTF8).GetString(line);
    }

    /// <summary>Leaves the bytes where they are, not examined, so that the next read finds them at once.</summary>
    private static LimitOverrunException Overrun(PipeReader reader, ReadOnlySequence<byte> buffer, long length, string message)
    {
        reader.AdvanceTo(buffer.Start);
        return new LimitOverrunException(message, (int)Math.Min(length, int.MaxValue));
    }

    private static LimitOverrunException NoDelimiter(PipeReader reader, ReadOnlySequence<byte> buffer, long length, int limit) =>
        Overrun(reader, buffer, length, $"There was no delimiter within the limit of {limit} bytes.");

    private static IncompleteReadException Incomplete(PipeReader reader, ReadOnlySequence<byte> buffer, int? expected)
    {
        var partial = buffer.ToArray();
        reader.AdvanceTo(buffer.End);
        return new IncompleteReadException(partial, expected);
    }

    private static void ThrowIfCanceled(PipeReader reader, ReadResult result)
    {
        if (result.IsCanceled)
        {
            reader.AdvanceTo(result.Buffer.Start);
            throw new OperationCanceledException("The read was cancelled by CancelPendingRead.");
        }
    }
}
