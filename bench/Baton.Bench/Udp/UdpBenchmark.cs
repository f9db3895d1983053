using Baton.Bench.Net;

namespace Baton.Bench.Udp;

/// <summary><c>udp</c>: what it costs a server to send back the datagrams that it received.</summary>
internal sealed class UdpBenchmark : NetBenchmark
{
    public override string Name => "udp";

    public override string Description =>
        "Measures the server's CPU time, system calls and latency for one datagram of 1 KiB that is sent back.";

    public override string Subject =>
        $"Echo of datagrams of {UdpLoad.MessageSize} bytes over 127.0.0.1, as many under way as there are connections";

    public override string Unit => "datagram";

    public override int[] DefaultConnections => [1, 16, 64];

    public override IReadOnlyList<NetPeer> Peers { get; } =
    [
        NetPeer.Ours("baton", BatonUdpServer.RunBatches),
        NetPeer.Ours("baton-single", BatonUdpServer.RunSingle),
        NetPeer.InC("c-mmsg", "udp-mmsg.c"),
        NetPeer.Bcl("bcl", SocketUdpServer.RunAsync, inline: false),
        NetPeer.Bcl("bcl-inline", SocketUdpServer.RunAsync, inline: true),
    ];

    public override ILoad CreateLoad(int port, int connections) => new UdpLoad(port, connections);
}
