using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>Linux's error numbers, as the methods of <see cref="LinuxSocketCalls"/> return them, negated.</summary>
public static partial class Errno
{
    /// <summary>Not permitted.</summary>
    public const int EPERM = 1;

    /// <summary>No such file, or, of a descriptor that is watched, no such watch.</summary>
    public const int ENOENT = 2;

    /// <summary>Interrupted by a signal: try again.</summary>
    public const int EINTR = 4;

    /// <summary>An error of the device: of a terminal, that its other end has gone.</summary>
    public const int EIO = 5;

    /// <summary>No such descriptor.</summary>
    public const int EBADF = 9;

    /// <summary>Nothing there, or no room, now.</summary>
    public const int EAGAIN = 11;

    /// <summary>No memory.</summary>
    public const int ENOMEM = 12;

    /// <summary>It exists already.</summary>
    public const int EEXIST = 17;

    /// <summary>The system has too many open files.</summary>
    public const int ENFILE = 23;

    /// <summary>The process has too many open files.</summary>
    public const int EMFILE = 24;

    /// <summary>The peer has gone, and this is the second write that says so.</summary>
    public const int EPIPE = 32;

    /// <summary>The kernel does not have this system call.</summary>
    public const int ENOSYS = 38;

    /// <summary>A connection was gone before it was accepted.</summary>
    public const int ECONNABORTED = 103;

    /// <summary>The peer reset the connection.</summary>
    public const int ECONNRESET = 104;

    /// <summary>No room for another buffer.</summary>
    public const int ENOBUFS = 105;

    /// <summary>Nobody listens there.</summary>
    public const int ECONNREFUSED = 111;

    /// <summary>A connect that began before is still under way.</summary>
    public const int EALREADY = 114;

    /// <summary>A connect has begun.</summary>
    public const int EINPROGRESS = 115;

    /// <summary>The name that the BCL has for an error number.</summary>
    /// <param name="errno">The number; its sign does not matter.</param>
    public static SocketError ToSocketError(int errno) => Math.Abs(errno) switch
    {
        0 => SocketError.Success,
        EPERM or 13 => SocketError.AccessDenied, // 13: EACCES
        ENOENT => SocketError.AddressNotAvailable, // the path of a local socket
        EINTR => SocketError.Interrupted,
        6 => SocketError.HostNotFound, // ENXIO
        EBADF => SocketError.OperationAborted, // closed by ourselves
        EAGAIN => SocketError.WouldBlock,
        ENOMEM or ENOBUFS => SocketError.NoBufferSpaceAvailable,
        14 => SocketError.Fault,
        22 => SocketError.InvalidArgument,
        ENFILE or EMFILE => SocketError.TooManyOpenSockets,
        28 => SocketError.NoBufferSpaceAvailable, // ENOSPC: more watches than epoll allows
        EPIPE => SocketError.Shutdown,
        88 => SocketError.NotSocket,
        89 => SocketError.DestinationAddressRequired,
        90 => SocketError.MessageSize,
        91 => SocketError.ProtocolType,
        92 => SocketError.ProtocolOption,
        93 => SocketError.ProtocolNotSupported,
        94 => SocketError.SocketNotSupported,
        95 => SocketError.OperationNotSupported,
        96 => SocketError.ProtocolFamilyNotSupported,
        97 => SocketError.AddressFamilyNotSupported,
        98 => SocketError.AddressAlreadyInUse,
        99 => SocketError.AddressNotAvailable,
        100 => SocketError.NetworkDown,
        101 => SocketError.NetworkUnreachable,
        102 => SocketError.NetworkReset,
        ECONNABORTED => SocketError.ConnectionAborted,
        ECONNRESET => SocketError.ConnectionReset,
        106 => SocketError.IsConnected,
        107 => SocketError.NotConnected,
        108 => SocketError.Shutdown,
        110 => SocketError.TimedOut,
        ECONNREFUSED => SocketError.ConnectionRefused,
        112 => SocketError.HostDown,
        113 => SocketError.HostUnreachable,
        EALREADY => SocketError.AlreadyInProgress,
        EINPROGRESS => SocketError.InProgress,
        125 => SocketError.OperationAborted, // ECANCELED
        _ => SocketError.SocketError,
    };
}
