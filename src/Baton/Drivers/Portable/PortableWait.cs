using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// A wait that the BCL carries out: for something to receive, for a connection to accept, or for a connect to end. It never holds a buffer,
/// so that one whose request was cancelled can go on without harm; the next request of that direction takes it over.
/// </summary>
internal sealed class PortableWait(PortableDriver driver) : SocketAsyncEventArgs(true), IPortableCompletion
{
    private PortableSocket? _socket;
    private bool _isConnect;

    public IPortableCompletion? Next { get; set; }

    public void Deliver()
    {
        var socket = _socket!;
        if (_isConnect)
        {
            socket.OnConnectCompleted(this);
        }
        else
        {
            socket.OnReadCompleted(this);
        }
    }

    public void Abandon()
    {
        AcceptSocket?.Dispose();
        Dispose();
        driver.OnAbandoned();
    }

    internal void Use(PortableSocket socket, bool isConnect)
    {
        _socket = socket;
        _isConnect = isConnect;
    }

    /// <summary>Forgets the use.</summary>
    internal void Clear()
    {
        _socket = null;
        AcceptSocket = null;
        if (_isConnect)
        {
            RemoteEndPoint = null;
        }
    }

    /// <summary>Called on a thread of the BCL.</summary>
    protected override void OnCompleted(SocketAsyncEventArgs e) => driver.Post(this);
}
