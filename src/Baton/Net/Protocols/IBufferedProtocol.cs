namespace Baton;

/// <summary>
/// What a transport of a stream connection calls where the protocol has buffers of its own, into which to receive. Corresponds to the
/// methods of <c>asyncio.BufferedProtocol</c>; derive from the class <see cref="BufferedProtocol"/> unless there is another base class.
/// </summary>
public interface IBufferedProtocol : IStreamProtocol
{
    /// <summary>Bytes are about to be received: asks where to put them. Corresponds to <c>get_buffer</c>.</summary>
    /// <param name="sizeHint">How many bytes there are to be put, where that is known; else -1. A buffer of any other size will do.</param>
    /// <returns>
    /// Not empty. The transport fills a part of it, from the start, before it calls <see cref="BufferUpdated"/>, and then lets go of it.
    /// </returns>
    Memory<byte> GetBuffer(int sizeHint);

    /// <summary>
    /// Bytes have been put into the buffer that <see cref="GetBuffer"/> returned last. Corresponds to <c>buffer_updated</c>.
    /// </summary>
    /// <param name="count">How many, from the buffer's start; at least one.</param>
    void BufferUpdated(int count);

    /// <summary>Puts bytes through the buffers. A transport does so by itself.</summary>
    void IStreamProtocol.DataReceived(ReadOnlySpan<byte> data)
    {
        while (!data.IsEmpty)
        {
            data = data[Put(data)..];
        }
    }

    /// <summary>Puts as many bytes into one buffer as it takes, and says so. Returns how many.</summary>
    internal int Put(ReadOnlySpan<byte> data)
    {
        var buffer = GetCheckedBuffer(data.Length).Span;
        var count = Math.Min(buffer.Length, data.Length);
        data[..count].CopyTo(buffer);
        BufferUpdated(count);
        return count;
    }

    internal Memory<byte> GetCheckedBuffer(int sizeHint)
    {
        var buffer = GetBuffer(sizeHint);
        return buffer.IsEmpty
            ? throw new InvalidOperationException(
                $"GetBuffer of {GetType().Name} returned an empty buffer, into which nothing can be received.")
            : buffer;
    }
}
