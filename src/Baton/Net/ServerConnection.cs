namespace Baton;

/// <summary>A connection that a <see cref="Server"/> serves, in the list of them all.</summary>
internal sealed class ServerConnection(Connection connection)
{
    internal Connection Connection { get; } = connection;

    /// <summary>The task of its handler, once that has started; null when the handler has left the connection to a protocol.</summary>
    internal LoopTask? Task { get; set; }

    /// <summary>Cancels the handler. A protocol, which cannot be cancelled, has its transport closed.</summary>
    internal void Cancel()
    {
        Task?.Cancel();
        Connection.Transport?.Close();
    }

    /// <summary>Aborts the connection, by way of the transport where there is one, so that its protocol is told.</summary>
    internal void Abort()
    {
        if (Connection.Transport is { } transport)
        {
            transport.Abort();
        }
        else
        {
            Connection.Abort();
        }
    }

    /// <summary>Whether the server has closed or aborted the connection: that its handler fails then is no news.</summary>
    internal bool IsClosedByServer { get; set; }

    internal ServerConnection? Next { get; set; }

    internal ServerConnection? Previous { get; set; }
}
