namespace Baton;

/// <summary>A transport that sends a stream of bytes. Corresponds to <c>asyncio.WriteTransport</c>.</summary>
public interface IWriteTransport : ITransport
{
    /// <summary>Bytes that were written and that the system has not taken. Corresponds to <c>get_write_buffer_size</c>.</summary>
    long WriteBufferSize { get; }

    /// <summary>The limits of the flow control, in bytes. Corresponds to <c>get_write_buffer_limits</c>.</summary>
    (int Low, int High) WriteBufferLimits { get; }

    /// <summary>
    /// Whether this side can be ended while the other goes on. True for connections, over TLS too. Corresponds to <c>can_write_eof</c>.
    /// </summary>
    bool CanWriteEof { get; }

    /// <summary>
    /// Sets the limits of the flow control. The protocol's <see cref="IProtocol.PauseWriting"/> is called when more than
    /// <paramref name="high"/> bytes are queued, at once where they are already, and <see cref="IProtocol.ResumeWriting"/> when it is
    /// <paramref name="low"/> bytes or less. Corresponds to <c>set_write_buffer_limits</c>.
    /// </summary>
    /// <param name="high">
    /// In bytes; null for four times <paramref name="low"/>, or 64 KiB where that is null too. 0 pauses whenever anything is queued.
    /// </param>
    /// <param name="low">In bytes; null for a quarter of <paramref name="high"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">Not so: high ≥ low ≥ 0.</exception>
    void SetWriteBufferLimits(int? high = null, int? low = null);

    /// <summary>
    /// Writes bytes. Never waits: what the system does not take at once is copied, queued and sent in the background. The memory is the
    /// caller's again on return. Corresponds to <c>write</c>.
    /// </summary>
    /// <remarks>
    /// Once the connection is lost the bytes are dropped, which is warned of from the fifth time on. Where more than the high limit is
    /// queued, <see cref="IProtocol.PauseWriting"/> is called from inside this call.
    /// </remarks>
    /// <exception cref="InvalidOperationException"><see cref="WriteEof"/> was called, or the transport was detached.</exception>
    void Write(ReadOnlySpan<byte> data);

    /// <summary>
    /// Writes several pieces, with one system call where that is possible; otherwise as <see cref="Write"/>. Corresponds to
    /// <c>writelines</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException"><see cref="WriteEof"/> was called, or the transport was detached.</exception>
    void WriteLines(params ReadOnlySpan<ReadOnlyMemory<byte>> pieces);

    /// <summary>
    /// Ends this side once everything is sent; the peer may go on sending. Does nothing where that was done before or the transport is
    /// closing. Corresponds to <c>write_eof</c>.
    /// </summary>
    /// <exception cref="NotSupportedException"><see cref="CanWriteEof"/> is false.</exception>
    void WriteEof();
}
