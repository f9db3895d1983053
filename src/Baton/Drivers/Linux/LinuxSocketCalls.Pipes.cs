namespace Baton.Drivers;

// Pipes, terminals, and descriptors that are only watched.
public unsafe partial class LinuxSocketCalls
{
    private const int AccessMode = 3; // O_ACCMODE
    private const int SetDescriptorFlags = 2; // F_SETFD
    private const int CloseOnExec = 1; // FD_CLOEXEC
    private const int PathIsEmpty = 0x1000; // AT_EMPTY_PATH
    private const uint StatusType = 1; // STATX_TYPE

    /// <summary>Reads from a descriptor that is no socket's.</summary>
    /// <returns>The bytes read; 0 at the end.</returns>
    public virtual int Read(int descriptor, Span<byte> buffer)
    {
        fixed (byte* start = buffer)
        {
            return Result(LibC.Read(descriptor, start, (nuint)buffer.Length));
        }
    }

    /// <summary>Writes to a descriptor that is no socket's. The runtime ignores SIGPIPE, so that a pipe that nobody reads is an error only.</summary>
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

    /// <summary>Keeps a descriptor from child processes.</summary>
    public virtual int SetCloseOnExec(int descriptor) => Result(LibC.Control(descriptor, SetDescriptorFlags, CloseOnExec));

    /// <summary>Asks for which directions a descriptor was opened.</summary>
    /// <returns>0 for reading, 1 for writing, 2 for both.</returns>
    public virtual int GetAccess(int descriptor)
    {
        var flags = Result(LibC.Control(descriptor, GetStatusFlags, 0));
        return flags < 0 ? flags : flags & AccessMode;
    }

    /// <summary>Asks what a descriptor stands for.</summary>
    /// <returns>A <see cref="LinuxFileKind"/>.</returns>
    public virtual int GetFileKind(int descriptor)
    {
        var status = stackalloc byte[FileIdentity.StatusSize];
        var result = Result(LibC.FileStatus(descriptor, "", PathIsEmpty, StatusType, status));
        return result < 0 ? result : (int)((*(ushort*)(status + FileIdentity.ModeOffset) & FileIdentity.TypeMask) switch
        {
            0x1000 => LinuxFileKind.Pipe,
            0x2000 => LinuxFileKind.CharacterDevice,
            FileIdentity.TypeSocket => LinuxFileKind.Socket,
            0 => LinuxFileKind.Anonymous,
            _ => LinuxFileKind.AlwaysReady,
        });
    }

    /// <summary>Changes what a descriptor of an epoll instance is watched for.</summary>
    /// <inheritdoc cref="EpollAdd" path="/param"/>
    public virtual int EpollModify(int epoll, int descriptor, uint events, ulong data) => EpollControl(epoll, 3, descriptor, events, data);
}
