using System.Diagnostics.CodeAnalysis;
using System.IO.Pipelines;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// The writing side of a <see cref="Connection"/>: a pipe writer straight on the socket. A write or flush is complete when the system has
/// taken its bytes, which is all the back-pressure there is and all that is needed.
/// </summary>
/// <remarks>
/// <para>The first write after a poll goes out at once, from the caller's memory. What is written after it, or while earlier bytes still
/// wait, joins a queue that is sent in one system call at the end of the iteration, or as soon as there is room. Small writes are copied
/// into the queue; large ones stand in it as they are.</para>
/// <para>Invariants. The chain of blocks from <c>_first</c> to <c>_last</c> holds, after the <c>_start</c> bytes of <c>_first</c> that were
/// sent, <c>_pending</c> bytes that are to be sent and then <c>_unflushed</c> bytes that nobody has flushed. While <c>_pending</c> is not
/// 0, either a send waits for room, or one is due at the end of the iteration. Operations wait in the order of their ends.</para>
/// </remarks>
internal sealed partial class ConnectionWriter : PipeWriter
{
    /// <summary>Writes up to this many bytes are copied when they have to wait; larger ones are not.</summary>
    private const int CopyLimit = IoBlockPool.BlockSize;

    private IoSocket _io;
    private readonly IoDriver _driver;
    private IoBlock? _first;
    private IoBlock? _last;
    private int _start;
    private long _pending;
    private long _unflushed;
    private long _queued;
    private long _taken;
    private long _lastSendPoll = -1;
    private SendRequest? _request;
    private WriteOperation? _firstWaiter;
    private WriteOperation? _lastWaiter;
    private WriteOperation? _free;
    private SocketError _failure;
    private bool _isBroken;
    private bool _isBlockRequested;

    // Room in the buffer that was handed out last, once nothing is sent any more: what is put there is for nobody.
    private int _scrapRoom;
    private bool _isSendDue;
    private bool _isCompleted;
    private bool _isShutDown;
    private bool _isFlushCancelRequested;

    internal ConnectionWriter(Connection connection)
    {
        Connection = connection;
        _io = connection.Io;
        _driver = connection.Loop.Driver;
        _isCompleted = _isShutDown = _io.Access == FileAccess.Read;
    }

    /// <inheritdoc/>
    public override bool CanGetUnflushedBytes => true;

    /// <inheritdoc/>
    public override long UnflushedBytes => _unflushed;

    internal Connection Connection { get; }

    /// <summary>Bytes that the system has not taken yet, those that nobody has flushed included.</summary>
    internal long Buffered => _pending + _unflushed;

    /// <summary>Whether nothing can be sent any more: an error, a close, or a write that was cancelled when it was half sent.</summary>
    internal bool HasFailed => _failure != SocketError.Success || _isBroken;

    /// <summary>Whether nothing may be written any more because this side has ended.</summary>
    internal bool IsCompleted => _isCompleted;

    /// <summary>Whether the output ended in the middle of something, so that to close it in good order would deceive the peer.</summary>
    internal bool IsBroken => _isBroken || IsSendingFile;

    /// <inheritdoc/>
    public override Memory<byte> GetMemory(int sizeHint = 0)
    {
        CheckCanWrite();
        ArgumentOutOfRangeException.ThrowIfNegative(sizeHint);
        if (HasFailed)
        {
            return GetScrap(sizeHint);
        }

        var block = GetBlock(sizeHint);
        return block.Space[block.Length..];
    }

    /// <inheritdoc/>
    public override Span<byte> GetSpan(int sizeHint = 0) => GetMemory(sizeHint).Span;

    /// <inheritdoc/>
    public override void Advance(int bytes)
    {
        Connection.Loop.CheckThread();
        var hasFailed = HasFailed;
        if (bytes < 0 || bytes > (hasFailed ? _scrapRoom : RequestedRoom))
        {
            throw new ArgumentOutOfRangeException(
                nameof(bytes), "Advance goes with a buffer of GetMemory or GetSpan, and not beyond its end.");
        }

        if (hasFailed)
        {
            // The flush that follows says so.
            _scrapRoom -= bytes;
            return;
        }

        _last!.Length += bytes;
        _unflushed += bytes;
    }

    /// <inheritdoc/>
    public override ValueTask<FlushResult> FlushAsync(CancellationToken cancellationToken = default) =>
        WriteAsync(default, cancellationToken);

    /// <inheritdoc/>
    public override ValueTask<FlushResult> WriteAsync(ReadOnlyMemory<byte> source, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<FlushResult>(cancellationToken);
        }

