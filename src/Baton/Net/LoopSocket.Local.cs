using System.Net.Sockets;
using Baton.Drivers;

namespace Baton;

// What local (Unix) sockets can do and others cannot.
public sealed partial class LoopSocket
{
    /// <summary>
    /// Who is at the other end of a local (Unix) socket, as it was when that end connected, or began to listen. Corresponds to the socket
    /// option SO_PEERCRED.
    /// </summary>
    /// <exception cref="SocketException">This is no local socket, or it is not connected.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public UnixCredentials PeerCredentials
    {
        get
        {
            Loop.CheckThread();
            ObjectDisposedException.ThrowIf(Io.Handle < 0, this);
            return LocalSockets.GetPeerCredentials(Io);
        }
    }

    /// <summary>
    /// Makes two sockets of the current loop that are connected to each other, without a name. Corresponds to <c>socket.socketpair</c>.
    /// </summary>
    /// <param name="socketType">A stream, datagrams, or datagrams with a connection (<see cref="SocketType.Seqpacket"/>).</param>
    /// <exception cref="SocketException">The system refused.</exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    /// <exception cref="PlatformNotSupportedException">This is not Linux.</exception>
    public static (LoopSocket First, LoopSocket Second) CreatePair(SocketType socketType = SocketType.Stream)
    {
        _ = EventLoop.Current;
        var (first, second) = LocalSockets.CreatePair(socketType);
        LoopSocket? adopted = null;
        try
        {
            adopted = FromHandle(first);
            return (adopted, FromHandle(second));
        }
        catch
        {
            adopted?.Dispose();
            first.Dispose();
            second.Dispose();
            throw;
        }
    }
}
