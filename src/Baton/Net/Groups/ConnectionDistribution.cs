namespace Baton;

/// <summary>How the connections of a <see cref="ServerGroup"/> come to its loops.</summary>
public enum ConnectionDistribution
{
    /// <summary>
    /// <see cref="Kernel"/> on Linux, for addresses of the Internet protocol; else <see cref="RoundRobin"/>.
    /// </summary>
    Automatic,

    /// <summary>
    /// Every loop listens at the same addresses by itself (SO_REUSEPORT), and the system chooses one by the addresses and ports of both
    /// sides. Costs nothing for a connection; with few connections, some loops may get many more than others. On Linux only, and not for
    /// local (Unix) sockets.
    /// </summary>
    Kernel,

    /// <summary>
    /// The first loop accepts, and hands the connections to all loops, itself included, in turn. Costs some system calls and a wake-up for
    /// a connection, and that one loop must keep up with accepting.
    /// </summary>
    RoundRobin,

    /// <summary>As <see cref="RoundRobin"/>, but each connection goes to the loop that has the fewest; of equals, to the next in
    /// turn.</summary>
    LeastConnections,
}
