using System.Net;
using System.Net.Sockets;
using Microsoft.Win32.SafeHandles;

namespace Baton.Soak.Faults;

/// <summary>A socket of <see cref="FaultDriver"/>: another one, of which some calls end as they might, but seldom do.</summary>
internal sealed partial class FaultSocket : IoSocket
{
    private readonly IoSocket _inner;
    private FaultRequest? _reader;
    private FaultRequest? _writer;
    private bool _isConnected;
    private bool _isReset;
    private bool _isResetToBeTold;

    internal FaultSocket(FaultDriver driver, IoSocket inner, bool isConnected)
    {
        Driver = driver;
        _inner = inner;
        _isConnected = isConnected;
    }

    public override nint Handle => _inner.Handle;

    public override AddressFamily AddressFamily => _inner.AddressFamily;

    public override SocketType SocketType => _inner.SocketType;

    public override FileAccess Access => _inner.Access;

    public override IoSocketKind Kind => _inner.Kind;

    public override bool IsDrained => !_isReset && _inner.IsDrained;

    internal FaultDriver Driver { get; }

    protected override IoBlockPool Blocks => Driver.Blocks;

    private bool IsStream => SocketType == SocketType.Stream;

    public override bool Submit(IoRequest request)
    {
        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        var isReading = request.Kind is IoOperationKind.Receive or IoOperationKind.Accept;
        if (FailsAtOnce(request, isReading))
        {
            return true;
        }

        ref var slot = ref isReading ? ref _reader : ref _writer;
        var proxy = slot ??= new FaultRequest(this, request.Loop);
        if (proxy.Target is not null)
        {
            throw new InvalidOperationException($"A {request.Kind} was submitted while {proxy.Target.Kind} is in progress.");
        }

        proxy.Start(request);
        if (IsStream)
        {
            Shorten(proxy);
        }

        if (_inner.Submit(proxy))
        {
            return proxy.EndAtOnce();
        }

        proxy.Wait();
        return false;
    }

    public override void Cancel(IoRequest request)
    {
        var proxy = ReferenceEquals(_reader?.Target, request) ? _reader : ReferenceEquals(_writer?.Target, request) ? _writer : null;
        if (proxy is null)
        {
            return;
        }

        if (!proxy.IsHeld)
        {
            proxy.ForgetVain();
            _inner.Cancel(proxy);
        }
        else if (Driver.Choose(true, false))
        {
            // It has happened: with its result, now or, where it stays held, later.
            proxy.Deliver();
        }
    }

    public override int TryReceive(Span<byte> buffer, out SocketError error)
    {
        if (IsResetOrBlocked(isReading: true, out error))
        {
            return 0;
        }

        return _inner.TryReceive(IsStream ? buffer[..Driver.Shorten(buffer.Length)] : buffer, out error);
    }

    public override IoBlock? TryReceiveLent(out SocketError error)
    {
        if (Driver.Choose(true, false))
        {
            return base.TryReceiveLent(out error);
        }

        return IsResetOrBlocked(isReading: true, out error) ? null : _inner.TryReceiveLent(out error);
    }

    public override int TrySend(ReadOnlySpan<byte> bytes, out SocketError error)
    {
        if (IsResetOrBlocked(isReading: false, out error))
        {
            return 0;
        }

        return _inner.TrySend(IsStream ? bytes[..Driver.Shorten(bytes.Length)] : bytes, out error);
    }

    public override int TrySendFile(SafeFileHandle file, long offset, int count, out SocketError error) =>
        IsResetOrBlocked(isReading: false, out error) ? 0 : _inner.TrySendFile(file, offset, Driver.Shorten(count), out error);

    public override IoSocket? TryAccept(out SocketError error) =>
        _inner.TryAccept(out error) is { } accepted ? new FaultSocket(Driver, accepted, isConnected: true) : null;

    public override void StopListening() => _inner.StopListening();

    public override void AllowReceivingAhead() => _inner.AllowReceivingAhead();

    public override void AssumeReadable() => _inner.AssumeReadable();

    public override void Bind(EndPoint endPoint) => _inner.Bind(endPoint);

    public override void Listen(int backlog) => _inner.Listen(backlog);

    public override void Shutdown(SocketShutdown how) => _inner.Shutdown(how);

    public override EndPoint? GetEndPoint(bool peer) => _inner.GetEndPoint(peer);

