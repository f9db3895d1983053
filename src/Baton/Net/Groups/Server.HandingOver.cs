using System.Net;

namespace Baton;

// Servers of a group of which one accepts for all. That one counts the connections of all, and says when there will be no more; the others
// have no listeners, are not closed before they have heard that, and tell of each connection that has ended.
public sealed partial class Server
{
    private ServerHandOver? _handOver;
    private ServerHandOver? _feeder;
    private int _feederIndex;
    private bool _isFed;
    private bool _hasEndedFeed;

    /// <summary>Connections that were served on this loop so far, those that wait for their turn included.</summary>
    internal long OwnCount => AcceptedCount - (_handOver?.Total ?? 0);

    /// <summary>Makes a server for what another accepts, on this loop.</summary>
    internal static Server CreateFed(IReadOnlyList<EndPoint> endPoints, Func<Connection, Coroutine> handler, ServerOptions options)
    {
        var server = new Server(EventLoop.Current, handler, options) { EndPoints = endPoints, _isFed = true, _isStarted = true };
        server.TrackAsOpen();
        return server;
    }

    /// <summary>From now on this server hands connections to the others, which do not run yet.</summary>
    internal void HandOverTo(Server[] others, bool byLeast)
    {
        _handOver = new ServerHandOver(this, others, byLeast);
        for (var i = 0; i < others.Length; i++)
        {
            others[i]._feeder = _handOver;
            others[i]._feederIndex = i;
        }

        // Where this loop closes before the server was stopped, by itself, say.
        Loop.Closed += EndFeeding;
    }

    /// <summary>The server that accepts does not come about, and so nothing will arrive here.</summary>
    internal void EndFeed()
    {
        _isFed = false;
        NotifyIfClosed();
    }

    internal void TakeHandedOver(LoopSocket socket)
    {
        if (_isStopped && !_takesQueued)
        {
            socket.Dispose();
            GiveBack();
            return;
        }

        AcceptedCount++;
        StartHandler(socket);
    }

    internal void OnGivenBack()
    {
        ServeWaiting();
        NotifyIfClosed();
    }

    private void GiveBack() => _feeder?.PostBack(_feederIndex);

    /// <summary>Tells the others when nothing will be handed over any more, behind everything that was.</summary>
    private void EndFeedIfOver()
    {
        if (_handOver is not null && !_hasEndedFeed && _isStopped && _waiting.Count == 0 && _acceptLoopCount == 0)
        {
            Loop.Closed -= EndFeeding;
            EndFeeding();
        }
    }

    private void EndFeeding()
    {
        _hasEndedFeed = true;
        foreach (var other in _handOver!.Others)
        {
            other.Loop.TryCallSoonThreadSafe(static server => ((Server)server!).EndFeed(), other);
        }
    }
}
