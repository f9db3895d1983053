using System.Net.Sockets;

namespace Baton.Tests.Net.Tls;

/// <summary>Stands between two connections and passes their bytes on: in pieces, changed, or no longer.</summary>
internal sealed class TlsRelay : IDisposable
{
    private readonly LoopSocket _toClient;
    private readonly LoopSocket _toServer;
    private readonly List<LoopTask> _tasks = [];

    private TlsRelay(Connection client, LoopSocket toClient, LoopSocket toServer, Connection server)
    {
        Client = client;
        Server = server;
        _toClient = toClient;
        _toServer = toServer;
    }

    internal Connection Client { get; }

    internal Connection Server { get; }

    /// <summary>How many bytes are passed on at a time.</summary>
    internal Func<int> PieceSize { get; set; } = () => 4096;

    /// <summary>Sees, and may change, what the client sends.</summary>
    internal Action<Memory<byte>>? FromClient { get; set; }

    internal static async Coroutine<TlsRelay> Start()
    {
        var (client, toClient) = await NetTest.ConnectSockets();
        var (toServer, server) = await NetTest.ConnectSockets();
        var relay = new TlsRelay(new Connection(client), toClient, toServer, new Connection(server));
        relay._tasks.Add(Coroutine.Start(relay.Pass(toClient, toServer, isFromClient: true)));
        relay._tasks.Add(Coroutine.Start(relay.Pass(toServer, toClient, isFromClient: false)));
        return relay;
    }

    /// <summary>Sends bytes of its own to the server.</summary>
    internal async Coroutine Inject(byte[] bytes) => await _toServer.SendAllAsync(bytes);

    /// <summary>Passes nothing on any more.</summary>
    internal async Coroutine Stop()
    {
        foreach (var task in _tasks)
        {
            task.Cancel();
            await Coroutine.Wait([task]);
        }
    }

    /// <summary>Ends the server's connection as TCP ends.</summary>
    internal async Coroutine EndServer()
    {
        await Stop();
        _toServer.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Resets the server's connection.</summary>
    internal async Coroutine ResetServer()
    {
        await Stop();
        _toServer.Abort();
    }

    public void Dispose()
    {
        _toClient.Dispose();
        _toServer.Dispose();
    }

    private async Coroutine Pass(LoopSocket from, LoopSocket to, bool isFromClient)
    {
        var buffer = new byte[65_536];
        try
        {
            while (await from.ReceiveAsync(buffer.AsMemory(0, Math.Min(PieceSize(), buffer.Length))) is var count and > 0)
            {
                if (isFromClient)
                {
                    FromClient?.Invoke(buffer.AsMemory(0, count));
                }

                await to.SendAllAsync(buffer.AsMemory(0, count));
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // One of the ends has gone, and the other sees it when the relay is disposed of.
        }
    }
}
