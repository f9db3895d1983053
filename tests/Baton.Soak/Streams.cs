using System.Buffers;
using System.IO.Pipelines;

namespace Baton.Soak;

/// <summary>Writes and reads a part of a pattern over a connection, in whichever of the ways that there are chance chooses.</summary>
internal static class Streams
{
    /// <summary>Writes so many bytes of a pattern.</summary>
    internal static async Coroutine WriteAsync(Connection connection, Pattern pattern, int length, Random random)
    {
        var offset = 0;
        while (offset < length)
        {
            var count = Math.Min(length - offset, 1 + random.Next(random.Next(4) == 0 ? 80_000 : 3000));
            switch (random.Next(5))
            {
                case 0:
                    await connection.WriteAsync(pattern.Make(offset, count));
                    break;
                case 1:
                    await connection.AsStream().WriteAsync(pattern.Make(offset, count));
                    break;
                case 2:
                    pattern.Fill(connection.Output.GetSpan(count)[..count], offset);
                    connection.Output.Advance(count);
                    if (random.Next(2) == 0)
                    {
                        await connection.Output.FlushAsync();
                    }

                    break;
                case 3:
                    await connection.Output.WriteAsync(pattern.Make(offset, count));
                    break;
                default:
                    await WriteInPiecesAsync(connection, pattern, offset, count, random);
                    break;
            }

            offset += count;
        }

        await connection.Output.FlushAsync();
    }

    /// <summary>Reads so many bytes, and checks that they are those of a pattern.</summary>
    internal static async Coroutine ReadAsync(Connection connection, Pattern pattern, int length, Random random)
    {
        var offset = 0;
        while (offset < length)
        {
            var left = length - offset;
            offset += random.Next(5) switch
            {
                0 => await ReadExactlyAsync(connection, pattern, offset, Math.Min(left, 1 + random.Next(5000))),
                1 => await ReadStreamAsync(connection, pattern, offset, Math.Min(left, 1 + random.Next(40_000)), random),
                2 => await ReadAtLeastAsync(connection, pattern, offset, left, Math.Min(left, 1 + random.Next(5000))),
                3 => await ReadImpatientlyAsync(connection, pattern, offset, left, random),
                _ => await ReadPipeAsync(connection, pattern, offset, left, random),
            };
        }
    }

    /// <summary>Reads and checks what a pattern says until the peer's end, which must come after so many bytes.</summary>
    internal static async Coroutine ReadEndAsync(Connection connection)
    {
        var read = await connection.Input.ReadAsync();
        SoakException.ThrowUnless(read.Buffer.IsEmpty, $"{read.Buffer.Length} bytes came after the last.");
        SoakException.ThrowUnless(read.IsCompleted, "An empty read was not the end.");
    }

    /// <summary>
    /// Several writes in one turn, of which nobody awaits the first before the last has begun. None is so long that it would be withdrawn
    /// if it was cancelled, which would leave a gap before the next.
    /// </summary>
    private static async Coroutine WriteInPiecesAsync(Connection connection, Pattern pattern, int offset, int count, Random random)
    {
        var writes = new List<ValueTask>();
        var end = offset + count;
        while (offset < end)
        {
            var part = Math.Min(end - offset, 1 + random.Next(Math.Min(count, IoBlockPool.BlockSize)));
            writes.Add(connection.WriteAsync(pattern.Make(offset, part)));
            offset += part;
        }

        Exception? failure = null;
        foreach (var write in writes)
        {
            try
            {
                await write;
            }
            catch (Exception exception)
            {
                failure ??= exception;
            }
        }

        if (failure is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        }
    }

    private static async Coroutine<int> ReadExactlyAsync(Connection connection, Pattern pattern, int offset, int count)
    {
        pattern.Check(await connection.Input.ReadExactlyAsync(count), offset);
        return count;
    }

    private static async Coroutine<int> ReadStreamAsync(Connection connection, Pattern pattern, int offset, int most, Random random)
    {
        if (random.Next(4) == 0)
        {
            // A read without a buffer waits for data.
            await connection.AsStream().ReadAsync(Memory<byte>.Empty);
        }

        var buffer = new byte[most];
        var count = await connection.AsStream().ReadAsync(buffer);
        ThrowIfEnded(count);
        pattern.Check(buffer.AsSpan(0, count), offset);
        return count;
    }

    private static async Coroutine<int> ReadAtLeastAsync(Connection connection, Pattern pattern, int offset, int left, int least)
    {
        var read = await connection.Input.ReadAtLeastAsync(least);
        ThrowIfCancelled(connection, read);
        var isShort = read.Buffer.Length < least;
        SoakException.ThrowUnless(read.IsCompleted || !isShort, $"{read.Buffer.Length} bytes came where {least} were asked for.");
        var count = Take(connection, pattern, offset, left, read.Buffer, (int)Math.Min(least, read.Buffer.Length));
        ThrowIfEnded(isShort ? 0 : count);
        return count;
    }

    private static async Coroutine<int> ReadPipeAsync(Connection connection, Pattern pattern, int offset, int left, Random random)
    {
        if (!connection.Input.TryRead(out var read))
        {
            read = await connection.Input.ReadAsync();
        }

        ThrowIfCancelled(connection, read);
        ThrowIfEnded(read.Buffer.Length);
        var most = (int)Math.Min(read.Buffer.Length, left);
        return Take(connection, pattern, offset, left, read.Buffer, random.Next(2) == 0 ? most : random.Next(most + 1));
    }

    /// <summary>Gives each read little time. What comes while one is being given up, the next must get.</summary>
    private static async Coroutine<int> ReadImpatientlyAsync(Connection connection, Pattern pattern, int offset, int left, Random random)
    {
        while (true)
        {
            try
            {
                var read = await LoopTimeout.Run(
                    TimeSpan.FromMilliseconds(random.NextDouble() * 2),
                    async Coroutine<ReadResult> () => await connection.Input.ReadAsync());
                ThrowIfCancelled(connection, read);
                ThrowIfEnded(read.Buffer.Length);
                return Take(connection, pattern, offset, left, read.Buffer, (int)Math.Min(read.Buffer.Length, left));
            }
            catch (TimeoutException)
            {
                // Again.
            }
        }
    }

    /// <summary>Checks what was read, and consumes a part of it.</summary>
    private static int Take(Connection connection, Pattern pattern, int offset, int left, ReadOnlySequence<byte> buffer, int count)
    {
        var known = buffer.Length > left ? buffer.Slice(0, left) : buffer;
        try
        {
            pattern.Check(known, offset);
        }
        finally
        {
            // All that was examined and not consumed comes again with the next bytes: leave it unexamined, since those may not come.
            var consumed = buffer.GetPosition(count);
            connection.Input.AdvanceTo(consumed, consumed);
        }

        return count;
    }

    /// <summary>Somebody has called <see cref="PipeReader.CancelPendingRead"/>.</summary>
    private static void ThrowIfCancelled(Connection connection, ReadResult read)
    {
        if (read.IsCanceled)
        {
            connection.Input.AdvanceTo(read.Buffer.Start);
            throw new IOException("The read was cancelled by the reader.");
        }
    }

    private static void ThrowIfEnded(long count)
    {
        if (count == 0)
        {
            throw new IncompleteReadException(default, null);
        }
    }
}
