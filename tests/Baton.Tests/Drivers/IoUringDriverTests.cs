using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Drivers;

/// <summary>
/// What is peculiar to io_uring: what is in flight, whose open file and blocks the kernel has, and the thread that a ring belongs to.
/// </summary>
public class IoUringDriverTests
{
    private static readonly byte[] Ping = [1];

    [Fact]
    public void An_echo_costs_a_call_to_send_and_a_share_of_one_to_wait() => NetTest.RunOnIoUring(async test =>
    {
        const int Connections = 32;
        const int Rounds = 100;
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var clients = new List<Connection>();
        for (var i = 0; i < Connections; i++)
        {
            clients.Add(await Connection.ConnectAsync(server.EndPoints[0]));
        }

        await Round();
        await Round();
        var before = test.Driver.Statistics;
        for (var i = 0; i < Rounds; i++)
        {
            await Round();
        }

        // Both ends run here. Nobody receives by a call of its own.
        var calls = test.Driver.Statistics - before;
        Assert.Equal(2 * Connections * Rounds, calls.Sends);
        Assert.Equal(0, calls.Registrations);
        Assert.Equal(0, calls.Others);
        Assert.InRange(calls.Waits, 1, Connections * Rounds);

        // But where more came at once than there were blocks for.
        Assert.InRange(calls.Receives, 0, 4 * Connections);
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);

        async Coroutine Round()
        {
            var echoes = clients.Select(client => Coroutine.Start(EchoOnce(client))).ToList();
            foreach (var echo in echoes)
            {
                await echo;
            }
        }
    });

    [Fact]
    public void A_poll_that_does_not_wait_makes_no_call_when_there_is_nothing() => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        var wait = test.Submit(server, IoOperationKind.Receive);
        test.Driver.Poll(0);
        test.Driver.Poll(0);
        var before = test.Driver.Statistics;
        for (var i = 0; i < 100; i++)
        {
            test.Driver.Poll(0);
        }

        Assert.Equal(0, (test.Driver.Statistics - before).SystemCalls);
        Assert.False(wait.IsFinished);
        client.TrySend(Ping, out _);
        test.Driver.Poll(0);
        Assert.True(wait.IsFinished);
    });

    [Fact]
    public void A_close_reaches_the_peer_before_the_next_poll() => Run(test =>
    {
        foreach (var isAbort in new[] { false, true })
        {
            var (client, server) = ConnectForeign(test);
            using var foreign = client;
            test.Submit(server, IoOperationKind.Receive);
            test.PollSome();
            if (isAbort)
            {
                server.Abort();
                var failure = Assert.Throws<SocketException>(() => foreign.Receive(new byte[1]));
                Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
            }
            else
            {
                server.Dispose();
                Assert.Equal(0, foreign.Receive(new byte[1]));
            }
        }
    });

    [Fact]
    public void Completions_of_a_socket_that_was_closed_reach_nobody_who_has_its_number_next() => Run(test =>
    {
        for (var i = 0; i < 200; i++)
        {
            var (client, server) = test.Connect();
            var wait = test.Submit(server, IoOperationKind.Receive);
            test.Driver.Poll(0);

            // What comes now is for the one that is about to go.
            client.TrySend(Ping, out _);
            server.Dispose();
            client.Abort();
            Assert.Equal((1, SocketError.OperationAborted), (wait.Finishes, wait.Error));
            var (other, next) = test.Connect();
            var pending = test.Submit(next, IoOperationKind.Receive);
            test.PollSome(1);
            Assert.False(pending.IsFinished);
            other.TrySend(Ping, out _);
            test.PollUntil(pending);
            Assert.Equal(Ping, test.Receive(next, 1, out _));
            other.Dispose();
            next.Dispose();
        }
    });

    [Fact]
    public void A_reader_that_does_not_read_is_not_read_for_without_end() => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        test.WaitToReceiveAfter(server, () => client.TrySend(Ping, out _));
        Assert.Equal(1, server.TryReceive(new byte[1], out _));
        var wait = test.Submit(server, IoOperationKind.Receive);
        var sent = test.Fill(client);
        Assert.True(wait.IsFinished);
        Assert.InRange(sent, 1, int.MaxValue);

        // A burst is bounded by the blocks that the kernel was given; after it, the kernel receives no more.
        Assert.InRange(test.Driver.Blocks.KeptCount, 1, 128);
        Assert.Equal(sent, test.Receive(server, sent, out _).Length);
        Assert.Equal(0, server.TryReceive(new byte[1], out var error));
        Assert.Equal(SocketError.WouldBlock, error);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(700)]
    [InlineData(100_000)]
    public void Bytes_keep_their_order_whoever_receives_them(int bufferSize) => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        var bytes = NetTest.Pattern(bufferSize == 1 ? 20_000 : 3_000_000);
        var sent = 0;
        var received = new List<byte>();
        var buffer = new byte[bufferSize];
        for (var round = 0; received.Count < bytes.Length; round++)
        {
            sent += client.TrySend(bytes.AsSpan(sent, Math.Min(bytes.Length - sent, 1 + (round * 977 % 60_000))), out _);
            switch (round % 4)
            {
                case 0:
                    received.AddRange(buffer[..server.TryReceive(buffer, out _)]);
                    break;
                case 1 when server.TryReceiveLent(out _) is { } block:
                    received.AddRange(block.Memory.ToArray());
                    block.Release();
                    break;
                case 2:
                    server.AssumeReadable();
                    received.AddRange(buffer[..server.TryReceive(buffer, out _)]);
                    break;
                case 3:
                    var receive = test.Submit(server, IoOperationKind.Receive, round % 8 == 3 ? buffer : default);
                    test.PollSome(1);
                    server.Cancel(receive);
                    received.AddRange(buffer[..receive.BytesTransferred]);
                    break;
            }
        }

        Assert.Equal(bytes, received);
    });

    [Fact]
    public void Cancels_that_race_data_lose_no_byte() => Run(test =>
    {
        const int Rounds = 5000;
        var (foreign, server) = ConnectForeign(test);
        using var one = foreign;
        using var two = server;
        using var thread = LoopTest.StartThread(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                foreign.Send(new[] { (byte)i });
                Thread.SpinWait(i % 300);
            }
        });
        var received = 0;
        var buffer = new byte[3];
        for (var i = 0; received < Rounds; i++)
        {
            var receive = test.Submit(server, IoOperationKind.Receive, i % 3 == 0 ? default : buffer);
            test.Driver.Poll(i % 2 == 0 ? 0 : 1000);
            server.Cancel(receive);
            Assert.Equal(1, receive.Finishes);
            Check(receive.BytesTransferred);
            Check(server.TryReceive(buffer, out _));
        }

        void Check(int count)
        {
            for (var i = 0; i < count; i++)
            {
                Assert.Equal((byte)received++, buffer[i]);
            }
        }
    });

    [Fact]
    public void The_bytes_before_a_reset_may_be_lost_but_never_the_reset() => Run(test =>
    {
        for (var i = 0; i < 100; i++)
        {
            var (client, server) = test.Connect();
            using var two = server;
            test.Submit(server, IoOperationKind.Receive);
            client.TrySend(Ping, out _);
            if (i % 2 == 0)
            {
                test.Driver.Poll(0);
            }

            client.Abort();
            test.Receive(server, 10, out var error);
            Assert.Equal(SocketError.ConnectionReset, error);
        }
    });

    [Fact]
    public void A_socket_of_which_something_was_received_ahead_is_not_given_away() => Run(test =>
    {
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        test.WaitToReceiveAfter(server, () => client.TrySend(Ping, out _));
        Assert.Throws<InvalidOperationException>(server.Detach);
        Assert.Equal(Ping, test.Receive(server, 1, out _));
        server.Detach().Dispose();
        Assert.Empty(test.Receive(client, 1, out _));
    });

    [Fact]
    public void More_may_wait_than_a_ring_has_entries() => Run(test =>
    {
        const int Count = 1500;
        var sockets = new List<IoSocket>();
        var waits = new List<ContractRequest>();
        for (var i = 0; i < Count; i++)
        {
            var socket = test.CreateSocket(type: SocketType.Dgram);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            sockets.Add(socket);
            Assert.Equal(0, socket.TryReceiveFrom(new byte[1], null, out _, out _));
            waits.Add(test.Submit(socket, IoOperationKind.Receive));
        }

        foreach (var socket in sockets)
        {
            sockets[0].TrySendTo(Ping, socket.GetEndPoint(peer: false)!.Serialize(), out _);
        }

        test.PollUntil(() => waits.All(wait => wait.IsFinished));
        Assert.All(waits, wait => Assert.Equal((1, SocketError.Success), (wait.Finishes, wait.Error)));
        sockets.ForEach(socket => socket.Dispose());
    });

    [Fact]
    public void A_loop_may_go_on_on_another_thread() => LoopTest.OnThread(() =>
    {
        using var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.CreateForRings() });
        Connection? client = null;
        Server? server = null;
        LoopTask? read = null;
        var buffer = new byte[1];
        OnThreadOfItsOwn(async () =>
        {
            server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
            client = await Connection.ConnectAsync(server.EndPoints[0]);
            await EchoOnce(client);
            read = Coroutine.Start(ReadOnce());
            await NetTest.Iterate();
        });
        for (var i = 0; i < 3; i++)
        {
            OnThreadOfItsOwn(async () =>
            {
                Assert.False(read!.IsDone);
                await client!.WriteAsync(Ping);
                await read;
                Assert.Equal(Ping, buffer);
                buffer[0] = 0;
                read = Coroutine.Start(ReadOnce());
                await NetTest.Iterate();
            });
        }

        loop.RunUntilComplete(End());
        async Coroutine ReadOnce() => Assert.Equal(1, await client!.AsStream().ReadAsync(buffer));

        async Coroutine End()
        {
            await client!.DisposeAsync();
            await Assert.ThrowsAnyAsync<Exception>(async () => await read!);
            await server!.DisposeAsync();
        }

        void OnThreadOfItsOwn(Func<Coroutine> main)
        {
            using var thread = LoopTest.StartThread(() => loop.RunUntilComplete(main()));
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_driver_may_be_disposed_of_by_another_thread(bool isEnded) => LoopTest.OnThread(() =>
    {
        TestDriver.CreateForRings().Dispose();
        using var disposed = new ManualResetEventSlim();
        using var used = new ManualResetEventSlim();
        IoDriver? driver = null;
        ContractRequest? wait = null;
        var thread = LoopTest.StartThread(() =>
        {
            driver = TestDriver.CreateForRings();
            var loop = new EventLoop(new EventLoopOptions { Driver = driver });
            var socket = driver.CreateSocket(loop, AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            wait = new ContractRequest(loop) { Kind = IoOperationKind.Receive };
            wait.Submit(socket);
            driver.Poll(0);
            used.Set();
            if (!isEnded)
            {
                disposed.Wait();
            }
        });
        used.Wait();
        if (isEnded)
        {
            thread.Dispose();
        }

        driver!.Dispose();
        Assert.Equal((1, SocketError.OperationAborted), (wait!.Finishes, wait.Error));
        disposed.Set();
        thread.Dispose();
    });

    internal static (Socket Foreign, IoSocket Ours) ConnectForeign(ContractTest test)
    {
        using var listener = test.Listen();
        var foreign = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        foreign.Connect(listener.GetEndPoint(peer: false)!);
        return (foreign, test.Accept(listener));
    }

    internal static async Coroutine EchoOnce(Connection client)
    {
        await client.WriteAsync(Ping);
        var read = await client.Input.ReadAsync();
        Assert.Equal(1, read.Buffer.Length);
        client.Input.AdvanceTo(read.Buffer.End);
    }

    private static void Run(Action<ContractTest> body) => ContractTest.Run(() => TestDriver.CreateForRings(), body, receivesAhead: true);
}
