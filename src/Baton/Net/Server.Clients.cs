namespace Baton;

// The connections of clients: how many are served at a time, and closing them all.
public sealed partial class Server
{
    /// <summary>Accepted, and waiting for one of those that are served to end.</summary>
    private readonly Queue<LoopSocket> _waiting = [];
    private Future? _room;
    private bool _isServingWaiting;

    private bool IsFull => ConnectionCount + (_handOver?.Count ?? 0) >= _options.MaxConnections;

    /// <summary>
    /// Closes the connection of every client in good order: what has been written is sent, then a read that waits fails, and the handler
    /// ends. The server goes on. Corresponds to <c>Server.close_clients</c>. That a handler fails with an <see cref="IOException"/> then is
    /// not reported.
    /// </summary>
    public void CloseClients()
    {
        Loop.CheckThread();
        DropWaiting();
        for (var client = _connections; client is not null; client = client.Next)
        {
            client.IsClosedByServer = true;
            if (client.Connection.Transport is { } transport)
            {
                transport.Close();
            }
            else
            {
                _ = Loop.CreateTask(CloseAsync(client.Connection), name: null, eager: true);
            }
        }
    }

    /// <summary>
    /// Aborts the connection of every client: what was not sent is dropped, the peer is told of a reset, reads and writes that wait fail,
    /// and the handler ends. The server goes on. Corresponds to <c>Server.abort_clients</c>. That a handler fails with an
    /// <see cref="IOException"/> then is not reported.
    /// </summary>
    public void AbortClients()
    {
        Loop.CheckThread();
        DropWaiting();
        for (var client = _connections; client is not null; client = client.Next)
        {
            client.IsClosedByServer = true;
            client.Abort();
        }
    }

    private static async Coroutine CloseAsync(Connection connection)
    {
        try
        {
            await connection.CloseAsync();
        }
        catch (IOException)
        {
            // It could not be sent; the connection has been aborted, which is what its handler is told.
        }
    }

    private void DropWaiting()
    {
        while (_waiting.TryDequeue(out var socket))
        {
            socket.Abort();
        }

        NotifyIfClosed();
    }

    /// <summary>Serves those that wait as far as there is room: in a loop, since a handler may end as soon as it has begun.</summary>
    private void ServeWaiting()
    {
        if (_isServingWaiting)
        {
            return;
        }

        _isServingWaiting = true;
        while (!IsFull && _waiting.TryDequeue(out var socket))
        {
            StartHandler(socket);
        }

        _isServingWaiting = false;
        if (!IsFull)
        {
            _room?.TrySetResult();
            _room = null;
        }
    }
}
