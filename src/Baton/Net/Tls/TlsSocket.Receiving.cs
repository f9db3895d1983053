using System.Net.Sockets;

namespace Baton;

// Out of the lower socket, decrypted.
internal sealed partial class TlsSocket
{
    private TlsRequest? _wait;
    private IoRequest? _receiving;
    private ValueTask<int> _pump;
    private bool _isPumping;
    private bool _isInputReady;
    private bool _isEnded;
    private SocketError _receiveError;

    /// <summary>What ended the receiving side where a <see cref="SocketError"/> cannot tell it.</summary>
    internal Exception? Failure { get => field ?? (_lower as TlsSocket)?.Failure; private set; }

    /// <summary>Whether the peer closed the connection without the end that TLS knows.</summary>
    internal bool IsTruncated { get; private set; }

    /// <summary>Whether the session itself has failed, so that nothing of it makes sense any more to the peer.</summary>
    private bool IsBroken => Failure is not null;

    public override void AssumeReadable() => _lower.AssumeReadable();

    public override bool IsDrained => _isPumping && _lower.IsDrained && !_inner.HasBlocks;

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        var block = Blocks.Rent();
        try
        {
            var memory = block.Space[..Math.Min(buffer.Length, block.Space.Length)];
            var count = TryReceive(memory, out error);
            memory.Span[..count].CopyTo(buffer);
            return count;
        }
        finally
        {
            block.Release();
        }
    }

    public override int TryReceive(Memory<byte> buffer, out SocketError error)
    {
        if (!Pump())
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        error = _receiveError;
        return _isInputReady ? Take(buffer, ref error) : 0;
    }

    public override IoBlock? TryReceiveLent(out SocketError error)
    {
        if (!Pump())
        {
            error = SocketError.WouldBlock;
            return null;
        }

        error = _receiveError;
        if (!_isInputReady)
        {
            return null;
        }

        var block = Blocks.Rent();
        var count = Take(block.Space, ref error);
        if (count == 0)
        {
            block.Release();
            return null;
        }

        block.Length = count;
        return block;
    }

    /// <summary>The wait for the lower socket has ended, and moves on the receive into a buffer that was waiting for it.</summary>
    private void OnInput()
    {
        if (_receiving is not { } request)
        {
            return;
        }

        request.Error = _wait!.Error;
        if (request.Error == SocketError.Success)
        {
            request.BytesTransferred = TryReceive(request.Buffer, out var error);
            request.Error = error;
            if (error == SocketError.WouldBlock && !WaitForInput(request))
            {
                return;
            }
        }

        _receiving = null;
        request.Finish();
    }

    private bool SubmitReceive(IoRequest request)
    {
        if (request.Buffer.IsEmpty)
        {
            // The caller asks again when something has come, for that may be less than a record.
            return Pump() || _lower.Submit(request);
        }

        request.BytesTransferred = TryReceive(request.Buffer, out var error);
        request.Error = error;
        if (error != SocketError.WouldBlock)
        {
            return true;
        }

        request.Error = SocketError.Success;
        if (WaitForInput(request))
        {
            return true;
        }

        _receiving = request;
        return false;
    }

    /// <summary>Waits for the lower socket, as long as a request gets nothing. True when it did get something meanwhile.</summary>
    private bool WaitForInput(IoRequest request)
    {
        _wait ??= new TlsRequest(_loop, IoOperationKind.Receive, OnInput);
        while (!_wait.IsInFlight)
        {
            if (!_lower.Submit(_wait))
            {
                _wait.IsInFlight = true;
                break;
            }

            request.Error = _wait.Error;
            if (request.Error == SocketError.Success)
            {
                request.BytesTransferred = TryReceive(request.Buffer, out var error);
                request.Error = error;
            }

            if (request.Error != SocketError.WouldBlock)
            {
                return true;
            }
        }

        return false;
    }

    /// <summary>
    /// Has SslStream decrypt until there is something to take. False when that needs more from the lower socket than is there.
    /// </summary>
    private bool Pump()
    {
        if (_isInputReady || _isEnded || _receiveError != SocketError.Success)
        {
            return true;
        }

        _inner.IsPumped = true;
        try
        {
            if (!_isPumping)
            {
                // Without a buffer: it ends when there is something decrypted, and until the first byte of a record has come it holds no
                // memory.
#pragma warning disable CA2012 // It is kept until it has completed, and gives its result once.
                _pump = Ssl.ReadAsync(Memory<byte>.Empty);
#pragma warning restore CA2012
                _isPumping = true;
            }

            while (!_pump.IsCompleted)
            {
                if (!_inner.TryFeed())
                {
                    return false;
                }
            }

            _isPumping = false;
            var pump = _pump;
            _pump = default;
            pump.GetAwaiter().GetResult();
            _isInputReady = true;
        }
        catch (Exception exception)
        {
            _isPumping = false;
            FailReceiving(exception);
        }
        finally
        {
            _inner.IsPumped = false;
        }

        return true;
    }

    /// <summary>Takes what was decrypted. Never has to wait, because the pump has seen that there is something: bytes or the end.</summary>
    private int Take(Memory<byte> buffer, ref SocketError error)
    {
        _isInputReady = false;
        _inner.IsPumped = true;
        var count = 0;
        try
        {
            count = ResultOf(Ssl.ReadAsync(buffer));
            if (count == 0)
            {
                End();
            }
        }
        catch (Exception exception)
        {
            FailReceiving(exception);
        }
        finally
        {
            _inner.IsPumped = false;
        }

        error = _receiveError;
        return count;
    }

    private static int ResultOf(ValueTask<int> read) =>
        read.IsCompleted ? read.GetAwaiter().GetResult() : throw new IOException("SslStream has announced data and has none.");

    private void End()
    {
        if (!_inner.IsAtEnd)
        {
            _isEnded = true;
        }
        else if (_inner.Error != SocketError.Success)
        {
            _receiveError = _inner.Error;
        }
        else
        {
            IsTruncated = true;
            _receiveError = SocketError.SocketError;
        }
    }

    private void FailReceiving(Exception exception)
    {
        if (_inner.IsAtEnd)
        {
            // SslStream says no more than that there was no more.
            End();
        }
        else
        {
            _receiveError = SocketError.SocketError;
            Failure = exception;
        }
    }

    /// <summary>A read of SslStream that waits comes to its end, so that what it holds goes back.</summary>
    private void EndPump()
    {
        if (!_isPumping)
        {
            return;
        }

        _inner.IsPumped = true;
        _inner.End();
        _isPumping = false;
        var pump = _pump;
        _pump = default;
        try
        {
            pump.GetAwaiter().GetResult();
        }
        catch (IOException)
        {
            // It ended within a record.
        }
    }
}
