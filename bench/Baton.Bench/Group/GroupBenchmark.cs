using Baton.Bench.Echo;
using Baton.Bench.Net;

namespace Baton.Bench.Group;

/// <summary><c>group</c>: what two loops do with the load of one, and what it costs.</summary>
internal sealed class GroupBenchmark : NetBenchmark
{
    public override string Name => "group";

    public override string Description => "Measures an echo server on two loops against the same on one.";

    public override string Subject => $"Echo of {EchoLoad.MessageSize} bytes over 127.0.0.1 by one and by two loops";

    public override int[] DefaultConnections => [64, 1000];

    public override bool SpreadsServers => true;

    public override IReadOnlyList<NetPeer> Peers { get; } =
    [
        NetPeer.Ours("two-loops", () => GroupEchoServer.Run(2, ConnectionDistribution.Kernel)),
        NetPeer.Ours("two-loops-handed", () => GroupEchoServer.Run(2, ConnectionDistribution.RoundRobin)),
        NetPeer.Ours("one-loop", () => GroupEchoServer.Run(1, ConnectionDistribution.Kernel), isReference: true),
    ];

    public override ILoad CreateLoad(int port, int connections) => new EchoLoad(port, connections);
}
