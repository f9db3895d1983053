using System.Buffers;
using System.IO.Pipelines;
using System.Text;

namespace Baton;

public static partial class PipeReaderExtensions
{
    /// <summary>The limit of <see cref="ReadToEndAsync"/> unless it is given another, in bytes: 16 MiB.</summary>
    public const int DefaultTotalLimit = 16 * 1024 * 1024;

    /// <summary>
    /// Reads what is there, up to a number of bytes; waits only where nothing is. Corresponds to <c>StreamReader.read(n)</c>.
    /// </summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="count">How many at most.</param>
    /// <returns>At least one byte; none when the stream has ended, or where none was asked for.</returns>
    public static async Coroutine<byte[]> ReadSomeAsync(this PipeReader reader, int count)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        if (count == 0)
        {
            return [];
        }

        while (true)
        {
            var result = await Read(reader);
            var buffer = result.Buffer;
            if (!buffer.IsEmpty || result.IsCompleted)
            {
                var bytes = buffer.Slice(0, Math.Min(count, buffer.Length));
                var array = bytes.ToArray();
                reader.AdvanceTo(bytes.End);
                return array;
            }

            ThrowIfCanceled(reader, result);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>Reads everything up to the end of the stream. Corresponds to <c>StreamReader.read()</c>.</summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="limit">The most bytes that may come.</param>
    /// <exception cref="LimitOverrunException">More came. The bytes stay in the buffer.</exception>
    public static async Coroutine<byte[]> ReadToEndAsync(this PipeReader reader, int limit = DefaultTotalLimit)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        while (true)
        {
            var result = await Read(reader);
            var buffer = result.Buffer;
            if (buffer.Length > limit)
            {
                throw Overrun(reader, buffer, buffer.Length, $"The stream did not end within the limit of {limit} bytes.");
            }

            if (result.IsCompleted)
            {
                var array = buffer.ToArray();
                reader.AdvanceTo(buffer.End);
                return array;
            }

            ThrowIfCanceled(reader, result);
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <summary>
    /// Reads line after line, each as <see cref="ReadLineAsync"/> does, to the end of the stream. Corresponds to <c>async for</c> over a
    /// <c>StreamReader</c>.
    /// </summary>
    /// <param name="reader">What to read from.</param>
    /// <param name="limit">The most bytes that a line may have before its LF.</param>
    /// <param name="encoding">How the bytes are encoded; UTF-8 where null.</param>
    /// <exception cref="LimitOverrunException">A line is longer. It stays in the buffer.</exception>
    public static async IAsyncEnumerable<string> ReadLinesAsync(this PipeReader reader, int limit = DefaultLimit, Encoding? encoding = null)
    {
        while (await reader.ReadLineAsync(limit, encoding) is { } line)
        {
            yield return line;
        }
    }

    /// <summary>
    /// Drops bytes up to and including the next LF, however many there are, without keeping them: to go on after a line that was too long.
    /// asyncio's <c>readline</c> drops such a line by itself.
    /// </summary>
    /// <remarks>A cancelled one may have dropped a part of the line.</remarks>
    /// <param name="reader">What to read from.</param>
    /// <returns>False when the stream ended before there was one.</returns>
    public static async Coroutine<bool> SkipLineAsync(this PipeReader reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        while (true)
        {
            var result = await Read(reader);
            var buffer = result.Buffer;
            if (buffer.PositionOf((byte)'\n') is { } end)
            {
                reader.AdvanceTo(buffer.GetPosition(1, end));
                return true;
            }

            ThrowIfCanceled(reader, result);
            reader.AdvanceTo(buffer.End);
            if (result.IsCompleted)
            {
                return false;
            }
        }
    }
}
