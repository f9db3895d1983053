using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

// Sockets that come from outside, and that leave.
public sealed unsafe partial class EpollDriver
{
    /// <inheritdoc/>
    public override IoSocket AdoptSocket(EventLoop loop, SafeSocketHandle handle)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        const string Operation = "Adopting a socket";
        var isAdded = false;
        int descriptor;
        AddressFamily family;
        SocketType type;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            var theirs = (int)handle.DangerousGetHandle();
            Counters.Others += 4;
            (family, type) = LinuxSocketKind.Read(_calls, theirs, Operation);
            descriptor = Check(_calls.Duplicate(theirs), Operation);
            if (_calls.SetNonBlocking(descriptor) is < 0 and var error)
            {
                _calls.Close(descriptor);
                Check(error, Operation);
            }
        }
        finally
        {
            if (isAdded)
            {
                handle.DangerousRelease();
            }
        }

        // A descriptor of our own, because the BCL has to close its own: its engine may know the number. By way of a socket, because a
        // handle that is disposed of by itself asks the system for a reset first, and this is still the same connection.
        new Socket(handle).Dispose();
        return Add(descriptor, family, type);
    }

    /// <inheritdoc/>
    public override IoSocket AdoptDescriptor(EventLoop loop, SafeFileHandle handle)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        const string Operation = "Adopting a descriptor";
        var descriptor = (int)handle.DangerousGetHandle();
        Counters.Others += 5;
        var kind = (LinuxFileKind)Check(_calls.GetFileKind(descriptor), Operation);
        if (kind == LinuxFileKind.AlwaysReady)
        {
            throw new ArgumentException(
                $"Descriptor {descriptor} is neither a pipe nor a terminal: a regular file or directory is always ready. Use LoopFile.", nameof(handle));
        }

        var access = Check(_calls.GetAccess(descriptor), Operation);
        Check(_calls.SetCloseOnExec(descriptor), Operation);
        Check(_calls.SetNonBlocking(descriptor), Operation);
        handle.SetHandleAsInvalid();
        return Add(descriptor, AddressFamily.Unspecified, SocketType.Stream, kind == LinuxFileKind.Socket ? LinuxFileKind.Anonymous : kind, access);
    }

    /// <summary>Frees a socket's slot and hands its descriptor out.</summary>
    internal SafeSocketHandle Detach(int descriptor, int slot, bool isRegistered)
    {
        if (isRegistered)
        {
            Counters.Registrations++;
            _calls.EpollRemove(_epoll, descriptor);
        }

        Forget(slot, isRegistered);
        return _calls.HandOver(descriptor);
    }
}
