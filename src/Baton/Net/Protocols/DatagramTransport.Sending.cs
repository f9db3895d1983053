using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Baton.Drivers;

namespace Baton;

// From the protocol to the socket.
internal sealed partial class DatagramTransport
{
    /// <summary>What a datagram in the queue counts for beside its bytes.</summary>
    private const int HeaderSize = 8;

    private readonly Queue<QueuedDatagram> _queue = new();
    private readonly Action _onSent;
    private long _queuedSize;
    private SocketAddress? _receiver;
    private EndPoint? _receiverEndPoint;
    private ValueTaskAwaiter<int> _send;
    private bool _isSendDue;

    public override long WriteBufferSize => IsLost ? 0 : _queuedSize;

    public void SendTo(ReadOnlySpan<byte> data, EndPoint? receiver = null)
    {
        Loop.CheckThread();
        if (_remote is not null && receiver is not null && !receiver.Equals(_remote))
        {
            throw new ArgumentException($"The {this} sends to {_remote} alone: leave the receiver out.", nameof(receiver));
        }

        receiver ??= _remote;
        if (receiver is null && _socket.AddressFamily != AddressFamily.Unix)
        {
            // A local socket may well have a peer that has no name.
            throw new ArgumentException("Say to whom: the transport was made without a remote end point.", nameof(receiver));
        }

        if (IsTooLate())
        {
            return;
        }

        var address = _isConnected || receiver is null ? null : AddressOf(receiver);
        if (_queue.Count == 0)
        {
            _socket.Io.TrySendTo(data, address, out var error);
            if (error != SocketError.WouldBlock)
            {
                if (error != SocketError.Success)
                {
                    ReportError(Failure(error, receiver));
                }

                return;
            }
        }

        var bytes = ArrayPool<byte>.Shared.Rent(data.Length);
        data.CopyTo(bytes);
        _queue.Enqueue(new QueuedDatagram(bytes, data.Length, address, receiver));
        _queuedSize += data.Length + HeaderSize;
        PauseIfFull();
        if (!_isSendDue)
        {
            _isSendDue = true;
            Loop.CallSoon(static transport => ((DatagramTransport)transport!).SendQueued(), this);
        }
    }

    /// <summary>Sends what is queued, outside of any task, and waits where there is no room.</summary>
    private void SendQueued()
    {
        while (!IsLost && _queue.TryPeek(out var datagram))
        {
            var bytes = datagram.Bytes.AsMemory(0, datagram.Length);
            _send = AwaiterOf(datagram.Address is { } address ? _socket.SendToAsync(bytes, address) : _socket.SendAsync(bytes));
            if (!_send.IsCompleted)
            {
                _send.OnCompleted(_onSent);
                return;
            }

            TakeSent();
        }

        _isSendDue = false;
        DropQueue();
    }

    private void OnSent()
    {
        TakeSent();
        SendQueued();
    }

    /// <summary>The first in the queue was sent, or could not be.</summary>
    private void TakeSent()
    {
        SocketException? failure = null;
        try
        {
            _send.GetResult();
        }
        catch (SocketException exception)
        {
            failure = exception;
        }

        var datagram = _queue.Dequeue();
        _queuedSize -= datagram.Length + HeaderSize;
        ArrayPool<byte>.Shared.Return(datagram.Bytes);
        if (IsLost)
        {
            return;
        }

        if (failure is not null)
        {
            ReportError(Failure(failure.SocketErrorCode, datagram.Receiver));
        }

        OnOutputMoved();
    }

    /// <summary>Forgets what is queued, unless the first of it is being sent: then that comes back when the send ends.</summary>
    private void DropQueue()
    {
        if (!IsLost || _isSendDue)
        {
            return;
        }

        while (_queue.TryDequeue(out var datagram))
        {
            ArrayPool<byte>.Shared.Return(datagram.Bytes);
        }

        _queuedSize = 0;
    }

    /// <summary>The receiver's address: the same object as the last time where it is the same receiver.</summary>
    private SocketAddress AddressOf(EndPoint receiver)
    {
        if (_receiver is not { } known || !receiver.Equals(_receiverEndPoint))
        {
            _receiver = known = AddressConversion.ToSocketAddress(receiver, _socket.AddressFamily);
            _receiverEndPoint = receiver;
        }

        return known;
    }

    private static SocketException Failure(SocketError error, EndPoint? receiver) =>
        receiver is null ? SocketFailure.Create(error, "Sending") : SocketFailure.Create(error, "Sending to", receiver);

    private readonly record struct QueuedDatagram(byte[] Bytes, int Length, SocketAddress? Address, EndPoint? Receiver);
}
