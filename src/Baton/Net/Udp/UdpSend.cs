using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton;

/// <summary>
/// A send of a <see cref="UdpSocket"/> that found no room, or whose outcome is told later. The first in the socket's queue is the one that
/// the driver has.
/// </summary>
internal sealed class UdpSend : IoRequest
{
    private readonly UdpSocket _socket;
    private Memory<byte> _datagram;
    private SocketAddress? _address;
    private bool _hasAddress;
    private DatagramBatch? _batch;
    private bool _isCancelled;
    private string? _cancelMessage;

    internal UdpSend(UdpSocket socket)
        : base(socket.Loop)
    {
        _socket = socket;
        Kind = IoOperationKind.WaitToSend;
    }

    /// <summary>The next that waits, or the next that is free.</summary>
    internal UdpSend? Next { get; set; }

    internal void Start(ReadOnlyMemory<byte> datagram, SocketAddress? receiver)
    {
        Begin();
        Error = SocketError.Success;
        _datagram = MemoryMarshal.AsMemory(datagram);
        _batch = null;
        _isCancelled = false;
        _hasAddress = receiver is not null;
        if (receiver is not null)
        {
            // The socket uses the same object for one end point after the other.
            _address ??= AddressConversion.CreateSpace();
            _address.Size = receiver.Size;
            receiver.Buffer.Span[..receiver.Size].CopyTo(_address.Buffer.Span);
        }
    }

    internal void Start(DatagramBatch batch)
    {
        Start(default, null);
        _batch = batch;
    }

    internal ValueTask AsVoid() => new(this, Token);

    /// <summary>Whether its task was cancelled.</summary>
    internal bool IsCancelled => _isCancelled;

    /// <summary>Tries to send. False when there is no room; else the outcome is in <see cref="IoRequest.Error"/>.</summary>
    internal bool TryMove()
    {
        var error = _batch is null ? _socket.TrySend(_datagram.Span, _hasAddress ? _address : null) : _socket.TrySend(_batch);
        if (error == SocketError.WouldBlock)
        {
            return false;
        }

        Error = error;
        return true;
    }

    internal void End() => Complete(faulted: Error != SocketError.Success);

    /// <summary>Completes a use whose outcome is known.</summary>
    internal void EndNow(SocketError error)
    {
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

    public override void Finish() => _socket.Advance();

    protected override void OnResultTaken()
    {
        var error = Error;
        var isCancelled = _isCancelled;
        var message = _cancelMessage;
        _datagram = default;
        _batch = null;
        _cancelMessage = null;
        _socket.Return(this);
        if (error != SocketError.Success)
        {
            throw isCancelled && error == SocketError.OperationAborted
                ? new CancelledException(message)
                : _socket.CreateFailure(error, "send");
        }
    }

    protected override bool RequestCancel(string? message)
    {
        _isCancelled = true;
        _cancelMessage = message;
        _socket.Withdraw(this);
        return true;
    }

    internal override string Describe() => $"send on {_socket}";
}
