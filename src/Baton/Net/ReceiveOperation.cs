using System.IO.Pipelines;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>The read of a connection that is in progress: through the pipe, or through the stream into a buffer of the caller's.</summary>
internal sealed class ReceiveOperation(ConnectionReader reader, EventLoop loop)
    : IoRequest(loop), IValueTaskSource<ReadResult>, IValueTaskSource<int>, ITokenCancellable
{
    private CancellationTokenRegistration _registration;
    private CancellationToken _token;
    private string? _cancelMessage;
    private int _minimum;
    private Cancellation _cancellation;
    private bool _isForStream;
    private bool _isFilled;
    private Memory<byte> _target;

    private enum Cancellation : byte
    {
        None,
        ByTask,
        ByToken,
        ByReader,
    }

    public int Use => Token;

    internal ValueTask<ReadResult> AsRead() => new(this, Token);

    internal ValueTask<int> AsCount() => new(this, Token);

    /// <summary>
    /// Starts a use: for the pipe, which waits without a buffer, or for the stream, which receives straight into the caller's.
    /// </summary>
    internal void Start(bool isForStream, Memory<byte> buffer, int minimum)
    {
        Begin();
        Kind = IoOperationKind.Receive;
        Buffer = reader.IsLayered ? default : buffer;
        _target = buffer;
        _isFilled = false;
        Error = SocketError.Success;
        BytesTransferred = 0;
        _isForStream = isForStream;
        _minimum = minimum;
        _cancellation = Cancellation.None;
    }

    /// <summary>Completes a use whose outcome was there at once.</summary>
    internal void FinishNow(int count)
    {
        BytesTransferred = count;
        _isFilled = true;
        CompleteThroughQueue();
    }

    internal void Submit(CancellationToken cancellationToken)
    {
        _token = cancellationToken;
        while (reader.Io.Submit(this))
        {
            // A wait that was over at once may not have brought enough.
            if (_isForStream || Error != SocketError.Success || reader.Fill(_minimum))
            {
                Finish();
                return;
            }
        }

        _registration = TokenCancellation.Register(this, cancellationToken);
    }

    /// <summary>For <see cref="PipeReader.CancelPendingRead"/>. False when no read is pending.</summary>
    internal bool CancelByReader() => TryCancel(Cancellation.ByReader);

    public void CancelByToken()
    {
        if (!TryCancel(Cancellation.ByToken) && IsInUse && _cancellation == Cancellation.None)
        {
            // The wait is over, but perhaps in vain: there is not to be another one.
            _cancellation = Cancellation.ByToken;
        }
    }

    public override void Finish()
    {
        if (Error == SocketError.OperationAborted && _cancellation == Cancellation.None && reader.IsEnded)
        {
            Error = SocketError.Success;
            BytesTransferred = 0;
        }

        base.Finish();
    }

    protected override bool RequestCancel(string? message)
    {
        _cancelMessage = message;
        return TryCancel(Cancellation.ByTask);
    }

    protected override bool OnResuming()
    {
        if (_isForStream && reader.IsLayered)
        {
            return ReceiveForStream();
        }

        // Only now is a block lent, so that one that is warm serves connection after connection.
        while (!_isForStream && Error == SocketError.Success && !reader.Fill(_minimum))
        {
            if (IsCancelledForGood())
            {
                break;
            }

            if (!reader.Io.Submit(this))
            {
                return false;
            }
        }

        return true;
    }

    ReadResult IValueTaskSource<ReadResult>.GetResult(short token)
    {
        EndUse(token);
        OnResultTaken();

        // A read that is awaited only after it completed was not resumed, and has not filled yet.
        if (Error == SocketError.Success)
        {
            reader.Fill(_minimum);
        }

        return reader.TakeResult(_minimum, isCanceled: _cancellation == Cancellation.ByReader);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        EndUse(token);
        var isWaitOnly = _target.IsEmpty;
        _target = default;
        OnResultTaken();
        return reader.OnReceived(Error, BytesTransferred, isWaitOnly);
    }

    // A read that is awaited only after its wait ended is not resumed, and may have to wait again.
    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => GetFinalStatus(token);

    ValueTaskSourceStatus IValueTaskSource<ReadResult>.GetStatus(short token) => GetFinalStatus(token);

    protected override void OnResultTaken()
    {
        _registration.Dispose();
        _registration = default;
        if (Error != SocketError.OperationAborted || _cancellation == Cancellation.None)
        {
            if (Error != SocketError.Success)
            {
                reader.Fail(Error);
            }

            return;
        }

        switch (_cancellation)
        {
            case Cancellation.ByTask:
                throw new CancelledException(_cancelMessage);
            case Cancellation.ByToken:
                throw new OperationCanceledException(_token);
            default:
                // A read that the reader cancelled has a result.
                Error = SocketError.Success;
                break;
        }
    }

    internal override string Describe() => $"read from {reader.Connection}";

    private ValueTaskSourceStatus GetFinalStatus(short token)
    {
        var status = GetStatus(token);
        if (status == ValueTaskSourceStatus.Succeeded && reader.IsLayered && !OnResuming())
        {
            Reopen();
            return ValueTaskSourceStatus.Pending;
        }

        return status;
    }

    /// <summary>The wait has ended, perhaps with a part of a record only. False when it goes on.</summary>
    private bool ReceiveForStream()
    {
        while (!_isFilled && Error == SocketError.Success)
        {
            if (!_target.IsEmpty)
            {
                BytesTransferred = reader.Io.TryReceive(_target, out var error);
                if (error != SocketError.WouldBlock)
                {
                    Error = error;
                    _isFilled = true;
                    break;
                }
            }

            if (IsCancelledForGood())
            {
                break;
            }

            if (!reader.Io.Submit(this))
            {
                return false;
            }

            _isFilled = _target.IsEmpty;
        }

        return true;
    }

    /// <summary>
    /// The wait was over, in vain, before it could be cancelled, and there will be no second request for the next: a task's is owed until
    /// it is met, but a token and <see cref="PipeReader.CancelPendingRead"/> tell once.
    /// </summary>
    private bool IsCancelledForGood()
    {
        if (_cancellation is not (Cancellation.ByToken or Cancellation.ByReader))
        {
            return false;
        }

        Error = SocketError.OperationAborted;
        return true;
    }

    private bool TryCancel(Cancellation cancellation)
    {
        if (!IsPending)
        {
            return false;
        }

        _cancellation = cancellation;
        reader.Io.Cancel(this);
        return true;
    }
}
