using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Baton.Soak.Workloads;

/// <summary>Datagrams by transports and protocols: whatever arrives comes back once, and as it was sent.</summary>
internal sealed class DatagramTransportWorkload : Workload
{
    private const int Length = 500;

    public override string Name => "DatagramTransport";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var (server, echo) = await worker.Loop.CreateDatagramEndpointAsync(
            () => new EchoProtocol(), localEndPoint: new IPEndPoint(IPAddress.Loopback, 0));
        try
        {
            var pattern = worker.NextPattern();
            var count = worker.Random.Next(50);
            var (client, checker) = await worker.Loop.CreateDatagramEndpointAsync(
                () => new CheckingProtocol(worker, pattern), remoteEndPoint: server.LocalEndPoint);
            try
            {
                for (var i = 0; i < count; i++)
                {
                    client.SendTo(Make(pattern, i));
                    if (worker.Chance(0.2))
                    {
                        await worker.Pause();
                    }
                }

                for (var i = 0; i < 20 && checker.Received < count; i++)
                {
                    await Coroutine.Sleep(TimeSpan.FromMilliseconds(0.5));
                }

                SoakException.ThrowUnless(checker.Received <= count, $"{checker.Received} datagrams of {count} came back.");
            }
            finally
            {
                client.Abort();
            }
        }
        finally
        {
            server.Close();
        }

        await echo.Lost(worker.Loop);
    }

    private static byte[] Make(Pattern pattern, int number)
    {
        var datagram = pattern.Make(number, Length);
        BinaryPrimitives.WriteInt32LittleEndian(datagram, number);
        return datagram;
    }

    private sealed class EchoProtocol : DatagramProtocol
    {
        private IDatagramTransport _transport = null!;
        private Future? _lost;
        private bool _isLost;

        internal async Coroutine Lost(EventLoop loop)
        {
            if (!_isLost)
            {
                await (_lost = loop.CreateFuture());
            }
        }

        public override void ConnectionMade(IDatagramTransport transport) => _transport = transport;

        public override void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender) => _transport.SendTo(data, sender);

        public override void ConnectionLost(Exception? exception)
        {
            _isLost = true;
            _lost?.SetResult();
        }
    }

    private sealed class CheckingProtocol(SoakWorker worker, Pattern pattern) : DatagramProtocol
    {
        internal int Received { get; private set; }

        public override void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender)
        {
            SoakException.ThrowUnless(data.Length == Length, $"A datagram of {data.Length} bytes came, which nobody sends.");
            pattern.Check(data[4..], BinaryPrimitives.ReadInt32LittleEndian(data) + 4);
            Received++;
        }

        public override void ErrorReceived(SocketException exception) =>
            SoakException.ThrowUnless(worker.IsExcused(exception), $"Received {exception}.");
    }
}
