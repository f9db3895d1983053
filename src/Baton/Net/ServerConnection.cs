namespace Baton;

/// <summary>A connection that a <see cref="Server"/> serves, in the list of them all.</summary>
internal sealed class ServerConnection(Connection connection)
{
    internal Connection Connection { get; } = connection;

    /// <summary>The task of its handler, once that has started.</summary>
    internal LoopTask? Task { get; set; }

    internal ServerConnection? Next { get; set; }

    internal ServerConnection? Previous { get; set; }
}
