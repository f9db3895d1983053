using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>Makes pipes.</summary>
internal static unsafe class UnixPipe
{
    private const int CloseOnExec = 0x80000; // O_CLOEXEC, on Linux
    private const int NonBlocking = 0x800; // O_NONBLOCK, on Linux
    private const string Operation = "Creating a pipe";

    internal static (SafeFileHandle Reader, SafeFileHandle Writer) Create(bool isNonBlocking)
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("Pipes of a loop are for Unix: Windows has no readiness for its pipes.");
        }

        var descriptors = stackalloc int[2];
        var result = OperatingSystem.IsLinux()
            ? LibC.Pipe(descriptors, CloseOnExec | (isNonBlocking ? NonBlocking : 0))
            : LibC.PlainPipe(descriptors);
        if (result < 0)
        {
            throw SocketFailure.Create(Errno.ToSocketError(Marshal.GetLastSystemError()), Operation);
        }

        var reader = new SafeFileHandle(descriptors[0], ownsHandle: true);
        var writer = new SafeFileHandle(descriptors[1], ownsHandle: true);
        if (!OperatingSystem.IsLinux())
        {
            for (var i = 0; i < 2; i++)
            {
                AppleDescriptor.SetCloseOnExec(descriptors[i]);
                if (isNonBlocking)
                {
                    AppleDescriptor.SetNonBlocking(descriptors[i]);
                }
            }
        }

        return (reader, writer);
    }

    internal static void SetNonBlocking(SafeFileHandle handle)
    {
        var descriptor = (int)handle.DangerousGetHandle();
        if (OperatingSystem.IsLinux())
        {
            LinuxDriver.Check(new LinuxSocketCalls().SetNonBlocking(descriptor), Operation);
        }
        else
        {
            AppleDescriptor.SetNonBlocking(descriptor);
        }
    }
}
