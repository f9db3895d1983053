namespace Baton;

/// <summary>A transport over a stream connection. Corresponds to <c>asyncio.Transport</c>.</summary>
public interface IStreamTransport : IReadTransport, IWriteTransport
{
    /// <summary>
    /// Takes the connection back from the protocol, which is not called any more. What the peer has sent and the protocol was not given is there to be read; what is
    /// queued is sent. The transport is over by this. asyncio has no such thing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The transport is closing.</exception>
    Coroutine<Connection> DetachAsync();
}
