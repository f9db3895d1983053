using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>
/// What <see cref="LinuxDescriptor"/> does, on macOS: there is no opening anew, so that files are non-blocking until they are closed.
/// </summary>
internal static unsafe class AppleDescriptor
{
    private const string Operation = "Adopting a descriptor";
    private const int GetStatusFlags = 3; // F_GETFL
    private const int SetStatusFlags = 4; // F_SETFL
    private const int DuplicateCloseOnExec = 67; // F_DUPFD_CLOEXEC
    private const int SetDescriptorFlags = 2; // F_SETFD
    private const int NonBlocking = 4; // O_NONBLOCK
    private const int AccessMode = 3; // O_ACCMODE
    private const int IllegalSeek = 29; // ESPIPE
    private const int Current = 1; // SEEK_CUR
    private const int LevelSocket = 0xFFFF; // SOL_SOCKET
    private const int OptionType = 0x1008; // SO_TYPE

    /// <summary>Looks what a handle stands for and makes a descriptor of the same. The handle stays as it is.</summary>
    internal static LinuxDescriptor Adopt(SafeFileHandle handle, FileAccess wanted)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        var isAdded = false;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            return Adopt((int)handle.DangerousGetHandle(), wanted);
        }
        finally
        {
            if (isAdded)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>Whether a descriptor has a position, which what a loop can wait for has not.</summary>
    internal static bool IsSeekable(int descriptor, out bool isOpen)
    {
        var isSeekable = LibC.Seek(descriptor, 0, Current) >= 0;
        isOpen = isSeekable || Marshal.GetLastSystemError() == IllegalSeek;
        return isSeekable;
    }

    internal static int Duplicate(int descriptor) => Check(Control(descriptor, DuplicateCloseOnExec, 0));

    internal static void SetCloseOnExec(int descriptor) => Check(Control(descriptor, SetDescriptorFlags, 1));

    internal static void SetNonBlocking(int descriptor) =>
        Check(Control(descriptor, SetStatusFlags, Check(Control(descriptor, GetStatusFlags, 0)) | NonBlocking));

    internal static void SetBlocking(int descriptor)
    {
        if (Control(descriptor, GetStatusFlags, 0) is >= 0 and var flags)
        {
            Control(descriptor, SetStatusFlags, flags & ~NonBlocking);
        }
    }

    private static LinuxDescriptor Adopt(int theirs, FileAccess wanted)
    {
        var flags = Check(Control(theirs, GetStatusFlags, 0));
        var mode = (flags & AccessMode) switch
        {
            0 => FileAccess.Read,
            1 => FileAccess.Write,
            _ => FileAccess.ReadWrite,
        };
        var kind = LibC.IsTerminal(theirs) == 1 ? IoSocketKind.Terminal
            : IsSocket(theirs) ? IoSocketKind.Socket
            : IsSeekable(theirs, out _) ? IoSocketKind.File
            : IoSocketKind.Pipe;
        var access = DescriptorAccess.Of(theirs, kind, mode, wanted);
        var own = Duplicate(theirs);
        if (kind == IoSocketKind.Socket && access == FileAccess.ReadWrite)
        {
            return new LinuxDescriptor(own, kind, access, IsSocket: true);
        }

        // The number stands for the file: two that share one differ in it, and then the first that is closed makes both blocking too early.
        // Better than never.
        var identity = new FileIdentity(0, (ulong)own, IsSocket: false);
        if ((flags & NonBlocking) != 0)
        {
            return new LinuxDescriptor(own, kind, access);
        }

        try
        {
            SetNonBlocking(own);
        }
        catch
        {
            _ = LibC.Close(own);
            throw;
        }

        return new LinuxDescriptor(own, kind, access, BlockingRestoration.Begin(identity, mode));
    }

    private static bool IsSocket(int descriptor)
    {
        var type = 0;
        var length = sizeof(int);
        return LibC.GetSocketOption(descriptor, LevelSocket, OptionType, &type, &length) == 0;
    }

    private static int Control(int descriptor, int command, int argument) =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? LibC.ControlOnStack(descriptor, command, 0, 0, 0, 0, 0, 0, argument)
            : LibC.Control(descriptor, command, argument);

    private static int Check(int result) =>
        result >= 0 ? result : throw SocketFailure.Create(Errno.ToSocketError(Marshal.GetLastSystemError()), Operation);
}
