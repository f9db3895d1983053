using System.Net;
using System.Net.Sockets;
using Baton.Soak.Faults;

namespace Baton.Tests.Net.Faults;

/// <summary>
/// Waits that end though there is nothing, as a driver may have it, while they are being cancelled: the cancel must not get lost over the
/// next wait.
/// </summary>
public class VainWaitTests
{
    private static readonly byte[] _bytes = NetTest.Pattern(8 << 20);

    private static readonly Dictionary<string, Func<Func<Func<Coroutine>, Coroutine>, Coroutine>> _operations = new()
    {
        ["receive a datagram"] = async attempt =>
        {
            using var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await attempt(async () => await socket.ReceiveFromAsync(new byte[1]));
        },
        ["receive a batch"] = async attempt =>
        {
            using var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await attempt(async () => await socket.ReceiveBatchAsync(new DatagramBatch(2, 10)));
        },
        ["receive a datagram from a socket"] = async attempt =>
        {
            using var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await attempt(async () => await socket.ReceiveFromAsync(new byte[1]));
        },
        ["send to a full local socket"] = async attempt =>
        {
            var (client, server) = UnixDatagramSocket.CreatePair();
            using var one = client;
            using var two = server;
            await attempt(async () =>
            {
                while (true)
                {
                    await client.SendAsync(new byte[1000]);
                }
            });
        },
        ["receive from a socket"] = async attempt =>
        {
            var (client, server) = await NetTest.ConnectSockets();
            using var one = client;
            using var two = server;
            await attempt(async () => await client.ReceiveAsync(new byte[1]));
        },
        ["send everything"] = async attempt =>
        {
            var (client, server) = await NetTest.ConnectSockets();
            using var one = client;
            using var two = server;
            await attempt(async () => await client.SendAllAsync(_bytes));
        },
        ["read"] = async attempt =>
        {
            var (client, server) = await NetTest.Connect();
            await using var one = client;
            await using var two = server;
            await attempt(async () => await client.Input.ReadAsync());
        },
        ["read from the stream"] = async attempt =>
        {
            var (client, server) = await NetTest.Connect();
            await using var one = client;
            await using var two = server;
            await attempt(async () => await client.AsStream().ReadExactlyAsync(new byte[1]));
        },
        ["write"] = async attempt =>
        {
            var (client, server) = await NetTest.Connect();
            using var one = client;
            using var two = server;
            await attempt(async () => await client.WriteAsync(_bytes));
        },
        ["take descriptors"] = async attempt =>
        {
            var (client, server) = Connection.CreatePair();
            await using var one = client;
            await using var two = server;
            await attempt(async () => await client.ReceiveDescriptorsAsync(new byte[1]));
        },
    };

    public static TheoryData<string> Operations => [.. _operations.Keys];

    [Theory]
    [MemberData(nameof(Operations))]
    public void Cancelled_while_it_waits_in_vain(string operation) => LoopTest.OnThread(() =>
    {
        for (var seed = 0; seed < 40; seed++)
        {
            var driver = Create(seed);
            using var loop = new EventLoop(new EventLoopOptions { Driver = driver });
            var polls = seed % 8;
            loop.RunUntilComplete(_operations[operation](body => AttemptAsync(body, polls)));
            Assert.Equal(0, driver.OpenSocketCount);
            Assert.Equal(0, driver.LentBlockCount);
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_that_waits_in_vain_ends_when_its_token_or_its_reader_cancels_it(bool byToken) => LoopTest.OnThread(() =>
    {
        for (var seed = 0; seed < 40; seed++)
        {
            using var loop = new EventLoop(new EventLoopOptions { Driver = Create(seed) });
            var polls = seed % 8;
            loop.RunUntilComplete(ReadAsync(polls));
        }

        async Coroutine ReadAsync(int polls)
        {
            var (client, server) = await NetTest.Connect();
            await using var one = client;
            await using var two = server;
            using var source = new CancellationTokenSource();
            var read = client.Input.ReadAsync(source.Token).AsTask();
            await NetTest.Polls(polls);
            await Coroutine.Yield();
            if (byToken)
            {
                await source.CancelAsync();
                await Assert.ThrowsAsync<OperationCanceledException>(async () => await read);
            }
            else
            {
                client.Input.CancelPendingRead();
                Assert.True((await read).IsCanceled);
            }

            await server.WriteAsync(new byte[1]);
            var next = await client.Input.ReadAsync();
            Assert.Equal(1, next.Buffer.Length);
            client.Input.AdvanceTo(next.Buffer.End);
        }
    });

    private static FaultDriver Create(int seed) =>
        new(TestDriver.Create(), new FaultPlan { Name = "vain", VainWait = 0.9, Delay = 0.5 }, seed);

    private static async Coroutine AttemptAsync(Func<Coroutine> body, int polls)
    {
        var task = Coroutine.Start(body());
        await NetTest.Polls(polls);
        await Coroutine.Yield();
        task.Cancel();
        await NetTest.AssertCancelled(task);
    }
}
