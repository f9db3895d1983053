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

    [LibraryImport(Library, EntryPoint = "isatty")]
    internal static partial int IsTerminal(int descriptor);

    [StructLayout(LayoutKind.Sequential)]
    internal struct PollDescriptor
    {
        public int Descriptor;
        public short Events;
        public short Returned;
    }
}
