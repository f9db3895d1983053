using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton;

// Descriptors that are no sockets, and those that are none of the driver's.
public abstract partial class IoDriver
{
    /// <summary>
    /// Makes a stream of a descriptor: one end of a pipe or of a FIFO, a terminal, or another character device. Works as a connected stream
    /// socket does, without addresses and options; <see cref="IoSocket.Access"/> tells which directions it has. Where it has only the
    /// writing one, it becomes readable, and a receive tells of the end, when nobody can read any more what is written; to shut that
    /// direction down closes it. A connected socket is adopted as by <see cref="AdoptSocket"/> where both directions are wanted.
    /// </summary>
    /// <param name="loop">The loop.</param>
    /// <param name="handle">
    /// The descriptor, which passes to the driver: the handle is closed, and with it the descriptor if the handle owns it.
    /// </param>
    /// <param name="access">The directions that are wanted, of those that there are.</param>
    /// <remarks>
    /// The driver works with a descriptor of its own, which child processes do not inherit. Terminals and pipes are opened anew where the
    /// system allows it, so that whoever shares the open file, such as the shell, does not find it non-blocking; other files are made
    /// non-blocking, and blocking again when they are closed. Where this throws, the handle is still the caller's.
    /// </remarks>
    /// <exception cref="ArgumentException">
    /// It is of a kind that no loop can wait for, such as a regular file, or has none of the directions wanted.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="NotSupportedException">The driver does sockets only.</exception>
    public virtual IoSocket AdoptDescriptor(EventLoop loop, SafeFileHandle handle, FileAccess access = FileAccess.ReadWrite) =>
        throw new NotSupportedException($"The driver {Name} works with sockets only, not with pipes and terminals.");

    /// <summary>
    /// Tells <paramref name="watch"/> of what can be done with its descriptor, or no longer: sets what it is watched for. A descriptor has
    /// at most one watch.
    /// </summary>
    /// <param name="watch">Whom to tell.</param>
    /// <param name="interest">
    /// What to watch for; <see cref="IoReadiness.None"/> ends it, which works for a descriptor that was closed, too.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The descriptor is not open, or of a kind that is always ready, such as a regular file.
    /// </exception>
    /// <exception cref="InvalidOperationException">
    /// The descriptor is that of a socket or pipe of this driver's, or has another watch.
    /// </exception>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="NotSupportedException">The driver cannot watch descriptors.</exception>
    public virtual void Watch(IoWatch watch, IoReadiness interest) =>
        throw new NotSupportedException($"The driver {Name} cannot watch descriptors that are not its own.");
}
