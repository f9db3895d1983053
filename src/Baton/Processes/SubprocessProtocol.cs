namespace Baton;

/// <summary>The base of protocols for child processes: override what matters. Corresponds to <c>asyncio.SubprocessProtocol</c>.</summary>
public abstract class SubprocessProtocol : BaseProtocol, ISubprocessProtocol
{
    /// <inheritdoc/>
    public virtual void ConnectionMade(ISubprocessTransport transport)
    {
    }

    /// <inheritdoc/>
    public virtual void PipeDataReceived(int descriptor, ReadOnlySpan<byte> data)
    {
    }

    /// <inheritdoc/>
    public virtual void PipeConnectionLost(int descriptor, Exception? exception)
    {
    }

    /// <inheritdoc/>
    public virtual void ProcessExited()
    {
    }
}
