using System.Diagnostics;

namespace Baton.Bench.Net;

/// <summary>A running server. It lives through all rounds, idle while the others are measured.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly ChildProcess _child;

    private ServerProcess(NetBenchmark benchmark, NetPeer peer, ChildProcess child, int port)
    {
        Benchmark = benchmark;
        Peer = peer;
        _child = child;
        Port = port;
    }

    public NetBenchmark Benchmark { get; }

    public NetPeer Peer { get; }

    public int ProcessId => _child.Id;

    public int Port { get; }

    public static async Task<ServerProcess> StartAsync(
        NetBenchmark benchmark, NetPeer peer, ProcessStartInfo startInfo, int? cpu, CancellationToken cancellation)
    {
        var child = ChildProcess.Start(startInfo, cpu);
        try
        {
            var line = await child.ReadLineAsync(StartLimit, cancellation);
            if (!line.StartsWith(ServerChild.ListeningPrefix, StringComparison.Ordinal))
                throw new InvalidOperationException($"{peer.Name} said \"{line}\" instead of where it listens.");
            return new ServerProcess(benchmark, peer, child, int.Parse(line.AsSpan(ServerChild.ListeningPrefix.Length)));
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _child.DisposeAsync();
}