        var isCancelled = _isFlushCancelRequested;
        _isFlushCancelRequested = false;
        var operation = Write(source, cancellationToken);
        return operation is null || isCancelled
            ? new ValueTask<FlushResult>(new FlushResult(isCancelled, isCompleted: false))
            : operation.AsFlush();
    }

    /// <inheritdoc/>
    public override void CancelPendingFlush()
    {
        Connection.Loop.CheckThread();
        var isCancelled = false;
        for (var waiter = _firstWaiter; waiter is not null;)
        {
            var next = waiter.Next;

            // Not those of the caller's own memory: to give up the wait alone would leave that in use without anybody knowing until when.
            isCancelled |= waiter.Borrowed is null && waiter.CancelByWriter();
            waiter = next;
        }

        _isFlushCancelRequested = !isCancelled;
    }

    /// <inheritdoc/>
    public override void Complete(Exception? exception = null)
    {
        Connection.Loop.CheckThread();
        if (exception is not null)
        {
            Connection.Abort();
            return;
        }

        if (IsSendingFile)
        {
            ThrowCannotWrite();
        }

        if (!_isCompleted)
        {
            ForgetRequestedBlock();
            _isCompleted = true;
            if (!HasFailed)
            {
                MarkFlushed();
                SendQueued();
                ShutDownWhenSent();
            }
        }
    }

    /// <inheritdoc/>
    public override ValueTask CompleteAsync(Exception? exception = null)
    {
        Complete(exception);
        if (exception is not null)
        {
            return default;
        }

        return WaitUntilTaken(CancellationToken.None)?.AsVoid() ?? default;
    }

    /// <summary>Writes. Null when the system has taken everything already.</summary>
    internal WriteOperation? Write(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        CheckCanWrite();
        Connection.Loop.ThrowIfCancelOverdue();
        return WriteUnchecked(source, cancellationToken);
    }

    private WriteOperation? WriteUnchecked(ReadOnlyMemory<byte> source, CancellationToken cancellationToken)
    {
        ForgetRequestedBlock();
        if (HasFailed)
        {
            return Failed();
        }

        var isPartlySent = false;
        var isFirst = _pending == 0 && _driver.PollCount != _lastSendPoll;
        if (isFirst && _unflushed == 0 && !source.IsEmpty)
        {
            // The usual case: nothing before it, so it goes out from where it is.
            _lastSendPoll = _driver.PollCount;
            var count = _io.TrySend(source, out var error);
            if (count == source.Length)
            {
                return Connection.Loop.TryConsumeBudget() ? null : DoneThroughQueue();
            }

            if (error is not (SocketError.Success or SocketError.WouldBlock))
            {
                Fail(error);
                return Failed();
            }

            source = source[count..];
            isPartlySent = count > 0;
        }

        var borrowed = Enqueue(source);
        MarkFlushed();
        if (isFirst)
        {
            SendQueued();
        }

        var operation = WaitUntilTaken(cancellationToken, borrowed);
        if (operation is not null)
        {
            operation.IsPartlySent = isPartlySent;
        }

        return operation;
    }

    internal void Attach(IoSocket io) => _io = io;

    /// <summary>Sends what it can of everything, flushed or not, because the connection is about to be closed.</summary>
    internal void SendRest()
    {
        if (!HasFailed)
        {
            MarkFlushed();
            SendQueued();
        }
    }

    /// <summary>Waits until the system has taken everything that is queued now. Null when it has.</summary>
    internal WriteOperation? WaitUntilTaken(CancellationToken cancellationToken, IoBlock? borrowed = null)
    {
        if (HasFailed)
        {
            return Failed();
        }

        if (_pending == 0)
        {
            return Connection.Loop.TryConsumeBudget() ? null : DoneThroughQueue();
        }

        ScheduleSend();
        var operation = Rent(_queued, borrowed);
        if (_lastWaiter is null)
        {
            _firstWaiter = operation;
        }
        else
        {
            _lastWaiter.Next = operation;
        }

        _lastWaiter = operation;
        operation.Watch(cancellationToken);
        return operation;
    }

    internal void Recycle(WriteOperation operation)
    {
        operation.Borrowed = null;
        operation.Next = _free;
        _free = operation;
    }

    private WriteOperation Failed()
    {
        var operation = Rent(_queued, null);
        operation.Fail(CreateFailure());
        return operation;
    }

    private WriteOperation DoneThroughQueue()
    {
        var operation = Rent(_queued, null);
        operation.FinishThroughQueue();
        return operation;
    }

    private WriteOperation Rent(long end, IoBlock? borrowed)
    {
        var operation = _free;
        if (operation is null)
        {
            operation = new WriteOperation(this, Connection.Loop);
        }
        else
        {
            _free = operation.Next;
            operation.Next = null;
        }

        operation.Start(end, borrowed);
        return operation;
    }

    /// <summary>
    /// A buffer that was handed out ends with the write or flush that follows; where nothing was put in it, so does its block.
    /// </summary>
    private void ForgetRequestedBlock()
    {
        _scrapRoom = 0;
        if (_isBlockRequested)
        {
            _isBlockRequested = false;
            if (_pending == 0 && _unflushed == 0)
            {
                DropFirst();
            }
        }
    }

    private void CheckCanWrite()
    {
        Connection.Loop.CheckThread();
        if (_isCompleted || Connection.IsUpgrading || IsSendingFile)
        {
            ThrowCannotWrite();
        }
    }

    internal IOException CreateFailure() => _isBroken
        ? new IOException(
            $"The output of {Connection} ended in the middle of a write that was cancelled: what follows would not make sense to the peer. Close the connection.")
        : ConnectionFailure.Create(_failure, Connection, "Sending");

    [DoesNotReturn]
    private void ThrowCannotWrite() => throw new InvalidOperationException(
        _io.Access == FileAccess.Read ? $"The {Connection} is the reading end: nothing can be written to it."
            : _isCompleted ? "The output was completed: nothing can be written any more."
            : IsSendingFile ? $"A file is being sent over {Connection}: write when SendFileAsync has completed."
            : $"The {Connection} is in the middle of a TLS handshake: write when UpgradeToTlsAsync has completed.");
}
