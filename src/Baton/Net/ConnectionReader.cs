using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// The reading side of a <see cref="Connection"/>: a pipe reader straight on the socket. It holds no memory while it waits, and receives
/// once there is something into a block lent by the driver, which goes back as soon as all of it is consumed.
/// </summary>
/// <remarks>
/// Invariants. The blocks from <c>_first</c> to <c>_last</c> hold the bytes that were received and not consumed, of which the first
/// <c>_start</c> of <c>_first</c> are consumed already; <c>_unexamined</c> of them, at the end, nobody has looked at. Without bytes there
/// are no blocks.
/// </remarks>
internal sealed class ConnectionReader : PipeReader
{
    /// <summary>Less room than this at the end of the last block is not worth a system call of its own.</summary>
    private const int MinimumSpace = IoBlockPool.BlockSize / 4;

    private readonly ReceiveOperation _operation;
    private IoBlock? _first;
    private IoBlock? _last;
    private int _start;
    private long _unexamined;
    private SocketError _failure;
    private SocketError _lostToWriter;
    private bool _isReading;
    private bool _isCompleted;
    private bool _isEnded;
    private bool _isCancelRequested;

    internal ConnectionReader(Connection connection)
    {
        Connection = connection;
        Io = connection.Io;
        _operation = new ReceiveOperation(this, connection.Loop);
    }

    internal Connection Connection { get; }

    internal IoSocket Io { get; private set; }

    /// <summary>
    /// Whether a wait may end before there is something to read, as with records of TLS, so that the reader has to ask again.
    /// </summary>
    internal bool IsLayered => Io is TlsSocket;

    private long Length => _first is null ? 0 : _last!.RunningIndex + _last.Length - _first.RunningIndex - _start;

