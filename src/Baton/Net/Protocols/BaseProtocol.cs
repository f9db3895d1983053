namespace Baton;

/// <summary>A protocol whose calls do nothing unless overridden. Corresponds to <c>asyncio.BaseProtocol</c>.</summary>
public abstract class BaseProtocol : IProtocol
{
    /// <inheritdoc/>
    public virtual void ConnectionLost(Exception? exception)
    {
    }

    /// <inheritdoc/>
    public virtual void PauseWriting()
    {
    }

    /// <inheritdoc/>
    public virtual void ResumeWriting()
    {
    }
}
