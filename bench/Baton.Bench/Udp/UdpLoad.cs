using System.Diagnostics;
using System.Runtime.InteropServices;
using Baton.Bench.Net;

namespace Baton.Bench.Udp;

/// <summary>
/// A closed loop of datagrams on one socket: a number of them is under way, and those that have come back are sent again, all that came at
/// once by one call.
/// </summary>
/// <remarks>It stands on the same system calls as the fastest server, so that the server gets its datagrams in batches.</remarks>
internal sealed unsafe class UdpLoad : ILoad
{
    public const int MessageSize = 1024;

    private const int MaximumBatch = 64;
    private const int WaitMilliseconds = 100;
    private const int EpollEventSize = 16;
    private const int ReceiveBuffer = 4 << 20;
    private static readonly long StallTicks = 10 * Stopwatch.Frequency;

    private readonly int _epoll;
    private readonly int _socket;
    private readonly int _count;
    private readonly long[] _sentAt;
    private readonly byte* _bytes = (byte*)NativeMemory.AllocZeroed(MaximumBatch * MessageSize);
    private readonly Libc.BatchedMessage* _messages = (Libc.BatchedMessage*)NativeMemory.AllocZeroed(
        MaximumBatch, (nuint)sizeof(Libc.BatchedMessage));
    private readonly Libc.IoVector* _vectors = (Libc.IoVector*)NativeMemory.AllocZeroed(MaximumBatch, (nuint)sizeof(Libc.IoVector));
    private readonly byte* _event = (byte*)NativeMemory.AllocZeroed(EpollEventSize);
    private readonly double _nanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private int _outstanding;
    private bool _draining;
    private long _lastEcho;

    public UdpLoad(int port, int count)
    {
        _count = count;
        _sentAt = new long[count];
        for (var i = 0; i < MaximumBatch; i++)
        {
            _vectors[i] = new Libc.IoVector { Base = _bytes + (i * MessageSize), Length = MessageSize };
            _messages[i].Vectors = _vectors + i;
            _messages[i].VectorCount = 1;
        }

        _epoll = (int)Libc.Check(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "epoll_create1");
        _socket = (int)Libc.Check(Libc.socket(Libc.AF_INET, Libc.SOCK_DGRAM | Libc.SOCK_CLOEXEC, 0), "socket");
        var size = ReceiveBuffer;
        Libc.Check(Libc.setsockopt(_socket, Libc.SOL_SOCKET, Libc.SO_RCVBUF, &size, sizeof(int)), "setsockopt(SO_RCVBUF)");
        var address = Libc.SocketAddressIn.Loopback(port);
        Libc.Check(Libc.connect(_socket, &address, (uint)sizeof(Libc.SocketAddressIn)), "connect");
        *(uint*)_event = Libc.EPOLLIN;
        Libc.Check(Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_ADD, _socket, _event), "epoll_ctl");
    }

    public LatencyHistogram Latencies { get; } = new();

    public void Start()
    {
        _draining = false;
        var now = Stopwatch.GetTimestamp();
        _lastEcho = now;
        for (var first = 0; first < _count; first += MaximumBatch)
        {
            var count = Math.Min(MaximumBatch, _count - first);
            for (var i = 0; i < count; i++) Stamp(i, first + i, now);
            Send(count);
        }
    }

    public void RunFor(TimeSpan duration)
    {
        var now = Stopwatch.GetTimestamp();
        var deadline = now + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        while (now < deadline) now = Turn();
    }

    public void Drain()
    {
        _draining = true;
        while (_outstanding > 0) Turn();
    }

    public void Dispose()
    {
        _ = Libc.close(_socket);
        _ = Libc.close(_epoll);
        NativeMemory.Free(_bytes);
        NativeMemory.Free(_messages);
        NativeMemory.Free(_vectors);
        NativeMemory.Free(_event);
    }

    /// <summary>One wait and all that it brought. Returns the time.</summary>
    private long Turn()
    {
        var ready = Libc.epoll_wait(_epoll, _event, 1, WaitMilliseconds);
        if (ready < 0 && Libc.LastError != Libc.EINTR) Libc.Check(ready, "epoll_wait");

        var received = ready <= 0 ? 0 : Libc.recvmmsg(_socket, _messages, MaximumBatch, Libc.MSG_DONTWAIT, null);
        if (received < 0 && Libc.LastError is not (Libc.EAGAIN or Libc.EINTR)) Libc.Check(received, "recvmmsg");

        var now = Stopwatch.GetTimestamp();
        if (received <= 0)
        {
            if (now - _lastEcho > StallTicks) throw new TimeoutException("The server has stopped answering, or datagrams were lost.");
            return now;
        }

        _lastEcho = now;
        _outstanding -= received;
        for (var i = 0; i < received; i++)
        {
            var number = CheckStamp(i);
            Latencies.Record((long)((now - _sentAt[number]) * _nanosecondsPerTick));
            _sentAt[number] = now;
        }

        // What arrived departs as it is: one clock read serves both.
        if (!_draining) Send(received);
        return now;
    }

    private void Send(int count)
    {
        _outstanding += count;
        for (var sent = 0; sent < count;)
        {
            sent += (int)Libc.Check(Libc.sendmmsg(_socket, _messages + sent, (uint)(count - sent), Libc.MSG_NOSIGNAL), "sendmmsg");
        }
    }

    // A server that loses, doubles or cuts datagrams must not win by it: both ends of each carry its number.
    private void Stamp(int slot, int number, long now)
    {
        _sentAt[number] = now;
        *(int*)(_bytes + (slot * MessageSize)) = number;
        *(int*)(_bytes + ((slot + 1) * MessageSize) - sizeof(int)) = number;
    }

    private int CheckStamp(int slot)
    {
        var number = *(int*)(_bytes + (slot * MessageSize));
        if (_messages[slot].Length != MessageSize || *(int*)(_bytes + ((slot + 1) * MessageSize) - sizeof(int)) != number
            || (uint)number >= (uint)_count)
        {
            throw new InvalidOperationException("Something came back that had not been sent.");
        }

        return number;
    }
}
