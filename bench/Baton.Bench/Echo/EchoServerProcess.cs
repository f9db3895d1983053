namespace Baton.Bench.Echo;

/// <summary>A running server. It lives through all rounds, idle while the others are measured.</summary>
internal sealed class EchoServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(20);

    private readonly ChildProcess _child;

    private EchoServerProcess(EchoPeer peer, ChildProcess child, int port)
    {
        Peer = peer;
        _child = child;
        Port = port;
    }

    public EchoPeer Peer { get; }

    public int ProcessId => _child.Id;

    public int Port { get; }

    public static async Task<EchoServerProcess> StartAsync(EchoPeer peer, int? cpu, CancellationToken cancellation)
    {
        var child = ChildProcess.Start(peer.StartInfo(), cpu);
        try
        {
            var line = await child.ReadLineAsync(StartLimit, cancellation);
            if (!line.StartsWith(ServerChild.ListeningPrefix, StringComparison.Ordinal))
                throw new InvalidOperationException($"{peer.Name} said \"{line}\" instead of where it listens.");
            return new EchoServerProcess(peer, child, int.Parse(line.AsSpan(ServerChild.ListeningPrefix.Length)));
        }
        catch
        {
            await child.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _child.DisposeAsync();
}
