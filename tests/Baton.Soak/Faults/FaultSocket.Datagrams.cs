using System.Net;
using System.Net.Sockets;

namespace Baton.Soak.Faults;

// Datagrams, and descriptors that travel with bytes.
internal sealed partial class FaultSocket
{
    public override bool CanReceiveErrors => _inner.CanReceiveErrors;

    /// <summary>Local sockets lose nothing.</summary>
    private bool MayLose => SocketType == SocketType.Dgram && AddressFamily != AddressFamily.Unix;

    public override int TryReceiveFrom(Span<byte> buffer, SocketAddress? sender, out bool isTruncated, out SocketError error)
    {
        isTruncated = false;
        if (IsResetOrBlocked(isReading: true, out error))
        {
            return 0;
        }

        if (MayLose && Driver.Happens(Driver.Plan.FailedDatagram))
        {
            error = SocketError.ConnectionRefused;
            return 0;
        }

        return _inner.TryReceiveFrom(buffer, sender, out isTruncated, out error);
    }

    public override int TrySendTo(ReadOnlySpan<byte> bytes, SocketAddress? receiver, out SocketError error)
    {
        if (IsResetOrBlocked(isReading: false, out error))
        {
            return 0;
        }

        return MayLose && Driver.Happens(Driver.Plan.LostDatagram) ? bytes.Length : _inner.TrySendTo(bytes, receiver, out error);
    }

    public override int TryReceiveBatch(DatagramBatch batch, out SocketError error)
    {
        if (Driver.Choose(true, false))
        {
            return base.TryReceiveBatch(batch, out error);
        }

        if (IsResetOrBlocked(isReading: true, out error))
        {
            batch.Clear();
            return 0;
        }

        return _inner.TryReceiveBatch(batch, out error);
    }

    public override int TrySendBatch(DatagramBatch batch, int start, bool isConnected, out SocketError error)
    {
        if (Driver.Choose(true, false))
        {
            return base.TrySendBatch(batch, start, isConnected, out error);
        }

        return IsResetOrBlocked(isReading: false, out error) ? 0 : _inner.TrySendBatch(batch, start, isConnected, out error);
    }

    public override bool TryReceiveError(SocketAddress receiver, SocketAddress reporter, out SocketError reason) =>
        _inner.TryReceiveError(receiver, reporter, out reason);

    public override int TrySendDescriptors(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors, out SocketError error) =>
        IsResetOrBlocked(isReading: false, out error) ? 0 : _inner.TrySendDescriptors(bytes, descriptors, out error);

    public override IoMessage TryReceiveDescriptors(Span<byte> buffer, Span<int> descriptors, out SocketError error) =>
        IsResetOrBlocked(isReading: true, out error) ? default : _inner.TryReceiveDescriptors(buffer, descriptors, out error);
}
