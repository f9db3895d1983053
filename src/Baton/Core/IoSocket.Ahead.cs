namespace Baton;

// Receiving before anybody asks.
public abstract partial class IoSocket
{
    /// <summary>
    /// Allows the driver to receive before it is asked, into blocks of its own and up to a limit. For who takes what comes by
    /// <see cref="TryReceive(Span{byte}, out System.Net.Sockets.SocketError)"/>, <see cref="TryReceiveLent"/> and
    /// <see cref="IoOperationKind.Receive"/> only: what was received that way has left the system's socket, where other calls, and whoever
    /// the socket is given to, would not find it.
    /// </summary>
    public virtual void AllowReceivingAhead()
    {
    }
}
