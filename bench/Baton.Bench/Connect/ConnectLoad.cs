using System.Diagnostics;
using System.Runtime.InteropServices;
using Baton.Bench.Net;

namespace Baton.Bench.Connect;

/// <summary>
/// A closed loop of short connections: connects, sends a byte if one is to be answered, waits for the server's end, closes, connects again.
/// </summary>
/// <remarks>
/// The server takes connections in the order in which they were made, so the oldest is the one to wait for, in a blocking receive: no epoll
/// and no readiness to pay for. The client ends with a reset, which the server, having closed, does not see: otherwise every connection
/// would leave its addresses in TIME_WAIT for a minute, and a machine runs out of them in seconds.
/// </remarks>
internal sealed unsafe class ConnectLoad : ILoad
{
    private const byte Byte = 42;

    private readonly int[] _sockets;
    private readonly long[] _startedAt;
    private readonly Libc.SocketAddressIn _address;
    private readonly bool _answers;
    private readonly double _nanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private int _oldest;

    public ConnectLoad(int port, int connections, bool answers)
    {
        _sockets = new int[connections];
        Array.Fill(_sockets, -1);
        _startedAt = new long[connections];
        _address = Libc.SocketAddressIn.Loopback(port);
        _answers = answers;
    }

    public LatencyHistogram Latencies { get; } = new();

    public void Start()
    {
        for (var slot = 0; slot < _sockets.Length; slot++) Connect(slot, Stopwatch.GetTimestamp());
        _oldest = 0;
    }

    public void RunFor(TimeSpan duration)
    {
        var now = Stopwatch.GetTimestamp();
        var deadline = now + (long)(duration.TotalSeconds * Stopwatch.Frequency);
        while (now < deadline)
        {
            now = AwaitEnd(_oldest);
            Connect(_oldest, now);
            _oldest = (_oldest + 1) % _sockets.Length;
        }
    }

    public void Drain()
    {
        for (var i = 0; i < _sockets.Length; i++) AwaitEnd((_oldest + i) % _sockets.Length);
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
        {
            if (socket >= 0) _ = Libc.close(socket);
        }
    }

    private void Connect(int slot, long now)
    {
        _startedAt[slot] = now;
        var socket = (int)Libc.Check(Libc.socket(Libc.AF_INET, Libc.SOCK_STREAM | Libc.SOCK_CLOEXEC, 0), "socket");
        _sockets[slot] = socket;

        var linger = new Libc.Linger { IsOn = 1, Seconds = 0 };
        Libc.Check(Libc.setsockopt(socket, Libc.SOL_SOCKET, Libc.SO_LINGER, &linger, (uint)sizeof(Libc.Linger)), "setsockopt(SO_LINGER)");
        fixed (Libc.SocketAddressIn* address = &_address)
            Libc.Check(Libc.connect(socket, address, (uint)sizeof(Libc.SocketAddressIn)), "connect");

        if (!_answers) return;
        var message = Byte;
        Libc.Check(Libc.send(socket, &message, 1, Libc.MSG_NOSIGNAL), "send");
    }

    /// <summary>Waits for the server's answer and its end in one call, which returns short at the end.</summary>
    private long AwaitEnd(int slot)
    {
        var answer = stackalloc byte[2];
        var socket = _sockets[slot];
        var length = (int)Libc.recv(socket, answer, 2, Libc.MSG_WAITALL);
        if (length != (_answers ? 1 : 0) || (_answers && answer[0] != Byte))
        {
            throw new InvalidOperationException(length < 0
                ? $"recv failed: {Marshal.GetPInvokeErrorMessage(Libc.LastError)}"
                : $"The server answered {length} bytes, or the wrong one.");
        }

        _sockets[slot] = -1;
        _ = Libc.close(socket);
        var now = Stopwatch.GetTimestamp();
        Latencies.Record((long)((now - _startedAt[slot]) * _nanosecondsPerTick));
        return now;
    }
}
