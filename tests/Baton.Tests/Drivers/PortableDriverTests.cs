using System.Net.Sockets;

namespace Baton.Tests.Drivers;

/// <summary>What is peculiar to the portable driver: completions that come from threads of the BCL, at any moment.</summary>
public class PortableDriverTests
{
    private static readonly byte[] Ping = [1];

    [Fact]
    public void Cancels_that_race_data_lose_no_byte() => Run(test =>
    {
        const int Rounds = 5000;
        var (client, server) = test.Connect();
        using var one = client;
        using var two = server;
        var received = 0;
        var cancelled = 0;
        var buffer = new byte[10];
        for (var i = 0; i < Rounds; i++)
        {
            // The BCL's thread reports while this one cancels: sometimes before, sometimes after.
            var receive = test.Submit(server, IoOperationKind.Receive, i % 3 == 0 ? default : buffer);
            Assert.Equal(1, client.TrySend(Ping, out _));
            for (var spins = i % 50; spins > 0; spins--)
            {
                Thread.SpinWait(20);
            }

            if (i % 2 == 0)
            {
                test.Driver.Poll(0);
            }

            server.Cancel(receive);
            test.PollUntil(receive);
            Assert.Equal(1, receive.Finishes);
            cancelled += receive.Error == SocketError.OperationAborted ? 1 : 0;
            received += receive.BytesTransferred;
            Assert.Contains(receive.Error, new[] { SocketError.Success, SocketError.OperationAborted });

            // What the request did not get is there for the next.
            received += test.Receive(server, i + 1 - received, out _).Length;
            Assert.Equal(i + 1, received);
        }

        Assert.InRange(cancelled, 1, Rounds - 1);
    });

    [Fact]
    public void Cancels_that_race_connections_lose_none() => Run(test =>
    {
        const int Rounds = 1500;
        var listener = test.Listen();
        using var first = listener;
        var endPoint = listener.GetEndPoint(peer: false)!;
        var accepted = 0;
        for (var i = 0; i < Rounds; i++)
        {
            var accept = test.Submit(listener, IoOperationKind.Accept);
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            client.Connect(endPoint);
            if (i % 3 == 0)
            {
                test.Driver.Poll(0);
            }

            listener.Cancel(accept);
            test.PollUntil(accept);
            Assert.Equal(1, accept.Finishes);
            Assert.Equal(accept.Error == SocketError.Success, accept.Accepted is not null);
            using var server = accept.Accepted ?? test.Accept(listener);
            accepted++;

            // It is this one and not another.
            Assert.Equal(client.LocalEndPoint, server.GetEndPoint(peer: true));
        }

        Assert.Equal(Rounds, accepted);
    });

    [Fact]
    public void Cancels_that_race_room_send_what_they_say() => Run(test =>
    {
        const int Rounds = 300;
        var (client, server) = test.ConnectWithLittleRoom();
        using var one = client;
        using var two = server;
        var bytes = NetTest.Pattern(100_000);
        var sent = new List<byte>();
        var got = new List<byte>();
        var buffer = new byte[30_000];
        for (var i = 0; i < Rounds; i++)
        {
            while (client.TrySend(bytes, out _) is > 0 and var count)
            {
                sent.AddRange(bytes[..count]);
            }

            var send = test.Submit(client, IoOperationKind.Send, bytes);
            got.AddRange(buffer[..server.TryReceive(buffer, out _)]);
            for (var spins = i % 100; spins > 0; spins--)
            {
                Thread.SpinWait(50);
            }

            client.Cancel(send);
            test.PollUntil(send);
            Assert.Equal(1, send.Finishes);
            Assert.Equal(send.Error == SocketError.Success, send.BytesTransferred > 0);
            sent.AddRange(bytes[..send.BytesTransferred]);
        }

        got.AddRange(test.Receive(server, sent.Count - got.Count, out _));
        Assert.Equal(sent, got);
        test.PollSome();
        Assert.Equal(0, server.TryReceive(buffer, out var error));
        Assert.Equal(SocketError.WouldBlock, error);
    });

