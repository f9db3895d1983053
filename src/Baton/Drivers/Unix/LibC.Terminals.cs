using System.Runtime.InteropServices;

namespace Baton.Drivers;

// Terminals.
internal static unsafe partial class LibC
{
    [LibraryImport(Library, EntryPoint = "isatty")]
    internal static partial int IsTerminal(int descriptor);

    [LibraryImport(Library, EntryPoint = "posix_openpt")]
    internal static partial int OpenPseudoTerminal(int flags);

    [LibraryImport(Library, EntryPoint = "grantpt")]
    internal static partial int GrantPseudoTerminal(int descriptor);

    [LibraryImport(Library, EntryPoint = "unlockpt")]
    internal static partial int UnlockPseudoTerminal(int descriptor);

    [LibraryImport(Library, EntryPoint = "ptsname_r")]
    internal static partial int NameOfPseudoTerminal(int descriptor, byte* name, nuint length);

    [LibraryImport(Library, EntryPoint = "tcgetattr")]
    internal static partial int GetTerminalModes(int descriptor, byte* modes);

    [LibraryImport(Library, EntryPoint = "tcsetattr")]
    internal static partial int SetTerminalModes(int descriptor, int when, byte* modes);

    [LibraryImport(Library, EntryPoint = "cfmakeraw")]
    internal static partial void MakeTerminalModesRaw(byte* modes);

    // Takes its last argument by "...", which is the same on every Linux.
    [LibraryImport(Library, EntryPoint = "ioctl")]
    internal static partial int DeviceControl(int descriptor, nint request, void* argument);

    // On macOS for ARM that is on the stack, where the ninth argument is.
    [LibraryImport(Library, EntryPoint = "ioctl")]
    internal static partial int DeviceControlOnStack(
        int descriptor, nint request, nint a, nint b, nint c, nint d, nint e, nint f, void* argument);
}
