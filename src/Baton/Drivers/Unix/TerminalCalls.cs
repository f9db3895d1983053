using System.ComponentModel;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>What the C library does with terminals.</summary>
internal static unsafe class TerminalCalls
{
    // Larger than any system's structure of a terminal's modes, which only the C library looks into.
    internal const int ModesSize = 256;

    private const int ReadWrite = 2; // O_RDWR
    private const int MaximumPath = 256;

    // O_NOCTTY, O_CLOEXEC, and the requests for the size of a window.
    private static readonly int s_noControllingTerminal = OperatingSystem.IsLinux() ? 0x100 : 0x20000;
    private static readonly int s_closeOnExec = OperatingSystem.IsLinux() ? 0x80000 : 0x1000000;
    private static readonly nint s_getSize = OperatingSystem.IsLinux() ? 0x5413 : 0x40087468;
    private static readonly nint s_setSize = OperatingSystem.IsLinux() ? 0x5414 : unchecked((nint)0x80087467);

    /// <summary>Opens a new pseudo terminal.</summary>
    /// <returns>The end that controls it, and the path of the other.</returns>
    internal static (SafeFileHandle Master, string SlavePath) OpenMaster()
    {
        CheckPlatform();
        var descriptor = LibC.OpenPseudoTerminal(ReadWrite | s_noControllingTerminal | (OperatingSystem.IsLinux() ? s_closeOnExec : 0));
        if (descriptor < 0)
        {
            throw Failure("Opening a pseudo terminal");
        }

        var master = new SafeFileHandle(descriptor, ownsHandle: true);
        try
        {
            if (!OperatingSystem.IsLinux())
            {
                AppleDescriptor.SetCloseOnExec(descriptor);
            }

            var path = stackalloc byte[MaximumPath];
            if (LibC.GrantPseudoTerminal(descriptor) != 0
                || LibC.UnlockPseudoTerminal(descriptor) != 0
                || LibC.NameOfPseudoTerminal(descriptor, path, MaximumPath) != 0)
            {
                throw Failure("Unlocking a pseudo terminal");
            }

            return (master, Marshal.PtrToStringUTF8((nint)path)!);
        }
        catch
        {
            master.Dispose();
            throw;
        }
    }

    /// <summary>Opens a terminal, which does not become that of this process; children do not inherit it.</summary>
    internal static SafeFileHandle Open(string path)
    {
        var descriptor = LibC.Open(path, ReadWrite | s_noControllingTerminal | s_closeOnExec);
        return descriptor >= 0 ? new SafeFileHandle(descriptor, ownsHandle: true) : throw Failure($"Opening {path}");
    }

    internal static TerminalSize GetSize(int descriptor)
    {
        WindowSize size;
        Check(Control(descriptor, s_getSize, &size), "Reading the size of a terminal");
        return new TerminalSize(size.Columns, size.Rows);
    }

    internal static void SetSize(int descriptor, TerminalSize value)
    {
        var size = new WindowSize { Columns = checked((ushort)value.Columns), Rows = checked((ushort)value.Rows) };
        Check(Control(descriptor, s_setSize, &size), "Setting the size of a terminal");
    }

    internal static void GetModes(int descriptor, Span<byte> modes)
    {
        fixed (byte* start = modes)
        {
            Check(LibC.GetTerminalModes(descriptor, start), "Reading the modes of a terminal");
        }
    }

    internal static void SetModes(int descriptor, ReadOnlySpan<byte> modes)
    {
        fixed (byte* start = modes)
        {
            // At once: to wait for what is being written could take for ever.
            Check(LibC.SetTerminalModes(descriptor, 0, start), "Setting the modes of a terminal");
        }
    }

    internal static void MakeRaw(Span<byte> modes)
    {
        fixed (byte* start = modes)
        {
            LibC.MakeTerminalModesRaw(start);
        }
    }

    private static void CheckPlatform()
    {
        if (OperatingSystem.IsWindows())
        {
            throw new PlatformNotSupportedException("Pseudo terminals of this kind are those of Unix.");
        }
    }

    private static int Control(int descriptor, nint request, void* argument) =>
        !OperatingSystem.IsLinux() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? LibC.DeviceControlOnStack(descriptor, request, 0, 0, 0, 0, 0, 0, argument)
            : LibC.DeviceControl(descriptor, request, argument);

    private static void Check(int result, string doing)
    {
        if (result != 0)
        {
            throw Failure(doing);
        }
    }

    private static IOException Failure(string doing)
    {
        var inner = new Win32Exception(Marshal.GetLastSystemError());
        return new IOException($"{doing} failed: {inner.Message}.", inner);
    }

    [StructLayout(LayoutKind.Sequential)]
    private struct WindowSize
    {
        public ushort Rows;
        public ushort Columns;
        public ushort Width;
        public ushort Height;
    }
}
