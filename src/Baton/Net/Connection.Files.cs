using System.Buffers;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton;

// Files that are sent.
public sealed partial class Connection
{
    /// <summary>
    /// Sends a file, or a part, after everything that <see cref="Output"/> holds. Corresponds to <c>loop.sendfile</c>. With the epoll
    /// driver and without TLS the system sends it by itself (<c>sendfile</c>), on the loop's thread, so that the bytes never pass through
    /// this process; else it is read on threads for files and sent, one block after the other.
    /// </summary>
    /// <remarks>
    /// <para>Nothing may be written meanwhile: that throws <see cref="InvalidOperationException"/>. The position of the file does not
    /// matter, and stays. A file that grows is sent to where it ends by then; of one that shrinks what is there is sent, so that fewer
    /// bytes than were asked for mean that there were no more.</para>
    /// <para>Where it fails, or is cancelled, after a part has been sent, the output cannot be used any more, later writes say so, and
    /// closing the connection tells the peer of a reset; before that, it is as if nothing had been. <see cref="CloseAsync"/>
    /// meanwhile waits for the file; <see cref="Dispose"/> and <see cref="Abort"/> are the failure.</para>
    /// <para>What of the file is not in memory is read from the disk by <c>sendfile</c> while the loop waits. Where that matters, for a
    /// slow disk say, read the file by <see cref="LoopFile"/> and write.</para>
    /// <para>The system then takes references to the file's content instead of the bytes: what is changed in the file before the peer has
    /// received it may arrive as changed.</para>
    /// </remarks>
    /// <param name="file">The file. It may be closed meanwhile, which waits until it is sent.</param>
    /// <param name="offset">Where in the file to begin.</param>
    /// <param name="count">How many bytes at most; null for all to the end.</param>
    /// <param name="fallback">Whether to read and send the file where the system cannot send it by itself.</param>
    /// <returns>The bytes sent. The system has taken them.</returns>
    /// <exception cref="IOException">The connection failed or was closed, or the file could not be read.</exception>
    /// <exception cref="InvalidOperationException">
    /// The output was completed, another file is being sent, or a TLS handshake is in progress.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The system cannot send it by itself, and the fallback is forbidden. Nothing was sent.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The file is closed.</exception>
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
        source.Hold();
        try
        {
            _writer.BeginFile();
            try
            {
                await _writer.WaitForQueue();
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
            catch
            {
                if (source.Sent > 0)
                {
                    _writer.BreakOff();
                }

                throw;
            }
            finally
            {
                _writer.EndFile();
            }
        }
        finally
        {
            source.Release();
        }
    }

    /// <summary>False where the system does not do it, or not on from here.</summary>
    private async Coroutine<bool> TrySendFileBySystem(FileSource source)
    {
        while (source.Left > 0)
        {
            _writer.CheckNotFailed();
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
                    await _writer.WaitForFileRoom();
                    break;
                case SocketError.OperationNotSupported:
                    return false;
                default:
                    throw _writer.FailFile(error);
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
                await _writer.WriteFile(block.AsMemory(0, count));
                source.Advance(count);
            }
        }
        finally
        {
            // Neither a thread nor the driver works on it any more: reads and writes are waited for, cancelled or not.
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
