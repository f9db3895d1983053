using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

// Sockets that come from outside, and that leave.
public abstract unsafe partial class LinuxDriver
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
    public override IoSocket AdoptDescriptor(EventLoop loop, SafeFileHandle handle, FileAccess access = FileAccess.ReadWrite)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        Counters.Others += 6;
        var adopted = LinuxDescriptor.Adopt(_calls, handle, access);
        if (adopted.IsSocket)
        {
            var socket = AdoptSocket(loop, _calls.HandOver(adopted.Descriptor));
            handle.Dispose();
            return socket;
        }

        handle.Dispose();
        return Add(adopted.Descriptor, new LinuxFile(adopted.Kind, adopted.Access, adopted.Restoration));
    }
}
