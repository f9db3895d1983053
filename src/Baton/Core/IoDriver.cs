using System.Net.Sockets;

namespace Baton;

/// <summary>
/// The seam between a loop and the world: submits operations and gets them back completed. A loop owns exactly one driver and calls it from
/// its own thread, <see cref="Wake"/> aside. To inject faults, derive a driver that wraps another.
/// </summary>
public abstract partial class IoDriver : IDisposable
{
    /// <summary>The driver's name as options, tests and reports spell it, such as <c>epoll</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The clock by which this driver waits. A loop uses it unless its options name another.</summary>
    public virtual LoopClock Clock => LoopClock.System;

    /// <summary>The blocks that this driver's sockets receive into and that connections gather small writes in.</summary>
    public IoBlockPool Blocks { get; } = new();

    /// <summary>How often <see cref="Poll"/> has been called: tells whether two things happened between the same two polls.</summary>
    public long PollCount { get; protected set; }

    /// <summary>Sockets that were created or accepted and have not been closed.</summary>
    public virtual int OpenSocketCount => 0;

    /// <summary>The system calls made so far, by kind.</summary>
    public virtual IoStatistics Statistics => default;

    /// <summary>
    /// Waits for completions, for <see cref="Wake"/>, or until the time is over, and calls <see cref="IoRequest.Finish"/> on whatever
    /// completed. Returns early rather than late when a signal interrupts it.
    /// </summary>
    /// <param name="timeout">Nanoseconds; 0 looks without waiting, a negative value waits without limit.</param>
    public abstract void Poll(long timeout);

    /// <summary>
    /// Makes a <see cref="Poll"/> that waits, or else the next one, return at once. The one member for other threads; does nothing once the
    /// driver is disposed.
    /// </summary>
    public abstract void Wake();

    /// <summary>Creates a socket whose operations this driver carries out for <paramref name="loop"/>.</summary>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    public abstract IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType);

    /// <summary>
    /// Makes a socket of one that exists: connected, listening or new, made by this process or inherited. It becomes non-blocking, and
    /// child processes do not inherit it. The driver owns it from now on; the caller must not touch the handle again. Where this throws,
    /// the handle is still the caller's.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The handle is closed.</exception>
    /// <exception cref="SocketException">
    /// This is no socket, or of a family or type that the driver does not know, or the system refused.
    /// </exception>
    /// <exception cref="NotSupportedException">The driver cannot adopt sockets.</exception>
    public virtual IoSocket AdoptSocket(EventLoop loop, SafeSocketHandle handle) =>
        throw new NotSupportedException($"The driver {Name} cannot adopt sockets that it has not created.");

    /// <summary>
    /// Closes whatever sockets are left and releases the driver's descriptors. The loop has ended every operation before.
    /// </summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the driver's descriptors.</summary>
    protected abstract void Dispose(bool disposing);
}
