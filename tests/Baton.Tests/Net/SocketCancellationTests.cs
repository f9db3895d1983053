using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>
/// Cancelling each operation of a socket in each of its states: before it starts, while it waits, and when it has happened but its task has
/// not run since. The harness counts tasks, sockets and descriptors at the end of every test.
/// </summary>
public class SocketCancellationTests
{
    [Fact]
    public void Accept_before_it_starts() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        var accept = Coroutine.Start(NetTest.AcceptAsync(listener));
        accept.Cancel();
        await NetTest.AssertCancelled(accept);
        await AssertStillAccepts(listener);
    });

    [Fact]
    public void Accept_while_it_waits() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        var accept = Coroutine.Start(NetTest.AcceptAsync(listener));
        await NetTest.Iterate();
        accept.Cancel("enough");
        var failure = await Assert.ThrowsAsync<CancelledException>(async () => await accept);
        Assert.Equal("enough", failure.Message);
        await AssertStillAccepts(listener);
    });

    [Fact]
    public void Accept_when_it_has_happened_delivers_the_connection() => NetTest.RunOnEpoll(async _ =>
    {
        using var listener = NetTest.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        LoopSocket? accepted = null;
        await CancelOnceHappened(
            async () => accepted = await listener.AcceptAsync(),
            async () => await client.ConnectAsync(listener.LocalEndPoint!));
        Assert.NotNull(accepted);
        accepted.Dispose();
    });

    [Fact]
    public void Accept_whose_result_nobody_takes_is_closed_with_the_listener() => NetTest.Run(async test =>
    {
        var listener = NetTest.Listen();
        var accept = listener.AcceptAsync();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        await client.ConnectAsync(listener.LocalEndPoint!);
        await NetTest.Until(() => accept.IsCompleted);
        Assert.Equal(3, test.Driver.OpenSocketCount);
        listener.Dispose();
        Assert.Equal(1, test.Driver.OpenSocketCount);
        await Assert.ThrowsAsync<SocketException>(async () => await accept);
    });

    [Fact]
    public void Connect_before_it_starts() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        var connect = Coroutine.Start(Connect(client, listener));
        connect.Cancel();
        await NetTest.AssertCancelled(connect);
        await Connect(client, listener);
        using var accepted = await listener.AcceptAsync();
    });

    [Fact]
    public void Connect_while_it_waits() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        test.Calls.ConnectsWait = true;
        var connect = Coroutine.Start(Connect(client, listener), "connect");
        await Coroutine.Yield();
        Assert.False(connect.IsDone);
        connect.Cancel();
        await NetTest.AssertCancelled(connect);
        using var accepted = await listener.AcceptAsync();
    });

    [Fact]
    public void Connect_when_it_has_happened() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        test.Calls.ConnectsWait = true;
        var isConnected = false;
        await CancelOnceHappened(
            async () =>
            {
                await Connect(client, listener);
                isConnected = true;
            },
            makeItHappen: null);
        Assert.True(isConnected);
        using var accepted = await listener.AcceptAsync();
        await client.SendAllAsync(new byte[3]);
        await NetTest.ReceiveAll(accepted, 3);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Receive_before_it_starts(int length) => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var receive = Coroutine.Start(Receive(server, length));
        receive.Cancel();
        await NetTest.AssertCancelled(receive);
        await AssertStillReceives(client, server);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    [CPython("test_events.EventLoopTestsMixin.test_prompt_cancellation")]
    public void Receive_while_it_waits(int length) => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var receive = Coroutine.Start(Receive(server, length));
        await NetTest.Iterate();
        receive.Cancel();
        await NetTest.AssertCancelled(receive);
        await AssertStillReceives(client, server);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(100)]
    public void Receive_when_it_has_happened_delivers_the_bytes(int length) => NetTest.RunOnEpoll(async _ =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        int? received = null;
        await CancelOnceHappened(
            async () => received = await server.ReceiveAsync(new byte[length]),
            async () => await client.SendAllAsync(new byte[5]));
        Assert.Equal(Math.Min(length, 5), received);
    });

    [Fact]
    public void Send_before_it_starts() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var send = Coroutine.Start(SendAll(client, 10));
        send.Cancel();
        await NetTest.AssertCancelled(send);
        await AssertStillReceives(client, server);
    });

    [Fact]
    public void Send_while_it_waits() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var sent = await NetTest.Fill(client);

        // What was taken arrives, and nothing of what was cancelled.
        await NetTest.ReceiveAll(server, sent);
        await AssertStillReceives(client, server);
    });

    [Fact]
    public void Send_when_it_has_happened_delivers_the_count() => NetTest.RunOnEpoll(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;

        // An accepted socket, which epoll does not know yet: when it gets to know it, it reports that there is room.
        var isFull = true;
        test.Calls.OnSend = (descriptor, _) =>
        {
            if (descriptor != server.Handle || !isFull)
            {
                return null;
            }

            isFull = false;
            return -Errno.EAGAIN;
        };
        int? sent = null;
        await CancelOnceHappened(async () => sent = await server.SendAsync(new byte[1000]), makeItHappen: null);
        Assert.Equal(1000, sent);
        await NetTest.ReceiveAll(client, 1000);
    });

    [Fact]
    public void SendAll_while_it_waits() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var send = Coroutine.Start(SendAll(client, 8 << 20));
        await NetTest.Iterate();
        send.Cancel();
        await NetTest.AssertCancelled(send);
    });

    [Fact]
    public void An_operation_can_be_cancelled_again_and_again() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        for (var i = 0; i < 1000; i++)
        {
            var receive = Coroutine.Start(Receive(server, 100));
            await Coroutine.Yield();
            receive.Cancel();
            await NetTest.AssertCancelled(receive);
        }

        await AssertStillReceives(client, server);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_timeout")]
    public void Connecting_to_a_host_closes_its_socket_when_it_is_cancelled() => NetTest.RunOnEpoll(async test =>
    {
        using var listener = NetTest.Listen();
        test.Calls.ConnectsWait = true;
        var connect = Coroutine.Start(Connection.ConnectAsync(listener.LocalEndPoint!));
        await Coroutine.Yield();
        Assert.Equal(2, test.Driver.OpenSocketCount);
        connect.Cancel();
        await NetTest.AssertCancelled(connect);
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void A_loop_that_closes_closes_what_is_still_in_progress() => LoopTest.OnThread(() =>
    {
        var calls = new ScriptedCalls();
        using (var loop = new EventLoop(
            new EventLoopOptions { Driver = TestDriver.Create(calls), ExceptionHandler = static (_, _) => { } }))
        {
            loop.RunUntilComplete(LeaveOpen());
            Assert.Equal(3, calls.OpenDescriptors);
        }

        Assert.Equal(0, calls.OpenDescriptors);

        static async Coroutine LeaveOpen()
        {
            var (client, server) = await NetTest.ConnectSockets();
            _ = Coroutine.Start(Receive(client, 10));
            _ = Coroutine.Start(SendAll(server, 8 << 20));
            await NetTest.Iterate();
        }
    });

    /// <summary>
    /// Starts an operation that has to wait, has it happen, and cancels its task in the very batch in which it would go on, before it does.
    /// Checks that the operation's result was delivered and that the cancellation came at the next suspension. On epoll, which reports what
    /// happens in the order in which it happened.
    /// </summary>
    /// <param name="operation">The operation.</param>
    /// <param name="makeItHappen">
    /// Makes it happen, without waiting for anything; null where it happens by itself, at the poll after it was started.
    /// </param>
    private static async Coroutine CancelOnceHappened(Func<Coroutine> operation, Func<Coroutine>? makeItHappen)
    {
        var (client, server) = await NetTest.ConnectSockets();
        using var one = client;
        using var two = server;
        var isDelivered = false;
        LoopTask? task = null;
        var canceller = Coroutine.Start(Cancel());
        if (makeItHappen is not null)
        {
            task = Coroutine.Start(Operate());
        }

        await NetTest.Iterate();
        Assert.False(isDelivered);

        // Both are ready at the same poll, the canceller first.
        await client.SendAllAsync(new byte[1]);
        if (makeItHappen is not null)
        {
            await makeItHappen();
        }
        else
        {
            task = EventLoop.Current.CreateTask(Operate(), eager: true);
        }

        await canceller;
        await NetTest.AssertCancelled(task!);
        Assert.True(isDelivered);

        async Coroutine Operate()
        {
            await operation();
            isDelivered = true;
            await Coroutine.Sleep(TimeSpan.FromMinutes(1));
        }

        async Coroutine Cancel()
        {
            await server.ReceiveAsync(new byte[1]);
            Assert.False(isDelivered);
            task!.Cancel();
        }
    }

    private static async Coroutine Connect(LoopSocket client, LoopSocket listener) => await client.ConnectAsync(listener.LocalEndPoint!);

    private static async Coroutine<int> Receive(LoopSocket socket, int length) => await socket.ReceiveAsync(new byte[length]);

    private static async Coroutine SendAll(LoopSocket socket, int length) => await socket.SendAllAsync(new byte[length]);

    private static async Coroutine AssertStillAccepts(LoopSocket listener)
    {
        using var client = LoopSocket.Create(AddressFamily.InterNetwork);
        await client.ConnectAsync(listener.LocalEndPoint!);
        using var accepted = await listener.AcceptAsync();
    }

    private static async Coroutine AssertStillReceives(LoopSocket client, LoopSocket server)
    {
        await client.SendAllAsync(new byte[5]);
        Assert.Equal(5, await Receive(server, 100));
    }
}
