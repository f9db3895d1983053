using System.Net.Sockets;

namespace Baton.Drivers;

// Reading, writing, and waiting for either.
internal sealed partial class PortableFile
{
    private const short PollIn = 1;
    private const short PollOut = 4;
    private const int PollErrorOrHangUp = 8 | 16;

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        while (true)
        {
            _driver.Counters.Receives++;
            var count = Access == FileAccess.Write ? Peek() : UnixErrors.Normalize(_driver.UnixCalls.Read(_descriptor, buffer));
            if (count == -Errno.EIO && Kind == IoSocketKind.Terminal)
            {
                // The other end of a terminal is closed: that is its way to say so.
                count = 0;
            }

            if (count != -Errno.EINTR)
            {
                error = Errno.ToSocketError(Math.Min(count, 0));
                return Access == FileAccess.Write ? 0 : Math.Max(count, 0);
            }
        }
    }

    public override int TrySend(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        while (true)
        {
            _driver.Counters.Sends++;
            if (!IsToBeRepeated(_driver.UnixCalls.Write(_descriptor, bytes), out var count, out error))
            {
                return count;
            }
        }
    }

    private int TrySendVectored(ReadOnlySpan<ReadOnlyMemory<byte>> buffers, out SocketError error)
    {
        while (true)
        {
            _driver.Counters.VectoredSends++;
            if (!IsToBeRepeated(_driver.UnixCalls.WriteVectored(_descriptor, buffers), out var count, out error))
            {
                return count;
            }
        }
    }

    private bool IsToBeRepeated(int result, out int count, out SocketError error)
    {
        result = UnixErrors.Normalize(result);
        if (result == -Errno.EIO && Kind == IoSocketKind.Terminal)
        {
            result = -Errno.EPIPE;
        }

        count = Math.Max(result, 0);
        error = Errno.ToSocketError(Math.Min(result, 0));
        return result == -Errno.EINTR;
    }

    private bool TryRead(IoRequest request)
    {
        if (request.Buffer.IsEmpty)
        {
            // An error is for the read that follows.
            return Peek() != -Errno.EAGAIN;
        }

        request.BytesTransferred = TryReceive(request.Buffer.Span, out var error);
        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    /// <summary>Whether a read would return at once.</summary>
    private int Peek()
    {
        var wanted = Access == FileAccess.Write ? 0 : PollIn;
        while (true)
        {
            var result = UnixErrors.Normalize(_driver.UnixCalls.PollNow(_descriptor, wanted));
            if (result != -Errno.EINTR)
            {
                return result < 0 ? result : (result & (wanted | PollErrorOrHangUp)) != 0 ? 1 : -Errno.EAGAIN;
            }
        }
    }

    private bool TryWrite(IoRequest request)
    {
        var error = SocketError.Success;
        if (request.Kind == IoOperationKind.Send)
        {
            request.BytesTransferred = TrySend(request.Buffer.Span, out error);
        }
        else if (request.Kind == IoOperationKind.SendVectored)
        {
            request.BytesTransferred = TrySendVectored(request.Buffers.AsSpan(0, request.BufferCount), out error);
        }
        else if ((_driver.UnixCalls.PollNow(_descriptor, PollOut) & (PollOut | PollErrorOrHangUp)) == 0)
        {
            error = SocketError.WouldBlock;
        }

        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private void OnReadable()
    {
        if (_reader is { } reader)
        {
            if (reader.Buffer.IsEmpty || TryRead(reader))
            {
                _reader = null;
                reader.Error = reader.Buffer.IsEmpty ? SocketError.Success : reader.Error;
                reader.Finish();
            }
            else
            {
                _readWait.Arm();
            }
        }
    }

    private void OnWritable()
    {
        if (_writer is { } writer)
        {
            if (writer.Kind == IoOperationKind.WaitToSend || TryWrite(writer))
            {
                _writer = null;
                writer.Error = writer.Kind == IoOperationKind.WaitToSend ? SocketError.Success : writer.Error;
                writer.Finish();
            }
            else
            {
                _writeWait.Arm();
            }
        }
    }

    /// <summary>The wait of one direction.</summary>
    private sealed class Wait(PortableFile file, bool isWriter) : PollEntry
    {
        /// <summary>
        /// Waits, unless what was told for a request before this one is still on its way: then that ends the wait, if in vain.
        /// </summary>
        internal void Arm()
        {
            if (Current == State.Posted)
            {
                IsDropped = false;
                return;
            }

            file._driver.Counters.Registrations++;
            file._driver.Poller.Arm(
                this, file._descriptor, isWriter ? PollOut : file.Access == FileAccess.Write ? (short)0 : PollIn);
        }

        public override void Abandon() => file._driver.OnAbandoned();

        protected override void OnReady()
        {
            if (isWriter)
            {
                file.OnWritable();
            }
            else
            {
                file.OnReadable();
            }
        }

        protected override void OnDropped()
        {
        }
    }
}
