using System.Net;
using System.Runtime.InteropServices;

namespace Baton.Bench.Net;

/// <summary>The C library's calls that the load generator and the clocks need, under their own names. Linux only.</summary>
internal static unsafe partial class Libc
{
    public const int AF_INET = 2;
    public const int SOCK_STREAM = 1;
    public const int SOCK_DGRAM = 2;
    public const int SOCK_CLOEXEC = 0x80000;
    public const int IPPROTO_TCP = 6;
    public const int TCP_NODELAY = 1;
    public const int SOL_SOCKET = 1;
    public const int SO_RCVBUF = 8;
    public const int SO_LINGER = 13;
    public const int MSG_TRUNC = 0x20;
    public const int MSG_DONTWAIT = 0x40;
    public const int MSG_WAITALL = 0x100;
    public const int MSG_NOSIGNAL = 0x4000;

    public const int EPOLL_CLOEXEC = 0x80000;
    public const int EPOLL_CTL_ADD = 1;
    public const uint EPOLLIN = 1;

    public const int ESRCH = 3;
    public const int EINTR = 4;
    public const int EAGAIN = 11;

    public const int SIGINT = 2;

    public const int AT_FDCWD = -100;
    public const int O_CLOEXEC = 0x80000;

    [StructLayout(LayoutKind.Sequential)]
    public struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct SocketAddressIn
    {
        public ushort Family;
        public ushort Port; // network order
        public uint Address; // network order
        public ulong Zero;

        public static SocketAddressIn Loopback(int port) => new()
        {
            Family = AF_INET,
            Port = (ushort)IPAddress.HostToNetworkOrder((short)port),
            Address = (uint)IPAddress.HostToNetworkOrder(0x7f000001),
        };
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct Linger
    {
        public int IsOn;
        public int Seconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    public struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    /// <summary><c>struct mmsghdr</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct BatchedMessage
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public nint Flags;
        public uint Length;
    }

    [LibraryImport("libc")]
    public static partial int socket(int domain, int type, int protocol);

    [LibraryImport("libc")]
    public static partial int connect(int fd, SocketAddressIn* address, uint length);

    [LibraryImport("libc")]
    public static partial int setsockopt(int fd, int level, int name, void* value, uint length);

    [LibraryImport("libc")]
    public static partial nint send(int fd, byte* data, nuint length, int flags);

    [LibraryImport("libc")]
    public static partial nint recv(int fd, byte* data, nuint length, int flags);

    [LibraryImport("libc")]
    public static partial int recvmmsg(int fd, BatchedMessage* messages, uint count, int flags, TimeSpec* timeout);

    [LibraryImport("libc")]
    public static partial int sendmmsg(int fd, BatchedMessage* messages, uint count, int flags);

    [LibraryImport("libc")]
    public static partial int openat(int folder, byte* path, int flags);

    [LibraryImport("libc")]
    public static partial nint read(int fd, byte* buffer, nuint length);

    [LibraryImport("libc")]
    public static partial int close(int fd);

    [LibraryImport("libc")]
    public static partial int epoll_create1(int flags);

    [LibraryImport("libc")]
    public static partial int epoll_ctl(int epoll, int operation, int fd, byte* @event);

    [LibraryImport("libc")]
    public static partial int epoll_wait(int epoll, byte* events, int capacity, int timeoutMilliseconds);

    [LibraryImport("libc")]
    public static partial int clock_gettime(int clock, TimeSpec* time);

    [LibraryImport("libc")]
    public static partial int sched_setaffinity(int thread, nuint maskSize, byte* mask);

    [LibraryImport("libc")]
    public static partial int sched_getaffinity(int thread, nuint maskSize, byte* mask);

    /// <summary>For calls that the C library has no function for.</summary>
    [LibraryImport("libc")]
    public static partial nint syscall(nint number, nint first, nint second, nint third, nint fourth, nint fifth);

    [LibraryImport("libc")]
    public static partial int kill(int process, int signal);

    /// <summary>The error number of the call made just before, on this thread.</summary>
    public static int LastError => Marshal.GetLastSystemError();

    /// <summary>Throws what the call made just before complained of, if it did.</summary>
    public static nint Check(nint result, string call) =>
        result >= 0 ? result : throw new InvalidOperationException($"{call} failed: {Marshal.GetPInvokeErrorMessage(LastError)}");
}
