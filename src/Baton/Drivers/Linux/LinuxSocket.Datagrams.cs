using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

// Whole datagrams. A batch that came back shorter than it was asked for has found the queue empty, as a call that would have blocked does:
// what comes after it is a new edge, an error included.
internal unsafe partial class LinuxSocket
{
    public override bool CanReceiveErrors => true;

    public override int TryReceiveFrom(Span<byte> buffer, SocketAddress? sender, out bool isTruncated, out SocketError error)
    {
        isTruncated = false;
        if (!MayReceive(out error))
        {
            return 0;
        }

        var address = sender is null ? default : sender.Buffer.Span;
        while (true)
        {
            _driver.Counters.Receives++;
            var count = _driver.Calls.ReceiveFrom(_descriptor, buffer, IsDatagram, address, out var addressLength);
            if (count >= 0)
            {
                sender?.Size = addressLength;
                isTruncated = count > buffer.Length;
                error = SocketError.Success;
                return Math.Min(count, buffer.Length);
            }

            if (!IsToBeRepeated(count, Flags.MayRead, out error))
            {
                return 0;
            }
        }
    }

    public override int TrySendTo(ReadOnlySpan<byte> bytes, SocketAddress? receiver, out SocketError error)
    {
        // Of local sockets each receiver may be full by itself, and no event says that another is not, nor that it has room again.
        if ((_flags & Flags.MayWrite) == 0 && (receiver is null || _addressFamily != AddressFamily.Unix))
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        var address = receiver is null ? default : receiver.Buffer.Span[..receiver.Size];
        while (true)
        {
            _driver.Counters.Sends++;
            var count = _driver.Calls.SendTo(_descriptor, bytes, address);
            if (count >= 0)
            {
                error = SocketError.Success;
                return count;
            }

            if (!IsToBeRepeated(count, Flags.MayWrite, out error))
            {
                return 0;
            }
        }
    }

    public override int TryReceiveBatch(DatagramBatch batch, out SocketError error)
    {
        ArgumentNullException.ThrowIfNull(batch);
        batch.Clear();
        if (!MayReceive(out error))
        {
            return 0;
        }

        var messages = _driver.Messages;
        while (batch.Count < batch.Capacity)
        {
            var asked = Prepare(batch, batch.Count, batch.Capacity, isForReceive: true, withAddress: true);
            _driver.Counters.Receives++;
            var count = _driver.Calls.ReceiveMessages(_descriptor, (nint)messages, asked);
            if (count < 0)
            {
                if (IsToBeRepeated(count, Flags.MayRead, out error))
                {
                    continue;
                }

                break;
            }

            var first = batch.Count;
            for (var i = 0; i < count; i++)
            {
                ref var message = ref messages[i];
                batch.SetReceived(
                    first + i,
                    (int)message.Length,
                    (int)Math.Min(message.Header.NameLength, DatagramBatch.AddressRoom),
                    isTruncated: (message.Header.Flags & MessageTruncated) != 0);
            }

            if (count < asked)
            {
                _flags &= ~Flags.MayRead;
                error = SocketError.WouldBlock;
                break;
            }
        }

        return batch.Count;
    }

    public override int TrySendBatch(DatagramBatch batch, int start, bool isConnected, out SocketError error)
    {
        ArgumentNullException.ThrowIfNull(batch);
        error = SocketError.Success;
        if ((_flags & Flags.MayWrite) == 0)
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        var messages = _driver.Messages;
        var sent = 0;
        while (start + sent < batch.Count)
        {
            var asked = Prepare(batch, start + sent, batch.Count, isForReceive: false, withAddress: !isConnected);
            _driver.Counters.Sends++;
            var count = _driver.Calls.SendMessages(_descriptor, (nint)messages, asked);
            if (count < 0)
            {
                if (IsToBeRepeated(count, Flags.MayWrite, out error))
                {
                    continue;
                }

                break;
            }

            // Fewer than asked for says that the next failed, and not why: the call that begins with it says that.
            sent += count;
        }

        return sent;
    }

