using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Faults;

/// <summary>Tasks whose operations never have to wait, because there always is data or room, can be cancelled all the same.</summary>
public class BusyCancelTests
{
    private static readonly Dictionary<string, Func<Func<Func<Coroutine>, Coroutine>, Coroutine>> _operations = new()
    {
        ["send datagrams"] = async run =>
        {
            using var receiver = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            using var sender = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await run(async () => await sender.SendToAsync(new byte[1], receiver.LocalEndPoint!));
        },
        ["send batches"] = async run =>
        {
            using var receiver = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            using var sender = await UdpSocket.ConnectAsync(receiver.LocalEndPoint!);
            var batch = new DatagramBatch(1, 1);
            batch.Add(new byte[1]);
            await run(async () => await sender.SendBatchAsync(batch));
        },
        ["send datagrams by a socket"] = async run =>
        {
            using var receiver = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            using var sender = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
            await run(async () => await sender.SendToAsync(new byte[1], receiver.LocalEndPoint!));
        },
        ["send and receive datagrams"] = async run =>
        {
            using var socket = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            await run(async () =>
            {
                await socket.SendToAsync(new byte[1], socket.LocalEndPoint!);
                await socket.ReceiveFromAsync(new byte[1]);
            });
        },
        ["read byte by byte"] = async run =>
        {
            var (client, server) = Connection.CreatePair();
            await using var one = client;
            await using var two = server;
            await run(async () =>
            {
                await client.WriteAsync(new byte[2]);
                await server.Input.ReadAsync();
                server.Input.AdvanceTo(default);
                var read = await server.Input.ReadAsync();
                server.Input.AdvanceTo(read.Buffer.End);
            });
        },
        ["write and read by streams"] = async run =>
        {
            var (client, server) = Connection.CreatePair();
            await using var one = client;
            await using var two = server;
            await run(async () =>
            {
                await client.AsStream().WriteAsync(new byte[1]);
                Assert.Equal(1, await server.AsStream().ReadAsync(new byte[1]));
            });
        },
        ["send and receive by sockets"] = async run =>
        {
            var (client, server) = LoopSocket.CreatePair();
            using var one = client;
            using var two = server;
            await run(async () =>
            {
                await client.SendAllAsync(new byte[1]);
                await client.SendAsync(new byte[1]);
                Assert.Equal(2, await server.ReceiveAsync(new byte[2]));
            });
        },
        ["read a file"] = async run =>
        {
            var path = Path.GetTempFileName();
            await LoopFile.WriteAllBytesAsync(path, new byte[10]);
            await using (var file = await LoopFile.OpenAsync(path))
            {
                await run(async () => await file.ReadAsync(new byte[1], 0));
            }

            Assert.True(await LoopFile.DeleteAsync(path));
        },
        ["put and get"] = async run =>
        {
            var queue = new AsyncQueue<int>();
            await run(async () =>
            {
                await queue.PutAsync(1);
                await queue.GetAsync();
            });
        },
        ["send and receive by a channel"] = async run =>
        {
            var (sender, receiver) = AsyncChannel.Create<int>(1);
            using var one = sender;
            using var two = receiver;
            await run(async () =>
            {
                await sender.SendAsync(1);
                await receiver.ReceiveAsync();
            });
        },
        ["lock"] = async run =>
        {
            var mutex = new AsyncLock();
            await run(async () => (await mutex.AcquireAsync()).Dispose());
            Assert.False(mutex.IsLocked);
        },
        ["acquire"] = async run =>
        {
            var semaphore = new AsyncSemaphore(1);
            await run(async () => (await semaphore.AcquireAsync()).Dispose());
            Assert.Equal(1, semaphore.Value);
        },
        ["wait for an event"] = async run => await run(async () => await new AsyncEvent(isSet: true).WaitAsync()),
        ["pass a barrier"] = async run => await run(async () => await new AsyncBarrier(1).WaitAsync()),
        ["await a future"] = async run =>
        {
            var future = EventLoop.Current.CreateFuture();
            future.SetResult();
            await run(async () => await future);
        },
        ["wait for those that are done"] = async run =>
        {
            var future = EventLoop.Current.CreateFuture();
            future.SetResult();
            await run(async () =>
            {
                await foreach (var done in Coroutine.AsCompleted([future, future]))
                {
                    Assert.Same(future, done);
                }
            });
        },
    };

    public static TheoryData<string, bool> Operations
    {
        get
        {
            var data = new TheoryData<string, bool>();
            foreach (var operation in _operations.Keys)
            {
                data.Add(operation, true);
                data.Add(operation, false);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void Is_cancelled(string operation, bool byScope) => NetTest.Run(() => _operations[operation](round => RunAsync(round, byScope)));

    /// <summary>Runs an operation for ever, and cancels that.</summary>
    private static async Coroutine RunAsync(Func<Coroutine> round, bool byScope)
    {
        if (byScope)
        {
            Assert.False(await CancelScope.Run(async Coroutine (_) => await RepeatAsync(round), TimeSpan.FromMilliseconds(3)));
            return;
        }

        var task = Coroutine.Start(RepeatAsync(round));
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(3));
        task.Cancel();
        await NetTest.AssertCancelled(task);
    }

    private static async Coroutine RepeatAsync(Func<Coroutine> round)
    {
        while (true)
        {
            await round();
        }
    }
}