    /// <inheritdoc/>
    public override ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default) => Read(0, cancellationToken);

    /// <inheritdoc/>
    protected override ValueTask<ReadResult> ReadAtLeastAsyncCore(int minimumSize, CancellationToken cancellationToken) =>
        Read(minimumSize, cancellationToken);

    /// <inheritdoc/>
    public override bool TryRead(out ReadResult result)
    {
        CheckCanRead();
        if (Fill(0))
        {
            result = TakeResult(0, isCanceled: false);
            return true;
        }

        result = default;
        return false;
    }

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    /// <inheritdoc/>
    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        Connection.Loop.CheckThread();
        if (!_isReading)
        {
            if (_first is null)
            {
                // An empty result, which need not be advanced but may be.
                return;
            }

            throw new InvalidOperationException("There is no read to advance: AdvanceTo goes with a result of ReadAsync or TryRead, once.");
        }

        _isReading = false;
        if (_first is null)
        {
            // Closed by somebody else meanwhile, who released the blocks.
            return;
        }

        var last = _last!;
        if (ReferenceEquals(_first, last)
            && ReferenceEquals(consumed.GetObject(), last)
            && consumed.GetInteger() == last.Length
            && consumed.Equals(examined))
        {
            // The usual case: one block, and all of it consumed.
            _unexamined = 0;
            _first = _last = null;
            _start = 0;
            last.Release();
            return;
        }

        var end = last.RunningIndex + last.Length;
        var begin = _first.RunningIndex + _start;
        var consumedIndex = IndexOf(consumed, begin);
        var examinedIndex = IndexOf(examined, begin);
        if (consumedIndex < begin || examinedIndex < consumedIndex || examinedIndex > end)
        {
            _isReading = true;
            throw new ArgumentOutOfRangeException(
                nameof(consumed),
                "AdvanceTo needs positions of the buffer that was read last, and to have examined at least what was consumed.");
        }

        _unexamined = end - examinedIndex;
        Consume(consumedIndex);
    }

    /// <inheritdoc/>
    public override void CancelPendingRead()
    {
        Connection.Loop.CheckThread();
        if (!_operation.CancelByReader())
        {
            _isCancelRequested = true;
        }
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        Connection.Loop.CheckThread();
        _isCompleted = true;
        Release();
    }

    /// <summary>
    /// Reads for the stream: into the caller's buffer, from what the pipe has left over or else straight from the socket.
    /// </summary>
    internal ValueTask<int> ReadInto(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        CheckCanRead();
        Connection.Loop.ThrowIfCancelOverdue();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        var count = 0;
        if (_first is not null)
        {
            count = TakeBuffered(buffer.Span);
        }
        else if (_failure != SocketError.Success)
        {
            return ValueTask.FromException<int>(ConnectionFailure.Create(_failure, Connection, "Receiving"));
        }
        else if (!_isEnded)
        {
            var error = SocketError.WouldBlock;
            if (!buffer.IsEmpty)
            {
                count = Io.TryReceive(buffer, out error);
            }

            if (error == SocketError.WouldBlock)
            {
                _operation.Start(isForStream: true, buffer, 0);
                _operation.Submit(cancellationToken);
                return _operation.AsCount();
            }

            if (error != SocketError.Success)
            {
                _failure = error;
                return ValueTask.FromException<int>(ConnectionFailure.Create(error, Connection, "Receiving"));
            }

            if (count == 0 && !buffer.IsEmpty)
            {
                End();
                if (_failure != SocketError.Success)
                {
                    return ValueTask.FromException<int>(ConnectionFailure.Create(_failure, Connection, "Receiving"));
                }
            }
        }

        if (Connection.Loop.TryConsumeBudget())
        {
            return new ValueTask<int>(count);
        }

        _operation.Start(isForStream: true, buffer, 0);
        _operation.FinishNow(count);
        return _operation.AsCount();
    }

    /// <summary>
    /// Gives up what was received and not consumed: the blocks belong to the caller, whose layer the bytes are for.
    /// </summary>
    internal IoBlock? Detach(out int start)
    {
        var first = _first;
        start = _start;
        _first = _last = null;
        _start = 0;
        _unexamined = 0;
        return first;
    }

    /// <summary>Says why no layer can be put under the reader now.</summary>
    internal void CheckCanUpgrade()
    {
        CheckCanRead();
        if (_failure != SocketError.Success)
        {
            throw ConnectionFailure.Create(_failure, Connection, "Receiving");
        }

        if (_isEnded)
        {
            throw new IOException($"The {Connection} cannot be upgraded to TLS: the peer has ended its side.");
        }
    }

    /// <summary>How many bytes were received and not consumed.</summary>
    internal long UnreadLength => Length;

    internal void Attach(IoSocket io) => Io = io;

    /// <summary>Whether nothing more comes, in good order.</summary>
    internal bool IsEnded => _isEnded;

    /// <summary>There is an output only, and it has ended: that is the end of this side, too.</summary>
    internal void EndWithOutput() => _isEnded = true;

    /// <summary>Takes what the stream's read ended with.</summary>
    internal int OnReceived(SocketError error, int count, bool isWaitOnly)
    {
        if (error == SocketError.Success && count == 0 && !isWaitOnly)
        {
            End();
            if (_failure != SocketError.Success)
            {
                Fail(_failure);
            }
        }

        return count;
    }

    /// <summary>
    /// A write has met an error of the connection as a whole. The system tells it once, so that the next receive would see an end in good
    /// order: it must not pass for one, or a message that was cut short would pass for a whole one.
    /// </summary>
    internal void OnWriteFailed(SocketError error)
    {
        // After the peer's end there is nothing to be lost, and a write then fails because of that end.
        if (error is not (SocketError.Shutdown or SocketError.OperationAborted))
        {
            _lostToWriter = error;
        }
    }

    /// <summary>
    /// Receives until there is something to hand out: bytes that nobody has examined, and at least a number of bytes; the end; a failure.
    /// False when it would have to wait.
    /// </summary>
    internal bool Fill(int minimum)
    {
        while (!_isCancelRequested && !_isEnded && _failure == SocketError.Success && (_unexamined == 0 || Length < minimum))
        {
            if (!ReceiveOnce())
            {
                return false;
            }
        }

        return true;
    }

    internal ReadResult TakeResult(int minimum, bool isCanceled)
    {
        isCanceled |= _isCancelRequested;
        _isCancelRequested = false;
        if (!isCanceled && HasFailed(minimum))
        {
            throw ConnectionFailure.Create(_failure, Connection, "Receiving");
        }

        _isReading = _first is not null;
        var buffer = _first is null ? default : new ReadOnlySequence<byte>(_first, _start, _last!, _last!.Length);
        return new ReadResult(buffer, isCanceled, _isEnded);
    }

    [DoesNotReturn]
    internal void Fail(SocketError error)
    {
        _failure = error;
        throw ConnectionFailure.Create(error, Connection, "Receiving");
    }

    /// <summary>
    /// The connection is closed. Bytes that somebody may be looking at stay until that one is done, unless it is the owner who closes.
    /// </summary>
    internal void OnClosed(bool byOwner)
    {
        if (_failure == SocketError.Success)
        {
            _failure = SocketError.OperationAborted;
        }

        if (byOwner || !_isReading)
        {
            Release();
        }
    }

    private ValueTask<ReadResult> Read(int minimum, CancellationToken cancellationToken)
    {
        CheckCanRead();
        Connection.Loop.ThrowIfCancelOverdue();
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<ReadResult>(cancellationToken);
        }

        if (!Fill(minimum))
        {
            _operation.Start(isForStream: false, default, minimum);
            _operation.Submit(cancellationToken);
            return _operation.AsRead();
        }

        if (HasFailed(minimum) && !_isCancelRequested)
        {
            return ValueTask.FromException<ReadResult>(ConnectionFailure.Create(_failure, Connection, "Receiving"));
        }

        if (Connection.Loop.TryConsumeBudget())
        {
            return new ValueTask<ReadResult>(TakeResult(minimum, isCanceled: false));
        }

        _operation.Start(isForStream: false, default, minimum);
        _operation.FinishNow(0);
        return _operation.AsRead();
    }

    private bool ReceiveOnce()
    {
        SocketError error;
        if (_last is { } tail && tail.Space.Length - tail.Length >= MinimumSpace)
        {
            // A block that is held anyway takes more, so that a trickle of small segments does not hold a block for each.
            var count = Io.TryReceive(tail.Space[tail.Length..], out error);
            tail.Length += count;
            _unexamined += count;
            if (count == 0 && error == SocketError.Success)
            {
                End();
                return true;
            }
        }
        else if (Io.TryReceiveLent(out error) is { } block)
        {
            _unexamined += block.Length;
            if (_last is null)
            {
                _first = block;
            }
            else
            {
                _last.Append(block);
            }

            _last = block;
        }
        else if (error == SocketError.Success)
        {
            End();
            return true;
        }

        if (error == SocketError.WouldBlock)
        {
            return false;
        }

        _failure = error;
        return true;
    }

    /// <summary>The peer has sent its last byte; or has not, where a write had been told otherwise.</summary>
    private void End()
    {
        _failure = _lostToWriter;
        _isEnded = _failure == SocketError.Success;
    }

    private int TakeBuffered(Span<byte> target)
    {
        var taken = 0;
        while (_first is not null && taken < target.Length)
        {
            var available = _first.Memory.Span[_start..];
            var count = Math.Min(available.Length, target.Length - taken);
            available[..count].CopyTo(target[taken..]);
            taken += count;
            Consume(_first.RunningIndex + _start + count);
        }

        _unexamined = Length;
        return taken;
    }

    private void Consume(long index)
    {
        while (_first is { } first)
        {
            if (index < first.RunningIndex + first.Length)
            {
                _start = (int)(index - first.RunningIndex);
                return;
            }

            _first = first.NextBlock;
            _start = 0;
            first.Release();
        }

        _last = null;
    }

    private void Release()
    {
        _isReading = false;
        _unexamined = 0;
        Consume(long.MaxValue);
    }

    /// <summary>Whether what was asked for cannot come any more. Bytes that arrived before the failure are handed out first.</summary>
    private bool HasFailed(int minimum) => _failure != SocketError.Success && (_unexamined == 0 || Length < minimum);

    /// <summary>Checks that nobody reads, and that no bytes were received that nobody has read.</summary>
    internal void CheckHoldsNothing()
    {
        CheckCanRead();
        if (_first is not null)
        {
            throw new InvalidOperationException(
                $"The input of {Connection} holds {Length} bytes: read them first. If they came together with descriptors, those are lost.");
        }
    }

    private void CheckCanRead()
    {
        Connection.Loop.CheckThread();
        if (_operation.IsInUse || _isReading || _isCompleted || Connection.IsUpgrading)
        {
            ThrowCannotRead();
        }
    }

    [DoesNotReturn]
    private void ThrowCannotRead() => throw new InvalidOperationException(
        _isCompleted ? "The reader was completed: nothing can be read any more."
        : Connection.IsUpgrading ? $"The {Connection} is in the middle of a TLS handshake: read when UpgradeToTlsAsync has completed."
        : _isReading ? "Call AdvanceTo for the result of the last read before you start the next."
        : $"Another read from {Connection} is still in progress: one at a time. Await the first before you start the next.");

    private static long IndexOf(SequencePosition position, long begin) =>
        position.GetObject() is IoBlock block ? block.RunningIndex + position.GetInteger() : begin;
}
