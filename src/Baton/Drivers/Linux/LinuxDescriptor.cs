using Microsoft.Win32.SafeHandles;

namespace Baton.Drivers;

/// <summary>A descriptor that a driver has made for itself of one that somebody handed to it.</summary>
/// <param name="Descriptor">The driver's own: non-blocking unless it is to be adopted as a socket, and not inherited by children.</param>
/// <param name="Kind">What it stands for.</param>
/// <param name="Access">The directions that it has and that were wanted.</param>
/// <param name="Restoration">Who knows when it is to be blocking again, where others may share the open file.</param>
/// <param name="IsSocket">Whether it is to be adopted as a socket.</param>
internal readonly record struct LinuxDescriptor(
    int Descriptor, IoSocketKind Kind, FileAccess Access, BlockingRestoration? Restoration = null, bool IsSocket = false)
{
    private const string Operation = "Adopting a descriptor";
    private const int HangUp = 16; // POLLHUP

    /// <summary>Looks what a handle stands for and makes a descriptor of the same. The handle stays as it is.</summary>
    internal static LinuxDescriptor Adopt(LinuxSocketCalls calls, SafeFileHandle handle, FileAccess wanted)
    {
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        var isAdded = false;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            return Adopt(calls, (int)handle.DangerousGetHandle(), wanted);
        }
        finally
        {
            if (isAdded)
            {
                handle.DangerousRelease();
            }
        }
    }

    private static LinuxDescriptor Adopt(LinuxSocketCalls calls, int theirs, FileAccess wanted)
    {
        var fileKind = (LinuxFileKind)LinuxDriver.Check(calls.GetFileKind(theirs, out var identity), Operation);
        var mode = LinuxDriver.Check(calls.GetAccess(theirs, out var isNonBlocking), Operation) switch
        {
            0 => FileAccess.Read,
            1 => FileAccess.Write,
            _ => FileAccess.ReadWrite,
        };
        var kind = fileKind switch
        {
            LinuxFileKind.Pipe => IoSocketKind.Pipe,
            LinuxFileKind.Terminal => IoSocketKind.Terminal,
            LinuxFileKind.CharacterDevice when calls.IsTerminal(theirs) => IoSocketKind.Terminal,
            LinuxFileKind.Socket => IoSocketKind.Socket,
            LinuxFileKind.AlwaysReady => IoSocketKind.File,
            _ => IoSocketKind.Device,
        };
        var access = DescriptorAccess.Of(theirs, kind, mode, wanted);
        if (kind == IoSocketKind.Socket && access == FileAccess.ReadWrite)
        {
            return new LinuxDescriptor(LinuxDriver.Check(calls.Duplicate(theirs), Operation), kind, access, IsSocket: true);
        }

        if (!isNonBlocking
            && fileKind is LinuxFileKind.Pipe or LinuxFileKind.Terminal
            && Reopen(calls, theirs, kind, access) is >= 0 and var own)
        {
            return new LinuxDescriptor(own, kind, access);
        }

        own = LinuxDriver.Check(calls.Duplicate(theirs), Operation);
        if (isNonBlocking)
        {
            return new LinuxDescriptor(own, kind, access, BlockingRestoration.Join(identity, mode));
        }

        if (calls.SetNonBlocking(own) is < 0 and var error)
        {
            calls.Close(own);
            LinuxDriver.Check(error, Operation);
        }

        return new LinuxDescriptor(own, kind, access, BlockingRestoration.Begin(identity, mode));
    }

    private static int Reopen(LinuxSocketCalls calls, int theirs, IoSocketKind kind, FileAccess access)
    {
        var own = calls.Reopen(theirs, access switch { FileAccess.Read => 0, FileAccess.Write => 1, _ => 2 });
        if (own >= 0 && kind == IoSocketKind.Pipe && calls.PollNow(theirs, 0) is var events && (events < 0 || (events & HangUp) != 0))
        {
            // Nobody writes there any more. Who opens a pipe after the last writer has gone is not told so, but taken to wait for the
            // first.
            calls.Close(own);
            return -Errno.EPIPE;
        }

        return own;
    }
}
