using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// The transport of a socket for datagrams. Like that of a connection, it is no task: its waits have callbacks of its own for their
/// continuations.
/// </summary>
internal sealed partial class DatagramTransport : BaseTransport, IDatagramTransport
{
    private readonly LoopSocket _socket;
    private readonly EndPoint? _remote;
    private readonly bool _isConnected;
    private IDatagramProtocol _protocol;

    private DatagramTransport(LoopSocket socket, IDatagramProtocol protocol, EndPoint? remote)
        : base(socket.Loop)
    {
        _socket = socket;
        _protocol = protocol;
        LocalEndPoint = socket.LocalEndPoint;
        RemoteEndPoint = socket.RemoteEndPoint;
        _isConnected = RemoteEndPoint is not null;
        _remote = RemoteEndPoint ?? remote;
        _onReadable = OnReadable;
        _onSent = OnSent;
        Loop.UntrackResource(socket);
        Loop.TrackResource(this, static transport => ((DatagramTransport)transport).Handle >= 0);
    }

    public override IProtocol Protocol
    {
        get => _protocol;
        set
        {
            Loop.CheckThread();
            ArgumentNullException.ThrowIfNull(value);
            _protocol = value as IDatagramProtocol
                ?? throw new ArgumentException(
                    $"A transport of datagrams calls an IDatagramProtocol, and {value.GetType().Name} is none.", nameof(value));
        }
    }

    public override EndPoint? LocalEndPoint { get; }

    public override EndPoint? RemoteEndPoint { get; }

    public override nint Handle => _socket.Handle;

    /// <summary>
    /// Makes a transport. The protocol is called from the next iteration on, first of all with
    /// <see cref="IDatagramProtocol.ConnectionMade"/>.
    /// </summary>
    /// <param name="socket">The socket, which belongs to the transport from now on.</param>
    /// <param name="protocol">Whom to call.</param>
    /// <param name="remote">To whom datagrams go for which nobody says otherwise, where the socket is not connected.</param>
    /// <param name="made">Completed when the protocol has been told.</param>
    internal static DatagramTransport Start(LoopSocket socket, IDatagramProtocol protocol, EndPoint? remote, Future made)
    {
        var transport = new DatagramTransport(socket, protocol, remote);
        var loop = transport.Loop;
        loop.CallSoon(static transport => ((DatagramTransport)transport!).OnMade(), transport);
        loop.CallSoon(static transport => ((DatagramTransport)transport!).Wait(), transport);
        loop.CallSoon(static made => ((Future)made!).TrySetResult(), made);
        return transport;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var peer = _remote is null ? "" : $" -> {_remote}";
        var state = Handle < 0 ? "closed" : IsClosing ? "closing" : "reading";
        return $"transport of datagrams {LocalEndPoint?.ToString() ?? "(unnamed)"}{peer} ({state}, {WriteBufferSize} bytes to send)";
    }

    // The wait that is pending ends when the socket is closed, and finds the transport closing.
    protected override void StopReceiving()
    {
    }

    protected override void Drop()
    {
        _socket.Dispose();
        DropQueue();
    }

    protected override void Release() => _socket.Dispose();

    private void OnMade()
    {
        try
        {
            _protocol.ConnectionMade(this);
        }
        catch (Exception exception)
        {
            FailCall(nameof(IDatagramProtocol.ConnectionMade), exception);
        }
    }

    private void ReportError(SocketException error)
    {
        try
        {
            _protocol.ErrorReceived(error);
        }
        catch (Exception exception)
        {
            Report(nameof(IDatagramProtocol.ErrorReceived), exception);
        }
    }
}
