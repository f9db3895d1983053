using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks.Sources;

namespace Baton;

/// <summary>
/// The receive of a <see cref="UdpSocket"/> that is in progress. It waits without a buffer and takes the datagram when the wait is over, so
/// that a cancel loses none.
/// </summary>
internal sealed class UdpReceive : IoRequest, IValueTaskSource<int>, IValueTaskSource<ReceivedDatagram>
{
    private readonly UdpSocket _socket;
    private Memory<byte> _datagram;
    private SocketAddress? _sender;
    private DatagramBatch? _batch;
    private ReceivedDatagram _result;
    private SocketException? _failure;
    private bool _mustFit;
    private bool _isCancelled;
    private string? _cancelMessage;

    internal UdpReceive(UdpSocket socket)
        : base(socket.Loop)
    {
        _socket = socket;
        Kind = IoOperationKind.Receive;
    }

    internal void Start(Memory<byte> buffer, SocketAddress? sender, bool mustFit)
    {
        Begin();
        _datagram = buffer;
        _sender = sender;
        _mustFit = mustFit;
        _isCancelled = false;
    }

    internal void Start(DatagramBatch batch)
    {
        Start(default, null, mustFit: false);
        _batch = batch;
    }

    internal void Submit()
    {
        if (_socket.Io.Submit(this))
        {
            Finish();
        }
    }

    /// <summary>Completes a use whose outcome is known.</summary>
    internal void FinishNow(ReceivedDatagram result, SocketException? failure)
    {
        Error = SocketError.Success;
        SetResult(result, failure);
        if (_failure is null)
        {
            CompleteThroughQueue();
        }
        else
        {
            Complete(faulted: true);
        }
    }

    internal ValueTask<int> AsCount() => new(this, Token);

    internal ValueTask<ReceivedDatagram> AsDatagram() => new(this, Token);

    public override void Finish()
    {
        while (Error == SocketError.Success)
        {
            var result = default(ReceivedDatagram);
            if (_batch is null
                ? _socket.TryReceive(_datagram.Span, _sender, out result, out var failure)
                : _socket.TryReceive(_batch, out failure))
            {
                SetResult(result, failure);
                break;
            }

            if (_isCancelled)
            {
                // The wait was over, in vain, before it could be cancelled: nobody would cancel the next.
                Error = SocketError.OperationAborted;
            }
            else if (!_socket.Io.Submit(this))
            {
                return;
            }
        }

        if (Error == SocketError.OperationAborted && !_isCancelled && _socket.TryTakeHeld(out var held))
        {
            // Woken for a report that a send came upon.
            SetResult(default, held);
        }

        Complete(faulted: Error != SocketError.Success || _failure is not null);
    }

    int IValueTaskSource<int>.GetResult(short token)
    {
        EndUse(token);
        OnResultTaken();
        return _result.Count;
    }

    ReceivedDatagram IValueTaskSource<ReceivedDatagram>.GetResult(short token)
    {
        EndUse(token);
        var sender = _sender;
        OnResultTaken();
        return _socket.WithEndPoint(_result, sender);
    }

    protected override void OnResultTaken()
    {
        _datagram = default;
        _sender = null;
        _batch = null;
        var failure = _failure;
        _failure = null;
        if (failure is not null)
        {
            throw failure;
        }

        if (Error != SocketError.Success)
        {
            throw _isCancelled && Error == SocketError.OperationAborted
                ? new CancelledException(_cancelMessage)
                : _socket.CreateFailure(Error, "receive");
        }
    }

    protected override bool RequestCancel(string? message)
    {
        _isCancelled = true;
        _cancelMessage = message;
        _socket.Io.Cancel(this);
        return true;
    }

    internal override string Describe() => $"receive on {_socket}";

    private void SetResult(ReceivedDatagram result, SocketException? failure)
    {
        _result = _batch is null ? result : new ReceivedDatagram(_batch.Count, false, null);
        _failure = failure ?? (_mustFit && result.IsTruncated ? _socket.CreateFailure(SocketError.MessageSize, "receive") : null);
    }
}
