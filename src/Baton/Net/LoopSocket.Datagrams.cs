using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class LoopSocket
{
    /// <summary>
    /// Receives one datagram. What does not fit into the buffer is lost; a <see cref="UdpSocket"/> says when that happens. Corresponds to
    /// <c>loop.sock_recvfrom_into</c>.
    /// </summary>
    /// <param name="buffer">Where to put it.</param>
    /// <param name="sender">
    /// Where to put the sender's address, without allocating: its size is set, to 0 where the sender has no address. Belongs to the
    /// operation until that has ended.
    /// </param>
    /// <returns>The bytes received; 0 for an empty datagram.</returns>
    /// <exception cref="SocketException">An error of an earlier send, or the socket was disposed of meanwhile.</exception>
    public ValueTask<int> ReceiveFromAsync(Memory<byte> buffer, SocketAddress sender)
    {
        ArgumentNullException.ThrowIfNull(sender);
        var operation = Use(ref _reading);
        return TryReceiveFrom(operation, buffer, sender, out var count) ? new ValueTask<int>(count) : operation.AsCount();
    }

    /// <summary>
    /// Receives one datagram and its sender as an end point, which is a new object each time. Corresponds to <c>loop.sock_recvfrom</c>.
    /// </summary>
    /// <inheritdoc cref="ReceiveFromAsync(Memory{byte}, SocketAddress)"/>
    public ValueTask<SocketReceiveFromResult> ReceiveFromAsync(Memory<byte> buffer)
    {
        var operation = Use(ref _reading);
        return TryReceiveFrom(operation, buffer, operation.Sender, out var count)
            ? new ValueTask<SocketReceiveFromResult>(operation.ToResult(count))
            : operation.AsDatagram();
    }

    /// <summary>Sends one datagram, all of it. Corresponds to <c>loop.sock_sendto</c>.</summary>
    /// <param name="buffer">The datagram; may be empty.</param>
    /// <param name="receiver">To whom.</param>
    /// <returns>The bytes sent.</returns>
    /// <exception cref="SocketException">
    /// The datagram is too long, the receiver cannot be reached, or the socket was disposed of meanwhile.
    /// </exception>
    public ValueTask<int> SendToAsync(ReadOnlyMemory<byte> buffer, SocketAddress receiver)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        var operation = Use(ref _writing);
        var count = Io.TrySendTo(buffer.Span, receiver, out var error);
        if (error == SocketError.Success && Loop.TryConsumeBudget())
        {
            return new ValueTask<int>(count);
        }

        operation.StartSendTo(buffer, receiver);
        SubmitDatagram(operation, count, error);
        return operation.AsCount();
    }

    /// <inheritdoc cref="SendToAsync(ReadOnlyMemory{byte}, SocketAddress)"/>
    /// <exception cref="ArgumentException">The receiver is a name, not an address.</exception>
    public ValueTask<int> SendToAsync(ReadOnlyMemory<byte> buffer, EndPoint receiver) =>
        SendToAsync(buffer, AddressConversion.ToSocketAddress(receiver, AddressFamily));

    private bool TryReceiveFrom(SocketOperation operation, Memory<byte> buffer, SocketAddress sender, out int count)
    {
        count = Io.TryReceiveFrom(buffer.Span, sender, out _, out var error);
        if (error == SocketError.Success && Loop.TryConsumeBudget())
        {
            return true;
        }

        operation.StartReceiveFrom(buffer, sender);
        SubmitDatagram(operation, count, error);
        return false;
    }

    private void SubmitDatagram(SocketOperation operation, int count, SocketError error)
    {
        if (error == SocketError.WouldBlock)
        {
            operation.Submit(Io);
        }
        else
        {
            operation.FinishNow(count, error);
        }
    }
}
