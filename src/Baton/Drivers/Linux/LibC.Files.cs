using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

// Files. These are called on the threads for files, except for the first; what they cost beside the call itself does not matter there.
internal static unsafe partial class LibC
{
    // The offset is a long where the process has 64 bits, and the caller sees to it that it does.
    [LibraryImport(Library, EntryPoint = "sendfile")]
    internal static partial nint SendFile(int socket, int file, long* offset, nuint count);

    [LibraryImport(Library, EntryPoint = "fdatasync", SetLastError = true)]
    internal static partial int FlushData(SafeFileHandle file);

    [LibraryImport(Library, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int FileStatusOrError(int directory, string path, int flags, uint mask, byte* status);

    [LibraryImport(Library, EntryPoint = "statx", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int FileStatusOrError(SafeFileHandle file, string empty, int flags, uint mask, byte* status);

    [LibraryImport(Library, EntryPoint = "rename", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Rename(string path, string newPath);

    // Not in every C library.
    [LibraryImport(Library, EntryPoint = "renameat2", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Rename(int directory, string path, int newDirectory, string newPath, uint flags);

    [LibraryImport(Library, EntryPoint = "unlink", StringMarshalling = StringMarshalling.Utf8, SetLastError = true)]
    internal static partial int Delete(string path);
}
