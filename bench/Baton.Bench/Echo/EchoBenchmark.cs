using Baton.Bench.Net;

namespace Baton.Bench.Echo;

/// <summary><c>echo</c>: what it costs a server to send back what it received.</summary>
internal sealed class EchoBenchmark : NetBenchmark
{
    public override string Name => "echo";

    public override string Description => "Measures the server's CPU time, system calls and latency for one echo of 1 KiB.";

    public override string Subject => $"Echo of {EchoLoad.MessageSize} bytes over 127.0.0.1";

    public override IReadOnlyList<NetPeer> Peers { get; } =
    [
        NetPeer.Ours("baton", BatonEchoServer.RunConnections),
        NetPeer.Ours("baton-raw", BatonEchoServer.RunSockets, isDefault: false),
        NetPeer.Ours("baton-iouring", BatonEchoServer.RunConnections, isDefault: false, driver: "iouring"),
        NetPeer.Ours("baton-busy", BatonEchoServer.RunBusily, isDefault: false),
        NetPeer.InC("c-epoll", "echo-epoll.c"),
        NetPeer.Bcl("bcl", SocketEchoServer.RunAsync, inline: false),
        NetPeer.Bcl("bcl-inline", SocketEchoServer.RunAsync, inline: true),
    ];

    public override ILoad CreateLoad(int port, int connections) => new EchoLoad(port, connections);
}
