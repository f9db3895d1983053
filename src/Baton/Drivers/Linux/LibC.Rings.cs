using System.Runtime.InteropServices;

namespace Baton.Drivers;

// What io_uring needs, by number: the C library has no names for it.
internal static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint RingSetup(nint number, nint entries, void* parameters);

    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint RingEnter(
        nint number, nint ring, nint toSubmit, nint minimum, nint flags, void* argument, nint argumentLength);

    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint RingRegister(nint number, nint ring, nint operation, void* argument, nint count);

    [LibraryImport(Library, EntryPoint = "mmap")]
    internal static partial nint Map(nint address, nuint length, int protection, int flags, int descriptor, nint offset);

    [LibraryImport(Library, EntryPoint = "munmap")]
    internal static partial int Unmap(nint address, nuint length);

    /// <summary>How a wait for completions is to end: <c>struct io_uring_getevents_arg</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct RingWait
    {
        public ulong Signals;
        public uint SignalsLength;
        public uint MinimumWait;
        public ulong Time;
    }

    /// <summary>A time as io_uring wants it, on every architecture: <c>struct __kernel_timespec</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct KernelTime
    {
        public long Seconds;
        public long Nanoseconds;
    }
}
