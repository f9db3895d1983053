using System.Runtime.InteropServices;

namespace Baton.Drivers;

// What local sockets, and the files that they are found by, need.
internal static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "socketpair")]
    internal static partial int SocketPair(int family, int type, int protocol, int* descriptors);

    // The one call that tells of a file in the same layout on every architecture.
    [LibraryImport(Library, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int FileStatus(int directory, string path, int flags, uint mask, byte* status);

    // Takes its last argument by "...", and only where it creates a file.
    [LibraryImport(Library, EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    internal static partial int Open(string path, int flags);

    [LibraryImport(Library, EntryPoint = "flock")]
    internal static partial int Lock(int descriptor, int operation);
}
