using System.Net.Sockets;

namespace Baton;

// Encrypted, into the lower socket.
internal sealed partial class TlsSocket
{
    /// <summary>So many bytes are encrypted at a time: two records, which leave in one system call.</summary>
    private const int ChunkSize = 2 * IoBlockPool.BlockSize;

    private TlsRequest? _flush;
    private IoRequest? _sending;
    private IoBlock? _firstSealed;
    private IoBlock? _lastSealed;
    private int _sealedStart;
    private long _sealedLength;
    private SocketError _sendError;
    private Future? _sent;
    private bool _isByteOwed;
    private bool _isShutDown;

    /// <summary>Bytes of records that the lower socket has not taken yet.</summary>
    internal long SealedLength => _sealedLength;

    public override int TrySend(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        var block = Blocks.Rent();
        try
        {
            var memory = block.Space[..Math.Min(bytes.Length, block.Space.Length)];
            bytes[..memory.Length].CopyTo(memory.Span);
            return TrySend(memory, out error);
        }
        finally
        {
            block.Release();
        }
    }

    /// <inheritdoc/>
    /// <remarks>
    /// A record is sealed as a whole, and then goes out as a whole, though the system may have taken only a part. Its last byte is reported
    /// as taken when all of it has been: until then that byte is owed. The caller offers it again, as a caller does with what was not
    /// taken, and here it is passed over. So what was reported is with the system, and nothing is ever sealed twice.
    /// </remarks>
    public override int TrySend(ReadOnlyMemory<byte> bytes, out SocketError error)
    {
        if (_sealedLength > 0 || _sendError != SocketError.Success)
        {
            error = _sendError == SocketError.Success ? SocketError.WouldBlock : _sendError;
            return 0;
        }

        var taken = 0;
        if (_isByteOwed)
        {
            _isByteOwed = false;
            taken = 1;
        }

        while (taken < bytes.Length)
        {
            var length = Math.Min(bytes.Length - taken, ChunkSize);
            Seal(bytes.Slice(taken, length));
            if (_sendError != SocketError.Success)
            {
                error = _sendError;
                return 0;
            }

            taken += length;
            if (_sealedLength > 0)
            {
                _isByteOwed = true;
                taken--;
                break;
            }
        }

        error = taken > 0 ? SocketError.Success : SocketError.WouldBlock;
        return taken;
    }

    /// <summary>Waits until everything, the end of the stream included, is with the system.</summary>
    internal async ValueTask WaitUntilSentAsync()
    {
        while (_sealedLength > 0)
        {
            await (_sent ??= _loop.CreateFuture());
        }
    }

    /// <summary>Takes a part of SslStream's output. Never has to wait: what the lower socket does not take is kept.</summary>
    internal void OnSealed(ReadOnlyMemory<byte> bytes)
    {
        if (_sendError != SocketError.Success)
        {
            return;
        }

        if (_sealedLength == 0)
        {
            var count = _lower.TrySend(bytes, out var error);
            if (count == bytes.Length)
            {
                return;
            }

            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                FailSending(error);
                return;
            }

            bytes = bytes[count..];
        }

