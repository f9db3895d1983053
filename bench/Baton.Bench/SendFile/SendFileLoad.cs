using System.Diagnostics;
using System.Runtime.InteropServices;
using Baton.Bench.Net;

namespace Baton.Bench.SendFile;

/// <summary>
/// A closed loop of files: a byte on every connection asks for the file, and when it has come whole, another byte asks again. Counts MiB.
/// </summary>
/// <remarks>
/// What arrives is dropped by the kernel, which costs the client less than the server pays for sending it; of each MiB the first bytes are
/// received, and checked to be its number, so that a server which leaves something out does not win by it.
/// </remarks>
internal sealed unsafe class SendFileLoad : ILoad
{
    private const int StampSize = sizeof(long);
    private const int WaitMilliseconds = 100;
    private const int EpollEventSize = 16;
    private const int MaximumEvents = 64;
    private const int MostAtOnce = 4 * ServedFile.Mebibyte;
    private static readonly long StallTicks = 10 * Stopwatch.Frequency;
    private static readonly int EventDataOffset = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 4 : 8;
    private static readonly int EventStride = RuntimeInformation.ProcessArchitecture == Architecture.X64 ? 12 : 16;

    private readonly int _epoll;
    private readonly State[] _connections;
    private readonly byte* _events = (byte*)NativeMemory.AllocZeroed(MaximumEvents, EpollEventSize);
    private readonly double _nanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private int _busy;
    private bool _draining;
    private long _lastArrival;

    public SendFileLoad(int port, int connections)
    {
        _connections = new State[connections];
        _epoll = (int)Libc.Check(Libc.epoll_create1(Libc.EPOLL_CLOEXEC), "epoll_create1");
        var address = Libc.SocketAddressIn.Loopback(port);
        for (var i = 0; i < connections; i++)
        {
            var socket = (int)Libc.Check(Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0), "socket");
            _connections[i].Socket = socket;
            Libc.Check(Libc.connect(socket, &address, (uint)sizeof(Libc.SocketAddressIn)), "connect");
            *(uint*)_events = Libc.EPOLLIN;
            *(long*)(_events + EventDataOffset) = i;
            Libc.Check(Libc.epoll_ctl(_epoll, Libc.EPOLL_CTL_ADD, socket, _events), "epoll_ctl");
        }
    }

    public LatencyHistogram Latencies { get; } = new();

    public void Start()
    {
        _draining = false;
        _lastArrival = Stopwatch.GetTimestamp();
        foreach (ref var connection in _connections.AsSpan()) Ask(ref connection);
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
        while (_busy > 0) Turn();
    }

    public void Dispose()
    {
        foreach (var connection in _connections) _ = Libc.close(connection.Socket);
        _ = Libc.close(_epoll);
        NativeMemory.Free(_events);
    }

    private long Turn()
    {
        var ready = Libc.epoll_wait(_epoll, _events, MaximumEvents, WaitMilliseconds);
        if (ready < 0 && Libc.LastError != Libc.EINTR) Libc.Check(ready, "epoll_wait");
        for (var i = 0; i < ready; i++)
        {
            Receive(ref _connections[*(long*)(_events + (i * EventStride) + EventDataOffset)]);
        }

        var now = Stopwatch.GetTimestamp();
        if (ready > 0) _lastArrival = now;
        else if (now - _lastArrival > StallTicks) throw new TimeoutException("The server has stopped sending.");
        return now;
    }

    /// <summary>Takes what is there of a connection, but not more than a few MiB.</summary>
    private void Receive(ref State connection)
    {
        for (var taken = 0L; taken < MostAtOnce;)
        {
            var within = connection.Received % ServedFile.Mebibyte;
            long stamp = 0;
            var wanted = within < StampSize ? StampSize - within : ServedFile.Mebibyte - within;
            var flags = Libc.MSG_DONTWAIT | (within < StampSize ? 0 : Libc.MSG_TRUNC);
            var count = Libc.recv(connection.Socket, (byte*)&stamp, (nuint)wanted, flags);
            if (count < 0 && Libc.LastError is Libc.EAGAIN or Libc.EINTR) return;
            if (Libc.Check(count, "recv") == 0) throw new InvalidOperationException("The server has closed a connection.");

            if (within < StampSize) CheckStamp(connection.Received, stamp, (int)count);
            connection.Received += count;
            taken += count;
            if (connection.Received % ServedFile.Mebibyte == 0) EndMebibyte(ref connection);
        }
    }

    private static void CheckStamp(long position, long stamp, int count)
    {
        var (number, skipped) = Math.DivRem(position, ServedFile.Mebibyte);
        var expected = number >> (8 * (int)skipped);
        var mask = count == sizeof(long) ? -1L : (1L << (8 * count)) - 1;
        if ((stamp & mask) != (expected & mask)) throw new InvalidOperationException($"MiB {number} is not what was to come.");
    }

    private void EndMebibyte(ref State connection)
    {
        var now = Stopwatch.GetTimestamp();
        Latencies.Record((long)((now - connection.StartedAt) * _nanosecondsPerTick));
        connection.StartedAt = now;
        if (connection.Received < (long)ServedFile.Mebibytes * ServedFile.Mebibyte) return;

        _busy--;
        if (!_draining) Ask(ref connection);
    }

    private void Ask(ref State connection)
    {
        byte request = 1;
        connection.Received = 0;
        connection.StartedAt = Stopwatch.GetTimestamp();
        _busy++;
        Libc.Check(Libc.send(connection.Socket, &request, 1, Libc.MSG_NOSIGNAL), "send");
    }

    private struct State
    {
        public int Socket;
        public long Received;
        public long StartedAt;
    }
}
