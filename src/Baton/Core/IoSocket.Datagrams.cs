using System.Net;
using System.Net.Sockets;

namespace Baton;

// Datagrams: each call moves whole ones. A datagram may be empty, which is not an end.
public abstract partial class IoSocket
{
    /// <summary>
    /// Receives one datagram, without waiting. What does not fit is lost, and said to be. Costs no system call where the socket is known to
    /// have nothing.
    /// </summary>
    /// <param name="buffer">Where to put it; when empty, the datagram is taken and thrown away.</param>
    /// <param name="sender">
    /// Where to put the sender's address: written in place, its <see cref="SocketAddress.Size"/> set, to 0 where the sender has none. Null
    /// where nobody asks.
    /// </param>
    /// <param name="isTruncated">Whether the datagram was longer than the buffer.</param>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is nothing; then submit a request with an empty buffer to wait. Other errors, such
    /// as that of an earlier send that nobody was there to receive, are reported once and leave the socket as good as it was.
    /// </param>
    /// <returns>The bytes received. 0 without an error is an empty datagram; of a stream socket, the end.</returns>
    public abstract int TryReceiveFrom(Span<byte> buffer, SocketAddress? sender, out bool isTruncated, out SocketError error);

    /// <summary>
    /// Sends one datagram, without waiting: all of it or nothing. Costs no system call where the socket is known to have no room.
    /// </summary>
    /// <param name="bytes">The datagram; may be empty.</param>
    /// <param name="receiver">To whom; null for the peer that the socket is connected to.</param>
    /// <param name="error">
    /// <see cref="SocketError.WouldBlock"/> where there is no room; then submit a <see cref="IoOperationKind.WaitToSend"/>.
    /// </param>
    /// <returns>The bytes taken by the system.</returns>
    public abstract int TrySendTo(ReadOnlySpan<byte> bytes, SocketAddress? receiver, out SocketError error);

    /// <summary>
    /// Receives as many datagrams as there are and <paramref name="batch"/> holds, without waiting. What was in the batch is forgotten.
    /// </summary>
    /// <param name="batch">Where to put them.</param>
    /// <param name="error">
    /// What ended it: <see cref="SocketError.Success"/>, <see cref="SocketError.WouldBlock"/> where that was all there is, or an error
    /// which has been taken off the socket, so that it is for the caller to report, after the datagrams that came with it.
    /// </param>
    /// <returns>How many; also <see cref="DatagramBatch.Count"/>.</returns>
    public virtual int TryReceiveBatch(DatagramBatch batch, out SocketError error)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Clear();
        error = SocketError.Success;
        for (var i = 0; i < batch.Capacity; i++)
        {
            var address = batch.Scratch;
            var length = TryReceiveFrom(batch.SpaceOf(i).Span, address, out var isTruncated, out error);
            if (error != SocketError.Success)
            {
                break;
            }

            address.Buffer.Span[..address.Size].CopyTo(batch.AddressSpaceOf(i).Span);
            batch.SetReceived(i, length, address.Size, isTruncated);
        }

        return batch.Count;
    }

    /// <summary>Sends datagrams of a batch in their order, each to its own address, without waiting.</summary>
    /// <param name="batch">The datagrams.</param>
    /// <param name="start">The first to send.</param>
    /// <param name="isConnected">Whether the socket is connected: then the addresses are left aside.</param>
    /// <param name="error">
    /// Why the one after the last that was sent was not: <see cref="SocketError.Success"/> where nobody knows yet, or there is none;
    /// <see cref="SocketError.WouldBlock"/> where there was no room.
    /// </param>
    /// <returns>How many the system took.</returns>
    public virtual int TrySendBatch(DatagramBatch batch, int start, bool isConnected, out SocketError error)
    {
        ArgumentNullException.ThrowIfNull(batch);
        error = SocketError.Success;
        var sent = 0;
        while (start + sent < batch.Count)
        {
            var datagram = batch[start + sent];
            SocketAddress? receiver = null;
            if (!isConnected)
            {
                receiver = batch.Scratch;
                datagram.CopyAddressTo(receiver);
            }

            TrySendTo(datagram.Memory.Span, receiver, out error);
            if (error != SocketError.Success)
            {
                break;
            }

            sent++;
        }

        return sent;
    }

    /// <summary>Whether <see cref="TryReceiveError"/> can tell about whom an error is.</summary>
    public virtual bool CanReceiveErrors => false;

    /// <summary>
    /// Takes the oldest report of a datagram that could not be delivered off the socket's queue of errors. The socket has to have been told
    /// to keep one, by the system's options IP_RECVERR and IPV6_RECVERR.
    /// </summary>
    /// <param name="receiver">Where to put the address that the datagram was sent to; its size 0 where the system does not say.</param>
    /// <param name="reporter">Where to put the address of the host that reported the error; its size 0 for an error of this host.</param>
    /// <param name="reason">What went wrong.</param>
    /// <returns>False where there is none.</returns>
    public virtual bool TryReceiveError(SocketAddress receiver, SocketAddress reporter, out SocketError reason)
    {
        reason = SocketError.Success;
        return false;
    }

    /// <summary>Sets an option by the system's own numbers.</summary>
    public abstract void SetRawOption(int level, int name, ReadOnlySpan<byte> value);

    /// <summary>Reads an option by the system's own numbers.</summary>
    /// <returns>How many bytes of <paramref name="value"/> were written.</returns>
    public abstract int GetRawOption(int level, int name, Span<byte> value);
}
