using System.Globalization;
using System.Net.Sockets;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

// Connections over what is no socket: pipes, FIFOs, terminals, devices.
public sealed partial class Connection
{
    private readonly string? _name;

    /// <summary>What it is called where it has no addresses.</summary>
    internal string? Name => _name;

    /// <summary>
    /// The directions that there are: both, except for the end of a pipe. Without an output, writes throw
    /// <see cref="InvalidOperationException"/>. Without an input, <see cref="Input"/> ends when nobody can read any more what is written.
    /// </summary>
    public FileAccess Access { get; }

    /// <summary>
    /// Makes a connection of the current loop of a descriptor: one end of a pipe or FIFO, a terminal, another character device, or a
    /// socket. To complete the output of one that only writes closes it, since that is what tells the reader of the end. A terminal whose
    /// other end has been closed reads as ended. Corresponds to <c>loop.connect_read_pipe</c> and <c>loop.connect_write_pipe</c>.
    /// </summary>
    /// <param name="handle">
    /// The descriptor, which passes to the connection: the handle is closed, and with it the descriptor if the handle owns it. The
    /// connection has one of its own.
    /// </param>
    /// <param name="access">The directions that are wanted, of those that there are: a terminal usually has both.</param>
    /// <remarks>
    /// Whoever else has the same open file, such as the shell that has passed standard input on, should not find it non-blocking:
    /// terminals, pipes and FIFOs are opened anew where the system allows it. Where it does not, and with sockets and other devices, the
    /// file is non-blocking for everybody until the connection is closed.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// It is a regular file or a directory, which are always ready, or has none of the directions wanted, or is a socket for datagrams. In
    /// the last case it is closed.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static Connection FromHandle(SafeFileHandle handle, FileAccess access = FileAccess.ReadWrite)
    {
        ArgumentNullException.ThrowIfNull(handle);
        var loop = EventLoop.Current;
        var io = loop.Driver.AdoptDescriptor(loop, handle, access);
        if (io.SocketType == SocketType.Stream)
        {
            return new Connection(loop, io);
        }

        io.Dispose();
        throw new ArgumentException($"A connection is made of a stream, and this is a socket of the type {io.SocketType}.", nameof(handle));
    }

    /// <inheritdoc cref="FromHandle(SafeFileHandle, FileAccess)"/>
    public static Connection FromHandle(SafePipeHandle handle)
    {
        ArgumentNullException.ThrowIfNull(handle);
        ObjectDisposedException.ThrowIf(handle.IsClosed || handle.IsInvalid, handle);
        var isAdded = false;
        try
        {
            handle.DangerousAddRef(ref isAdded);
            using var borrowed = new SafeFileHandle(handle.DangerousGetHandle(), ownsHandle: false);
            var connection = FromHandle(borrowed);
            handle.Dispose();
            return connection;
        }
        finally
        {
            if (isAdded)
            {
                handle.DangerousRelease();
            }
        }
    }

    /// <summary>
    /// Makes a pipe: two connections of the current loop, what is written to the second comes out of the first. Corresponds to
    /// <c>os.pipe</c>.
    /// </summary>
    /// <remarks>For ends that go to a child process, see <see cref="LoopPipe"/>.</remarks>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static (Connection Reader, Connection Writer) CreatePipe()
    {
        _ = EventLoop.Current;
        var (first, second) = UnixPipe.Create(isNonBlocking: true);
        using var readable = first;
        using var writable = second;
        var reader = FromHandle(readable);
        try
        {
            return (reader, FromHandle(writable));
        }
        catch
        {
            reader.Dispose();
            throw;
        }
    }

    /// <summary>What there was only one direction of has been ended: closing is what tells the reader.</summary>
    internal void EndWithOutput()
    {
        _reader.EndWithOutput();
        Loop.UntrackResource(this);
        Io.Dispose();
    }

    private static string? NameOf(IoSocket io) => io.Kind switch
    {
        IoSocketKind.Pipe => Numbered("pipe", io),
        IoSocketKind.Terminal => Numbered("terminal", io),
        IoSocketKind.Device => Numbered("device", io),
        IoSocketKind.File => Numbered("file", io),
        _ => io.Access == FileAccess.ReadWrite ? null : Numbered("socket", io),
    };

    private static string Numbered(string noun, IoSocket io) => string.Create(CultureInfo.InvariantCulture, $"{noun} {io.Handle}");
}
