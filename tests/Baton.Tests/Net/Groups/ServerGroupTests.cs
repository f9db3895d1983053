using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Net.Groups;

#pragma warning disable xUnit2014 // These calls throw before there is a task.

/// <summary>Servers on several loops.</summary>
public class ServerGroupTests
{
    private static readonly TimeSpan Guard = TimeSpan.FromSeconds(60);

    public static TheoryData<ConnectionDistribution> Distributions() =>
        [ConnectionDistribution.Kernel, ConnectionDistribution.RoundRobin, ConnectionDistribution.LeastConnections];

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Every_client_is_served_by_one_of_the_loops(ConnectionDistribution distribution) => GroupTest.Run(3, async test =>
    {
        SkipUnlessPossible(distribution);
        var loops = new ConcurrentBag<EventLoop>();
        var group = await test.Group.StartServerAsync(
            "127.0.0.1",
            0,
            async connection =>
            {
                loops.Add(EventLoop.Current);
                await NetTest.Echo(connection);
            },
            distribution: distribution);
        Assert.Equal(distribution, group.Distribution);
        Assert.Same(test.Group, group.Group);
        Assert.NotEqual(0, ((IPEndPoint)Assert.Single(group.EndPoints)).Port);
        const int Clients = 60;
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(number => TalkAsync(group.EndPoints[0], number)));
        await group.ShutdownAsync(Guard);
        Assert.Equal(Clients, loops.Count);
        var statistics = await group.GetStatisticsAsync();
        Assert.Equal(test.Group.Loops, statistics.Select(entry => entry.Loop));
        Assert.All(statistics, entry => Assert.Equal((0, 0), (entry.ConnectionCount, entry.FailedHandshakeCount)));
        Assert.Equal(test.Group.Loops.Select(loop => (long)loops.Count(other => other == loop)), statistics.Select(entry => entry.AcceptedCount));
        if (distribution == ConnectionDistribution.RoundRobin)
        {
            Assert.All(statistics, entry => Assert.Equal(Clients / 3, entry.AcceptedCount));
        }
        else if (distribution == ConnectionDistribution.Kernel)
        {
            // By a hash of addresses and ports: that all 60 go to one loop of three happens once in 3^59 runs.
            Assert.True(statistics.Count(entry => entry.AcceptedCount > 0) > 1);
        }

        Assert.Throws<SocketException>(() => Connect(group.EndPoints[0]).Dispose());
        await group.DisposeAsync();
        await group.WaitClosedAsync();
    });

    [Fact]
    public void The_loop_with_the_fewest_connections_gets_the_next() => GroupTest.Run(2, async test =>
    {
        await using var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo, distribution: ConnectionDistribution.LeastConnections);
        var clients = new List<Socket>();
        for (var i = 0; i < 4; i++)
        {
            clients.Add(Connect(group.EndPoints[0]));
            await ServedAsync(group, i + 1);
        }

        Assert.Equal([2, 2], (await group.GetStatisticsAsync()).Select(entry => entry.ConnectionCount));

        // The two of the second loop go: the next two are for it.
        clients[1].Dispose();
        clients[3].Dispose();
        await ServedAsync(group, 2);
        Assert.Equal([2, 0], (await group.GetStatisticsAsync()).Select(entry => entry.ConnectionCount));
        await test.Group[1].InvokeAsync(() => { });
        await test.Group[0].InvokeAsync(() => { }); // What the one has told the other has arrived.
        for (var i = 0; i < 2; i++)
        {
            clients.Add(Connect(group.EndPoints[0]));
            await ServedAsync(group, i + 3);
        }

        Assert.Equal([2, 2], (await group.GetStatisticsAsync()).Select(entry => entry.ConnectionCount));
        clients.ForEach(client => client.Dispose());
    });

    [Theory]
    [InlineData(ConnectionDistribution.RoundRobin)]
    [InlineData(ConnectionDistribution.LeastConnections)]
    public void The_limit_of_connections_is_for_all_where_one_loop_accepts(ConnectionDistribution distribution) => GroupTest.Run(3, async test =>
    {
        var running = 0;
        var most = 0;
        await using var group = await test.Group.StartServerAsync(
            "127.0.0.1",
            0,
            async connection =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                await NetTest.Echo(connection);
                Interlocked.Decrement(ref running);
            },
            new ServerOptions { MaxConnections = 2 },
            distribution);
        await Task.WhenAll(Enumerable.Range(0, 20).Select(number => TalkAsync(group.EndPoints[0], number)));
        Assert.InRange(most, 1, 2);
        Assert.Equal(20, (await group.GetStatisticsAsync()).Sum(entry => entry.AcceptedCount));
    });

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Shutting_down_serves_those_who_are_connected_and_waits_for_them(ConnectionDistribution distribution) => GroupTest.Run(2, async test =>
    {
        SkipUnlessPossible(distribution);
        var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { MaxConnections = 4 }, distribution);
        var clients = Enumerable.Range(0, 8).Select(_ => Connect(group.EndPoints[0])).ToList();
        var end = group.ShutdownAsync(Timeout.InfiniteTimeSpan);
        foreach (var client in clients)
        {
            client.Send([7]);
            client.Shutdown(SocketShutdown.Send);
        }

        await end.WaitAsync(Guard);
        Assert.All(clients, client =>
        {
            var buffer = new byte[2];
            Assert.Equal((1, 7, 0), (client.Receive(buffer), buffer[0], client.Receive(buffer)));
            client.Dispose();
        });
        Assert.Equal(8, (await group.GetStatisticsAsync()).Sum(entry => entry.AcceptedCount));
    });

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Handlers_that_do_not_end_are_cancelled_on_all_loops(ConnectionDistribution distribution) => GroupTest.Run(2, async test =>
    {
        SkipUnlessPossible(distribution);
        var cancelled = 0;
        var group = await test.Group.StartServerAsync(
            "127.0.0.1",
            0,
            async _ =>
            {
                try
                {
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                catch (CancelledException)
                {
                    Interlocked.Increment(ref cancelled);
                    throw;
                }
            },
            distribution: distribution);
        var clients = Enumerable.Range(0, 6).Select(_ => Connect(group.EndPoints[0])).ToList();
        await ServedAsync(group, 6);
        await group.ShutdownAsync(TimeSpan.FromMilliseconds(1)).WaitAsync(Guard);
        Assert.Equal(6, cancelled);
        clients.ForEach(client => client.Dispose());
    });

    [Theory]
    [MemberData(nameof(Distributions))]
    public void Clients_can_be_closed_and_aborted_everywhere(ConnectionDistribution distribution) => GroupTest.Run(2, async test =>
    {
        SkipUnlessPossible(distribution);
        await using var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo, distribution: distribution);
        foreach (var abort in new[] { false, true })
        {
            var clients = Enumerable.Range(0, 6).Select(_ => Connect(group.EndPoints[0])).ToList();
            await ServedAsync(group, 6);
            await (abort ? group.AbortClientsAsync() : group.CloseClientsAsync());
            await ServedAsync(group, 0);
            clients.ForEach(client => client.Dispose());
        }

        await group.StopAcceptingAsync();
        await group.WaitClosedAsync();
    });

    [Theory]
    [MemberData(nameof(Distributions))]
    public void They_can_be_made_first_and_serve_later(ConnectionDistribution distribution) => GroupTest.Run(2, async test =>
    {
        SkipUnlessPossible(distribution);
        await using var group = await test.Group.StartServerAsync(
            "127.0.0.1", 0, NetTest.Echo, new ServerOptions { StartServing = false }, distribution);
        Assert.Throws<SocketException>(() => Connect(group.EndPoints[0]).Dispose());
        await group.StartServingAsync();
        await group.StartServingAsync();
        await TalkAsync(group.EndPoints[0], 1);
    });

    [Fact]
    public void Shutting_the_group_down_drains_its_servers() => GroupTest.Run(2, async test =>
    {
        test.EndsItself = true;
        var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo);
        using var client = Connect(group.EndPoints[0]);
        client.Send([7]);
        Assert.Equal(1, client.Receive(new byte[1]));
        var end = test.Group.ShutdownAsync(Timeout.InfiniteTimeSpan);
        GroupTest.Await(() => CannotConnect(group.EndPoints[0]), "The server goes on accepting.");
        client.Send([8]);
        Assert.Equal(1, client.Receive(new byte[1]));
        Assert.False(end.IsCompleted);
        client.Shutdown(SocketShutdown.Send);
        await end.WaitAsync(Guard);
        await group.DisposeAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(() => test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo));
    });

    [Fact]
    public void Ending_the_group_at_once_leaves_nothing_on_the_way() => GroupTest.Run(3, async test =>
    {
        test.EndsItself = true;
        var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo, distribution: ConnectionDistribution.RoundRobin);
        var clients = Enumerable.Range(0, 30).Select(_ => Connect(group.EndPoints[0])).ToList();
        await test.Group.DisposeAsync();
        clients.ForEach(client => client.Dispose());
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public void Where_one_of_the_loops_has_closed_the_others_go_on_and_end(int closed) => GroupTest.Run(3, async test =>
    {
        test.EndsItself = true;
        var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo, distribution: ConnectionDistribution.RoundRobin);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(number => TalkAsync(group.EndPoints[0], number)));
        await ServedAsync(group, 0);
        test.Group[closed].CallSoonThreadSafe(() =>
        {
            foreach (var task in test.Group[closed].AllTasks())
            {
                task.Cancel();
            }
        });
        GroupTest.Await(() => test.Group[closed].IsClosed, "The loop does not close.");
        if (closed == 0)
        {
            GroupTest.Await(() => CannotConnect(group.EndPoints[0]), "Somebody accepts.");
        }
        else
        {
            await Task.WhenAll(Enumerable.Range(0, 6).Select(number => TalkAsync(group.EndPoints[0], number)));
        }

        Assert.Equal(closed == 0 ? 6 : 12, (await group.GetStatisticsAsync()).Sum(entry => entry.AcceptedCount));
        await group.StopAcceptingAsync();
        await group.WaitClosedAsync().WaitAsync(Guard);
        await test.Group.ShutdownAsync(Timeout.InfiniteTimeSpan).WaitAsync(Guard);
    });

    [Fact]
    public void A_connection_that_its_loop_cannot_adopt_is_closed_and_counts_no_more() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
        var calls = new[] { new ScriptedCalls(), new ScriptedCalls { OnDuplicate = _ => -24 } };
        using var loops = EventLoopGroup.Start(new EventLoopGroupOptions
        {
            Count = 2,
            ConfigureLoop = (index, options) => options.Driver = new EpollDriver(calls[index]), // The second finds no free descriptor.
        });
        Run().GetAwaiter().GetResult();
        loops.Dispose();
        Assert.All(calls, calls => Assert.Equal(0, calls.OpenDescriptors));

        async Task Run()
        {
            await using var group = await loops.StartServerAsync(
                "127.0.0.1", 0, NetTest.Echo, new ServerOptions { MaxConnections = 1 }, ConnectionDistribution.RoundRobin);
            for (var i = 0; i < 4; i++)
            {
                if (i % 2 == 0)
                {
                    await TalkAsync(group.EndPoints[0], i); // With room for one: what the second loop has lost takes none.
                }
                else
                {
                    using var client = Connect(group.EndPoints[0]);
                    var end = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(new byte[1]));
                    Assert.Equal(SocketError.ConnectionReset, end.SocketErrorCode);
                }
            }
        }
    });

    [Fact]
    public void Sessions_of_tls_are_made_on_the_loop_that_serves() => GroupTest.Run(2, async test =>
    {
        var certificate = TestCertificate.Create();
        await using var group = await test.Group.StartServerAsync(
            "127.0.0.1",
            0,
            async connection =>
            {
                Assert.NotNull(connection.Tls);
                await NetTest.Echo(connection);
            },
            new ServerOptions { Tls = new() { ServerCertificate = certificate } },
            ConnectionDistribution.RoundRobin);
        for (var i = 0; i < 4; i++)
        {
            using var client = Connect(group.EndPoints[0]);
            using var session = new System.Net.Security.SslStream(new NetworkStream(client), leaveInnerStreamOpen: false, TestCertificate.Accept);
            await session.AuthenticateAsClientAsync("localhost");
            await session.WriteAsync(new[] { (byte)i });
            Assert.Equal(i, session.ReadByte());
            await session.ShutdownAsync();
            Assert.Equal(-1, session.ReadByte());
        }

        Assert.Equal([2, 2], (await group.GetStatisticsAsync()).Select(entry => entry.AcceptedCount));
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void A_start_that_fails_on_a_later_loop_leaves_nothing_on_the_earlier_ones(int failing) => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(EpollDriver.IsSupported, "There is no epoll on this platform.");
        var calls = Enumerable.Range(0, 3).Select(index => new ScriptedCalls { OnBind = index == failing ? _ => -98 : null }).ToArray(); // EADDRINUSE
        var loops = EventLoopGroup.Start(new EventLoopGroupOptions
        {
            Count = 3,
            ConfigureLoop = (index, options) => options.Driver = new EpollDriver(calls[index]),
        });
        try
        {
            var start = loops.StartServerAsync("127.0.0.1", 0, NetTest.Echo, distribution: ConnectionDistribution.Kernel);
            var failure = Assert.Throws<SocketException>(() => start.GetAwaiter().GetResult());
            Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
            Assert.All(loops.Loops, loop => Assert.Equal((0, 1), loop.Invoke(() => (loop.Driver.OpenSocketCount, loop.TaskCount))));
        }
        finally
        {
            loops.Dispose();
        }

        Assert.All(calls, calls => Assert.Equal(0, calls.OpenDescriptors));
    });

    [Fact]
    public void A_start_that_fails_leaves_nothing() => GroupTest.Run(2, async test =>
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        foreach (var distribution in new[] { ConnectionDistribution.Automatic, ConnectionDistribution.RoundRobin })
        {
            await Assert.ThrowsAsync<SocketException>(() => test.Group.StartServerAsync(taken.LocalEndPoint!, NetTest.Echo, distribution: distribution));
        }

        Assert.Throws<ArgumentNullException>(() => { test.Group.StartServerAsync((EndPoint)null!, NetTest.Echo); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { test.Group.StartServerAsync("127.0.0.1", 65536, NetTest.Echo); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo, distribution: (ConnectionDistribution)9); });
    });

    [Fact]
    public void Local_sockets_are_accepted_by_one_loop_for_all() => GroupTest.Run(2, async test =>
    {
        using var path = new SocketPath();
        var endPoint = new UnixDomainSocketEndPoint(path.Path);
        Assert.Throws<ArgumentException>(() => { test.Group.StartServerAsync(endPoint, NetTest.Echo, distribution: ConnectionDistribution.Kernel); });
        await using var group = await test.Group.StartServerAsync(endPoint, NetTest.Echo);
        Assert.Equal(ConnectionDistribution.RoundRobin, group.Distribution);
        await Task.WhenAll(Enumerable.Range(0, 6).Select(number => TalkAsync(endPoint, number)));
        Assert.Equal([3, 3], (await group.GetStatisticsAsync()).Select(entry => entry.AcceptedCount));
    });

    [Fact]
    public void A_coroutine_of_a_loop_beside_can_start_and_end_them() => GroupTest.RunBeside(2, async test =>
    {
        await using var group = await test.Group.StartServerAsync("127.0.0.1", 0, NetTest.Echo);
        await using var connection = await Connection.ConnectAsync(group.EndPoints[0]);
        await connection.Output.WriteAsync(new byte[] { 1 });
        var read = await connection.Input.ReadAsync();
        Assert.Equal(1, read.Buffer.Length);
        connection.Input.AdvanceTo(read.Buffer.End);
        await connection.CloseAsync();
        await group.ShutdownAsync(Guard);
    });

    private static void SkipUnlessPossible(ConnectionDistribution distribution) => Assert.SkipUnless(
        distribution != ConnectionDistribution.Kernel || OperatingSystem.IsLinux(), "The kernel distributes connections on Linux only.");

    private static void InterlockedMax(ref int place, int value)
    {
        var seen = Volatile.Read(ref place);
        while (seen < value)
        {
            seen = Interlocked.CompareExchange(ref place, value, seen);
        }
    }

    private static bool CannotConnect(EndPoint endPoint)
    {
        try
        {
            Connect(endPoint).Dispose();
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private static Socket Connect(EndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        try
        {
            socket.Connect(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits until so many handlers run.</summary>
    private static async Task ServedAsync(ServerGroup group, int count)
    {
        while ((await group.GetStatisticsAsync()).Sum(entry => entry.ConnectionCount) != count)
        {
            await Task.Yield();
        }
    }

    private static async Task TalkAsync(EndPoint endPoint, int number)
    {
        using var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, endPoint is IPEndPoint ? ProtocolType.Tcp : ProtocolType.Unspecified);
        await socket.ConnectAsync(endPoint);
        await socket.SendAsync(new[] { (byte)number });
        socket.Shutdown(SocketShutdown.Send);
        var buffer = new byte[2];
        Assert.Equal(1, await socket.ReceiveAsync(buffer));
        Assert.Equal(number, buffer[0]);
        Assert.Equal(0, await socket.ReceiveAsync(buffer));
    }
}
