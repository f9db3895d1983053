namespace Baton;

/// <summary>
/// The connections that HTTP handlers have opened on a loop. Handlers keep them for later requests and know nothing of the loop, so that
/// they are closed when it is.
/// </summary>
internal sealed class HttpConnections : EventLoop.IAbandonable
{
    private const int LeastLimit = 16;

    private readonly List<Connection> _connections = [];
    private int _limit = LeastLimit;

    internal HttpConnections(EventLoop loop) => loop.OpenCalls.Add(this);

    internal void Add(Connection connection)
    {
        // Nobody tells of those that were closed. Looking for them only when there are twice as many as were open the last time costs
        // nothing that counts.
        if (_connections.Count >= _limit)
        {
            _connections.RemoveAll(static connection => connection.IsClosed);
            _limit = Math.Max(LeastLimit, _connections.Count * 2);
        }

        _connections.Add(connection);
    }

    void EventLoop.IAbandonable.Abandon()
    {
        foreach (var connection in _connections)
        {
            connection.Dispose();
        }
    }
}
