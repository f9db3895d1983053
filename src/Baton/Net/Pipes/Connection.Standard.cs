using System.Net.Sockets;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

// The standard streams of this program.
public sealed partial class Connection
{
    /// <summary>
    /// Opens the standard input of this program as a connection of the current loop, to read from: a terminal, a pipe, a socket, or a file.
    /// Corresponds to <c>loop.connect_read_pipe(..., sys.stdin)</c>.
    /// </summary>
    /// <remarks>
    /// <para>The connection has a descriptor of its own: closing it leaves the program's open. Do not read from <see cref="Console"/>
    /// meanwhile; what either has taken the other does not get. The shell's terminal is left as it is, not made non-blocking, where the
    /// system allows it; see <see cref="FromHandle(SafeFileHandle, FileAccess)"/>.</para>
    /// <para>A file is always ready, so that a read of it happens at once, on the loop's thread, and takes as long as the disk takes; see
    /// <c>LoopFile</c> for files that may be slow.</para>
    /// </remarks>
    /// <exception cref="SocketException">There is none, or the system refused.</exception>
    /// <exception cref="ArgumentException">It was not opened to be read.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static Connection OpenStandardInput() => OpenStandard(0, FileAccess.Read, "standard input");

    /// <summary>
    /// Opens the standard output of this program as a connection of the current loop, to write to. Corresponds to
    /// <c>loop.connect_write_pipe(..., sys.stdout)</c>. <see cref="Input"/> ends when nobody reads it any more.
    /// </summary>
    /// <remarks>
    /// The connection has a descriptor of its own: closing it, or completing its output, leaves the program's open, so that whoever reads
    /// is told of the end when the program ends. What <see cref="Console"/> writes meanwhile comes in between. Writes to a file happen at
    /// once, on the loop's thread.
    /// </remarks>
    /// <exception cref="SocketException">There is none, or the system refused.</exception>
    /// <exception cref="ArgumentException">It was not opened to be written to.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static Connection OpenStandardOutput() => OpenStandard(1, FileAccess.Write, "standard output");

    /// <summary>As <see cref="OpenStandardOutput"/>, for the standard error stream.</summary>
    /// <inheritdoc cref="OpenStandardOutput"/>
    public static Connection OpenStandardError() => OpenStandard(2, FileAccess.Write, "standard error stream");

    private static Connection OpenStandard(int descriptor, FileAccess access, string name)
    {
        var loop = EventLoop.Current;
        if (!OperatingSystem.IsWindows() && AlwaysReadyFile.TryOpen(loop.Driver, descriptor, access) is { } file)
        {
            return new Connection(loop, file, name);
        }

        using var borrowed = new SafeFileHandle(descriptor, ownsHandle: false);
        return new Connection(loop, loop.Driver.AdoptDescriptor(loop, borrowed, access), name);
    }
}
