using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>Makes pipes.</summary>
internal static unsafe class UnixPipe
{
    private const int CloseOnExec = 0x80000; // O_CLOEXEC, on Linux
    private const int NonBlocking = 0x800; // O_NONBLOCK, on Linux

    internal static (SafeFileHandle Reader, SafeFileHandle Writer) Create(bool isNonBlocking)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException("Pipes of a loop are there on Linux only.");
        }

        var descriptors = stackalloc int[2];
        if (LibC.Pipe(descriptors, CloseOnExec | (isNonBlocking ? NonBlocking : 0)) < 0)
        {
            throw SocketFailure.Create(Errno.ToSocketError(Marshal.GetLastSystemError()), "Creating a pipe");
        }

        return (new SafeFileHandle(descriptors[0], ownsHandle: true), new SafeFileHandle(descriptors[1], ownsHandle: true));
    }

    internal static void SetNonBlocking(SafeFileHandle handle) =>
        EpollDriver.Check(new LinuxSocketCalls().SetNonBlocking((int)handle.DangerousGetHandle()), "Creating a pipe");
}
