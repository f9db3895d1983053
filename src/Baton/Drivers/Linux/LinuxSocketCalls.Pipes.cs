using System.Globalization;

namespace Baton.Drivers;

// Pipes, terminals, and descriptors that are only watched.
public unsafe partial class LinuxSocketCalls
{
    private const int AccessMode = 3; // O_ACCMODE
    private const int NoControllingTerminal = 0x100; // O_NOCTTY
    private const int PathIsEmpty = 0x1000; // AT_EMPTY_PATH
    private const uint StatusType = 0x101; // STATX_TYPE | STATX_INO

    /// <summary>Reads from a descriptor that is no socket's.</summary>
    /// <returns>The bytes read; 0 at the end.</returns>
    public virtual int Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(LibC.Read(descriptor, start, (nuint)buffer.Length));
        }
    }

    /// <summary>
    /// Writes to a descriptor that is no socket's. The runtime ignores SIGPIPE, so that a pipe that nobody reads is an error only.
    /// </summary>
    /// <returns>The bytes taken.</returns>
    public virtual int Write(int descriptor, ReadOnlySpan<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(LibC.Write(descriptor, start, (nuint)buffer.Length));
        }
    }

    /// <summary>Writes several buffers in one call; the first <see cref="MaximumVectors"/> of them.</summary>
    /// <returns>The bytes taken.</returns>
    public virtual int WriteVectored(int descriptor, ReadOnlySpan<ReadOnlyMemory<byte>> buffers)
    {
        var count = Math.Min(buffers.Length, MaximumVectors);
        var vectors = stackalloc LibC.IoVector[count];
        var pins = default(Pins);
        Pin(buffers[..count], vectors, ref pins);
        var result = Result(LibC.WriteVectored(descriptor, vectors, count));
        Unpin(ref pins, count);
        return result;
    }

    /// <summary>Asks what can be done with a descriptor now.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="events">What to ask for, as POLLIN and so on; errors and hang-ups are told in any case.</param>
    /// <returns>The events; 0 for none.</returns>
    public virtual int PollNow(int descriptor, int events)
    {
        var poll = new LibC.PollDescriptor { Descriptor = descriptor, Events = (short)events };
        var result = Result(LibC.Poll(&poll, 1, 0));
        return result < 0 ? result : poll.Returned;
    }

    /// <summary>
    /// Opens what a descriptor stands for once more, non-blocking, so that what is set of the new descriptor does not hold for the old one.
    /// </summary>
    /// <param name="descriptor">The descriptor, of a file that others may share.</param>
    /// <param name="access">0 for reading, 1 for writing, 2 for both.</param>
    /// <returns>The new descriptor, which child processes do not inherit.</returns>
    public virtual int Reopen(int descriptor, int access)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}");
        return Result(LibC.Open(path, access | NonBlockingCloseOnExec | NoControllingTerminal));
    }

    /// <summary>Asks how a descriptor was opened.</summary>
    /// <param name="descriptor">The descriptor.</param>
    /// <param name="isNonBlocking">Whether calls on it never wait.</param>
    /// <returns>0 for reading, 1 for writing, 2 for both.</returns>
    public virtual int GetAccess(int descriptor, out bool isNonBlocking)
    {
        var flags = Result(LibC.Control(descriptor, GetStatusFlags, 0));
        isNonBlocking = flags >= 0 && (flags & NonBlocking) != 0;
        return flags < 0 ? flags : flags & AccessMode;
    }

    /// <summary>Asks what a descriptor stands for.</summary>
    /// <returns>A <see cref="LinuxFileKind"/>.</returns>
    public virtual int GetFileKind(int descriptor) => GetFileKind(descriptor, out _);

    internal int GetFileKind(int descriptor, out FileIdentity identity)
    {
        var status = stackalloc byte[FileIdentity.StatusSize];
        new Span<byte>(status, FileIdentity.StatusSize).Clear();
        var result = Result(LibC.FileStatus(descriptor, "", PathIsEmpty, StatusType, status));
        identity = FileIdentity.Of(status);
        return result < 0 ? result : (int)((*(ushort*)(status + FileIdentity.ModeOffset) & FileIdentity.TypeMask) switch
        {
            0x1000 => LinuxFileKind.Pipe,
            0x2000 => IsOrdinaryTerminal(status) ? LinuxFileKind.Terminal : LinuxFileKind.CharacterDevice,
            FileIdentity.TypeSocket => LinuxFileKind.Socket,
            0 => LinuxFileKind.Anonymous,
            _ => LinuxFileKind.AlwaysReady,
        });
    }

    /// <summary>Whether a descriptor is that of a terminal.</summary>
    public virtual bool IsTerminal(int descriptor) => LibC.IsTerminal(descriptor) == 1;

    /// <summary>Changes what a descriptor of an epoll instance is watched for.</summary>
    /// <inheritdoc cref="EpollAdd" path="/param"/>
    public virtual int EpollModify(int epoll, int descriptor, uint events, ulong data) => EpollControl(epoll, 3, descriptor, events, data);

    // By the numbers that the kernel has for its devices: consoles and serial lines; the controlling terminal and the system's console; the
    // slaves of pseudo terminals.
    private static bool IsOrdinaryTerminal(byte* status)
    {
        var major = *(uint*)(status + FileIdentity.DeviceMajorOffset);
        return major is 4 or (>= 136 and <= 143) || (major == 5 && *(uint*)(status + FileIdentity.DeviceMinorOffset) < 2);
    }
}
