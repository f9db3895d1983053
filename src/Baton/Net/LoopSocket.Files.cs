using System.Buffers;
using System.Net.Sockets;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

// Files that are sent.
public sealed partial class LoopSocket
{
    private SocketOperation? _sendingFile;

    /// <summary>
    /// Sends a file, or a part. Corresponds to <c>loop.sock_sendfile</c>. With the epoll driver the system sends it by itself
    /// (<c>sendfile</c>), on the loop's thread; else it is read on threads for files and sent, one block after the other.
    /// </summary>
    /// <remarks>
    /// <para>Nothing else may be sent meanwhile. The position of the file does not matter, and stays. A file that grows is sent to where it
    /// ends by then; of one that shrinks what is there is sent.</para>
    /// <para>When this fails or is cancelled, nobody knows how much was sent: the connection is of no more use.</para>
    /// </remarks>
    /// <param name="file">The file. It may be closed meanwhile, which waits until it is sent.</param>
    /// <param name="offset">Where in the file to begin.</param>
    /// <param name="count">How many bytes at most; null for all to the end.</param>
    /// <param name="fallback">Whether to read and send the file where the system cannot send it by itself.</param>
    /// <returns>The bytes sent. The system has taken them.</returns>
    /// <exception cref="SocketException">The connection failed, or the socket was disposed of meanwhile.</exception>
    /// <exception cref="IOException">The file could not be read.</exception>
    /// <exception cref="InvalidOperationException">This is no stream socket, or another send or connect is in progress.</exception>
    /// <exception cref="NotSupportedException">
    /// The system cannot send it by itself, and the fallback is forbidden. Nothing was sent.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file or the socket is closed.</exception>
    public Coroutine<long> SendFileAsync(
        LoopFile file, long offset = 0, long? count = null, SendFileFallback fallback = SendFileFallback.Allowed)
    {
        ArgumentNullException.ThrowIfNull(file);
        return SendFileAsync(new FileSource(file, offset, count), fallback);
    }

    /// <inheritdoc cref="SendFileAsync(LoopFile, long, long?, SendFileFallback)"/>
    public Coroutine<long> SendFileAsync(
        SafeFileHandle file, long offset = 0, long? count = null, SendFileFallback fallback = SendFileFallback.Allowed)
    {
        ArgumentNullException.ThrowIfNull(file);
        return SendFileAsync(new FileSource(file, offset, count), fallback);
    }

    private async Coroutine<long> SendFileAsync(FileSource source, SendFileFallback fallback)
    {
        if (Io.SocketType != SocketType.Stream)
        {
            throw new InvalidOperationException($"A file is sent over a stream socket, and this is of the type {Io.SocketType}.");
        }

        // In use from here on, so that nobody else sends; the waits are another object's.
        var turn = Use(ref _writing);
        source.Hold();
        turn.Start(IoOperationKind.Send, default);
        try
        {
            if (!await TrySendFileBySystem(source))
            {
                if (fallback == SendFileFallback.Forbidden)
                {
                    throw source.CreateNotSupported(this);
                }

                await SendFileByReading(source);
            }

            return source.Sent;
        }
        finally
        {
            turn.Abandon();
            source.Release();
        }
    }

    private async Coroutine<bool> TrySendFileBySystem(FileSource source)
    {
        while (source.Left > 0)
        {
            ObjectDisposedException.ThrowIf(Handle < 0, this);
            var chunk = source.NextChunk;
            var count = Io.TrySendFile(source.Handle, source.Offset, chunk, out var error);
            switch (error)
            {
                case SocketError.Success when count == 0:
                    return true;
                case SocketError.Success:
                    source.Advance(count);
                    if (count == chunk)
                    {
                        await Coroutine.Yield();
                    }

                    break;
                case SocketError.WouldBlock:
                    var room = Use(ref _sendingFile);
                    room.Start(IoOperationKind.WaitToSend, default);
                    room.Submit(Io);
                    await room.AsVoid();
                    break;
                case SocketError.OperationNotSupported:
                    return false;
                default:
                    throw SocketFailure.Create(error, $"The send of a file on {this}");
            }
        }

        return true;
    }

    private async Coroutine SendFileByReading(FileSource source)
    {
        var block = ArrayPool<byte>.Shared.Rent(FileSource.BlockSize);
        try
        {
            while (source.Left > 0)
            {
                var count = await source.ReadAsync(Loop, block);
                if (count == 0)
                {
                    return;
                }

                // The read was waited for, but with a cancellation there is no point in sending it.
                Coroutine.ThrowIfCancelled();
                var send = Use(ref _sendingFile);
                send.Start(IoOperationKind.Send, block.AsMemory(0, count), mustSendAll: true);
                send.Submit(Io);
                await send.AsVoid();
                source.Advance(count);
            }
        }
        finally
        {
            // Neither a thread nor the driver works on it any more: reads and sends are waited for, cancelled or not.
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
