using System.Globalization;
using Baton.Bench.Net;

namespace Baton.Bench.SendFile;

/// <summary><c>sendfile</c>: what it costs a server to send a file.</summary>
internal sealed class SendFileBenchmark : NetBenchmark
{
    public override string Name => "sendfile";

    public override string Description => "Measures the server's CPU time, system calls and throughput for one MiB of a file of 1 GiB.";

    public override string Subject =>
        $"A file of {ServedFile.Mebibytes} MiB that is in memory, sent over 127.0.0.1 again and again on every connection";

    public override string Unit => "MiB";

    public override int[] DefaultConnections => [1, 16];

    public override IReadOnlyList<NetPeer> Peers { get; } =
    [
        NetPeer.Ours("baton", BatonSendFileServer.Run),
        NetPeer.Ours("baton-read", BatonSendFileServer.RunReading),
        NetPeer.InC("c-sendfile", "sendfile.c", ServedFile.Mebibytes.ToString(CultureInfo.InvariantCulture)),
        NetPeer.Bcl("bcl", SocketSendFileServer.RunAsync, inline: false),
    ];

    public override ILoad CreateLoad(int port, int connections) => new SendFileLoad(port, connections);
}
