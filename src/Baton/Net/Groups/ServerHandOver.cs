using System.Net.Sockets;

namespace Baton;

/// <summary>
/// What the accepting server of a group knows of the others, to which it hands connections. Belongs to its loop: the others tell it of each
/// connection that has ended.
/// </summary>
internal sealed class ServerHandOver(Server acceptor, Server[] others, bool byLeast)
{
    /// <summary>Connections at each of the others, those on their way included.</summary>
    private readonly int[] _counts = new int[others.Length];

    /// <summary>Whose turn it is; the acceptor itself is number 0, the others come after it.</summary>
    private int _next;

    /// <summary>Connections at the others, those on their way included.</summary>
    internal int Count { get; private set; }

    /// <summary>Connections handed over so far.</summary>
    internal long Total { get; private set; }

    internal IReadOnlyList<Server> Others => others;

    private Server Acceptor => acceptor;

    /// <summary>Hands the connection to the one whose turn it is. False where that is the acceptor.</summary>
    internal bool TryTake(LoopSocket socket)
    {
        var index = Choose();
        if (index < 0)
        {
            return false;
        }

        SafeSocketHandle handle;
        try
        {
            handle = socket.DetachHandle();
        }
        catch (Exception exception) when (exception is SocketException or PlatformNotSupportedException)
        {
            LoopLog.AcceptFailed(acceptor.Loop.Logger, acceptor.Loop.Name, acceptor.ToString(), exception);
            socket.Abort();
            return true;
        }

        _counts[index]++;
        Count++;
        Total++;
        var target = others[index];
        if (!target.Loop.TryPost(new HandedSocket(this, index, target, handle)))
        {
            // It has closed just now.
            handle.Dispose();
            GiveBack(index);
        }

        return true;
    }

    /// <summary>A connection at one of the others has ended. Called on whatever thread that was.</summary>
    internal void PostBack(int index) => acceptor.Loop.TryPost(new EndedConnection(this, index));

    private int Choose()
    {
        var count = others.Length + 1;
        var best = -1;
        var bestCount = int.MaxValue;
        var first = _next;
        for (var i = 0; i < count; i++)
        {
            var candidate = (first + i) % count;
            if (candidate > 0 && others[candidate - 1].Loop.IsClosed)
            {
                continue;
            }

            var connections = !byLeast ? 0 : candidate == 0 ? acceptor.ConnectionCount : _counts[candidate - 1];
            if (connections < bestCount)
            {
                best = candidate;
                bestCount = connections;
            }
        }

        _next = (best + 1) % count;
        return best - 1;
    }

    private void GiveBack(int index)
    {
        _counts[index]--;
        Count--;
    }

    /// <summary>A connection on its way to another loop.</summary>
    private sealed class HandedSocket(ServerHandOver handOver, int index, Server target, SafeSocketHandle handle)
        : LoopItem, EventLoop.IAbandonable
    {
        internal override void Run(EventLoop loop)
        {
            loop.EnterCallback(null);
            LoopSocket socket;
            try
            {
                socket = LoopSocket.FromHandle(handle);
            }
            catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
            {
                handle.Dispose();
                handOver.PostBack(index);
                LoopLog.AcceptFailed(loop.Logger, loop.Name, target.ToString(), exception);
                return;
            }

            target.TakeHandedOver(socket);
        }

        internal override string Describe() => "connection handed over by another loop";

        void EventLoop.IAbandonable.Abandon()
        {
            handle.Dispose();
            handOver.PostBack(index);
        }
    }

    /// <summary>The word that a connection has ended, on its way back.</summary>
    private sealed class EndedConnection(ServerHandOver handOver, int index) : LoopItem
    {
        internal override void Run(EventLoop loop)
        {
            loop.EnterCallback(null);
            handOver.GiveBack(index);
            handOver.Acceptor.OnGivenBack();
        }
    }
}
