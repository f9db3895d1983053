using System.Runtime.InteropServices;

namespace Baton.Drivers;

/// <summary>
/// The C library's functions as they are. All arguments are blittable and none of the calls asks for SuppressGCTransition: a collection
/// must not have to wait for a system call.
/// </summary>
/// <remarks>
/// errno is read by <see cref="Marshal.GetLastSystemError"/> right after a call that failed, which is what the interop generator itself
/// does; asking it for SetLastError would pay for that at every call that worked.
/// </remarks>
internal static unsafe partial class LibC
{
    private const string Library = "libc";

    [LibraryImport(Library, EntryPoint = "socket")]
    internal static partial int Socket(int family, int type, int protocol);

    [LibraryImport(Library, EntryPoint = "close")]
    internal static partial int Close(int descriptor);

    [LibraryImport(Library, EntryPoint = "recv")]
    internal static partial nint Receive(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "send")]
    internal static partial nint Send(int descriptor, byte* buffer, nuint length, int flags);

    [LibraryImport(Library, EntryPoint = "sendmsg")]
    internal static partial nint SendMessage(int descriptor, MessageHeader* message, int flags);

    // Takes its last argument by "...", which for an integer is the same on every Linux.
    [LibraryImport(Library, EntryPoint = "fcntl")]
    internal static partial int Control(int descriptor, int command, int argument);

    [LibraryImport(Library, EntryPoint = "accept4")]
    internal static partial int Accept(int descriptor, byte* address, int* addressLength, int flags);

    [LibraryImport(Library, EntryPoint = "connect")]
    internal static partial int Connect(int descriptor, byte* address, int addressLength);

    [LibraryImport(Library, EntryPoint = "bind")]
    internal static partial int Bind(int descriptor, byte* address, int addressLength);

    [LibraryImport(Library, EntryPoint = "listen")]
    internal static partial int Listen(int descriptor, int backlog);

    [LibraryImport(Library, EntryPoint = "shutdown")]
    internal static partial int Shutdown(int descriptor, int how);

    [LibraryImport(Library, EntryPoint = "getsockname")]
    internal static partial int GetSocketName(int descriptor, byte* address, int* addressLength);

    [LibraryImport(Library, EntryPoint = "getpeername")]
    internal static partial int GetPeerName(int descriptor, byte* address, int* addressLength);

    [LibraryImport(Library, EntryPoint = "setsockopt")]
    internal static partial int SetSocketOption(int descriptor, int level, int name, void* value, int length);

    [LibraryImport(Library, EntryPoint = "getsockopt")]
    internal static partial int GetSocketOption(int descriptor, int level, int name, void* value, int* length);

    [LibraryImport(Library, EntryPoint = "epoll_create1")]
    internal static partial int EpollCreate(int flags);

    [LibraryImport(Library, EntryPoint = "epoll_ctl")]
    internal static partial int EpollControl(int epoll, int operation, int descriptor, void* value);

    [LibraryImport(Library, EntryPoint = "epoll_wait")]
    internal static partial int EpollWait(int epoll, void* events, int capacity, int timeoutMilliseconds);

    // epoll_pwait2 by number: C libraries older than the kernel have no name for it.
    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint EpollWait2(
        nint number, nint epoll, void* events, nint capacity, TimeSpec* timeout, void* signals, nint signalsLength);

    [LibraryImport(Library, EntryPoint = "eventfd")]
    internal static partial int EventDescriptor(uint initial, int flags);

    [LibraryImport(Library, EntryPoint = "write")]
    internal static partial nint Write(int descriptor, void* buffer, nuint length);

    [StructLayout(LayoutKind.Sequential)]
    internal struct TimeSpec
    {
        public nint Seconds;
        public nint Nanoseconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct IoVector
    {
        public byte* Base;
        public nuint Length;
    }

    [StructLayout(LayoutKind.Sequential)]
    internal struct MessageHeader
    {
        public byte* Name;
        public uint NameLength;
        public IoVector* Vectors;
        public nuint VectorCount;
        public byte* Control;
        public nuint ControlLength;
        public int Flags;
    }
}
