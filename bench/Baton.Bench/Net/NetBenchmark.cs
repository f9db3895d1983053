namespace Baton.Bench.Net;

/// <summary>
/// One network benchmark: the servers it compares, the load that all of them get, and the words of its report. The rest (child processes,
/// pinning, rounds, CPU times, system calls, tables and records) is the same for all.
/// </summary>
internal abstract class NetBenchmark
{
    /// <summary>The command, and the first word of every name in its results.</summary>
    public abstract string Name { get; }

    /// <summary>What <c>--help</c> says about the command.</summary>
    public abstract string Description { get; }

    /// <summary>What a reader of the table should know about the work done, as the beginning of a sentence.</summary>
    public abstract string Subject { get; }

    /// <summary>What the load consists of, in the singular: <c>request</c>.</summary>
    public virtual string Unit => "request";

    /// <summary>How many connections (or what takes their place) are kept busy, if the user does not say.</summary>
    public virtual int[] DefaultConnections => [1, 64, 1000];

    /// <summary>
    /// Whether a server uses several CPUs. Then servers and load generator run where the system puts them, unless the user says where.
    /// </summary>
    public virtual bool SpreadsServers => false;

    /// <summary>All servers it knows. The first is the one whose results carry no name of a server.</summary>
    public abstract IReadOnlyList<NetPeer> Peers { get; }

    /// <summary>Connects to a server on 127.0.0.1. Runs in the load generator's process.</summary>
    public abstract ILoad CreateLoad(int port, int connections);
}
