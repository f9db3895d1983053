namespace Baton;

/// <summary>The system calls that a driver has made, by kind. Take one before and one after, and subtract.</summary>
/// <param name="Waits">Waits for events, those that did not block included.</param>
/// <param name="Events">Events that the waits returned.</param>
/// <param name="Registrations">Changes of what is waited for: <c>epoll_ctl</c>.</param>
/// <param name="Receives">Receives, those that found nothing included.</param>
/// <param name="Sends">Sends of one buffer, those that found no room included.</param>
/// <param name="VectoredSends">Sends of several buffers in one call.</param>
/// <param name="Accepts">Accepts, those that found nobody included.</param>
/// <param name="Connects">Connects, and the questions how they ended.</param>
/// <param name="Wakes">Wake-ups written by other threads.</param>
/// <param name="Others">Everything else: creating, closing, binding, options, names.</param>
public readonly record struct IoStatistics(
    long Waits, long Events, long Registrations, long Receives, long Sends, long VectoredSends, long Accepts, long Connects, long Wakes,
    long Others)
{
    /// <summary>All system calls together.</summary>
    public long SystemCalls => Waits + Registrations + Receives + Sends + VectoredSends + Accepts + Connects + Wakes + Others;

    /// <summary>What happened between two moments.</summary>
    public static IoStatistics operator -(IoStatistics later, IoStatistics earlier) => later.Subtract(earlier);

    /// <summary>What happened since <paramref name="earlier"/>.</summary>
    public IoStatistics Subtract(IoStatistics earlier) => new(
        Waits - earlier.Waits,
        Events - earlier.Events,
        Registrations - earlier.Registrations,
        Receives - earlier.Receives,
        Sends - earlier.Sends,
        VectoredSends - earlier.VectoredSends,
        Accepts - earlier.Accepts,
        Connects - earlier.Connects,
        Wakes - earlier.Wakes,
        Others - earlier.Others);
}
