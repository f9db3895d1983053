using System.Net.Sockets;

namespace Baton.Drivers;

// Pipes and terminals: the same readiness, other calls.
internal sealed partial class EpollSocket
{
    private const int PollIn = 1;
    private const int PollErrorOrHangUp = 8 | 16;

    public override FileAccess Access => _access;

    private int ReadFile(Span<byte> buffer)
    {
        if (_access == FileAccess.Write)
        {
            // Nothing ever comes from there but the news that nobody reads.
            return PeekFile() is < 0 and var error ? error : 0;
        }

        var count = _driver.Calls.Read(_descriptor, buffer);

        // The other end of a terminal is closed: that is its way to say so.
        return count == -Errno.EIO && (_flags & Flags.IsTerminal) != 0 ? 0 : count;
    }

    /// <summary>Whether a read would return at once.</summary>
    private int PeekFile()
    {
        var wanted = _access == FileAccess.Write ? 0 : PollIn;
        var result = _driver.Calls.PollNow(_descriptor, wanted);
        return result < 0 ? result : (result & (wanted | PollErrorOrHangUp)) != 0 ? 1 : -Errno.EAGAIN;
    }

    /// <summary>
    /// Who reads from a pipe is told of the end when it is closed, and by nothing else. A terminal goes on: what its input ends by is a character.
    /// </summary>
    private void ShutDownFile(SocketShutdown how)
    {
        if (_access == FileAccess.Write && how != SocketShutdown.Receive)
        {
            Dispose();
        }
    }
}
