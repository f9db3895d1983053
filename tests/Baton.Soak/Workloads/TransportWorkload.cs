using System.Net;

namespace Baton.Soak.Workloads;

/// <summary>Transports and protocols: an echo by callbacks, at both ends.</summary>
internal sealed class TransportWorkload : Workload
{
    private Server _server = null!;

    public override string Name => "Transport";

    public override async Coroutine StartAsync(SoakPhase phase) =>
        _server = await phase.Loop.CreateServerAsync(() => new EchoProtocol(), new IPEndPoint(IPAddress.Loopback, 0));

    public override async Coroutine StopAsync() => await _server.ShutdownAsync(TimeSpan.FromSeconds(20));

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var pattern = worker.NextPattern();
        var length = worker.Length(100_000);
        var mayEnd = worker.Chance(0.3);
        var (transport, protocol) = await worker.Loop.CreateConnectionAsync(
            () => new CheckingProtocol(worker.Loop, pattern, length, mayEnd), _server.EndPoints[0]);
        try
        {
            for (var offset = 0; offset < length;)
            {
                var count = Math.Min(length - offset, 1 + worker.Random.Next(5000));
                if (transport.IsClosing)
                {
                    break;
                }

                transport.Write(pattern.Make(offset, count));
                offset += count;
                await protocol.WaitForRoomAsync();
                if (mayEnd && worker.Chance(0.1))
                {
                    transport.Abort();
                }
            }

            if (!transport.IsClosing)
            {
                transport.WriteEof();
            }

            await protocol.Lost;
        }
        finally
        {
            transport.Abort();
        }
    }

    private sealed class EchoProtocol : Protocol
    {
        private IStreamTransport _transport = null!;

        public override void ConnectionMade(IStreamTransport transport) => _transport = transport;

        public override void DataReceived(ReadOnlySpan<byte> data) => _transport.Write(data);

        public override void PauseWriting() => _transport.PauseReading();

        public override void ResumeWriting() => _transport.ResumeReading();
    }

    private sealed class CheckingProtocol(EventLoop loop, Pattern pattern, int length, bool mayEnd) : Protocol
    {
        private Future? _room;
        private int _received;

        internal Future Lost { get; } = loop.CreateFuture();

        internal async Coroutine WaitForRoomAsync()
        {
            if (_room is { } room)
            {
                await room;
            }
        }

        public override void DataReceived(ReadOnlySpan<byte> data)
        {
            pattern.Check(data, _received);
            _received += data.Length;
        }

        public override void PauseWriting() => _room = loop.CreateFuture();

        public override void ResumeWriting()
        {
            _room!.SetResult();
            _room = null;
        }

        public override void ConnectionLost(Exception? exception)
        {
            _room?.TrySetResult();
            _room = null;
            if (exception is not null)
            {
                Lost.SetException(exception);
            }
            else if (_received == length || mayEnd)
            {
                Lost.SetResult();
            }
            else
            {
                Lost.SetException(new EndOfStreamException($"The transport ended after {_received} of {length} bytes."));
            }
        }
    }
}
