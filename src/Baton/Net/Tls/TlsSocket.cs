using System.Net;
using System.Net.Security;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// TLS as a socket over another socket: what is sent goes encrypted into the lower one, what is received comes decrypted out of it. A
/// <see cref="Connection"/> that is upgraded works on this instead of the driver's socket, with the same reader and writer and so with the
/// same guarantees; TLS in TLS is one over another.
/// </summary>
/// <remarks>
/// <para>The cryptography is <see cref="SslStream"/>'s, over an inner stream that never makes it wait while it has a caller's buffer: it
/// waits only in reads without a buffer, or within a record of which a part has come. So a cancelled read has nothing to lose, and writes
/// complete in the call.</para>
/// <para>All members are for the loop thread.</para>
/// </remarks>
internal sealed partial class TlsSocket : IoSocket
{
    /// <summary>So many blocks of what the peer still sends are thrown away before the socket is closed.</summary>
    private const int DrainLimit = 16;

    private readonly EventLoop _loop;
    private readonly IoSocket _lower;
    private readonly TlsInnerStream _inner;
    private bool _isClosed;

    /// <param name="loop">The loop.</param>
    /// <param name="lower">The socket that carries the records.</param>
    /// <param name="first">Bytes that were received from it already; null for none. They belong to this from now on.</param>
    /// <param name="start">Where in the first block they start.</param>
    internal TlsSocket(EventLoop loop, IoSocket lower, IoBlock? first, int start)
    {
        _loop = loop;
        _lower = lower;
        _inner = new TlsInnerStream(loop, this, lower, first, start);
        Ssl = new SslStream(_inner, leaveInnerStreamOpen: true);
    }

    public override nint Handle => _lower.Handle;

    public override AddressFamily AddressFamily => _lower.AddressFamily;

    public override SocketType SocketType => _lower.SocketType;

    internal SslStream Ssl { get; }

    protected override IoBlockPool Blocks => _loop.Driver.Blocks;

    public override void Bind(EndPoint endPoint) => _lower.Bind(endPoint);

    public override void Listen(int backlog) => _lower.Listen(backlog);

    public override EndPoint? GetEndPoint(bool peer) => _lower.GetEndPoint(peer);

    public override void SetOption(SocketOptionLevel level, SocketOptionName name, int value) => _lower.SetOption(level, name, value);

    public override int GetOption(SocketOptionLevel level, SocketOptionName name) => _lower.GetOption(level, name);

    public override void SetReusePort(bool value) => _lower.SetReusePort(value);

    public override void SetRawOption(int level, int name, ReadOnlySpan<byte> value) => _lower.SetRawOption(level, name, value);

    public override int GetRawOption(int level, int name, Span<byte> value) => _lower.GetRawOption(level, name, value);

    public override int TryReceiveFrom(Span<byte> buffer, SocketAddress? sender, out bool isTruncated, out SocketError error) =>
        throw NoDatagrams();

    public override int TrySendTo(ReadOnlySpan<byte> bytes, SocketAddress? receiver, out SocketError error) => throw NoDatagrams();

    public override bool Submit(IoRequest request)
    {
        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        if (_isClosed)
        {
            request.Error = SocketError.OperationAborted;
            return true;
        }

        switch (request.Kind)
        {
            case IoOperationKind.Receive:
                return SubmitReceive(request);
            case IoOperationKind.Send:
            case IoOperationKind.SendVectored:
            case IoOperationKind.WaitToSend when _sealedLength > 0:
                return SubmitSend(request);
            case IoOperationKind.WaitToSend:
                return _lower.Submit(request);
            default:
                throw new NotSupportedException($"{request.Kind} is not for a socket that is connected and speaks TLS.");
        }
    }

    public override void Cancel(IoRequest request)
    {
        if (ReferenceEquals(request, _sending))
        {
            _sending = null;
        }
        else if (ReferenceEquals(request, _receiving))
        {
            // The wait below goes on, and finds nobody; or the next receive finds it.
            _receiving = null;
        }
        else
        {
            _lower.Cancel(request);
            return;
        }

        request.Error = SocketError.OperationAborted;
        request.Finish();
    }

    /// <summary>Tells the peer that no more will come. It may go on sending.</summary>
    public override void Shutdown(SocketShutdown how)
    {
        if (how != SocketShutdown.Receive)
        {
            SendCloseNotify();
        }
    }

    public override void Abort() => Close(abort: true);

    /// <summary>
    /// Closes the socket in good order where the system takes all that is left to be sent at once, else as <see cref="Abort"/> does.
    /// </summary>
    public override void Dispose()
    {
        if (_isClosed)
        {
            return;
        }

        SendCloseNotify();
        Drain();
        Close(abort: _sealedLength > 0);
    }

    /// <summary>The handshake is over.</summary>
    internal void Open() => _inner.IsOpen = true;

    /// <summary>The handshake has failed, and the lower socket is closed.</summary>
    internal void Discard()
    {
        _isClosed = true;
        Ssl.Dispose();
        _inner.ReleaseBlocks();
    }

    /// <summary>Ends the session as far as the system takes it at once. Whether that is all.</summary>
    internal bool TryEnd()
    {
        SendCloseNotify();
        return _sealedLength == 0;
    }

    /// <summary>
    /// What the peer has sent and nobody will read would make the system reset the connection, and with it drop what it has not sent yet.
    /// </summary>
    private void Drain()
    {
        for (var i = 0; i < DrainLimit && !_inner.IsAtEnd && _lower.TryReceiveLent(out _) is { } block; i++)
        {
            block.Release();
        }
    }

    private static NotSupportedException NoDatagrams() => new("TLS is a stream, and knows no datagrams.");

    private void Close(bool abort)
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        if (_sending is { } sending)
        {
            Cancel(sending);
        }

        if (_receiving is { } receiving)
        {
            Cancel(receiving);
        }

        if (abort)
        {
            _lower.Abort();
        }
        else
        {
            _lower.Dispose();
        }

        DropSealed();
        _sendError = SocketError.OperationAborted;
        EndPump();
        Ssl.Dispose();
        _inner.ReleaseBlocks();
        NotifySent();
    }
}
