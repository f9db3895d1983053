using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

// The reading side: receiving and accepting.
internal sealed partial class PortableSocket
{
    private readonly bool _isShortDrained;
    private IoRequest? _reader;
    private PortableWait? _readWait;
    private SocketError _readError;
    private Socket? _accepted;
    private IoRequest? _lastAccept;
    private bool _isListening;
    private long _emptyAt = -1;
    private bool _isOutrun;

    public override bool IsDrained => _readError == SocketError.Success && _emptyAt == _driver.PollCount;

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        if (!MayReceive(out error))
        {
            return 0;
        }

        _driver.Counters.Receives++;
        _isOutrun = _readWait is not null;
        var count = _socket.Receive(buffer, SocketFlags.None, out error);
        if (error == SocketError.WouldBlock || (_isShortDrained && count > 0 && count < buffer.Length))
        {
            NoteEmpty();
        }

        return count;
    }

    public override IoBlock? TryReceiveLent(out SocketError error)
    {
        if (!MayReceive(out error))
        {
            return null;
        }

        return base.TryReceiveLent(out error);
    }

    public override void AssumeReadable() => _emptyAt = -1;

    public override IoSocket? TryAccept(out SocketError error)
    {
        error = SocketError.Success;
        if (_accepted is { } accepted)
        {
            _accepted = null;
            return Adopt(accepted);
        }

        try
        {
            // It does not wait, whatever else waits on the socket.
            _driver.Counters.Accepts++;
            return Adopt(_socket.Accept());
        }
        catch (SocketException exception)
        {
            error = exception.SocketErrorCode;
            return null;
        }
    }

    public override void StopListening()
    {
        if (_reader is { Kind: IoOperationKind.Accept } && _readWait is not null)
        {
            // A thread of the BCL may have accepted a connection that nobody has been told of yet: the request ends when that is known.
            _lastAccept = _reader;
            _reader = null;
            _driver.LastAccepts++;
        }

        Dispose();
    }

    /// <summary>The BCL reports that there is something to receive, or has accepted a connection.</summary>
    internal void OnReadCompleted(PortableWait wait)
    {
        var error = wait.SocketError;
        var accepted = wait.AcceptSocket;
        _readWait = null;
        _driver.Return(wait);
        var isOutrun = _isOutrun;
        _isOutrun = false;
        if (IsClosed)
        {
            EndLastAccept(accepted);
            return;
        }

        var reader = _reader;
        if (accepted is not null)
        {
            _accepted = accepted;
        }
        else if (error != SocketError.OperationAborted && (reader is not null || !_isListening))
        {
            NoteRead(error);
        }

        // Nobody wants to know of a wait that was let go of; its outcome is kept for the next request. A wait may have told of what was
        // received meanwhile, by somebody who did not wait for it: then it is to be looked again.
        if (reader is not null)
        {
            _reader = null;
            if (reader.Kind == IoOperationKind.Accept ? SubmitAccept(reader) : (!isOutrun && TryRead(reader)) || SubmitReceive(reader))
            {
                reader.Finish();
            }
        }
    }

    private void EndLastAccept(Socket? accepted)
    {
        if (_lastAccept is not { } request)
        {
            accepted?.Dispose();
            return;
        }

        _lastAccept = null;
        _driver.LastAccepts--;
        request.Accepted = accepted is null ? null : Adopt(accepted);
        request.Error = accepted is null ? SocketError.OperationAborted : SocketError.Success;
        request.Finish();
    }

    private bool SubmitReceive(IoRequest request)
    {
        while (true)
        {
            if (_readWait is null)
            {
                if (_readError != SocketError.Success)
                {
                    return TryRead(request);
                }

                var wait = _driver.Rent(this, isConnect: false);

                // To look and not to take, without which Windows would throw a datagram away for want of room.
                wait.SocketFlags = _socketType == SocketType.Stream ? SocketFlags.None : SocketFlags.Peek;
                if (!_socket.ReceiveAsync(wait))
                {
                    NoteRead(wait.SocketError);
                    _driver.Return(wait);
                    if (TryRead(request))
                    {
                        return true;
                    }

                    // It was gone when it was to be received, as a datagram is whose checksum was wrong.
                    continue;
                }

                NoteEmpty();
                _readWait = wait;
                _driver.OnStarted();
            }

            _reader = request;
            return false;
        }
    }

    /// <summary>There is nothing, as far as anybody can know before the next poll.</summary>
    private void NoteEmpty() => _emptyAt = _driver.PollCount;

    private void NoteRead(SocketError error)
    {
        // That a datagram does not fit in no room at all means that there is one.
        _readError = error == SocketError.MessageSize ? SocketError.Success : error;
        _isReadable = _readError == SocketError.Success;
        _emptyAt = -1;
    }

    /// <summary>Ends a receive after a wait that told that there is something. False when there was nothing after all.</summary>
    private bool TryRead(IoRequest request)
    {
        if (request.Buffer.IsEmpty)
        {
            // Data, the end, or an error, which the receive that follows reports.
            request.Error = SocketError.Success;
            return true;
        }

        request.BytesTransferred = TryReceive(request.Buffer.Span, out var error);
        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private bool SubmitAccept(IoRequest request)
    {
        if (!_isListening)
        {
            request.Error = SocketError.InvalidArgument;
            return true;
        }

        if (_readWait is null && _accepted is null && _readError == SocketError.Success)
        {
            _driver.Counters.Accepts++;
            var wait = _driver.Rent(this, isConnect: false);
            if (_socket.AcceptAsync(wait))
            {
                _readWait = wait;
                _driver.OnStarted();
            }
            else
            {
                _accepted = wait.AcceptSocket;
                _readError = wait.SocketError;
                _driver.Return(wait);
            }
        }

        if (_accepted is { } accepted)
        {
            _accepted = null;
            request.Accepted = Adopt(accepted);
        }
        else if (_readWait is not null)
        {
            _reader = request;
            return false;
        }
        else
        {
            request.Error = TakeError(ref _readError);
        }

        return true;
    }

    private PortableSocket Adopt(Socket accepted)
    {
        accepted.Blocking = false;

        // Kept, because it stays known when the peer has gone.
        return new PortableSocket(_driver, accepted, PeerOf(accepted));
    }

    private static EndPoint? PeerOf(Socket socket)
    {
        try
        {
            return PortableEndPoint.Unwrap(socket.RemoteEndPoint);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    /// <summary>Whether to ask the system at all: not where it was empty a moment ago, nor where a wait has told an error.</summary>
    private bool MayReceive(out SocketError error)
    {
        if (_readError != SocketError.Success && !_isListening)
        {
            error = TakeError(ref _readError);
            return false;
        }

        error = SocketError.WouldBlock;
        return _emptyAt != _driver.PollCount && !IsClosed;
    }

    internal void LookWhetherListening()
    {
        try
        {
            _isListening = (int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection)! != 0;
        }
        catch (SocketException)
        {
            // A system that does not tell: then it is none until somebody calls Listen.
        }
    }

    private static SocketError TakeError(ref SocketError field)
    {
        var error = field;
        field = SocketError.Success;
        return error;
    }
}
