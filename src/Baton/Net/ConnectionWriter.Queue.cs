using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton;

// The queue of bytes that wait to be sent, and its way into the socket.
internal sealed partial class ConnectionWriter
{
    private const int MaximumBuffers = 16;

    /// <summary>The driver has ended the send that waited for room.</summary>
    internal void OnSendEnded()
    {
        GoOn();
        Progressed?.Invoke();
    }

    private void GoOn()
    {
        var request = _request!;
        request.Buffer = default;
        Consume(request.BytesTransferred);
        EndWaitsForRoom();
        if (_failure == SocketError.Success && request.Error is not (SocketError.Success or SocketError.OperationAborted))
        {
            _failure = request.Error;
            Connection.OnWriteFailed(request.Error);
        }

        if (HasFailed)
        {
            DropAll();
            return;
        }

        WithdrawCancelled();
        if (HasFailed)
        {
            return;
        }

        SendQueued();
        ShutDownWhenSent();
    }

    /// <summary>
    /// Takes a cancelled operation out. Copied bytes stay queued: the stream goes on in one piece. The caller's memory must not be touched
    /// any more: a write of which nothing was sent is withdrawn as if it had never been; one that was half sent breaks the output.
    /// </summary>
    internal void Cancel(WriteOperation operation)
    {
        if (operation.Borrowed is not null && _request is { IsInFlight: true } request)
        {
            // The driver may hold that memory. It ends the send, now or later, and then the operation is withdrawn.
            _io.Cancel(request);
            return;
        }

        Withdraw(operation);
    }

    /// <summary>The connection is closed: whoever waits is told so, and every block goes back.</summary>
    internal void OnClosed() => Fail(SocketError.OperationAborted);

    /// <summary>How much may still be put in the buffer that was handed out; -1 where none was.</summary>
    private int RequestedRoom => _isBlockRequested ? _last!.Space.Length - _last.Length : -1;

    /// <summary>
    /// A buffer for what will never be sent: code that has something to write learns at its next write or flush that there is no use.
    /// </summary>
    private byte[] GetScrap(int sizeHint)
    {
        _scrapRoom = Math.Max(sizeHint, 256);
        return GC.AllocateUninitializedArray<byte>(_scrapRoom);
    }

    private IoBlock GetBlock(int sizeHint)
    {
        _isBlockRequested = true;
        if (_last is { IsBorrowed: false } last && last.Space.Length - last.Length >= Math.Max(sizeHint, 1))
        {
            return last;
        }

        return Append(_driver.Blocks.Rent(sizeHint));
    }

    private IoBlock Append(IoBlock block)
    {
        if (_last is null)
        {
            _first = block;
            _start = 0;
        }
        else
        {
            _last.Append(block);
        }

        _last = block;
        return block;
    }

    /// <summary>
    /// Puts bytes at the end of the chain. Returns the block that stands for the caller's own memory where they were not copied.
    /// </summary>
    private IoBlock? Enqueue(ReadOnlyMemory<byte> source)
    {
        if (source.IsEmpty)
        {
            return null;
        }

        if (source.Length > CopyLimit)
        {
            _unflushed += source.Length;
            return Append(_driver.Blocks.Borrow(source));
        }

        Copy(source.Span);
        return null;
    }

    /// <summary>Puts a copy of bytes at the end of the chain.</summary>
    private void Copy(ReadOnlySpan<byte> bytes)
    {
        _unflushed += bytes.Length;
        while (!bytes.IsEmpty)
        {
            var block = _last is { IsBorrowed: false } last && last.Length < last.Space.Length ? last : Append(_driver.Blocks.Rent());
            var length = block.Length;
            var count = Math.Min(bytes.Length, block.Space.Length - length);
            bytes[..count].CopyTo(block.Space.Span[length..]);
            block.Length = length + count;
            bytes = bytes[count..];
        }
    }

    private void MarkFlushed()
    {
        _pending += _unflushed;
        _queued += _unflushed;
        _unflushed = 0;
    }

    /// <summary>
    /// Has what is queued sent at the end of the iteration, unless a send waits for room already and will go on by itself.
    /// </summary>
    private void ScheduleSend()
    {
        if (_isSendDue || _request is { IsInFlight: true })
        {
            return;
        }

        _isSendDue = true;
        Connection.Loop.BeforePoll(static writer => ((ConnectionWriter)writer!).OnEndOfIteration(), this);
    }

    private void OnEndOfIteration()
    {
        _isSendDue = false;
        if (!Connection.IsClosed)
        {
            SendQueued();
            ShutDownWhenSent();
            Progressed?.Invoke();
        }
    }

    /// <summary>Sends what is queued until there is no room, and then has the driver say when there is.</summary>
    private void SendQueued()
    {
        if (_request is { IsInFlight: true })
        {
            return;
        }

        _lastSendPoll = _driver.PollCount;
        while (_pending > 0)
        {
            DropEmpty();
            var first = _first!;
            var length = (int)Math.Min(first.Length - _start, _pending);
            int count;
            SocketError error;
            if (length == _pending)
            {
                var memory = first.Memory.Slice(_start, length);
                count = _io.TrySend(memory, out error);
                if (error == SocketError.WouldBlock)
                {
                    var request = Prepare(IoOperationKind.Send);
                    request.Buffer = MemoryMarshal.AsMemory(memory);
                    if (!SubmitDone(request))
                    {
                        return;
                    }

                    (count, error) = (request.BytesTransferred, request.Error);
                }
            }
            else
            {
                var request = Prepare(IoOperationKind.SendVectored);
                Gather(request);
                if (!SubmitDone(request))
                {
                    return;
                }

                (count, error) = (request.BytesTransferred, request.Error);
            }

            if (error != SocketError.Success)
            {
                Fail(error);
                return;
            }

            Consume(count);
        }
    }

