using System.Diagnostics;
using System.Net;
using Baton.Bench.Net;

namespace Baton.Bench.Tls;

/// <summary>
/// A closed loop of echo requests over TLS: every connection sends one message, waits for all of it to come back, and sends the next.
/// </summary>
/// <remarks>
/// It stands on Baton's own TLS, for a client has to do the same cryptography as the server, and this is the cheapest way to drive 64
/// sessions on one thread. It is the same for all servers: what it does not know it cannot favour.
/// </remarks>
internal sealed class TlsLoad : ILoad
{
    public const int MessageSize = 16 * 1024;

    private static readonly TimeSpan StallLimit = TimeSpan.FromSeconds(10);

    private readonly EventLoop _loop = new();
    private readonly Connection[] _connections;
    private readonly byte[][] _messages;
    private readonly List<LoopTask> _echoes = [];
    private readonly double _nanosecondsPerTick = 1e9 / Stopwatch.Frequency;
    private bool _draining;
    private int _outstanding;

    public TlsLoad(int port, int connections)
    {
        _connections = new Connection[connections];
        _messages = new byte[connections][];
        _loop.RunUntilComplete(ConnectAsync(new IPEndPoint(IPAddress.Loopback, port)));
    }

    public LatencyHistogram Latencies { get; } = new();

    public void Start()
    {
        _draining = false;
        for (var connection = 0; connection < _connections.Length; connection++)
        {
            _outstanding++;
            _echoes.Add(_loop.CreateTask(EchoAsync(connection)));
        }
    }

    public void RunFor(TimeSpan duration)
    {
        var before = Latencies.Count;
        _loop.RunUntilComplete(Coroutine.Sleep(duration));
        if (Latencies.Count == before && duration > StallLimit) throw new TimeoutException("The server has stopped answering.");
    }

    public void Drain()
    {
        _draining = true;
        _loop.RunUntilComplete(LoopTimeout.Run(StallLimit, async () =>
        {
            while (_outstanding > 0) await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        }));
    }

    public void Dispose()
    {
        _loop.RunUntilComplete(StopAsync());
        _loop.Dispose();
    }

    private async Coroutine StopAsync()
    {
        foreach (var echo in _echoes) echo.Cancel();
        if (_echoes.Count > 0) await Coroutine.Wait(_echoes);
        foreach (var connection in _connections) connection.Abort();
    }

    private async Coroutine ConnectAsync(EndPoint server)
    {
        // One after the other, so that no accept queue overflows.
        for (var i = 0; i < _connections.Length; i++)
        {
            _messages[i] = new byte[MessageSize];
            _messages[i].AsSpan().Fill((byte)i);
            _connections[i] = await Connection.ConnectAsync(server, new ConnectOptions { Tls = TlsSettings.Client });
        }
    }

    private async Coroutine EchoAsync(int index)
    {
        var connection = _connections[index];
        var message = _messages[index];
        var sentAt = Stopwatch.GetTimestamp();
        while (true)
        {
            await connection.WriteAsync(message);
            for (var received = 0L; received < MessageSize;)
            {
                var read = await connection.Input.ReadAsync();
                if (read.IsCompleted) throw new InvalidOperationException("The server closed a connection.");

                // A server that mixes connections up must not win by it.
                if (read.Buffer.FirstSpan[0] != (byte)index)
                    throw new InvalidOperationException($"Connection {index} received something that it had not sent.");
                received += read.Buffer.Length;
                connection.Input.AdvanceTo(read.Buffer.End);
            }

            // The echo's arrival is the next request's departure: one clock read serves both.
            var now = Stopwatch.GetTimestamp();
            Latencies.Record((long)((now - sentAt) * _nanosecondsPerTick));
            sentAt = now;
            if (_draining)
            {
                _outstanding--;
                return;
            }
        }
    }
}
