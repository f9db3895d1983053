using System.Net.Sockets;

namespace Baton.Drivers;

// Descriptors that travel with bytes, which the BCL cannot send: on Linux, by the system's own calls.
internal sealed partial class PortableSocket
{
    public override int TrySendDescriptors(ReadOnlySpan<byte> bytes, ReadOnlySpan<int> descriptors, out SocketError error)
    {
        if (!OperatingSystem.IsLinux())
        {
            return base.TrySendDescriptors(bytes, descriptors, out error);
        }

        if (IsClosed || _sendWait is { IsInFlight: true })
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        int count;
        do
        {
            _driver.Counters.Sends++;
            count = _driver.LinuxCalls.SendDescriptors((int)_handle, bytes, descriptors);
        }
        while (count == -Errno.EINTR);
        error = count >= 0 ? SocketError.Success : Errno.ToSocketError(count);
        if (count >= 0)
        {
            _lookDelay = FirstLook;
        }

        return Math.Max(count, 0);
    }

    public override IoMessage TryReceiveDescriptors(Span<byte> buffer, Span<int> descriptors, out SocketError error)
    {
        if (!OperatingSystem.IsLinux())
        {
            return base.TryReceiveDescriptors(buffer, descriptors, out error);
        }

        if (!MayReceive(out error))
        {
            return default;
        }

        _isOutrun = _readWait is not null;
        IoMessage message;
        int result;
        do
        {
            _driver.Counters.Receives++;
            result = _driver.LinuxCalls.ReceiveDescriptors((int)_handle, buffer, descriptors, out message);
        }
        while (result == -Errno.EINTR);
        if (result == -Errno.EAGAIN)
        {
            NoteEmpty();
        }

        error = result >= 0 ? SocketError.Success : Errno.ToSocketError(result);
        return message;
    }
}