    [Fact]
    public void No_wake_up_is_lost_between_a_completion_and_a_wait() => Run(test =>
    {
        const int Rounds = 5000;
        var (client, server) = test.Connect();
        using var two = server;
        using var detached = new Socket(client.Detach()) { Blocking = true };
        using var echo = LoopTest.StartThread(() =>
        {
            var buffer = new byte[10];
            while (detached.Receive(buffer) is > 0 and var count)
            {
                detached.Send(buffer, count, SocketFlags.None);
            }
        });
        var received = new byte[10];
        for (var i = 0; i < Rounds; i++)
        {
            server.TrySend(Ping, out _);
            var receive = test.Submit(server, IoOperationKind.Receive, received);
            while (!receive.IsFinished)
            {
                // Without limit: who is not woken stays here.
                test.Driver.Poll(-1);
            }

            Assert.Equal((SocketError.Success, 1), (receive.Error, receive.BytesTransferred));
        }

        server.Shutdown(SocketShutdown.Send);
    });

    [Fact]
    public void Sockets_closed_while_the_BCL_reports_on_them_finish_each_request_once() => Run(test =>
    {
        for (var i = 0; i < 1000; i++)
        {
            var (client, server) = test.Connect();
            var receive = test.Submit(server, IoOperationKind.Receive, new byte[10]);
            client.TrySend(Ping, out _);
            for (var spins = i % 50; spins > 0; spins--)
            {
                Thread.SpinWait(20);
            }

            server.Dispose();
            client.Dispose();
            Assert.Equal(1, receive.Finishes);
            Assert.Equal(SocketError.OperationAborted, receive.Error);
        }

        test.PollSome();
        test.PollUntil(() => ((PortableTestDriver)test.Driver).PendingWaits == 0);
    });

    [Fact]
    public void A_number_that_comes_again_is_not_told_of_by_the_wait_of_another() => Run(test =>
    {
        for (var i = 0; i < 300; i++)
        {
            var (client, server) = test.Connect();
            var wait = test.Submit(server, IoOperationKind.Receive);
            client.TrySend(Ping, out _);
            server.Cancel(wait);
            test.PollUntil(wait);
            server.Dispose();
            client.Dispose();
            var (next, other) = test.Connect();
            var none = test.Submit(other, IoOperationKind.Receive);
            test.Driver.Poll(0);
            Assert.False(none.IsFinished);
            next.TrySend(Ping, out _);
            test.PollUntil(none);
            Assert.Equal(SocketError.Success, none.Error);
            next.Dispose();
            other.Dispose();
        }
    });

    [Fact]
    public void A_driver_disposed_of_with_everything_in_flight_gets_every_wait_back() => LoopTest.OnThread(() =>
    {
        for (var i = 0; i < 50; i++)
        {
            var driver = new PortableTestDriver();
            var requests = new List<ContractRequest>();
            ContractTest.Run(driver, contract =>
            {
                var listener = contract.Listen();
                var endPoint = listener.GetEndPoint(peer: false)!;
                var (client, server) = contract.ConnectWithLittleRoom();
                requests.Add(contract.SendUntilFull(client, new byte[10]).Waiting);
                requests.Add(contract.Submit(client, IoOperationKind.Receive));
                requests.Add(contract.Submit(server, IoOperationKind.Receive, new byte[10]));
                requests.Add(contract.Submit(listener, IoOperationKind.Accept));
                using var late = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                late.Connect(endPoint);
                driver.Dispose();
            });
            Assert.All(requests, request => Assert.Equal(1, request.Finishes));
            Assert.True(SpinWait.SpinUntil(() => driver.PendingWaits == 0, TimeSpan.FromSeconds(20)));
        }
    });

    [Fact]
    public void Data_that_is_there_costs_no_wait() => LoopTest.OnThread(() =>
    {
        using var loop = new EventLoop(new EventLoopOptions { Driver = new PortableTestDriver() });
        loop.RunUntilComplete(Receive(loop.Driver));

        static async Coroutine Receive(IoDriver driver)
        {
            var (client, server) = await NetTest.ConnectSockets();
            using var one = client;
            using var two = server;
            await client.SendAllAsync(new byte[10]);
            var before = driver.Statistics;
            Assert.Equal(10, await server.ReceiveAsync(new byte[100]));
            var calls = driver.Statistics - before;
            Assert.Equal((1, 0, 0), (calls.Receives, calls.Registrations, calls.Events));
        }
    });

    [Fact]
    public void Scripting_the_calls_of_a_driver_that_makes_none_is_an_error() => NetTest.Run(async test =>
    {
        await NetTest.Iterate(1);
        if (test.Driver is PortableTestDriver)
        {
            var failure = Assert.Throws<InvalidOperationException>(() => test.Calls.OnAccept = _ => null);
            Assert.Contains("RunOnEpoll", failure.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.NotNull(test.Calls);
        }
    });

    private static void Run(Action<ContractTest> body) => ContractTest.Run(new PortableTestDriver(), body);
}
