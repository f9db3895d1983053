using System.Net;

namespace Baton;

/// <summary>A transport for datagrams. Corresponds to <c>asyncio.DatagramTransport</c>.</summary>
public interface IDatagramTransport : ITransport
{
    /// <summary>
    /// Bytes of datagrams that wait to be sent, and 8 for each datagram. Corresponds to <c>get_write_buffer_size</c>.
    /// </summary>
    long WriteBufferSize { get; }

    /// <summary>
    /// The limits of the flow control, in bytes as <see cref="WriteBufferSize"/> counts them. Corresponds to
    /// <c>get_write_buffer_limits</c>.
    /// </summary>
    (int Low, int High) WriteBufferLimits { get; }

    /// <inheritdoc cref="IWriteTransport.SetWriteBufferLimits"/>
    void SetWriteBufferLimits(int? high = null, int? low = null);

    /// <summary>
    /// Sends a datagram. Never waits: where the system has no room at once, it is copied, queued and sent in the background. The memory is
    /// the caller's again on return. A datagram that cannot be sent is reported by <see cref="IDatagramProtocol.ErrorReceived"/>.
    /// Corresponds to <c>sendto</c>.
    /// </summary>
    /// <param name="data">The datagram; may be empty.</param>
    /// <param name="receiver">To whom; null for the remote end point that the transport was made with.</param>
    /// <exception cref="ArgumentException">
    /// The transport was made with a remote end point, and this is another; or it was made without, and there is none here.
    /// </exception>
    void SendTo(ReadOnlySpan<byte> data, EndPoint? receiver = null);
}
