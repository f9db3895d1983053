using System.Net.Sockets;

namespace Baton.Drivers;

// Sockets that come from outside, and that leave.
public partial class PortableDriver
{
    /// <inheritdoc/>
    public override IoSocket AdoptSocket(EventLoop loop, SafeSocketHandle handle)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        Counters.Others += 4;
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                return Adopt(new Socket(handle));
            }

            // A descriptor of its own where there is an easy way to one: what the caller may still do with the old one reaches nobody.
            var own = Duplicate(handle);
            Socket socket;
            try
            {
                socket = new Socket(own);
            }
            catch
            {
                own.Dispose();
                throw;
            }

            var adopted = Adopt(socket);
            new Socket(handle).Dispose();
            return adopted;
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, "Adopting a socket");
        }
    }

    /// <summary>Makes another descriptor of a socket, on Linux.</summary>
    internal static SafeSocketHandle Duplicate(SafeSocketHandle handle)
    {
        var isAdded = false;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            var calls = new LinuxSocketCalls();
            var descriptor = calls.Duplicate((int)handle.DangerousGetHandle());
            return descriptor >= 0 ? calls.HandOver(descriptor) : throw new SocketException((int)Errno.ToSocketError(descriptor));
        }
        finally
        {
            if (isAdded)
            {
                handle.DangerousRelease();
            }
        }
    }

    private PortableSocket Adopt(Socket socket)
    {
        if (socket.AddressFamily is not (AddressFamily.Unix or AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
        {
            var family = socket.AddressFamily;
            socket.Dispose();
            throw new SocketException((int)SocketError.AddressFamilyNotSupported, $"The family {family} is none that this driver knows.");
        }

        socket.Blocking = false;
        var adopted = new PortableSocket(this, socket, peer: null);
        adopted.LookWhetherListening();
        return adopted;
    }
}
