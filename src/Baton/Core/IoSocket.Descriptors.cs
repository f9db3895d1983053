using System.Net.Sockets;

namespace Baton;

// Descriptors that travel with the bytes of a local socket.
public abstract partial class IoSocket
{
    /// <summary>
    /// Sends bytes to the connected peer with descriptors attached to the first of them, without waiting. The peer gets descriptors of its
    /// own.
    /// </summary>
    /// <param name="bytes">What to send; of a stream, not empty.</param>
    /// <param name="descriptors">The descriptors, which stay the caller's.</param>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is no room, and nothing was sent; then submit a
    /// <see cref="IoOperationKind.WaitToSend"/>.
    /// </param>
    /// <returns>The bytes taken by the system; with the first of them it took all of the descriptors.</returns>
    /// <exception cref="PlatformNotSupportedException">The driver or the platform does not pass descriptors.</exception>
    public virtual int TrySendDescriptors(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors, out SocketError error) =>
        throw new PlatformNotSupportedException("Descriptors can be passed on Linux only.");

    /// <summary>Receives what is there with the descriptors that came with it, without waiting.</summary>
    /// <param name="buffer">Where to put the bytes; of a stream, not empty.</param>
    /// <param name="descriptors">
    /// Where to put the descriptors, which are the caller's to close. Those for which there is no room are lost.
    /// </param>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is nothing; then submit a request with an empty buffer to wait.
    /// </param>
    /// <exception cref="PlatformNotSupportedException">The driver or the platform does not pass descriptors.</exception>
    public virtual IoMessage TryReceiveDescriptors(Span<byte> buffer, Span<int> descriptors, out SocketError error) =>
        throw new PlatformNotSupportedException("Descriptors can be passed on Linux only.");
}
