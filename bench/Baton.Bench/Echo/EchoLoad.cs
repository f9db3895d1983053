using System.Diagnostics;
using System.Runtime.InteropServices;
using Baton.Bench.Net;

namespace Baton.Bench.Echo;

/// <summary>
/// A closed loop of echo requests: every connection sends one message, waits for all of it to come back, and sends the next.
/// </summary>
/// <remarks>
/// It is the same for all servers, so it stands on the system calls alone: neither on Baton nor on the engine of
/// System.Net.Sockets, both of which it measures. A request costs it one send, one recv, one clock read, and its share of an
/// epoll_wait that fetches everything that is ready. That is what the C server pays for its side, so it cannot be much slower than the
/// fastest server.
/// </remarks>
internal sealed unsafe class EchoLoad : ILoad
{
    public const int MessageSize = 1024;

    private const int WaitMilliseconds = 100;
    private const int ReceiveFlags = Libc.MSG_DONTWAIT;
    private const int SendFlags = Libc.MSG_DONTWAIT | Libc.MSG_NOSIGNAL;
    private static readonly long StallTicks = 10 * Stopwatch.Frequency;

    // struct epoll_event is packed on x86-64 alone.
    private static readonly int EventSize = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;
    private static readonly int EventData = EventSize - 8;

    private readonly int _epoll;
    private readonly int[] _sockets;
    private readonly int[] _received;
    private readonly long[] _sentAt;
    private readonly byte* _message = (byte*)NativeMemory.AllocZeroed(MessageSize);
    private readonly byte* _inbox = (byte*)NativeMemory.AllocZeroed(MessageSize);
    private readonly byte* _events;
    private readonly LatencyHistogram _latencies = new();
    private readonly double _nanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private int _outstanding;
    private bool _draining;
    private long _lastEcho;

    /// <summary>Connects to 127.0.0.1, one connection after the other so that no accept queue overflows.</summary>
    public EchoLoad(int port, int connections)
    {
        _sockets = new int[connections];
        Array.Fill(_sockets, -1);
        _received = new int[connections];
        _sentAt = new long[connections];
        _events = (byte*)NativeMemory.AllocZeroed((nuint)(connections * EventSize));
        _epoll = (int)Libc.Check(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "epoll_create1");
        for (var connection = 0; connection < connections; connection++) Connect(connection, port);
    }

    public LatencyHistogram Latencies => _latencies;

    /// <summary>Sends a first message on every connection.</summary>
    public void Start()
    {
        _draining = false;
        var now = Stopwatch.GetTimestamp();
        _lastEcho = now;
        for (var connection = 0; connection < _sockets.Length; connection++) Send(connection, now);
    }

    /// <summary>Keeps every connection busy for a while; requests that end meanwhile are recorded.</summary>
    public void RunFor(TimeSpan duration)
    {
        var now = Stopwatch.GetTimestamp();
        var deadline = now + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        while (now < deadline) now = Turn();
    }

    /// <summary>Sends nothing more and waits for the echoes under way: afterwards every request sent has been recorded.</summary>
    public void Drain()
    {
        _draining = true;
        while (_outstanding > 0) Turn();
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            if (socket >= 0) _ = Libc.close(socket);
        }
        _ = Libc.close(_epoll);
        NativeMemory.Free(_message);
        NativeMemory.Free(_inbox);
        NativeMemory.Free(_events);
    }

    private void Connect(int connection, int port)
    {
        var socket = (int)Libc.Check(Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0), "socket");
        _sockets[connection] = socket;

        var address = Libc.SocketAddressIn.Loopback(port);
        Libc.Check(Libc.connect(socket, &address, (uint)sizeof(Libc.SocketAddressIn)), "connect");

        var on = 1;
        Libc.Check(Libc.setsockopt(socket, Libc.IPPROTO_TCP, Libc.TCP_NODELAY, &on, sizeof(int)), "setsockopt(TCP_NODELAY)");

        *(uint*)_events = Libc.EPOLLIN;
        *(ulong*)(_events + EventData) = (ulong)connection;
        Libc.Check(Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_ADD, socket, _events), "epoll_ctl");
    }

    /// <summary>One epoll_wait and all that it brought. Returns the time.</summary>
    private long Turn()
    {
        var ready = Libc.epoll_wait(_epoll, _events, _sockets.Length, WaitMilliseconds);
        if (ready <= 0)
        {
            if (ready < 0 && Libc.LastError != Libc.EINTR) Libc.Check(ready, "epoll_wait");
            var now = Stopwatch.GetTimestamp();
            if (now - _lastEcho > StallTicks) throw new TimeoutException("The server has stopped answering.");
            return now;
        }

        for (var i = 0; i < ready; i++) Receive((int)*(ulong*)(_events + (i * EventSize) + EventData));
        return _lastEcho;
    }

    private void Receive(int connection)
    {
        var received = _received[connection];
        var length = (int)Libc.recv(_sockets[connection], _inbox, (nuint)(MessageSize - received), ReceiveFlags);
        if (length <= 0)
        {
            if (length < 0 && Libc.LastError is Libc.EAGAIN or Libc.EINTR) return;
            throw new InvalidOperationException(length == 0
                ? "The server closed a connection."
                : $"recv failed: {Marshal.GetPInvokeErrorMessage(Libc.LastError)}");
        }

        received += length;
        var now = Stopwatch.GetTimestamp();
        _lastEcho = now;
        if (received < MessageSize)
        {
            _received[connection] = received;
            return;
        }

        _received[connection] = 0;
        if (length == MessageSize) CheckStamp(connection);
        _outstanding--;
        _latencies.Record((long)((now - _sentAt[connection]) * _nanosecondsPerTick));

        // The echo's arrival is the next request's departure: one clock read serves both.
        if (!_draining) Send(connection, now);
    }

    private void Send(int connection, long now)
    {
        Stamp(connection);
        _sentAt[connection] = now;
        _outstanding++;
        // A connection has at most one message under way, which always fits into an empty socket buffer.
        if (Libc.send(_sockets[connection], _message, MessageSize, SendFlags) != MessageSize)
            throw new InvalidOperationException($"send failed or fell short: {Marshal.GetPInvokeErrorMessage(Libc.LastError)}");
    }

    // A server that mixes connections up, or cuts a message, must not win by it: both ends of a message carry its connection.
    private void Stamp(int connection)
    {
        *(int*)_message = connection;
        *(int*)(_message + MessageSize - sizeof(int)) = connection;
    }

    private void CheckStamp(int connection)
    {
        if (*(int*)_inbox != connection || *(int*)(_inbox + MessageSize - sizeof(int)) != connection)
            throw new InvalidOperationException($"Connection {connection} received something that it had not sent.");
    }
}
