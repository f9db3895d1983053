using System.Net.Sockets;

namespace Baton.Drivers;

// Sockets that come from outside, and that leave.
public partial class PortableDriver
{
    /// <summary>For the little that Linux can do and the BCL cannot.</summary>
    internal LinuxSocketCalls LinuxCalls => field ??= new LinuxSocketCalls();

    /// <inheritdoc/>
    public override IoSocket AdoptSocket(EventLoop loop, SafeSocketHandle handle)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        Counters.Others += 4;
        const string Operation = "Adopting a socket";
        if (!OperatingSystem.IsLinux())
        {
            return Adopt(Open(handle, Operation));
        }

        // A descriptor of its own where there is an easy way to one: what the caller may still do with the old one reaches nobody.
        var own = Duplicate(handle, Operation);
        Socket socket;
        try
        {
            _ = LinuxSocketKind.Read(LinuxCalls, (int)own.DangerousGetHandle(), Operation);
            socket = Open(own, Operation);
        }
        catch
        {
            // Left alone by the BCL, whose handle would ask the system for a reset.
            LinuxCalls.Close((int)own.DangerousGetHandle());
            own.SetHandleAsInvalid();
            throw;
        }

        new Socket(handle).Dispose();
        return Adopt(socket);
    }

    /// <summary>Makes another descriptor of a socket, on Linux.</summary>
    internal SafeSocketHandle Duplicate(SafeSocketHandle handle, string operation)
    {
        var isAdded = false;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            var descriptor = LinuxCalls.Duplicate((int)handle.DangerousGetHandle());
            return LinuxCalls.HandOver(LinuxDriver.Check(descriptor, operation));
        }
        finally
        {
            if (isAdded)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static Socket Open(SafeSocketHandle handle, string operation)
    {
        try
        {
            return new Socket(handle) { Blocking = false };
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, operation);
        }
    }

    private PortableSocket Adopt(Socket socket)
    {
        var adopted = new PortableSocket(this, socket, peer: null);
        adopted.LookWhetherListening();
        return adopted;
    }
}
