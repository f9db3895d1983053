using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;
using Baton.Drivers;

namespace Baton;

/// <summary>
/// One direction of a <see cref="LoopSocket"/>: the operation that is in progress there, or the last one's object waiting to be used again.
/// </summary>
internal sealed partial class SocketOperation(LoopSocket socket)
    : IoRequest(socket.Loop), IValueTaskSource<int>, IValueTaskSource<LoopSocket>
{
    private bool _mustSendAll;
    private bool _isCancelled;
    private string? _cancelMessage;

    /// <summary>Starts a use.</summary>
    internal void Start(IoOperationKind kind, Memory<byte> buffer, bool mustSendAll = false)
    {
        Begin();
        Kind = kind;
        Buffer = buffer;
        _mustSendAll = mustSendAll;
        _isForDatagram = false;
        _retryDelay = FirstRetryDelay;
        _isCancelled = false;
    }

    /// <summary>Hands the request to the driver; what is done at once is completed.</summary>
    internal void Submit(IoSocket io)
    {
        if (io.Submit(this))
        {
            Finish();
        }
        else if (_isForDatagram)
        {
            ScheduleRetry();
        }
    }

    /// <summary>Completes a use whose outcome is known.</summary>
    internal void FinishNow(int count, SocketError error)
    {
        BytesTransferred = count;
        Error = error;
        if (error == SocketError.Success)
        {
            CompleteThroughQueue();
        }
        else
        {
            Complete(faulted: true);
        }
    }

    /// <summary>Ends a use that never came to be.</summary>
    internal void Abandon()
    {
        EndPoint = null;
        EndSynchronously();
    }

    internal ValueTask AsVoid() => new(this, Token);

    internal ValueTask<int> AsCount() => new(this, Token);

    internal ValueTask<LoopSocket> AsSocket() => new(this, Token);

    /// <summary>Closes a connection that was accepted and that nobody has fetched.</summary>
    internal void DropAccepted()
    {
        if (Accepted is { } accepted)
        {
            accepted.Dispose();
            Accepted = null;
            Error = SocketError.OperationAborted;
        }
    }

    public override void Finish()
    {
        if (_isForDatagram)
        {
            EndRetry();
            if (!MoveDatagram())
            {
                ScheduleRetry();
                return;
            }
        }

        while (_mustSendAll && Error == SocketError.Success)
        {
            Buffer = Buffer[BytesTransferred..];
            if (Buffer.IsEmpty)
            {
                break;
            }

            if (_isCancelled)
            {
                // A part was sent before it could be cancelled: nobody would cancel the rest.
                Error = SocketError.OperationAborted;
            }
            else if (!socket.Io.Submit(this))
            {
                return;
            }
        }

        base.Finish();
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        TakeResult(token);
        return BytesTransferred;
    }

    LoopSocket IValueTaskSource<LoopSocket>.GetResult(short token)
    {
        TakeResult(token);
        var accepted = Accepted!;
        Accepted = null;
        return new LoopSocket(Loop, accepted);
    }

    protected override void OnResultTaken()
    {
        Buffer = default;
        var endPoint = EndPoint;
        EndPoint = null;
        if (Error != SocketError.Success)
        {
            ThrowFailure(endPoint);
        }
    }

    protected override bool RequestCancel(string? message)
    {
        _isCancelled = true;
        _cancelMessage = message;
        socket.Io.Cancel(this);
        return true;
    }

    internal override string Describe() => $"{Verb} on {socket}";

    private string Verb => Kind switch
    {
        IoOperationKind.Accept => "accept",
        IoOperationKind.Connect => "connect",
        IoOperationKind.Receive => "receive",
        _ => "send",
    };

    private void TakeResult(short token)
    {
        EndUse(token);
        OnResultTaken();
    }

    private void ThrowFailure(EndPoint? endPoint)
    {
        if (_isCancelled && Error == SocketError.OperationAborted)
        {
            throw new CancelledException(_cancelMessage);
        }

        throw endPoint is null ? SocketFailure.Create(Error, $"The {Describe()}") : SocketFailure.Create(Error, "Connecting to", endPoint);
    }
}