        Keep(bytes.Span);
        Flush();
    }

    /// <summary>The lower socket has ended the send that waited for room.</summary>
    private void OnFlushed()
    {
        TakeFlushed(_flush!);
        Flush();
        if (_sealedLength == 0)
        {
            NotifySent();
        }

        if (_sending is { } request && TrySend(request))
        {
            _sending = null;
            request.Finish();
        }
    }

    private bool SubmitSend(IoRequest request)
    {
        if (TrySend(request))
        {
            return true;
        }

        request.Error = SocketError.Success;
        _sending = request;
        return false;
    }

    private bool TrySend(IoRequest request)
    {
        SocketError error;
        if (request.Kind == IoOperationKind.WaitToSend)
        {
            error = _sealedLength > 0 ? SocketError.WouldBlock : SocketError.Success;
        }
        else if (request.Kind == IoOperationKind.Send)
        {
            request.BytesTransferred = TrySend(request.Buffer, out error);
        }
        else
        {
            var total = 0;
            error = SocketError.Success;
            for (var i = 0; i < request.BufferCount; i++)
            {
                var buffer = request.Buffers![i];
                var count = TrySend(buffer, out error);
                total += count;
                if (count < buffer.Length)
                {
                    break;
                }
            }

            if (total > 0 && error == SocketError.WouldBlock)
            {
                error = SocketError.Success;
            }

            request.BytesTransferred = total;
        }

        request.Error = error;
        return error != SocketError.WouldBlock;
    }

    private void Seal(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            var write = Ssl.WriteAsync(bytes);
            if (!write.IsCompleted)
            {
                // It would use the caller's memory after the call, and cannot: only where the peer renegotiates, which nobody allows by
                // mistake.
                throw new NotSupportedException("The peer renegotiates the keys, and a write came in between.");
            }

            write.GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            Failure ??= exception;
            FailSending(SocketError.SocketError);
        }
    }

    private void SendCloseNotify()
    {
        if (_isShutDown || IsBroken || _sendError != SocketError.Success)
        {
            return;
        }

        _isShutDown = true;
        try
        {
            Ssl.ShutdownAsync().GetAwaiter().GetResult();
        }
        catch (Exception exception)
        {
            // The session is broken, so that the peer cannot be told.
            Failure ??= exception;
        }
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        _sealedLength += bytes.Length;
        while (!bytes.IsEmpty)
        {
            if (_lastSealed is null || _lastSealed.Length == _lastSealed.Space.Length)
            {
                var block = Blocks.Rent();
                block.Length = 0;
                if (_lastSealed is null)
                {
                    _firstSealed = block;
                    _sealedStart = 0;
                }
                else
                {
                    _lastSealed.Append(block);
                }

                _lastSealed = block;
            }

            var length = _lastSealed.Length;
            var count = Math.Min(bytes.Length, _lastSealed.Space.Length - length);
            bytes[..count].CopyTo(_lastSealed.Space.Span[length..]);
            _lastSealed.Length = length + count;
            bytes = bytes[count..];
        }
    }

    /// <summary>Sends records until there is no room, and then has the lower socket say when there is.</summary>
    private void Flush()
    {
        while (_sealedLength > 0 && _flush is not { IsInFlight: true })
        {
            var flush = _flush ??= new TlsRequest(_loop, IoOperationKind.Send, OnFlushed);
            flush.Buffer = _firstSealed!.Space[_sealedStart.._firstSealed.Length];
            if (!_lower.Submit(flush))
            {
                flush.IsInFlight = true;
                return;
            }

            TakeFlushed(flush);
        }
    }

    private void TakeFlushed(TlsRequest flush)
    {
        flush.Buffer = default;
        if (_isClosed || _sendError != SocketError.Success)
        {
            DropSealed();
            return;
        }

        if (flush.Error != SocketError.Success)
        {
            FailSending(flush.Error);
            return;
        }

        var count = flush.BytesTransferred;
        _sealedLength -= count;
        _sealedStart += count;
        if (_sealedStart == _firstSealed!.Length)
        {
            var first = _firstSealed;
            _firstSealed = first.NextBlock;
            _sealedStart = 0;
            if (_firstSealed is null)
            {
                _lastSealed = null;
            }

            first.Release();
        }
    }

    private void FailSending(SocketError error)
    {
        _sendError = error;
        DropSealed();
    }

    private void DropSealed()
    {
        if (_flush is { IsInFlight: true })
        {
            // The driver has it, and is about to say that it has let go of it.
            return;
        }

        while (_firstSealed is { } first)
        {
            _firstSealed = first.NextBlock;
            first.Release();
        }

        _lastSealed = null;
        _sealedStart = 0;
        _sealedLength = 0;
    }

    private void NotifySent()
    {
        var sent = _sent;
        _sent = null;
        sent?.TrySetResult();
    }
}
