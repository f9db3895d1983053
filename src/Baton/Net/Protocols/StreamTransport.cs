using System.Net;

namespace Baton;

/// <summary>
/// The transport over a <see cref="Connection"/>: reads from it and calls the protocol, and writes to it without anybody waiting.
/// </summary>
/// <remarks>
/// It is no task: a read that is pending has a callback of the transport's for its continuation, registered outside of any task, so that
/// nothing but the transport ends it.
/// </remarks>
internal sealed partial class StreamTransport : BaseTransport, IStreamTransport
{
    private readonly ConnectionWriter _output;
    private IStreamProtocol _protocol;
    private IBufferedProtocol? _buffered;
    private readonly EndPoint? _localEndPoint;
    private readonly EndPoint? _remoteEndPoint;
    private Action? _released;
    private bool _isEofWritten;
    private bool _isOutputCallDue;
    private bool _isDetached;

    private StreamTransport(Connection connection, IStreamProtocol protocol)
        : base(connection.Loop)
    {
        Connection = connection;
        _protocol = protocol;
        _buffered = protocol as IBufferedProtocol;
        _onRead = OnRead;
        _output = connection.Writer;
        _output.Progressed = OnOutputProgress;
        _localEndPoint = connection.LocalEndPoint;
        _remoteEndPoint = connection.RemoteEndPoint;
        Loop.UntrackResource(connection);
        Loop.TrackResource(this, static transport => !((StreamTransport)transport).Connection.IsClosed);
    }

    public override IProtocol Protocol
    {
        get => _protocol;
        set
        {
            Loop.CheckThread();
            ArgumentNullException.ThrowIfNull(value);
            _protocol = value as IStreamProtocol
                ?? throw new ArgumentException(
                    $"A stream transport calls an IStreamProtocol, and {value.GetType().Name} is none.", nameof(value));
            _buffered = value as IBufferedProtocol;
        }
    }

    public override EndPoint? LocalEndPoint => _localEndPoint;

    public override EndPoint? RemoteEndPoint => _remoteEndPoint;

    public override nint Handle => Connection.Handle;

    internal Connection Connection { get; }

    /// <summary>
    /// Makes a transport. The protocol is called from the next iteration on, first of all with
    /// <see cref="IStreamProtocol.ConnectionMade"/>.
    /// </summary>
    /// <param name="connection">The connection, which belongs to the transport from now on.</param>
    /// <param name="protocol">Whom to call.</param>
    /// <param name="made">Completed when the protocol has been told.</param>
    internal static StreamTransport Start(Connection connection, IStreamProtocol protocol, Future? made)
    {
        var transport = new StreamTransport(connection, protocol);
        connection.Transport = transport;
        var loop = transport.Loop;
        loop.CallSoon(static transport => ((StreamTransport)transport!).OnMade(), transport);
        loop.CallSoon(static transport => ((StreamTransport)transport!).StartReading(), transport);
        if (made is not null)
        {
            loop.CallSoon(static made => ((Future)made!).TrySetResult(), made);
        }

        return transport;
    }

    /// <summary>Has something called once the transport has given the connection up, closed or not.</summary>
    internal void OnReleased(Action callback) => _released += callback;

    public async Coroutine<Connection> DetachAsync()
    {
        await QuietenAsync();
        End();
        _isDetached = true;
        _output.Progressed = null;
        Loop.UntrackResource(this);
        Connection.Track();
        GiveUp();
        return Connection;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var state = Connection.IsClosed ? "closed" : IsClosing ? "closing" : _isPaused ? "paused" : _isEnded ? "at the end" : "reading";
        var name = Connection.Name ?? $"{Name(_localEndPoint)} -> {Name(_remoteEndPoint)}";
        return $"transport {name} ({state}, {WriteBufferSize} bytes to send)";
    }

    protected override void Drop() => Connection.Abort();

    protected override void Release()
    {
        if (Connection.Tls is not null)
        {
            CloseSession();
            return;
        }

        Connection.Dispose();
        GiveUp();
    }

    private static string Name(EndPoint? endPoint) => endPoint?.ToString() ?? "(unnamed)";

    private void OnMade()
    {
        try
        {
            _protocol.ConnectionMade(this);
        }
        catch (Exception exception)
        {
            FailCall(nameof(IStreamProtocol.ConnectionMade), exception);
        }
    }

    private void GiveUp()
    {
        Connection.Transport = null;
        var released = _released;
        _released = null;
        released?.Invoke();
    }
}