    public override bool TryReceiveError(SocketAddress receiver, SocketAddress reporter, out SocketError reason)
    {
        ArgumentNullException.ThrowIfNull(receiver);
        ArgumentNullException.ThrowIfNull(reporter);
        receiver.Size = 0;
        reporter.Size = 0;
        reason = SocketError.Success;
        Span<byte> control = stackalloc byte[256];
        int result;
        int addressLength;
        int controlLength;
        do
        {
            _driver.Counters.Receives++;
            result = _driver.Calls.ReceiveError(Descriptor(), receiver.Buffer.Span, out addressLength, control, out controlLength);
        }
        while (result == -Errno.EINTR);
        if (result < 0)
        {
            return false;
        }

        receiver.Size = Math.Min(addressLength, receiver.Buffer.Length);
        ReadError(control[..controlLength], reporter, out reason);
        return true;
    }

    public override void SetRawOption(int level, int name, ReadOnlySpan<byte> value)
    {
        var result = _driver.Calls.SetOption(Descriptor(), level, name, value);
        if (result < 0)
        {
            LinuxDriver.Check(result, $"Setting a socket's option {name} of level {level}");
        }
    }

    public override int GetRawOption(int level, int name, Span<byte> value)
    {
        var result = _driver.Calls.GetRawOption(Descriptor(), level, name, value, out var length);
        if (result < 0)
        {
            LinuxDriver.Check(result, $"Reading a socket's option {name} of level {level}");
        }

        return length;
    }

    private const int MessageTruncated = 0x20; // MSG_TRUNC

    private bool IsDatagram => _socketType != SocketType.Stream;

    /// <summary>Points the driver's headers at datagrams of a batch; returns at how many.</summary>
    private int Prepare(DatagramBatch batch, int start, int end, bool isForReceive, bool withAddress)
    {
        var count = Math.Min(end - start, LinuxSocketCalls.MaximumBatch);
        var messages = _driver.Messages;
        var vectors = _driver.Vectors;

        // A batch's arrays never move.
        var bytes = (byte*)Unsafe.AsPointer(ref batch.FirstByte) + ((nint)start * batch.MaximumLength);
        var address = (byte*)Unsafe.AsPointer(ref batch.FirstAddressByte) + ((nint)start * DatagramBatch.AddressRoom);
        for (var i = 0; i < count; i++)
        {
            ref var entry = ref batch.EntryOf(start + i);
            vectors[i] = new LibC.IoVector { Base = bytes, Length = (nuint)(isForReceive ? batch.MaximumLength : entry.Length) };
            ref var header = ref messages[i].Header;
            header.NameLength = isForReceive ? DatagramBatch.AddressRoom : withAddress ? (uint)entry.AddressLength : 0;
            header.Name = header.NameLength == 0 ? null : address;
            header.Vectors = vectors + i;
            header.VectorCount = 1;
            header.Flags = 0;
            bytes += batch.MaximumLength;
            address += DatagramBatch.AddressRoom;
        }

        return count;
    }

    /// <summary>Reads <c>struct sock_extended_err</c>, behind which stands the address of who reported it.</summary>
    private static void ReadError(ReadOnlySpan<byte> control, SocketAddress reporter, out SocketError reason)
    {
        const int AlignedHeader = 16;
        const int ErrorSize = 16;
        reason = SocketError.SocketError;
        while (control.Length >= AlignedHeader)
        {
            var length = (int)MemoryMarshal.Read<nuint>(control);
            var level = MemoryMarshal.Read<int>(control[sizeof(nuint)..]);
            var type = MemoryMarshal.Read<int>(control[(sizeof(nuint) + sizeof(int))..]);
            if (length < AlignedHeader || length > control.Length)
            {
                return;
            }

            // IP_RECVERR and IPV6_RECVERR.
            if ((level, type) is (0, 11) or (41, 25) && length >= AlignedHeader + ErrorSize)
            {
                var data = control[AlignedHeader..length];
                reason = Errno.ToSocketError(MemoryMarshal.Read<int>(data));
                var address = data[ErrorSize..];
                if (address.Length >= 2 && MemoryMarshal.Read<ushort>(address) != 0)
                {
                    reporter.Size = Math.Min(address.Length, reporter.Buffer.Length);
                    address[..reporter.Size].CopyTo(reporter.Buffer.Span);
                }

                return;
            }

            control = control[Math.Min(control.Length, (length + 7) & ~7)..];
        }
    }
}
