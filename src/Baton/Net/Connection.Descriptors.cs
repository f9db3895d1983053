using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton;

// Descriptors that travel with the bytes of connections over local sockets.
public sealed partial class Connection
{
    /// <summary>
    /// Sends bytes with descriptors, after everything that <see cref="Output"/> holds: files, sockets, pipes, that the peer gets as its
    /// own. Corresponds to <c>socket.send_fds</c>.
    /// </summary>
    /// <param name="bytes">The bytes, at least one. Receivers find the descriptors with the first.</param>
    /// <param name="handles">The descriptors, at most 253. They stay the caller's, and may be closed once this has completed.</param>
    /// <remarks>Cancelled while it waits for room for the first byte, it has sent nothing.</remarks>
    /// <exception cref="IOException">The connection failed or was closed.</exception>
    /// <exception cref="InvalidOperationException">The connection speaks TLS.</exception>
    /// <exception cref="SocketException">This is no connection of local sockets.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public async Coroutine SendDescriptorsAsync(ReadOnlyMemory<byte> bytes, params IReadOnlyList<SafeHandle> handles)
    {
        CheckNoTls();
        DescriptorMessage.CheckSocket(Io);
        DescriptorMessage.CheckBytes(Io, bytes, nameof(bytes));
        using var descriptors = new BorrowedDescriptors(handles);
        int count;
        while (true)
        {
            // What others have written meanwhile comes first, whole; this also says what has become of the connection.
            do
            {
                await WriteAsync(ReadOnlyMemory<byte>.Empty);
            }
            while (_writer.Buffered > 0);
            count = Io.TrySendDescriptors(bytes.Span, descriptors.Numbers, out var error);
            if (error == SocketError.Success)
            {
                break;
            }

            if (error != SocketError.WouldBlock)
            {
                if (error == SocketError.ConnectionReset)
                {
                    OnWriteFailed(error);
                }

                throw ConnectionFailure.Create(error, this, "Sending descriptors");
            }

            await _writer.WaitForRoom();
        }

        if (count < bytes.Length)
        {
            await WriteAsync(bytes[count..]);
        }
    }

    /// <summary>
    /// Receives up to the buffer's length, and the descriptors that came with the bytes, past <see cref="Input"/>, which must hold nothing.
    /// Corresponds to <c>socket.recv_fds</c>. It ends with bytes that had descriptors, but may begin with earlier ones that had none. The
    /// input takes all that is there, and loses the descriptors that came with it: read in this way from the first byte on, or until the
    /// peer is told to go on.
    /// </summary>
    /// <param name="buffer">Where to put the bytes; not empty.</param>
    /// <param name="maximumDescriptors">How many descriptors may come; more are closed, and that is said. At most 253.</param>
    /// <returns>What came; dispose of it.</returns>
    /// <remarks>Cancelled, it has received nothing.</remarks>
    /// <exception cref="IOException">The connection failed or was closed.</exception>
    /// <exception cref="InvalidOperationException">
    /// The input holds bytes that have not been read, a read is in progress, or the connection speaks TLS.
    /// </exception>
    /// <exception cref="SocketException">This is no connection of local sockets.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public async Coroutine<DescriptorMessage> ReceiveDescriptorsAsync(Memory<byte> buffer, int maximumDescriptors = 16)
    {
        CheckNoTls();
        DescriptorMessage.CheckReceive(Io, buffer, maximumDescriptors);
        while (true)
        {
            _reader.CheckHoldsNothing();
            var message = DescriptorMessage.TryReceive(Io, buffer.Span, maximumDescriptors, out var error);
            if (message is not null)
            {
                return message;
            }

            if (error != SocketError.WouldBlock)
            {
                throw ConnectionFailure.Create(error, this, "Receiving descriptors");
            }

            await _reader.ReadInto(Memory<byte>.Empty, CancellationToken.None);
        }
    }

    private void CheckNoTls()
    {
        if (Tls is not null)
        {
            throw new InvalidOperationException($"The {this} speaks TLS, which carries bytes alone: pass descriptors before the upgrade.");
        }
    }
}
