using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// A driver on the sockets of the BCL, wherever .NET runs. What can be done at once is done by calls that do not block; waiting is left to
/// the BCL, whose threads report what happened.
/// </summary>
/// <remarks>
/// <para>Invariants. The BCL's threads do one thing: they put what has completed in a queue, and wake the loop where it waits. Everything
/// else happens on the loop thread, in <see cref="Poll"/>. A wait that the BCL has begun cannot be taken back and is not: it holds no
/// buffer, and a request that is cancelled just lets go of it; the next of the same direction takes it over, together with what it brought,
/// be that an error or an accepted connection.</para>
/// </remarks>
public partial class PortableDriver : IoDriver
{
    private readonly Stack<PortableWait> _freeWaits = new();
    private readonly List<PortableSocket> _waitingForRoom = [];
    private byte[] _scratch = [];
    private SocketAddress? _scratchAddress;
    private PortableSocket? _sockets;
    private int _openSockets;
    private int _waitsInFlight;
    private bool _isDisposed;

    internal IoCounters Counters;

    /// <inheritdoc/>
    public override string Name => "portable";

    /// <inheritdoc/>
    public override int OpenSocketCount => _openSockets;

    /// <summary>
    /// The calls of the BCL so far, by kind. <see cref="IoStatistics.Registrations"/> are the waits handed to it, which cost one or more
    /// system calls each, and <see cref="IoStatistics.Events"/> those that its threads completed.
    /// </summary>
    public override IoStatistics Statistics => Counters.ToStatistics(Interlocked.Read(ref _wakes));

    /// <inheritdoc/>
    public override IoSocket CreateSocket(EventLoop loop, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType)
    {
        ArgumentNullException.ThrowIfNull(loop);
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return new PortableSocket(this, PortableSocket.Open(this, addressFamily, socketType, protocolType), peer: null);
    }

    internal void Add(PortableSocket socket)
    {
        socket.NextOpen = _sockets;
        if (_sockets is not null)
        {
            _sockets.PreviousOpen = socket;
        }

        _sockets = socket;
        _openSockets++;
    }

    internal void Remove(PortableSocket socket)
    {
        if (socket.PreviousOpen is { } previous)
        {
            previous.NextOpen = socket.NextOpen;
        }
        else
        {
            _sockets = socket.NextOpen;
        }

        if (socket.NextOpen is { } next)
        {
            next.PreviousOpen = socket.PreviousOpen;
        }

        socket.NextOpen = socket.PreviousOpen = null;
        _openSockets--;
    }

    /// <summary>Looks from time to time whether a socket has room.</summary>
    internal void WaitForRoom(PortableSocket socket)
    {
        if (!_waitingForRoom.Contains(socket))
        {
            _waitingForRoom.Add(socket);
        }
    }

    /// <summary>Lends an object to wait with.</summary>
    internal PortableWait Rent(PortableSocket socket, bool isConnect)
    {
        var wait = _freeWaits.TryPop(out var free) ? free : new PortableWait(this);
        wait.Use(socket, isConnect);
        Counters.Registrations++;
        return wait;
    }

    /// <summary>Memory for the length of one call.</summary>
    internal Span<byte> Scratch(int length)
    {
        if (_scratch.Length < length)
        {
            _scratch = GC.AllocateUninitializedArray<byte>(length);
        }

        return _scratch.AsSpan(0, length);
    }

    /// <summary>An address with room for any, for the length of one call.</summary>
    internal SocketAddress ScratchAddress => _scratchAddress ??= AddressConversion.CreateSpace();

    /// <summary>The BCL has taken a wait, and will report its end.</summary>
    internal void OnStarted() => _waitsInFlight++;

    /// <summary>Accepts of sockets that have stopped listening, whose end the BCL is about to report.</summary>
    internal int LastAccepts { get; set; }

    /// <summary>What it reported reached nobody. On any thread, once the driver is disposed.</summary>
    internal void OnAbandoned() => Interlocked.Decrement(ref _waitsInFlight);

    internal void Return(PortableWait wait)
    {
        wait.Clear();
        _freeWaits.Push(wait);
    }

    /// <summary>
    /// How many waits the BCL has not reported the end of. Those of sockets that were closed count until it has; the last may come after
    /// the driver is disposed.
    /// </summary>
    protected int WaitsInFlight => Volatile.Read(ref _waitsInFlight);

    /// <summary>
    /// Whether something that a socket waits for has happened of which the BCL has not told yet: then <see cref="Wait"/> is about to end.
    /// For drivers whose time passes only when nothing else can happen.
    /// </summary>
    protected bool IsCompletionDue()
    {
        for (var socket = _sockets; socket is not null; socket = socket.NextOpen)
        {
            if (socket.IsCompletionDue())
            {
                return true;
            }
        }

        return HasArrived || LastAccepts > 0 || (_poller is { } poller && poller.IsCompletionDue());
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (_isDisposed || !disposing)
        {
            return;
        }

        _isDisposed = true;
        while (_sockets is { } socket)
        {
            socket.Dispose();
        }

        CloseDescriptors();
        CloseQueue();
        while (_freeWaits.TryPop(out var wait))
        {
            wait.Dispose();
        }
    }
}
