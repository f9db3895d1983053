using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>
/// That a <see cref="Server"/> which stops loses nobody whom the system has connected, and no request that has arrived, and still ends
/// soon.
/// </summary>
public class ServerDrainTests
{
    private static readonly TimeSpan Long = TimeSpan.FromHours(1);

    [Fact]
    public void What_waits_to_be_accepted_is_served() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await NetTest.Polls(2);
        var clients = Enumerable.Range(0, 20).Select(_ => BlockingConnect(server.EndPoints[0])).ToList();
        server.StopAccepting(); // The loop has not polled: it does not know of them.
        await NetTest.Until(() => server.ConnectionCount == 20);
        Assert.Throws<SocketException>(() => BlockingConnect(server.EndPoints[0]));
        foreach (var client in clients)
        {
            client.Send([7]);
            client.Shutdown(SocketShutdown.Send);
        }

        await server.ShutdownAsync(Long);
        Assert.All(clients, client =>
        {
            var buffer = new byte[2];
            Assert.Equal((1, 7, 0), (client.Receive(buffer), buffer[0], client.Receive(buffer)));
            client.Dispose();
        });
    });

    [Fact]
    public void One_that_was_accepted_and_not_fetched_yet_is_served_too() => NetTest.Run(async test =>
    {
        // At each of the moments between the arrival and the handler.
        for (var i = 0; i < 8; i++)
        {
            var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
            await NetTest.Polls(2);
            using var client = BlockingConnect(server.EndPoints[0]);
            await NetTest.Iterate(i);
            server.StopAccepting();
            client.Send([7]);
            client.Shutdown(SocketShutdown.Send);
            await server.WaitClosedAsync();
            Assert.Equal(1, client.Receive(new byte[2]));
            Assert.Equal(1, server.AcceptedCount);
        }
    });

    [Fact]
    public void Those_beyond_the_limit_of_connections_are_served_one_after_the_other() => NetTest.Run(async test =>
    {
        var most = 0;
        Server? server = null;
        server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            most = Math.Max(most, server!.ConnectionCount);
            await NetTest.Echo(connection);
        }, new ServerOptions { MaxConnections = 2 });
        var clients = Enumerable.Range(0, 10).Select(_ => BlockingConnect(server.EndPoints[0])).ToList();
        foreach (var client in clients)
        {
            client.Send([7]);
            client.Shutdown(SocketShutdown.Send);
        }

        await server.ShutdownAsync(Long);
        Assert.InRange(most, 1, 2);
        Assert.All(clients, client =>
        {
            Assert.Equal(1, client.Receive(new byte[2]));
            client.Dispose();
        });
    });

    [Fact]
    public void Who_stops_at_once_serves_nobody_who_waits() => NetTest.Run(async test =>
    {
        foreach (var abort in new[] { false, true })
        {
            var served = 0;
            var server = await Server.StartAsync("127.0.0.1", 0, connection =>
            {
                served++;
                return NetTest.Echo(connection);
            });
            await NetTest.Polls(2);
            using var client = BlockingConnect(server.EndPoints[0]);
            if (abort)
            {
                server.Abort();
                await server.WaitClosedAsync();
            }
            else
            {
                await server.DisposeAsync();
            }

            Assert.Equal(0, served);
            await NetTest.Until(() => client.Poll(0, SelectMode.SelectRead));
            var end = Record.Exception(() => Assert.Equal(0, client.Receive(new byte[1])));
            Assert.True(end is null or SocketException { SocketErrorCode: SocketError.ConnectionReset });
        }
    });

    [Fact]
    public void A_flood_does_not_keep_a_server_from_stopping() => NetTest.RunOnEpoll(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { Backlog = 10 });
        await NetTest.Polls(2);
        var clients = new List<Socket>();
        test.Calls.OnAccept = _ =>
        {
            clients.Add(BlockingConnect(server.EndPoints[0]));
            return null;
        };
        server.StopAccepting();
        Assert.Equal(11, server.ConnectionCount);
        test.Calls.OnAccept = null;
        clients.ForEach(client => client.Dispose());
        await server.WaitClosedAsync();
    });

    [Fact]
    public void Out_of_descriptors_those_who_waited_are_reported_as_lost() => NetTest.RunOnEpoll(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await NetTest.Polls(2);
        using var client = BlockingConnect(server.EndPoints[0]);
        var attempts = 0;
        test.Calls.OnAccept = _ => attempts++ == 0 ? -Errno.ECONNABORTED : -Errno.EMFILE;
        server.StopAccepting();
        Assert.Equal(2, attempts);
        await server.WaitClosedAsync();
        Assert.Contains("they are lost", Assert.Single(test.TakeReports()).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_connection_that_is_idle_between_requests_ends_when_the_server_stops() => NetTest.RunInVirtualTime(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, Answer);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await Ask(client, 1);
        var start = test.Loop.Time;
        await server.ShutdownAsync(Long);
        Assert.InRange(test.Loop.Time - start, 0, 1_000_000_000);
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void A_request_that_has_arrived_when_the_server_stops_is_answered() => NetTest.Run(async test =>
    {
        for (var i = 0; i < 8; i++)
        {
            var server = await Server.StartAsync("127.0.0.1", 0, Answer);
            using var client = BlockingConnect(server.EndPoints[0]);
            var buffer = new byte[1];
            client.Send([1]);
            await NetTest.Until(() => client.Available == 1);
            client.Receive(buffer);
            await NetTest.Polls(2); // The handler waits for the next one.
            client.Send([2]); // The loop does not know of it.
            await NetTest.Iterate(i);
            await server.ShutdownAsync(Long);
            Assert.Equal((1, 2, 0), (client.Receive(buffer), buffer[0], client.Receive(buffer)));
        }
    });

    [Fact]
    public void Over_TLS_too_the_idle_end_and_a_request_that_has_arrived_is_answered() => NetTest.Run(async test =>
    {
        using var certificate = TestCertificate.Create();
        var server = await Server.StartAsync(
            "127.0.0.1", 0, Answer, new ServerOptions { Tls = new SslServerAuthenticationOptions { ServerCertificate = certificate } });
        var options = new ConnectOptions
        {
            Tls = new SslClientAuthenticationOptions
            {
                TargetHost = "localhost",
                RemoteCertificateValidationCallback = TestCertificate.Accept,
            },
        };
        await using var idle = await Connection.ConnectAsync(server.EndPoints[0], options);
        await using var asking = await Connection.ConnectAsync(server.EndPoints[0], options);
        await Ask(idle, 1);
        await Ask(asking, 2);
        await NetTest.Polls(2);
        await asking.WriteAsync(new byte[] { 3 }); // Sent at once; the loop does not know that it has arrived.
        await server.ShutdownAsync(Long);
        Assert.Equal([3], await asking.Input.ReadExactlyAsync(1));
        Assert.True((await asking.Input.ReadAsync()).IsCompleted);
        Assert.True((await idle.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void The_first_request_of_a_connection_is_waited_for() => NetTest.Run(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, Answer);
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        server.StopAccepting();
        await NetTest.Polls(5);
        Assert.Equal(1, server.ConnectionCount);
        await Ask(client, 3);
        await server.WaitClosedAsync();
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void Waiting_for_a_request_consumes_nothing_and_ends_with_the_peer_or_the_task() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await client.WriteAsync(new byte[] { 1, 2 });
        Assert.True(await server.WaitForRequestAsync());
        Assert.True(await server.WaitForRequestAsync());
        Assert.Equal([1, 2], await server.Input.ReadExactlyAsync(2));
        Assert.Null(server.Server);
        var wait = Coroutine.Start(server.WaitForRequestAsync());
        await NetTest.Iterate();
        wait.Cancel();
        await NetTest.AssertCancelled(wait);
        await client.WriteAsync(new byte[] { 3 });
        await client.DisposeAsync();
        Assert.True(await server.WaitForRequestAsync());
        Assert.Equal([3], await server.Input.ReadExactlyAsync(1));
        Assert.False(await server.WaitForRequestAsync());
        await server.DisposeAsync();
    });

    [Fact]
    public void Handlers_can_ask_whether_the_server_stops() => NetTest.Run(async test =>
    {
        Server? seen = null;
        var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            seen = connection.Server;
            try
            {
                await connection.Input.ReadAsync(connection.Server!.Stopping);
            }
            catch (OperationCanceledException)
            {
                await connection.WriteAsync("bye"u8.ToArray());
            }
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => seen is not null);
        Assert.Same(server, seen);
        Assert.False(server.IsStopping);
        Assert.False(server.Stopping.IsCancellationRequested);
        using var bug = server.Stopping.Register(() => throw new InvalidOperationException("a bug"));
        await server.ShutdownAsync(Long);
        Assert.True(server.IsStopping);
        Assert.True(server.Stopping.IsCancellationRequested);
        Assert.Equal("bye"u8.ToArray(), await client.Input.ReadExactlyAsync(3));
        Assert.Contains("a bug", Assert.Single(test.TakeReports()).Exception!.Message, StringComparison.Ordinal);

        var quiet = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        quiet.StopAccepting();
        Assert.True(quiet.Stopping.IsCancellationRequested);
        await quiet.WaitClosedAsync();
    });

    [Fact]
    public void Under_load_every_request_that_was_sent_before_the_shutdown_is_answered() => NetTest.Run(async test =>
    {
        const int Rounds = 40;
        const int ClientCount = 6;
        var total = 0;
        for (var round = 0; round < Rounds; round++)
        {
            var server = await Server.StartAsync("127.0.0.1", 0, Answer);
            var load = new Load(server.EndPoints[0], requestsPerConnection: round % 3 == 0 ? 1 : 4);
            var threads = Enumerable.Range(0, ClientCount).Select(_ => LoopTest.StartThread(load.Run)).ToList();
            await NetTest.Until(() => load.Answered >= 10 + round);
            if (round % 2 == 0)
            {
                // Whatever they were about to do, they now wait for answers: some in the queue, some for the next request on their
                // connection.
                Assert.True(SpinWait.SpinUntil(() => load.Waiting == ClientCount, TimeSpan.FromSeconds(10)));
            }

            load.Stop();
            await server.ShutdownAsync(Long);
            threads.ForEach(thread => thread.Join());
            Assert.Equal(0, load.Lost);
            total += load.Answered;
        }

        Assert.True(total > Rounds * 10);
    });

    private static async Coroutine Answer(Connection connection)
    {
        while (await connection.WaitForRequestAsync())
        {
            await connection.WriteAsync(await connection.Input.ReadExactlyAsync(1));
        }
    }

    private static async Coroutine Ask(Connection connection, byte request)
    {
        await connection.WriteAsync(new[] { request });
        Assert.Equal([request], await connection.Input.ReadExactlyAsync(1));
    }

    private static Socket BlockingConnect(EndPoint endPoint)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
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

    /// <summary>
    /// Clients that connect and ask all the time, on threads of their own, and count what became of what they had sent before the end.
    /// </summary>
    private sealed class Load(EndPoint endPoint, int requestsPerConnection)
    {
        private int _answered;
        private int _lost;
        private int _waiting;
        private volatile bool _isStopping;

        public int Answered => Volatile.Read(ref _answered);

        public int Lost => Volatile.Read(ref _lost);

        public int Waiting => Volatile.Read(ref _waiting);

        public void Stop() => _isStopping = true;

        public void Run()
        {
            while (!_isStopping)
            {
                try
                {
                    using var socket = BlockingConnect(endPoint);
                    var isOwed = true;
                    for (var i = 0; i < requestsPerConnection && isOwed; i++)
                    {
                        isOwed = Ask(socket);
                    }
                }
                catch (SocketException)
                {
                    // Refused: the server has stopped.
                }
            }
        }

        /// <summary>False when no more can be expected of the connection.</summary>
        private bool Ask(Socket socket)
        {
            var isOwed = false;
            var isAnswered = false;
            Interlocked.Increment(ref _waiting);
            try
            {
                socket.Send([1]);
                isOwed = !_isStopping;
                isAnswered = socket.Receive(new byte[1]) == 1;
            }
            catch (SocketException)
            {
                // Counted below.
            }
            finally
            {
                Interlocked.Decrement(ref _waiting);
            }

            if (isAnswered)
            {
                Interlocked.Increment(ref _answered);
            }
            else if (isOwed)
            {
                Interlocked.Increment(ref _lost);
            }

            return isAnswered;
        }
    }
}
