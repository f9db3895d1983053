namespace Baton.Drivers;

public unsafe partial class LinuxSocketCalls
{
    /// <summary>Datagrams that one <see cref="ReceiveMessages"/> or <see cref="SendMessages"/> moves at most.</summary>
    public const int MaximumBatch = 128;

    private const int Truncated = 0x20; // MSG_TRUNC
    private const int ErrorQueue = 0x2000; // MSG_ERRQUEUE

    /// <summary>Receives a datagram and its sender's address.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="buffer">Where to put it.</param>
    /// <param name="wholeLength">Whether to return the datagram's whole length where it did not fit; for datagrams only.</param>
    /// <param name="address">Where to put the address; empty where nobody asks.</param>
    /// <param name="addressLength">How long it was.</param>
    /// <returns>The bytes received, or the whole length.</returns>
    public virtual int ReceiveFrom(int descriptor, Span<byte> buffer, bool wholeLength, Span<byte> address, out int addressLength)
    {
        fixed (byte* start = buffer)
        fixed (byte* name = address)
        {
            var length = address.Length;
            var result = Result(LibC.ReceiveFrom(
                descriptor, start, (nuint)buffer.Length, wholeLength ? Truncated : 0, name, name is null ? null : &length));
            addressLength = Math.Min(length, address.Length);
            return result;
        }
    }

    /// <summary>Sends a datagram to an address; to the connected peer where that is empty.</summary>
    /// <returns>The bytes taken.</returns>
    public virtual int SendTo(int descriptor, ReadOnlySpan<byte> buffer, ReadOnlySpan<byte> address)
    {
        fixed (byte* start = buffer)
        fixed (byte* name = address)
        {
            return Result(LibC.SendTo(descriptor, start, (nuint)buffer.Length, NoSignal, name, address.Length));
        }
    }

    /// <summary>Receives several datagrams in one call.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="messages">An array of the kernel's <c>struct mmsghdr</c>.</param>
    /// <param name="count">How many.</param>
    /// <returns>How many were received; at least one.</returns>
    public virtual int ReceiveMessages(int descriptor, nint messages, int count) =>
        Result(LibC.ReceiveMessages(descriptor, (LibC.BatchedMessage*)messages, (uint)count, 0, null));

    /// <summary>Sends several datagrams in one call.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="messages">An array of the kernel's <c>struct mmsghdr</c>.</param>
    /// <param name="count">How many.</param>
    /// <returns>How many were sent; at least one.</returns>
    public virtual int SendMessages(int descriptor, nint messages, int count) =>
        Result(LibC.SendMessages(descriptor, (LibC.BatchedMessage*)messages, (uint)count, NoSignal));

    /// <summary>Takes a message off a socket's queue of errors.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="address">Where to put the address that the message was sent to.</param>
    /// <param name="addressLength">How long it was.</param>
    /// <param name="control">Where to put what the kernel tells about it.</param>
    /// <param name="controlLength">How long that was.</param>
    public virtual int ReceiveError(int descriptor, Span<byte> address, out int addressLength, Span<byte> control, out int controlLength)
    {
        fixed (byte* name = address)
        fixed (byte* extra = control)
        {
            var message = new LibC.MessageHeader
            {
                Name = name,
                NameLength = (uint)address.Length,
                Control = extra,
                ControlLength = (nuint)control.Length,
            };
            var result = Result(LibC.ReceiveMessage(descriptor, &message, ErrorQueue));
            addressLength = result < 0 ? 0 : (int)message.NameLength;
            controlLength = result < 0 ? 0 : (int)message.ControlLength;
            return result;
        }
    }

    /// <summary>Reads an option of any size, by Linux's numbers.</summary>
    /// <param name="descriptor">The socket.</param>
    /// <param name="level">The level.</param>
    /// <param name="name">The option.</param>
    /// <param name="value">Where to put it.</param>
    /// <param name="length">How long it was.</param>
    public virtual int GetRawOption(int descriptor, int level, int name, Span<byte> value, out int length)
    {
        fixed (byte* start = value)
        {
            var size = value.Length;
            var result = Result(LibC.GetSocketOption(descriptor, level, name, start, &size));
            length = size;
            return result;
        }
    }
}
