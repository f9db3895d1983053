using System.Net.Sockets;

namespace Baton;

/// <summary>
/// The seam between a loop and the world: submits operations and gets them back completed. A loop owns exactly one driver and calls it from its
/// own thread, <see cref="Wake"/> aside. To inject faults, derive a driver that wraps another.
/// </summary>
public abstract class IoDriver : IDisposable
{
    /// <summary>The driver's name as options, tests and reports spell it, such as <c>epoll</c>.</summary>
    public abstract string Name { get; }

    /// <summary>The clock by which this driver waits. A loop uses it unless its options name another.</summary>
    public virtual LoopClock Clock => LoopClock.System;

    /// <summary>
    /// Waits for completions, for <see cref="Wake"/>, or until the time is over, and calls <see cref="LoopOperation.Complete"/> on whatever completed.
    /// Returns early rather than late when a signal interrupts it.
    /// </summary>
    /// <param name="timeout">Nanoseconds; 0 looks without waiting, a negative value waits without limit.</param>
    public abstract void Poll(long timeout);

    /// <summary>Makes a <see cref="Poll"/> that waits, or else the next one, return at once. The one member for other threads.</summary>
    public abstract void Wake();

    /// <summary>Creates a socket whose operations this driver carries out for <paramref name="loop"/>.</summary>
    /// <exception cref="SocketException">The system refused, for one because the process has too many descriptors.</exception>
    public abstract IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType);

    /// <summary>Releases the driver's descriptors. The loop has ended every operation before.</summary>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <summary>Releases the driver's descriptors.</summary>
    protected abstract void Dispose(bool disposing);
}
