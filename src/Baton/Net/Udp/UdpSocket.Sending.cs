using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class UdpSocket
{
    private readonly SocketAddress _receiver;
    private UdpSend? _firstSend;
    private UdpSend? _lastSend;
    private UdpSend? _freeSend;

    /// <summary>Sends one datagram to <see cref="RemoteEndPoint"/>. Completes when the system has taken it.</summary>
    /// <param name="datagram">The bytes; there may be none.</param>
    /// <exception cref="InvalidOperationException">The socket has no remote end point.</exception>
    /// <exception cref="SocketException">
    /// The datagram is too long (<see cref="SocketError.MessageSize"/>), there is no way to the peer, an earlier send failed, or the socket
    /// was disposed of meanwhile.
    /// </exception>
    public ValueTask SendAsync(ReadOnlyMemory<byte> datagram)
    {
        CheckOpen();
        if (_remoteAddress is null)
        {
            throw new InvalidOperationException("The socket is not connected: say to whom with SendToAsync, or make it with ConnectAsync.");
        }

        return Send(datagram, _isConnected ? null : _remoteAddress);
    }

    /// <summary>Sends one datagram. Completes when the system has taken it. Corresponds to <c>DatagramTransport.sendto</c>.</summary>
    /// <param name="datagram">The bytes; there may be none.</param>
    /// <param name="receiver">To whom. An IPv4 address is mapped where the socket is one of IPv6.</param>
    /// <exception cref="ArgumentException">The socket has a remote end point, and this is another.</exception>
    /// <exception cref="SocketException">
    /// The datagram is too long (<see cref="SocketError.MessageSize"/>), there is no way to the receiver, or the socket was disposed of
    /// meanwhile.
    /// </exception>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> datagram, IPEndPoint receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        CheckOpen();
        AddressConversion.Write(receiver, AddressFamily, _receiver);
        return SendToAsync(datagram, _receiver);
    }

    /// <inheritdoc cref="SendToAsync(ReadOnlyMemory{byte}, IPEndPoint)"/>
    public ValueTask SendToAsync(ReadOnlyMemory<byte> datagram, SocketAddress receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        CheckOpen();
        if (_remoteAddress is { } remote)
        {
            CheckReceiver(receiver.Buffer.Span[..receiver.Size]);
            receiver = remote;
        }

        return Send(datagram, _isConnected ? null : receiver);
    }

    /// <summary>
    /// Sends the datagrams of a batch in their order, each to its own address or else to <see cref="RemoteEndPoint"/>, where the driver can
    /// in one system call. Completes when the system has taken all.
    /// </summary>
    /// <remarks>
    /// When one fails, those before it have been sent: <see cref="DatagramBatch.SentCount"/> is its index. To leave it out and go on, send
    /// from the next.
    /// </remarks>
    /// <param name="batch">The datagrams.</param>
    /// <param name="start">The first to send.</param>
    /// <exception cref="InvalidOperationException">A datagram has no address, and the socket has no remote end point.</exception>
    /// <exception cref="ArgumentException">The socket has a remote end point, and a datagram is for another.</exception>
    /// <exception cref="SocketException">
    /// A datagram is too long, there is no way to its receiver, or the socket was disposed of meanwhile.
    /// </exception>
    public ValueTask SendBatchAsync(DatagramBatch batch, int start = 0)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)start, (uint)batch.Count, nameof(start));
        CheckOpen();
        CheckReceivers(batch, start);
        Loop.ThrowIfCancelOverdue();
        batch.SentCount = start;
        var error = SocketError.WouldBlock;
        if (_firstSend is null)
        {
            error = TrySend(batch);
            if (error == SocketError.Success && Loop.TryConsumeBudget())
            {
                return default;
            }
        }

        var send = RentSend();
        send.Start(batch);
        return Complete(send, error);
    }

    /// <summary>Sends what there is room for. Success when that was all.</summary>
    internal SocketError TrySend(DatagramBatch batch)
    {
        while (true)
        {
            batch.SentCount += Io.TrySendBatch(batch, batch.SentCount, _isConnected, out var error);
            if (batch.SentCount == batch.Count)
            {
                return SocketError.Success;
            }

            if (error != SocketError.Success && (error == SocketError.WouldBlock || !HoldReports()))
            {
                return error;
            }
        }
    }

    internal SocketError TrySend(ReadOnlySpan<byte> datagram, SocketAddress? receiver)
    {
        while (true)
        {
            Io.TrySendTo(datagram, receiver, out var error);
            if (error is SocketError.Success or SocketError.WouldBlock || !HoldReports())
            {
                return error;
            }
        }
    }

    /// <summary>Room was reported, or the first in the queue has ended: lets the sends that wait go on, in their order.</summary>
    internal void Advance()
    {
        while (_firstSend is { } send)
        {
            if (send.Error == SocketError.Success && !send.TryMove())
            {
                if (send.IsCancelled)
                {
                    // The wait was over, in vain, before it could be cancelled: nobody would cancel the next.
                    send.Error = SocketError.OperationAborted;
                }
                else if (!Io.Submit(send))
                {
                    return;
                }

                // There is room after all; or the socket was closed, which the request says.
                continue;
            }

            _firstSend = send.Next;
            send.Next = null;
            send.End();
        }
    }

    /// <summary>Withdraws a send whose task was cancelled.</summary>
    internal void Withdraw(UdpSend send)
    {
        if (ReferenceEquals(send, _firstSend))
        {
            // It is the one that the driver has; the driver finishes it.
            Io.Cancel(send);
            return;
        }

        var before = _firstSend!;
        while (!ReferenceEquals(before.Next, send))
        {
            before = before.Next!;
        }

        before.Next = send.Next;
        send.Next = null;
        if (ReferenceEquals(send, _lastSend))
        {
            _lastSend = before;
        }

        send.Error = SocketError.OperationAborted;
        send.End();
    }

    internal void Return(UdpSend send)
    {
        send.Next = _freeSend;
        _freeSend = send;
    }

    private ValueTask Send(ReadOnlyMemory<byte> datagram, SocketAddress? receiver)
    {
        Loop.ThrowIfCancelOverdue();
        var error = SocketError.WouldBlock;
        if (_firstSend is null)
        {
            error = TrySend(datagram.Span, receiver);
            if (error == SocketError.Success && Loop.TryConsumeBudget())
            {
                return default;
            }
        }

        var send = RentSend();
        send.Start(datagram, receiver);
        return Complete(send, error);
    }

    private ValueTask Complete(UdpSend send, SocketError error)
    {
        if (error == SocketError.WouldBlock)
        {
            if (_firstSend is null)
            {
                _firstSend = _lastSend = send;
                Advance();
            }
            else
            {
                _lastSend!.Next = send;
                _lastSend = send;
            }
        }
        else
        {
            send.EndNow(error);
        }

        return send.AsVoid();
    }

    private UdpSend RentSend()
    {
        var send = _freeSend;
        if (send is null)
        {
            return new UdpSend(this);
        }

        _freeSend = send.Next;
        send.Next = null;
        return send;
    }

    private void CheckReceivers(DatagramBatch batch, int start)
    {
        for (var i = start; i < batch.Count; i++)
        {
            var address = batch[i].Address;
            if (!address.IsEmpty)
            {
                if (_remoteAddress is not null)
                {
                    CheckReceiver(address);
                }
            }
            else if (_remoteAddress is null)
            {
                throw new InvalidOperationException(
                    $"The datagram {i} of the batch has no address, and the socket is not connected: say to whom when adding it.");
            }
            else if (!_isConnected)
            {
                batch[i].SetAddress(_remoteAddress);
            }
        }
    }

    private void CheckReceiver(ReadOnlySpan<byte> address)
    {
        if (!address.SequenceEqual(_remoteAddress!.Buffer.Span[.._remoteAddress.Size]))
        {
            throw new ArgumentException($"The socket sends to {RemoteEndPoint} alone. For several receivers make it with Bind or Create.");
        }
    }
}
