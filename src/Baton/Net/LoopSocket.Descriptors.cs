using System.Net.Sockets;
using System.Runtime.InteropServices;
using Baton.Drivers;

namespace Baton;

// Descriptors that travel with the bytes of local sockets.
public sealed partial class LoopSocket
{
    /// <summary>
    /// Sends bytes to the connected peer, all of them, with descriptors: files, sockets, pipes, that the peer gets as its own. Corresponds
    /// to <c>socket.send_fds</c>.
    /// </summary>
    /// <param name="bytes">
    /// The bytes; at least one where this is a stream, since descriptors travel with bytes. Receivers find them with the first.
    /// </param>
    /// <param name="handles">The descriptors, at most 253. They stay the caller's, and may be closed once this has completed.</param>
    /// <remarks>Cancelled while it waits for room for the first byte, it has sent nothing.</remarks>
    /// <exception cref="SocketException">
    /// This is no local socket, the connection failed, or the socket was disposed of meanwhile.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public async Coroutine SendDescriptorsAsync(ReadOnlyMemory<byte> bytes, params IReadOnlyList<SafeHandle> handles)
    {
        DescriptorMessage.CheckSocket(Io);
        DescriptorMessage.CheckBytes(Io, bytes, nameof(bytes));
        using var descriptors = new BorrowedDescriptors(handles);
        int count;
        while (true)
        {
            var operation = Use(ref _writing);
            count = Io.TrySendDescriptors(bytes.Span, descriptors.Numbers, out var error);
            if (error == SocketError.Success)
            {
                break;
            }

            if (error != SocketError.WouldBlock)
            {
                throw SocketFailure.Create(error, $"The send of descriptors on {this}");
            }

            operation.Start(IoOperationKind.WaitToSend, default);
            operation.Submit(Io);
            await operation.AsVoid();
        }

        if (count < bytes.Length)
        {
            await SendAllAsync(bytes[count..]);
        }
    }

    /// <summary>
    /// Receives up to the buffer's length, and the descriptors that came with the bytes. Corresponds to <c>socket.recv_fds</c>. Of a stream
    /// it ends with bytes that had descriptors, but may begin with earlier ones that had none. What another method receives comes without
    /// its descriptors, which are then lost.
    /// </summary>
    /// <param name="buffer">Where to put the bytes; not empty where this is a stream.</param>
    /// <param name="maximumDescriptors">How many descriptors may come; more are closed, and that is said. At most 253.</param>
    /// <returns>What came; dispose of it.</returns>
    /// <remarks>Cancelled, it has received nothing.</remarks>
    /// <exception cref="SocketException">
    /// This is no local socket, the connection failed, or the socket was disposed of meanwhile.
    /// </exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public async Coroutine<DescriptorMessage> ReceiveDescriptorsAsync(Memory<byte> buffer, int maximumDescriptors = 16)
    {
        DescriptorMessage.CheckReceive(Io, buffer, maximumDescriptors);
        while (true)
        {
            var operation = Use(ref _reading);
            var message = DescriptorMessage.TryReceive(Io, buffer.Span, maximumDescriptors, out var error);
            if (message is not null)
            {
                return message;
            }

            if (error != SocketError.WouldBlock)
            {
                throw SocketFailure.Create(error, $"The receive of descriptors on {this}");
            }

            operation.Start(IoOperationKind.Receive, default);
            operation.Submit(Io);
            await operation.AsCount();
        }
    }
}
