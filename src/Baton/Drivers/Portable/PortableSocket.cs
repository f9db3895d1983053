using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// A socket of <see cref="PortableDriver"/>: the BCL's, the waits that it has begun on it, and the request that wants to know of each.
/// </summary>
internal sealed partial class PortableSocket : IoSocket
{
    private readonly PortableDriver _driver;
    private readonly SocketType _socketType;
    private readonly AddressFamily _addressFamily;
    private readonly Socket _socket;
    private nint _handle;
    private EndPoint? _peer;

    internal PortableSocket(PortableDriver driver, Socket socket, EndPoint? peer)
    {
        _driver = driver;
        _socket = socket;
        _socketType = socket.SocketType;
        _addressFamily = socket.AddressFamily;
        _peer = peer;
        _handle = socket.Handle;

        // Not for local sockets: a receive there stops short at the border between two messages with passed descriptors.
        _isShortDrained = _socketType == SocketType.Stream && _addressFamily != AddressFamily.Unix;
        driver.Add(this);
    }

    public override nint Handle => _handle;

    public override AddressFamily AddressFamily => _addressFamily;

    public override SocketType SocketType => _socketType;

    protected override IoBlockPool Blocks => _driver.Blocks;

    /// <summary>The neighbours in the driver's list of what is open.</summary>
    internal PortableSocket? NextOpen { get; set; }

    internal PortableSocket? PreviousOpen { get; set; }

    private bool IsClosed => _handle < 0;

    public override bool Submit(IoRequest request)
    {
        request.Error = SocketError.Success;
        request.BytesTransferred = 0;
        if (IsClosed)
        {
            request.Error = SocketError.OperationAborted;
            return true;
        }

        switch (request.Kind)
        {
            case IoOperationKind.Receive:
                Debug.Assert(_reader is null, "the caller keeps to one request a direction");
                return SubmitReceive(request);
            case IoOperationKind.Accept:
                Debug.Assert(_reader is null, "the caller keeps to one request a direction");
                return SubmitAccept(request);
            case IoOperationKind.Connect:
                Debug.Assert(_writer is null, "the caller keeps to one request a direction");
                return SubmitConnect(request);
            case IoOperationKind.WaitToSend:
                Debug.Assert(_writer is null, "the caller keeps to one request a direction");
                return SubmitWaitForRoom(request);
            default:
                Debug.Assert(_writer is null, "the caller keeps to one request a direction");
                return SubmitSend(request);
        }
    }

    public override void Cancel(IoRequest request)
    {
        if (ReferenceEquals(_reader, request))
        {
            _reader = null;
            NoteEmpty();
        }
        else if (!ReferenceEquals(_writer, request))
        {
            return;
        }
        else if (_sendWait is { IsInFlight: true })
        {
            // The byte may be gone already: the request ends when that is known.
            _sendWait.Cancel();
            return;
        }
        else
        {
            _writer = null;
            _isWaitingForRoom = false;
        }

        Abort(request);
    }

    public override void Abort()
    {
        if (!IsClosed)
        {
            Close(abort: true);
        }
    }

    public override void Dispose()
    {
        if (!IsClosed)
        {
            Close(abort: false);
        }
    }

    [SuppressMessage("Usage", "CA1816", Justification = "The handle goes on, and the finalizer of the BCL's object must not close it.")]
    public override SafeSocketHandle Detach()
    {
        ObjectDisposedException.ThrowIf(IsClosed, typeof(LoopSocket));
        if (!IsWaitInFlight && _accepted is null)
        {
            End();
            GC.SuppressFinalize(_socket);
            return _socket.SafeHandle;
        }

        if (!OperatingSystem.IsLinux())
        {
            throw new PlatformNotSupportedException(
                "A wait that was cancelled is still in progress on the socket, and only a close ends it: on this platform the socket cannot be given away any more.");
        }

        var handle = _driver.Duplicate(_socket.SafeHandle, "Giving a socket away");
        End();
        _accepted?.Dispose();
        _socket.Dispose();

        // To the BCL a close that ends a wait is a reset: it must not be one when the other descriptor is closed.
        Span<byte> linger = stackalloc byte[2 * sizeof(int)];
        linger.Clear();
        _driver.LinuxCalls.SetOption(
            (int)handle.DangerousGetHandle(), LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionLinger, linger);
        return handle;
    }

    /// <summary>See <see cref="PortableDriver.IsCompletionDue"/>.</summary>
    internal bool IsCompletionDue() =>
        (_readWait is not null && IsReady(SelectMode.SelectRead))
        || (_connectWait is not null && IsReady(SelectMode.SelectWrite))
        || (_sendWait is { IsInFlight: true } && (_sendWait.IsCancelled || IsReady(SelectMode.SelectWrite)))
        || (_isWaitingForRoom && IsReady(SelectMode.SelectWrite));

    private static void Abort(IoRequest request)
    {
        request.Error = SocketError.OperationAborted;
        request.Finish();
    }

    private bool IsReady(SelectMode mode) => _socket.Poll(0, mode) || _socket.Poll(0, SelectMode.SelectError);

    private bool IsWaitInFlight => _readWait is not null || _connectWait is not null || _sendWait is { IsInFlight: true };

    /// <summary>Ends what is pending; what the BCL reports from now on reaches nobody.</summary>
    private void End()
    {
        _handle = -1;
        var reader = _reader;
        var writer = _writer;
        _reader = _writer = null;
        _isWaitingForRoom = false;
        if (reader is not null)
        {
            Abort(reader);
        }

        if (writer is not null)
        {
            Abort(writer);
        }

        _driver.Remove(this);
        _driver.Counters.Others++;
    }

    private void Close(bool abort)
    {
        End();

        // What was accepted for a request that had been cancelled meanwhile goes with the listener.
        _accepted?.Dispose();
        _accepted = null;
        if (abort)
        {
            // To linger for no time at all is the way to say: reset. Where the peer is gone already there is none to be told.
            TrySetLinger();
        }
        else if (IsWaitInFlight)
        {
            // To the BCL a close that ends a wait is a reset, unless the sending side was shut down before.
            TryShutdown();
        }

        _socket.Dispose();
    }

    private void TrySetLinger()
    {
        try
        {
            _socket.LingerState = new LingerOption(true, 0);
        }
        catch (SocketException)
        {
        }
    }

    private void TryShutdown()
    {
        // A connect that is under way has no connection yet, unless nobody has told so far.
        if (_socketType == SocketType.Stream && !_isListening && (_connectWait is null || _socket.Poll(0, SelectMode.SelectWrite)))
        {
            try
            {
                _socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // Not connected, or not any more: then there is nothing to be reset.
            }
        }
    }
}
