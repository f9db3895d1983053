using System.Runtime.InteropServices;

namespace Baton.Drivers;

// Descriptors that are no sockets.
internal static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "read")]
    internal static partial nint Read(int descriptor, byte* buffer, nuint length);

    [LibraryImport(Library, EntryPoint = "writev")]
    internal static partial nint WriteVectored(int descriptor, IoVector* vectors, int count);

    [LibraryImport(Library, EntryPoint = "poll")]
    internal static partial int Poll(PollDescriptor* descriptors, nuint count, int timeoutMilliseconds);

    [LibraryImport(Library, EntryPoint = "pipe")]
    internal static partial int PlainPipe(int* descriptors);

    [LibraryImport(Library, EntryPoint = "lseek")]
    internal static partial long Seek(int descriptor, long offset, int origin);

    // On macOS for ARM what a function takes by "..." is on the stack, where the ninth argument is.
    [LibraryImport(Library, EntryPoint = "fcntl")]
    internal static partial int ControlOnStack(int descriptor, int command, nint a, nint b, nint c, nint d, nint e, nint f, nint argument);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