    private SendRequest Prepare(IoOperationKind kind)
    {
        var request = _request ??= new SendRequest(this, Connection.Loop);
        request.Kind = kind;
        return request;
    }

    private bool SubmitDone(SendRequest request)
    {
        if (_io.Submit(request))
        {
            return true;
        }

        request.IsInFlight = true;
        return false;
    }

    private void Gather(SendRequest request)
    {
        var buffers = request.Buffers ??= new ReadOnlyMemory<byte>[MaximumBuffers];
        var count = 0;
        var left = _pending;
        var start = _start;
        for (var block = _first; block is not null && left > 0 && count < MaximumBuffers; block = block.NextBlock)
        {
            var length = (int)Math.Min(block.Length - start, left);
            if (length > 0)
            {
                buffers[count++] = block.Memory.Slice(start, length);
                left -= length;
            }

            start = 0;
        }

        request.BufferCount = count;
    }

    private void DropEmpty()
    {
        while (_first!.Length == _start)
        {
            DropFirst();
        }
    }

    /// <summary>The system has taken bytes: their blocks go back, and whoever waited for them is done.</summary>
    private void Consume(int count)
    {
        if (count > 0)
        {
            _taken += count;
            _pending -= count;
            while (count > 0)
            {
                var available = Math.Min(_first!.Length - _start, count);
                _start += available;
                count -= available;
                if (_start == _first.Length)
                {
                    DropFirst();
                }
            }
        }

        while (_firstWaiter is { } waiter && waiter.End <= _taken)
        {
            _firstWaiter = waiter.Next;
            if (_firstWaiter is null)
            {
                _lastWaiter = null;
            }

            waiter.Next = null;
            waiter.Finish();
        }
    }

    private void DropFirst()
    {
        var first = _first!;
        if (ReferenceEquals(first, _last))
        {
            if (_isBlockRequested)
            {
                // Somebody has a buffer in it and is about to write there.
                return;
            }

            _last = null;
        }

        _first = first.NextBlock;
        _start = 0;
        first.Release();
    }

    private void WithdrawCancelled()
    {
        for (var waiter = _firstWaiter; waiter is not null && !HasFailed;)
        {
            var next = waiter.Next;
            if (waiter.IsCancelled)
            {
                Withdraw(waiter);
            }

            waiter = next;
        }
    }

    private void Withdraw(WriteOperation operation)
    {
        var later = operation.Next;
        RemoveWaiter(operation);
        if (operation.Borrowed is { } borrowed)
        {
            if (operation.IsPartlySent || (ReferenceEquals(borrowed, _first) && _start > 0))
            {
                operation.Finish();
                _isBroken = true;
                DropAll();
                return;
            }

            var length = borrowed.Length;
            _pending -= length;
            _queued -= length;
            for (var waiter = later; waiter is not null; waiter = waiter.Next)
            {
                waiter.End -= length;
            }

            Unlink(borrowed);
        }

        operation.Finish();
    }

    private void RemoveWaiter(WriteOperation operation)
    {
        WriteOperation? previous = null;
        for (var waiter = _firstWaiter!; !ReferenceEquals(waiter, operation); waiter = waiter.Next!)
        {
            previous = waiter;
        }

        if (previous is null)
        {
            _firstWaiter = operation.Next;
        }
        else
        {
            previous.Next = operation.Next;
        }

        if (ReferenceEquals(_lastWaiter, operation))
        {
            _lastWaiter = previous;
        }

        operation.Next = null;
    }

    private void Unlink(IoBlock block)
    {
        if (ReferenceEquals(block, _first))
        {
            _first = block.NextBlock;
            _start = 0;
            if (_first is null)
            {
                _last = null;
            }
        }
        else
        {
            var previous = _first!;
            while (!ReferenceEquals(previous.NextBlock, block))
            {
                previous = previous.NextBlock!;
            }

            previous.Append(block.NextBlock);
            if (ReferenceEquals(block, _last))
            {
                _last = previous;
            }
        }

        block.Release();
    }

    /// <summary>The output is of no more use: everything queued is dropped, once the driver has let go of it.</summary>
    private void Fail(SocketError error)
    {
        if (_failure == SocketError.Success)
        {
            _failure = error;
            Connection.OnWriteFailed(error);
        }

        _scrapRoom = Math.Max(RequestedRoom, _scrapRoom);
        if (_request is { IsInFlight: true } request)
        {
            _io.Cancel(request);
        }
        else
        {
            DropAll();
        }
    }

    private void DropAll()
    {
        var requested = _isBlockRequested ? _last : null;
        if (requested is not null)
        {
            _scrapRoom = Math.Max(RequestedRoom, _scrapRoom);
        }

        while (_first is { } first)
        {
            _first = first.NextBlock;
            if (ReferenceEquals(first, requested))
            {
                // Somebody has a buffer in it, and may be about to write there.
                first.Abandon();
            }
            else
            {
                first.Release();
            }
        }

        _last = null;
        _start = 0;
        _pending = 0;
        _unflushed = 0;
        _isBlockRequested = false;
        while (_firstWaiter is { } waiter)
        {
            _firstWaiter = waiter.Next;
            waiter.Next = null;
            waiter.Fail(CreateFailure());
        }

        _lastWaiter = null;
    }

    private void ShutDownWhenSent()
    {
        if (!_isCompleted || _isShutDown || _pending > 0 || HasFailed || Connection.IsClosed)
        {
            return;
        }

        _isShutDown = true;
        if (_io.Access == FileAccess.Write)
        {
            Connection.EndWithOutput();
            return;
        }

        try
        {
            _io.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The peer has gone already, and so cannot be told.
        }
    }
}
