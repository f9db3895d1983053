namespace Baton;

/// <summary>The base of protocols for stream connections: override what matters. Corresponds to <c>asyncio.Protocol</c>.</summary>
public abstract class Protocol : BaseProtocol, IStreamProtocol
{
    /// <inheritdoc/>
    public virtual void ConnectionMade(IStreamTransport transport)
    {
    }

    /// <inheritdoc/>
    public virtual void DataReceived(ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    /// <remarks>False unless overridden: the transport is closed.</remarks>
    public virtual bool EofReceived() => false;
}
