using Baton.Drivers;

namespace Baton;

// What connections over local (Unix) sockets can do and others cannot.
public sealed partial class Connection
{
    /// <inheritdoc cref="LoopSocket.PeerCredentials"/>
    public UnixCredentials PeerCredentials
    {
        get
        {
            Loop.CheckThread();
            ObjectDisposedException.ThrowIf(IsClosed, this);
            return LocalSockets.GetPeerCredentials(Io);
        }
    }

    /// <summary>Makes two connections of the current loop, to each other. Corresponds to <c>socket.socketpair</c>.</summary>
    /// <inheritdoc cref="LoopSocket.CreatePair" path="/exception"/>
    public static (Connection First, Connection Second) CreatePair()
    {
        var (first, second) = LoopSocket.CreatePair();
        return (new Connection(first), new Connection(second));
    }
}
