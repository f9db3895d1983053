using System.Net.Sockets;

namespace Baton.Drivers;

// Descriptors that travel with bytes.
internal partial class LinuxSocket
{
    public override int TrySendDescriptors(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors, out SocketError error)
    {
        if ((_flags & Flags.MayWrite) == 0)
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        int count;
        do
        {
            _driver.Counters.Sends++;
            count = _driver.Calls.SendDescriptors(_descriptor, bytes, descriptors);
        }
        while (count == -Errno.EINTR);
        if (count == -Errno.EAGAIN)
        {
            _flags &= ~Flags.MayWrite;
        }

        error = count >= 0 ? SocketError.Success : Errno.ToSocketError(count);
        return Math.Max(count, 0);
    }

    public override IoMessage TryReceiveDescriptors(Span<byte> buffer, Span<int> descriptors, out SocketError error)
    {
        if (!MayReceive(out error))
        {
            return default;
        }

        IoMessage message;
        int result;
        do
        {
            _driver.Counters.Receives++;
            result = _driver.Calls.ReceiveDescriptors(_descriptor, buffer, descriptors, out message);
        }
        while (result == -Errno.EINTR);
        if (result == -Errno.EAGAIN)
        {
            _flags &= ~Flags.MayRead;
        }

        error = result >= 0 ? SocketError.Success : Errno.ToSocketError(result);
        return message;
    }
}
