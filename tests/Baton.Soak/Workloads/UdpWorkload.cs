using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Baton.Soak.Workloads;

/// <summary>
/// Datagrams, one by one and in batches, which may get lost, doubled and out of order, but never come changed, cut or from somebody else.
/// </summary>
internal sealed class UdpWorkload : Workload
{
    private const int HeaderLength = 8;
    private const int MostBytes = 1400;

    public override string Name => "Udp";

    public override async Coroutine RunAsync(SoakWorker worker)
    {
        var isV6 = worker.Chance(0.3) && Socket.OSSupportsIPv6;
        using var server = UdpSocket.Bind(new IPEndPoint(isV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0));
        using var client = worker.Chance(0.5)
            ? await UdpSocket.ConnectAsync(server.LocalEndPoint!)
            : UdpSocket.Bind(new IPEndPoint(isV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0));
        var key = (uint)worker.Random.NextInt64();
        var count = worker.Random.Next(200);
        var received = 0;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var receiving = group.CreateTask(ReceiveAsync(server, client, key, worker, () => received++));
            await SendAsync(client, server.LocalEndPoint!, key, count, worker);

            // What is there is there by now, and what got lost will not come.
            for (var i = 0; i < 20 && received < count; i++)
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(0.5));
            }

            receiving.Cancel();
        });
        SoakException.ThrowUnless(received <= count, $"{received} datagrams of {count} arrived.");
    }

    private static async Coroutine SendAsync(UdpSocket client, IPEndPoint receiver, uint key, int count, SoakWorker worker)
    {
        var isConnected = client.RemoteEndPoint is not null;
        var batch = new DatagramBatch(16, MostBytes);
        var sent = 0;
        while (sent < count)
        {
            if (worker.Chance(0.3))
            {
                batch.Clear();
                for (var i = Math.Min(1 + worker.Random.Next(16), count - sent); i > 0; i--)
                {
                    var datagram = Make(key, sent++, worker.Random);
                    if (isConnected)
                    {
                        batch.Add(datagram);
                    }
                    else
                    {
                        batch.Add(datagram, receiver);
                    }
                }

                await client.SendBatchAsync(batch);
            }
            else if (isConnected)
            {
                await client.SendAsync(Make(key, sent++, worker.Random));
            }
            else
            {
                await client.SendToAsync(Make(key, sent++, worker.Random), receiver);
            }

            if (worker.Chance(0.05))
            {
                await worker.Pause();
            }
        }
    }

    private static async Coroutine ReceiveAsync(UdpSocket server, UdpSocket client, uint key, SoakWorker worker, Action onReceived)
    {
        var batch = new DatagramBatch(8, MostBytes);
        var buffer = new byte[MostBytes];
        while (true)
        {
            try
            {
                await CancelScope.Run(
                    async Coroutine (_) =>
                    {
                        if (worker.Chance(0.5))
                        {
                            var datagram = await server.ReceiveFromAsync(buffer);
                            Check(buffer.AsSpan(0, datagram.Count), key);
                            SoakException.ThrowUnless(
                                client.LocalEndPoint!.Equals(datagram.RemoteEndPoint), $"A datagram came from {datagram.RemoteEndPoint}.");
                            onReceived();
                            return;
                        }

                        await server.ReceiveBatchAsync(batch);
                        for (var i = 0; i < batch.Count; i++)
                        {
                            Check(batch[i].Memory.Span, key);
                            onReceived();
                        }
                    },
                    worker.Time(4));
            }
            catch (SocketException exception) when (worker.IsExcused(exception))
            {
                // The socket is as good as it was.
            }
        }
    }

    private static byte[] Make(uint key, int number, Random random)
    {
        var datagram = new byte[HeaderLength + random.Next(MostBytes - HeaderLength)];
        BinaryPrimitives.WriteUInt32LittleEndian(datagram, key);
        BinaryPrimitives.WriteInt32LittleEndian(datagram.AsSpan(4), number);
        new Pattern(key + (uint)number).Fill(datagram.AsSpan(HeaderLength), datagram.Length);
        return datagram;
    }

    private static void Check(ReadOnlySpan<byte> datagram, uint key)
    {
        SoakException.ThrowUnless(datagram.Length >= HeaderLength, $"A datagram of {datagram.Length} bytes came, which nobody sends.");
        SoakException.ThrowUnless(BinaryPrimitives.ReadUInt32LittleEndian(datagram) == key, "A datagram for somebody else came.");
        var number = BinaryPrimitives.ReadInt32LittleEndian(datagram[4..]);
        new Pattern(key + (uint)number).Check(datagram[HeaderLength..], datagram.Length);
    }
}
