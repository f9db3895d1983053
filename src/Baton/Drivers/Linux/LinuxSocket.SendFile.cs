using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

// Files that are sent, by sendfile(2).
internal partial class LinuxSocket
{
    public override int TrySendFile(SafeFileHandle file, long offset, int count, out SocketError error)
    {
        if ((_flags & Flags.MayWrite) == 0)
        {
            error = SocketError.WouldBlock;
            return 0;
        }

        var isAdded = false;
        try
        {
            file.DangerousAddRef(ref isAdded);
            int sent;
            do
            {
                _driver.Counters.Sends++;
                sent = _driver.Calls.SendFile(_descriptor, (int)file.DangerousGetHandle(), offset, count);
            }
            while (sent == -Errno.EINTR);
            if (sent == -Errno.EAGAIN)
            {
                _flags &= ~Flags.MayWrite;
            }

            error = sent >= 0 ? SocketError.Success : SendFileError(sent);
            return Math.Max(sent, 0);
        }
        finally
        {
            if (isAdded)
            {
                file.DangerousRelease();
            }
        }
    }

    /// <summary>
    /// One number for both ends: what is not known for an error of sockets is the file's, and whoever reads that learns it.
    /// </summary>
    private static SocketError SendFileError(int errno) => Errno.ToSocketError(errno) switch
    {
        SocketError.InvalidArgument or SocketError.OperationNotSupported or SocketError.AccessDenied => SocketError.OperationNotSupported,
        SocketError.Fault or SocketError.SocketError or SocketError.AddressNotAvailable => SocketError.OperationNotSupported,
        SocketError.HostNotFound or SocketError.ProtocolType => SocketError.OperationNotSupported,

        // Of a bad descriptor, and that of the socket is good.
        SocketError.OperationAborted => SocketError.OperationNotSupported,
        var error => error,
    };
}
