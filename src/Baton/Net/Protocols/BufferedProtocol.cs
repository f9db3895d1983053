namespace Baton;

/// <summary>The base of protocols that receive into buffers of their own. Corresponds to <c>asyncio.BufferedProtocol</c>.</summary>
public abstract class BufferedProtocol : BaseProtocol, IBufferedProtocol
{
    /// <inheritdoc/>
    public virtual void ConnectionMade(IStreamTransport transport)
    {
    }

    /// <inheritdoc/>
    public abstract Memory<byte> GetBuffer(int sizeHint);

    /// <inheritdoc/>
    public abstract void BufferUpdated(int count);

    /// <inheritdoc/>
    /// <remarks>False unless overridden: the transport is closed.</remarks>
    public virtual bool EofReceived() => false;
}
