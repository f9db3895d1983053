using System.Runtime.InteropServices;

namespace Baton.Drivers;

// Child processes. The functions of posix_spawn return the error number; the others set errno.
internal static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "pipe2")]
    internal static partial int Pipe(int* descriptors, int flags);

    [LibraryImport(Library, EntryPoint = "access")]
    internal static partial int Access(byte* path, int mode);

    [LibraryImport(Library, EntryPoint = "posix_spawn")]
    internal static partial int Spawn(int* id, byte* path, void* actions, void* attributes, byte** arguments, byte** environment);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_init")]
    internal static partial int SpawnAttributesCreate(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_destroy")]
    internal static partial int SpawnAttributesDestroy(void* attributes);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setflags")]
    internal static partial int SpawnAttributesSetFlags(void* attributes, short flags);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setpgroup")]
    internal static partial int SpawnAttributesSetGroup(void* attributes, int group);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigmask")]
    internal static partial int SpawnAttributesSetMask(void* attributes, void* signals);

    [LibraryImport(Library, EntryPoint = "posix_spawnattr_setsigdefault")]
    internal static partial int SpawnAttributesSetDefault(void* attributes, void* signals);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_init")]
    internal static partial int SpawnActionsCreate(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_destroy")]
    internal static partial int SpawnActionsDestroy(void* actions);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_adddup2")]
    internal static partial int SpawnActionsDuplicate(void* actions, int descriptor, int target);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addopen")]
    internal static partial int SpawnActionsOpen(void* actions, int target, byte* path, int flags, uint mode);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addclose")]
    internal static partial int SpawnActionsClose(void* actions, int descriptor);

    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addchdir_np")]
    internal static partial int SpawnActionsChangeDirectory(void* actions, byte* path);

    // Since version 2.34 of the GNU C library; others do not have it.
    [LibraryImport(Library, EntryPoint = "posix_spawn_file_actions_addclosefrom_np")]
    internal static partial int SpawnActionsCloseFrom(void* actions, int first);

    [LibraryImport(Library, EntryPoint = "waitid")]
    internal static partial int WaitFor(int kind, uint id, void* information, int options);

    [LibraryImport(Library, EntryPoint = "kill")]
    internal static partial int Kill(int id, int signal);

    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint OpenProcess(nint number, nint id, nint flags);

    [LibraryImport(Library, EntryPoint = "syscall")]
    internal static partial nint SignalProcess(nint number, nint descriptor, nint signal, void* information, nint flags);

    // Takes its last argument by "...", which for a pointer is the same on every Linux.
    [LibraryImport(Library, EntryPoint = "ioctl")]
    internal static partial int DeviceControl(int descriptor, nuint request, void* argument);
}
