using System.Net.Sockets;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>
/// Pipes of which an end, or both, go to somebody outside the loop, such as a child process. See <see cref="Connection.CreatePipe"/> for
/// those inside.
/// </summary>
public static class LoopPipe
{
    /// <summary>
    /// Makes a pipe of two plain descriptors: blocking, as programs expect them, and not inherited by child processes unless they are
    /// passed to one.
    /// </summary>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows.</exception>
    public static (SafeFileHandle Reader, SafeFileHandle Writer) CreateHandles() => UnixPipe.Create(isNonBlocking: false);

    /// <summary>
    /// Makes a pipe that the current loop reads from, and whose writing end is for somebody else. Dispose of that end once it is passed on,
    /// or the end never comes.
    /// </summary>
    /// <inheritdoc cref="CreateHandles" path="/exception"/>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static (Connection Reader, SafeFileHandle Writer) CreateReader()
    {
        _ = EventLoop.Current;
        var (reader, writer) = CreateHandles();
        return (Adopt(reader, writer), writer);
    }

    /// <summary>
    /// Makes a pipe that the current loop writes to, and whose reading end is for somebody else. Dispose of that end once it is passed on,
    /// or nobody tells when the reader goes.
    /// </summary>
    /// <inheritdoc cref="CreateReader" path="/exception"/>
    public static (SafeFileHandle Reader, Connection Writer) CreateWriter()
    {
        _ = EventLoop.Current;
        var (reader, writer) = CreateHandles();
        return (reader, Adopt(writer, reader));
    }

    private static Connection Adopt(SafeFileHandle ours, SafeFileHandle theirs)
    {
        try
        {
            // Nobody else has this end.
            UnixPipe.SetNonBlocking(ours);
            return Connection.FromHandle(ours);
        }
        catch
        {
            ours.Dispose();
            theirs.Dispose();
            throw;
        }
    }
}
