using Baton.Bench.Net;

namespace Baton.Bench.Tls;

/// <summary><c>tls</c>: what it costs a server to decrypt a message and to send it back encrypted.</summary>
internal sealed class TlsBenchmark : NetBenchmark
{
    public override string Name => "tls";

    public override string Description => "Measures the server's CPU time, system calls and latency for one echo of 16 KiB over TLS.";

    public override string Subject => $"Echo of {TlsLoad.MessageSize} bytes over TLS 1.3 ({TlsSettings.CipherSuite}) on 127.0.0.1";

    public override int[] DefaultConnections => [64];

    public override IReadOnlyList<NetPeer> Peers { get; } =
    [
        NetPeer.Ours("baton", BatonTlsServer.RunConnections),
        NetPeer.Ours("baton-stream", BatonTlsServer.RunStreams, isDefault: false),
        NetPeer.Bcl("bcl", SslStreamServer.RunAsync, inline: false),
        NetPeer.Bcl("bcl-inline", SslStreamServer.RunAsync, inline: true),
    ];

    public override ILoad CreateLoad(int port, int connections) => new TlsLoad(port, connections);
}
