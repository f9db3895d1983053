using Baton.Bench.Net;

namespace Baton.Bench.Connect;

/// <summary>
/// <c>connect</c> and <c>connect-answer</c>: what a connection costs a server that lives for one answer, or for nothing at all.
/// </summary>
internal sealed class ConnectBenchmark(bool answers) : NetBenchmark
{
    public override string Name => answers ? "connect-answer" : "connect";

    public override string Description => answers
        ? "Measures the server's CPU time, system calls and latency for one connection: accept, read a byte, send it back, close."
        : "Measures the server's CPU time, system calls and latency for one connection: accept and close.";

    public override string Subject => answers
        ? "Connections over 127.0.0.1, accepted, one byte read and sent back, and closed by the server"
        : "Connections over 127.0.0.1, accepted and closed by the server";

    public override string Unit => "connection";

    public override int[] DefaultConnections => [1, 64];

    public override IReadOnlyList<NetPeer> Peers { get; } =
    [
        NetPeer.Ours("baton", () => BatonConnectServer.RunServer(answers)),
        NetPeer.Ours("baton-raw", () => BatonConnectServer.RunSockets(answers)),
        NetPeer.InC("c-epoll", "accept-epoll.c", answers ? ["--answer"] : []),
        NetPeer.Bcl("bcl", () => SocketConnectServer.RunAsync(answers), inline: false),
        NetPeer.Bcl("bcl-inline", () => SocketConnectServer.RunAsync(answers), inline: true),
    ];

    public override ILoad CreateLoad(int port, int connections) => new ConnectLoad(port, connections, answers);
}
