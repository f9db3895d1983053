using System.Net.Sockets;

namespace Baton.Drivers;

// The writing side: sending and connecting.
internal sealed partial class PortableSocket
{
    /// <summary>As much as a connection hands over at a time when it is made of the pool's blocks.</summary>
    private const int GatherLimit = 16 * IoBlockPool.BlockSize;

    private IoRequest? _writer;
    private PortableSendWait? _sendWait;
    private PortableWait? _connectWait;
    private SocketError _writeError;
    private SocketError? _connectOutcome;
    private bool _isWaitingForRoom;
    private bool _isConnectFailed;

    public override int TrySend(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        if (_writeError != SocketError.Success)
        {
            error = TakeError(ref _writeError);
            return 0;
        }

        if (IsClosed || _sendWait is { IsInFlight: true })
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        _driver.Counters.Sends++;
        var count = _socket.Send(bytes, SocketFlags.None, out error);
        if (error == SocketError.Success)
        {
            _lookDelay = FirstLook;
        }

        return count;
    }

    /// <summary>The byte that waited for room has been sent, or has not.</summary>
    internal void OnRoom(SocketError error)
    {
        if (IsClosed || _writer is not { } writer)
        {
            return;
        }

        _writer = null;
        EndSend(writer, error);
        writer.Finish();
    }

    /// <summary>The BCL has connected, or could not.</summary>
    internal void OnConnectCompleted(PortableWait wait)
    {
        var error = ConnectErrorOf(wait.SocketError);
        _connectWait = null;
        _driver.Return(wait);
        if (IsClosed)
        {
            return;
        }

        if (error == SocketError.ConnectionReset)
        {
            // Who refuses does not reset: it was connected, and the peer was faster than the BCL. The receive that follows reports it.
            error = SocketError.Success;
            _readError = SocketError.ConnectionReset;
        }

        NoteConnect(error);
        if (_writer is { Kind: IoOperationKind.Connect } writer)
        {
            _writer = null;
            writer.Error = error;
            writer.Finish();
        }
        else
        {
            // The one who wanted to know has been cancelled: kept for the next.
            _connectOutcome = error;
        }
    }

    private bool SubmitSend(IoRequest request)
    {
        request.BytesTransferred = TrySendNow(request, out var error);
        request.Error = error;
        if (error != SocketError.WouldBlock)
        {
            return true;
        }

        if (_socketType != SocketType.Stream)
        {
            return SubmitWaitForRoom(request);
        }

        var wait = _sendWait ??= new PortableSendWait(_driver, this);
        _driver.Counters.Registrations++;
        if (wait.Start(_socket, FirstByteOf(request), out error))
        {
            _writer = request;
            return false;
        }

        EndSend(request, error);
        return true;
    }

    private int TrySendNow(IoRequest request, out SocketError error) =>
        request.Kind == IoOperationKind.SendVectored ? TrySendVectored(request, out error) : TrySend(request.Buffer.Span, out error);

    /// <summary>Ends a send whose first byte has been sent, or failed: sends with it what there is room for.</summary>
    private void EndSend(IoRequest request, SocketError error)
    {
        request.Error = error;
        if (error != SocketError.Success)
        {
            return;
        }

        request.BytesTransferred = 1;
        if (request.Kind == IoOperationKind.SendVectored || request.Buffer.Length == 1)
        {
            return;
        }

        request.BytesTransferred += TrySend(request.Buffer.Span[1..], out error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            // A byte was sent: the error is for the next.
            _writeError = error;
        }
    }

    private static byte FirstByteOf(IoRequest request)
    {
        if (request.Kind == IoOperationKind.Send)
        {
            return request.Buffer.Span[0];
        }

        var i = 0;
        while (request.Buffers![i].IsEmpty)
        {
            i++;
        }

        return request.Buffers[i].Span[0];
    }

    /// <summary>
    /// Sends several buffers copied together unless that is too much, then one after the other: what the BCL has for it allocates.
    /// </summary>
    private int TrySendVectored(IoRequest request, out SocketError error)
    {
        var buffers = request.Buffers.AsSpan(0, request.BufferCount);
        long length = 0;
        foreach (var buffer in buffers)
        {
            length += buffer.Length;
        }

        // A datagram is one, however long.
        return length <= GatherLimit || _socketType != SocketType.Stream
            ? TrySendGathered(buffers, (int)length, out error)
            : TrySendEach(buffers, out error);
    }

    private int TrySendGathered(ReadOnlySpan<ReadOnlyMemory<byte>> buffers, int length, out SocketError error)
    {
        if (IsClosed || _sendWait is { IsInFlight: true })
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        var space = _driver.Scratch(length);
        var start = 0;
        foreach (var buffer in buffers)
        {
            buffer.Span.CopyTo(space[start..]);
            start += buffer.Length;
        }

        _driver.Counters.VectoredSends++;
        _driver.Counters.Sends--;
        return TrySend(space, out error);
    }

    private int TrySendEach(ReadOnlySpan<ReadOnlyMemory<byte>> buffers, out SocketError error)
    {
        error = SocketError.Success;
        var total = 0;
        foreach (var buffer in buffers)
        {
            var count = buffer.IsEmpty ? 0 : TrySend(buffer.Span, out error);
            total += count;
            if (count < buffer.Length)
            {
                break;
            }
        }

        if (total > 0 && error != SocketError.Success)
        {
            _writeError = error == SocketError.WouldBlock ? SocketError.Success : error;
            error = SocketError.Success;
        }

        return total;
    }

    private bool SubmitConnect(IoRequest request)
    {
        if (_connectWait is null && _connectOutcome is null)
        {
            StartConnect(request);
        }

        if (_connectWait is not null)
        {
            _writer = request;
            return false;
        }

        request.Error = _connectOutcome!.Value;
        _connectOutcome = null;
        return true;
    }

    private void StartConnect(IoRequest request)
    {
        var endPoint = PortableEndPoint.Wrap(request.EndPoint!);
        if (endPoint.AddressFamily != _addressFamily)
        {
            _connectOutcome = SocketError.AddressFamilyNotSupported;
            return;
        }

        if (_isConnectFailed)
        {
            // The BCL refuses it; the system, too, if only once.
            _connectOutcome = SocketError.ConnectionAborted;
            return;
        }

        _driver.Counters.Connects++;
        var wait = _driver.Rent(this, isConnect: true);
        wait.RemoteEndPoint = endPoint;
        if (_socket.ConnectAsync(wait))
        {
            _connectWait = wait;
            _driver.OnStarted();
            return;
        }

        var error = ConnectErrorOf(wait.SocketError);
        _driver.Return(wait);
        NoteConnect(error);
        _connectOutcome = error;
    }

    private void NoteConnect(SocketError error) => _isConnectFailed = error != SocketError.Success;

    /// <summary>A local socket whose listener has no room has nothing to wait for, though the system calls it so.</summary>
    private static SocketError ConnectErrorOf(SocketError error) =>
        error == SocketError.WouldBlock ? SocketError.NoBufferSpaceAvailable : error;
}
