using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class UdpSocket
{
    private readonly UdpReceive _reading;
    private readonly SocketAddress _sender;

    /// <summary>Receives one datagram, without asking who sent it: for connected sockets.</summary>
    /// <param name="buffer">Where to put it.</param>
    /// <returns>The bytes received; 0 for an empty datagram.</returns>
    /// <exception cref="SocketException">
    /// The datagram was longer than the buffer (<see cref="SocketError.MessageSize"/>: it is lost, and
    /// <see cref="ReceiveFromAsync(Memory{byte})"/> would have delivered what fits), an earlier send failed, or the socket was disposed of
    /// meanwhile.
    /// </exception>
    /// <exception cref="InvalidOperationException">Another receive is in progress.</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> buffer)
    {
        CheckReceive();
        if (!TryReceive(buffer.Span, null, out var datagram, out var failure))
        {
            _reading.Start(buffer, null, mustFit: true);
            _reading.Submit();
        }
        else if (failure is null && !datagram.IsTruncated && Loop.TryConsumeBudget())
        {
            return new ValueTask<int>(datagram.Count);
        }
        else
        {
            _reading.Start(buffer, null, mustFit: true);
            _reading.FinishNow(datagram, failure);
        }

        return _reading.AsCount();
    }

    /// <summary>
    /// Receives one datagram and who sent it. Corresponds to <c>DatagramProtocol.datagram_received</c>, and the failures to
    /// <c>error_received</c>.
    /// </summary>
    /// <param name="buffer">Where to put it; what does not fit is lost, and <see cref="ReceivedDatagram.IsTruncated"/> says so.</param>
    /// <exception cref="SocketException">An earlier send failed, or the socket was disposed of meanwhile.</exception>
    /// <exception cref="UndeliveredException">An earlier send failed, and the options ask for such reports.</exception>
    /// <exception cref="InvalidOperationException">Another receive is in progress.</exception>
    public ValueTask<ReceivedDatagram> ReceiveFromAsync(Memory<byte> buffer) => ReceiveFrom(buffer, _sender);

    /// <summary>Receives one datagram and its sender's address, which costs no object however many senders there are.</summary>
    /// <param name="buffer">Where to put it; what does not fit is lost, and <see cref="ReceivedDatagram.IsTruncated"/> says so.</param>
    /// <param name="sender">
    /// Where to put the address; made by <c>new SocketAddress(socket.AddressFamily)</c>. Belongs to the receive until that has ended.
    /// </param>
    /// <inheritdoc cref="ReceiveFromAsync(Memory{byte})"/>
    public ValueTask<ReceivedDatagram> ReceiveFromAsync(Memory<byte> buffer, SocketAddress sender)
    {
        ArgumentNullException.ThrowIfNull(sender);
        return ReceiveFrom(buffer, sender);
    }

    /// <summary>
    /// Receives as many datagrams as are there and the batch holds, at least one, where the driver can in one system call. What was in the
    /// batch is forgotten.
    /// </summary>
    /// <returns>How many; also <see cref="DatagramBatch.Count"/>.</returns>
    /// <exception cref="SocketException">An earlier send failed, or the socket was disposed of meanwhile.</exception>
    /// <exception cref="InvalidOperationException">Another receive is in progress.</exception>
    public ValueTask<int> ReceiveBatchAsync(DatagramBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        CheckReceive();
        if (!TryReceive(batch, out var failure))
        {
            _reading.Start(batch);
            _reading.Submit();
        }
        else if (failure is null && Loop.TryConsumeBudget())
        {
            return new ValueTask<int>(batch.Count);
        }
        else
        {
            _reading.Start(batch);
            _reading.FinishNow(default, failure);
        }

        return _reading.AsCount();
    }

    /// <summary>Receives what is there. False where there is nothing.</summary>
    internal bool TryReceive(Span<byte> buffer, SocketAddress? sender, out ReceivedDatagram datagram, out SocketException? failure)
    {
        datagram = default;
        if (TryTakeHeld(out failure))
        {
            return true;
        }

        var count = Io.TryReceiveFrom(buffer, sender, out var isTruncated, out var error);
        switch (error)
        {
            case SocketError.Success:
                datagram = new ReceivedDatagram(count, isTruncated, null);
                return true;
            case SocketError.WouldBlock:
                return TryTakeOverlooked(out failure);
            default:
                failure = CreateReceiveFailure(error);
                return true;
        }
    }

    /// <inheritdoc cref="TryReceive(Span{byte}, SocketAddress?, out ReceivedDatagram, out SocketException?)"/>
    internal bool TryReceive(DatagramBatch batch, out SocketException? failure)
    {
        if (TryTakeHeld(out failure))
        {
            batch.Clear();
            return true;
        }

        var count = Io.TryReceiveBatch(batch, out var error);
        if (error is not (SocketError.Success or SocketError.WouldBlock))
        {
            failure = CreateReceiveFailure(error);
            if (count > 0)
            {
                // It came with the datagrams and is told after them.
                (_held ??= new Queue<SocketException>()).Enqueue(failure);
                failure = null;
            }

            return true;
        }

        return count > 0 || TryTakeOverlooked(out failure);
    }

    /// <summary>Puts the sender's name into a result, where nobody asked for its address.</summary>
    internal ReceivedDatagram WithEndPoint(ReceivedDatagram datagram, SocketAddress? sender) =>
        ReferenceEquals(sender, _sender) ? datagram with { RemoteEndPoint = _peers.Get(_sender) } : datagram;

    private ValueTask<ReceivedDatagram> ReceiveFrom(Memory<byte> buffer, SocketAddress sender)
    {
        CheckReceive();
        if (!TryReceive(buffer.Span, sender, out var datagram, out var failure))
        {
            _reading.Start(buffer, sender, mustFit: false);
            _reading.Submit();
        }
        else if (failure is null && Loop.TryConsumeBudget())
        {
            return new ValueTask<ReceivedDatagram>(WithEndPoint(datagram, sender));
        }
        else
        {
            _reading.Start(buffer, sender, mustFit: false);
            _reading.FinishNow(datagram, failure);
        }

        return _reading.AsDatagram();
    }

    private void CheckReceive()
    {
        CheckOpen();
        if (_reading.IsInUse)
        {
            ThrowBusy();
        }

        Loop.ThrowIfCancelOverdue();
    }

    [DoesNotReturn]
    private static void ThrowBusy() => throw new InvalidOperationException(
        "Another receive is still in progress: a UDP socket receives for one at a time. Await the first before you start the next, or share the work out to tasks " +
        "after receiving.");
}
