using System.Net.Sockets;

namespace Baton.Drivers;

// Descriptors that come from outside the driver, and that leave it.
public unsafe partial class LinuxSocketCalls
{
    private const int DuplicateCloseOnExec = 1030; // F_DUPFD_CLOEXEC
    private const int GetStatusFlags = 3; // F_GETFL
    private const int SetStatusFlags = 4; // F_SETFL
    private const int NonBlocking = 0x800; // O_NONBLOCK

    /// <summary>Makes another descriptor of what one stands for, that child processes do not inherit.</summary>
    /// <returns>The descriptor.</returns>
    public virtual int Duplicate(int descriptor) => Result(LibC.Control(descriptor, DuplicateCloseOnExec, 0));

    /// <summary>Makes a socket or other file non-blocking, for everybody who has a descriptor of it.</summary>
    public virtual int SetNonBlocking(int descriptor)
    {
        var flags = Result(LibC.Control(descriptor, GetStatusFlags, 0));
        return flags < 0 || (flags & NonBlocking) != 0
            ? Math.Min(flags, 0)
            : Result(LibC.Control(descriptor, SetStatusFlags, flags | NonBlocking));
    }

    /// <summary>Takes back what <see cref="SetNonBlocking"/> did.</summary>
    public virtual int SetBlocking(int descriptor)
    {
        var flags = Result(LibC.Control(descriptor, GetStatusFlags, 0));
        return flags < 0 ? flags : Result(LibC.Control(descriptor, SetStatusFlags, flags & ~NonBlocking));
    }

    /// <summary>Makes a handle of a descriptor, which is no longer the driver's to close.</summary>
    public virtual SafeSocketHandle HandOver(int descriptor) => new(descriptor, ownsHandle: true);
}
