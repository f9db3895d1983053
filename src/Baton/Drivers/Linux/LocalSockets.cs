using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>What there is for local sockets alone, on descriptors, whichever driver they belong to.</summary>
internal static unsafe class LocalSockets
{
    private const int CloseOnExec = 0x80000; // SOCK_CLOEXEC
    private const int PeerCredentials = 17; // SO_PEERCRED

    /// <summary>Makes two local sockets that are connected to each other.</summary>
    internal static (SafeSocketHandle First, SafeSocketHandle Second) CreatePair(SocketType type)
    {
        CheckPlatform("Pairs of sockets");
        var descriptors = stackalloc int[2];
        if (LibC.SocketPair(LinuxSocketNumbers.Family(AddressFamily.Unix), LinuxSocketNumbers.Type(type) | CloseOnExec, 0, descriptors) < 0)
        {
            throw SocketFailure.Create(Errno.ToSocketError(Marshal.GetLastSystemError()), "Creating a pair of sockets");
        }

        return (new SafeSocketHandle(descriptors[0], ownsHandle: true), new SafeSocketHandle(descriptors[1], ownsHandle: true));
    }

    internal static UnixCredentials GetPeerCredentials(IoSocket socket)
    {
        CheckPlatform("Credentials of peers");
        const string Operation = "Asking who is at the other end";
        if (socket.AddressFamily != AddressFamily.Unix)
        {
            throw new SocketException(
                (int)SocketError.OperationNotSupported,
                $"{Operation} failed: the system knows that of local (Unix) sockets, and this is of {socket.AddressFamily}.");
        }

        var credentials = stackalloc int[3];
        var length = 3 * sizeof(int);
        if (LibC.GetSocketOption((int)socket.Handle, LinuxSocketNumbers.LevelSocket, PeerCredentials, credentials, &length) < 0)
        {
            throw SocketFailure.Create(Errno.ToSocketError(Marshal.GetLastSystemError()), Operation);
        }

        // The system has no error for want of a peer, but no user has this number.
        return (uint)credentials[1] != uint.MaxValue
            ? new UnixCredentials(credentials[0], (uint)credentials[1], (uint)credentials[2])
            : throw new SocketException((int)SocketError.NotConnected, $"{Operation} failed: the socket is not connected.");
    }

    private static void CheckPlatform(string what)
    {
        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException($"{what} are there on Linux only.");
        }
    }
}