    public override void SetOption(SocketOptionLevel level, SocketOptionName name, int value) => _inner.SetOption(level, name, value);

    public override int GetOption(SocketOptionLevel level, SocketOptionName name) => _inner.GetOption(level, name);

    public override void SetRawOption(int level, int name, ReadOnlySpan<byte> value) => _inner.SetRawOption(level, name, value);

    public override int GetRawOption(int level, int name, Span<byte> value) => _inner.GetRawOption(level, name, value);

    public override void SetReusePort(bool value) => _inner.SetReusePort(value);

    public override SafeSocketHandle Detach()
    {
        EndRequests();
        return _inner.Detach();
    }

    public override void Abort()
    {
        EndRequests();
        _inner.Abort();
    }

    public override void Dispose()
    {
        EndRequests();
        if (_isReset)
        {
            // Now the peer, too, learns of it.
            _inner.Abort();
        }
        else
        {
            _inner.Dispose();
        }
    }

    internal void CancelBelow(FaultRequest proxy) => _inner.Cancel(proxy);

    internal void OnConnected() => _isConnected = IsStream;

    private void EndRequests()
    {
        _reader?.EndNow();
        _writer?.EndNow();
    }

    private bool FailsAtOnce(IoRequest request, bool isReading)
    {
        if (_isReset)
        {
            request.Error = TakeResetError(request);
            return true;
        }

        request.Error = request.Kind switch
        {
            IoOperationKind.Connect when Driver.Happens(Driver.Plan.FailedConnect) => Driver.Choose(
                SocketError.ConnectionRefused, SocketError.TimedOut, SocketError.HostUnreachable, SocketError.NetworkUnreachable),
            IoOperationKind.Accept when Driver.Happens(Driver.Plan.FailedAccept) => Driver.Choose(
                SocketError.ConnectionAborted, SocketError.ConnectionAborted, SocketError.NetworkDown, SocketError.TooManyOpenSockets),
            _ => SocketError.Success,
        };
        return request.Error != SocketError.Success;
    }

    private void Shorten(FaultRequest proxy)
    {
        switch (proxy.Kind)
        {
            case IoOperationKind.Receive or IoOperationKind.Send when !proxy.Buffer.IsEmpty:
                proxy.Buffer = proxy.Buffer[..Driver.Shorten(proxy.Buffer.Length)];
                break;
            case IoOperationKind.SendVectored:
                proxy.BufferCount = Driver.Shorten(proxy.BufferCount);
                break;
        }
    }

    /// <summary>Whether a call that does not wait ends here.</summary>
    private bool IsResetOrBlocked(bool isReading, out SocketError error)
    {
        if (_isConnected && !_isReset && Driver.Happens(Driver.Plan.Reset))
        {
            Reset();
        }

        if (_isReset)
        {
            error = TakeResetError(isReading);
            return true;
        }

        error = Driver.Happens(Driver.Plan.WouldBlock) ? SocketError.WouldBlock : SocketError.Success;
        return error != SocketError.Success;
    }

    /// <summary>
    /// What a request is told after a reset. A wait for data learns only that there is something; the receive that follows is told what.
    /// </summary>
    internal SocketError TakeResetError(IoRequest request) => request.Kind switch
    {
        IoOperationKind.Receive when request.Buffer.IsEmpty => SocketError.Success,
        IoOperationKind.WaitToSend => SocketError.Success,
        var kind => TakeResetError(kind == IoOperationKind.Receive),
    };

    /// <summary>
    /// As the system has it: the first to ask is told of the reset; after that there is the end to be received, and nobody to send to.
    /// </summary>
    private SocketError TakeResetError(bool isReading)
    {
        if (!_isResetToBeTold)
        {
            return isReading ? SocketError.Success : SocketError.Shutdown;
        }

        _isResetToBeTold = false;
        return SocketError.ConnectionReset;
    }

    private void Reset()
    {
        _isReset = true;
        _isResetToBeTold = true;
        FailPending(_reader);
        FailPending(_writer);
    }

    private void FailPending(FaultRequest? proxy)
    {
        if (proxy is { Target: not null, IsHeld: false })
        {
            proxy.ForgetVain();
            proxy.IsEndedByReset = true;
            _inner.Cancel(proxy);
        }
    }
}
