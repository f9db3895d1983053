using System.Net.Sockets;

namespace Baton.Drivers;

// Pipes and terminals: the same readiness, other calls.
internal partial class LinuxSocket
{
    private const int PollIn = 1;
    private const int PollErrorOrHangUp = 8 | 16;

    private LinuxFile? _file;

    public override FileAccess Access => _file?.Access ?? FileAccess.ReadWrite;

    public override IoSocketKind Kind => _file?.Kind ?? IoSocketKind.Socket;

    /// <summary>Says what it is before it is used.</summary>
    internal void BecomeFile(LinuxFile file)
    {
        _file = file;
        _flags |= Flags.IsFile;

        // Not for terminals, which hand out a line at a time.
        _flags = file.Kind == IoSocketKind.Pipe ? _flags | Flags.ShortMeansDrained : _flags & ~Flags.ShortMeansDrained;
    }

    private void Restore(int descriptor)
    {
        if (_file?.Restoration is { } restoration && restoration.End())
        {
            _driver.Counters.Others += 2;
            _driver.Calls.SetBlocking(descriptor);
        }
    }

    private int ReadFile(Span<byte> buffer)
    {
        if (Access == FileAccess.Write)
        {
            // Nothing ever comes from there but the news that nobody reads.
            return PeekFile() is < 0 and var error ? error : 0;
        }

        var count = _driver.Calls.Read(_descriptor, buffer);

        // The other end of a terminal is closed: that is its way to say so.
        return count == -Errno.EIO && Kind == IoSocketKind.Terminal ? 0 : count;
    }

    private int WriteFile(ReadOnlySpan<byte> bytes) => WithTerminalsEnd(_driver.Calls.Write(_descriptor, bytes));

    private int WriteFile(ReadOnlySpan<ReadOnlyMemory<byte>> buffers) =>
        WithTerminalsEnd(_driver.Calls.WriteVectored(_descriptor, buffers));

    private int WithTerminalsEnd(int count) => count == -Errno.EIO && Kind == IoSocketKind.Terminal ? -Errno.EPIPE : count;

    /// <summary>Whether a read would return at once.</summary>
    private int PeekFile()
    {
        var wanted = Access == FileAccess.Write ? 0 : PollIn;
        var result = _driver.Calls.PollNow(_descriptor, wanted);
        return result < 0 ? result : (result & (wanted | PollErrorOrHangUp)) != 0 ? 1 : -Errno.EAGAIN;
    }

    /// <summary>
    /// Who reads from a pipe is told of the end when it is closed, and by nothing else. A terminal goes on: what its input ends by is a
    /// character.
    /// </summary>
    private void ShutDownFile(SocketShutdown how)
    {
        if (Access == FileAccess.Write && how != SocketShutdown.Receive)
        {
            Dispose();
        }
    }
}
