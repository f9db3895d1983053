using System.Net;
using System.Net.Sockets;
using System.Text;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>Where a <see cref="Server"/> listens, and that one connection's trouble stays its own.</summary>
public class ServerTests
{
    [Theory]
    [InlineData("127.0.0.1", AddressFamily.InterNetwork)]
    [InlineData("::1", AddressFamily.InterNetworkV6)]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_server_ipv6")]
    public void Serves_each_connection_in_a_task_of_its_own(string host, AddressFamily family) => NetTest.Run(async test =>
    {
        LoopSocketTests.SkipWithout(family);
        var tasks = new HashSet<LoopTask>();
        await using var server = await Server.StartAsync(host, 0, async connection =>
        {
            tasks.Add(LoopTask.Current!);
            await NetTest.Echo(connection);
        });
        Assert.True(server.IsServing);
        var clients = new List<Connection>();
        for (var i = 0; i < 20; i++)
        {
            clients.Add(await Connection.ConnectAsync(server.EndPoints[0]));
        }

        for (var i = 0; i < 20; i++)
        {
            await clients[i].WriteAsync(new[] { (byte)i });
        }

        for (var i = 0; i < 20; i++)
        {
            Assert.Equal([(byte)i], await clients[i].Input.ReadExactlyAsync(1));
        }

        Assert.Equal(20, server.ConnectionCount);
        Assert.Equal(20, server.AcceptedCount);
        Assert.Equal(20, tasks.Count);
        foreach (var client in clients)
        {
            await client.CompleteOutputAsync();
            Assert.True((await client.Input.ReadAsync()).IsCompleted);
            await client.DisposeAsync();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.False(server.IsClosed);
    });

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_dual_stack")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_server_empty_host")]
    public void No_host_means_every_interface_with_one_port_for_both_families(string? host) => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync(host, 0, NetTest.Echo);
        Assert.Contains(server.EndPoints, endPoint => ((IPEndPoint)endPoint).Address.Equals(IPAddress.Any));
        Assert.Single(server.EndPoints.Select(endPoint => ((IPEndPoint)endPoint).Port).Distinct());
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        string[] hosts = server.EndPoints.Count > 1 ? ["127.0.0.1", "::1"] : ["127.0.0.1"];
        foreach (var address in hosts)
        {
            await using var client = await Connection.ConnectAsync(address, port);
            await client.WriteAsync(new byte[1]);
            await client.Input.ReadExactlyAsync(1);
            Assert.Equal(address, ((IPEndPoint)client.RemoteEndPoint!).Address.ToString());
        }
    });

    [Fact]
    public void Many_end_points_and_names() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync(
            [new IPEndPoint(IPAddress.Loopback, 0), new DnsEndPoint("localhost", 0), new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0)],
            NetTest.Echo);
        Assert.InRange(server.EndPoints.Count, 2, 4);
        Assert.Single(server.EndPoints.Select(endPoint => ((IPEndPoint)endPoint).Port).Distinct());
        foreach (var endPoint in server.EndPoints)
        {
            await using var client = await Connection.ConnectAsync(endPoint);
            await client.WriteAsync(new byte[1]);
            await client.Input.ReadExactlyAsync(1);
        }
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_addr_in_use")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_server_cant_bind")]
    public void A_port_that_is_taken_leaves_nothing_open() => NetTest.Run(async test =>
    {
        using var taken = NetTest.Listen();
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync([new IPEndPoint(IPAddress.Loopback, 0), taken.LocalEndPoint!], NetTest.Echo));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Contains(taken.LocalEndPoint!.ToString()!, failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_server_reuse_port")]
    public void Ports_can_be_shared_on_request() => NetTest.Run(async test =>
    {
        var options = new ServerOptions { ReusePort = true };
        await using var alone = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var refusal = await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync(alone.EndPoints[0], NetTest.Echo, options));
        Assert.Equal(SocketError.AddressAlreadyInUse, refusal.SocketErrorCode);
        await using var first = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, options);
        await using var second = await Server.StartAsync(first.EndPoints[0], NetTest.Echo, options);
        for (var i = 0; i < 64; i++)
        {
            await using var client = await Connection.ConnectAsync(first.EndPoints[0]);
            await client.WriteAsync(new byte[1]);
            await client.Input.ReadExactlyAsync(1);
        }

        Assert.InRange(first.AcceptedCount, 1, 63);
        Assert.Equal(64, first.AcceptedCount + second.AcceptedCount);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_unix_connection")]
    [CPython("test_events.EventLoopTestsMixin.test_create_unix_server")]
    public void Local_sockets() => NetTest.Run(async test =>
    {
        var path = Path.Combine(Path.GetTempPath(), $"baton-{Guid.NewGuid():N}");
        try
        {
            await using var server = await Server.StartAsync(new UnixDomainSocketEndPoint(path), NetTest.Echo);
            Assert.Equal(path, Assert.Single(server.EndPoints).ToString());
            await using var client = await Connection.ConnectAsync(new UnixDomainSocketEndPoint(path));
            Assert.Equal(path, client.RemoteEndPoint!.ToString());
            await client.WriteAsync(new byte[100_000]);
            await client.Input.ReadExactlyAsync(100_000);
        }
        finally
        {
            File.Delete(path);
        }
    });

    [Fact]
    [CPython("test_base_events.TestSelectorUtils.test_set_nodelay")]
    public void Accepted_connections_send_without_delay_unless_told_otherwise() => NetTest.RunOnEpoll(async test =>
    {
        foreach (var noDelay in new[] { true, false })
        {
            int? option = null;
            var options = new ServerOptions { NoDelay = noDelay };
            await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
            {
                new LinuxSocketCalls().GetOption((int)connection.Handle, 6, 1, out var value);
                option = value;
                await Coroutine.Yield();
            }, options);
            await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
            await NetTest.Until(() => option is not null);
            Assert.Equal(noDelay, option != 0);
        }
    });

    [Fact]
    public void A_handler_that_fails_is_reported_with_its_connection_and_the_server_goes_on() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var line = await connection.Input.ReadLineAsync();
            if (line == "fail")
            {
                throw new InvalidOperationException("as asked");
            }

            await connection.WriteAsync("fine"u8.ToArray());
        });
        await using var failing = await Connection.ConnectAsync(server.EndPoints[0]);
        await using var other = await Connection.ConnectAsync(server.EndPoints[0]);
        var name = failing.LocalEndPoint!.ToString()!;
        await failing.WriteAsync("fail\n"u8.ToArray());
        await Assert.ThrowsAsync<IOException>(async () => await failing.Input.ReadExactlyAsync(1));
        await other.WriteAsync("work\n"u8.ToArray());
        Assert.Equal("fine"u8.ToArray(), await other.Input.ReadExactlyAsync(4));

        var report = Assert.Single(test.TakeReports());
        Assert.Equal("as asked", report.Exception!.Message);
        Assert.Contains(name, report.Message, StringComparison.Ordinal);
        Assert.IsType<Connection>(report.Source);
        Assert.NotNull(report.Future);
    });

    [Fact]
    [CPython("regressions.Network.gh-140947")]
    public void Each_handler_has_a_copy_of_the_context_in_which_the_server_was_started() => NetTest.Run(async test =>
    {
        var local = new AsyncLocal<string?> { Value = "start" };
        var seen = new List<string?>();
        await using var server = await Server.StartAsync("127.0.0.1", 0, Handle);
        local.Value = "later";
        var clients = new List<Connection>();
        for (var i = 1; i <= 3; i++)
        {
            clients.Add(await Connection.ConnectAsync(server.EndPoints[0]));
            await NetTest.Until(() => seen.Count == i);
        }

        Assert.Equal(["start", "start", "start"], seen);
        for (var i = 3; i >= 1; i--)
        {
            await clients[i - 1].WriteAsync(new byte[1]);
            Assert.Equal($"handler {i}", Encoding.UTF8.GetString(await clients[i - 1].Input.ReadExactlyAsync(9)));
        }

        Assert.Equal("later", local.Value);
        foreach (var client in clients)
        {
            await client.DisposeAsync();
        }

        // What it sets before its first await, outside of any coroutine of its own, is its own as well.
        Coroutine Handle(Connection connection)
        {
            seen.Add(local.Value);
            local.Value = $"handler {seen.Count}";
            return Answer(connection);
        }

        async Coroutine Answer(Connection connection)
        {
            await connection.Input.ReadExactlyAsync(1);
            await Coroutine.Start(Set());
            await connection.WriteAsync(Encoding.UTF8.GetBytes(local.Value!));
        }

        async Coroutine Set()
        {
            local.Value = "task of a handler";
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_handler_that_throws_before_its_first_await_is_isolated_too() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, _ => throw new InvalidOperationException("at once"));
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadExactlyAsync(1));
        Assert.Equal("at once", Assert.Single(test.TakeReports()).Exception!.Message);
        Assert.True(server.IsServing);
    });

    [Fact]
    public void A_cancellation_that_is_not_the_tasks_own_is_a_failure() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync(
            "127.0.0.1", 0, _ => throw new TaskCanceledException("a time-out of some library"));
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadExactlyAsync(1));
        Assert.IsType<TaskCanceledException>(Assert.Single(test.TakeReports()).Exception);
    });

    [Fact]
    public void What_a_handler_has_buffered_is_sent_when_it_returns() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            await Coroutine.Yield();
            connection.Output.GetSpan(3)[..3].Fill(9);
            connection.Output.Advance(3);
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        Assert.Equal([9, 9, 9], await client.Input.ReadExactlyAsync(3));
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_accept_connection_exception")]
    [CPython("regressions.Network.gh-151615")]
    public void Out_of_descriptors_it_reports_once_and_tries_again_every_second() => NetTest.RunOnEpollInVirtualTime(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        await Coroutine.Yield();
        var attempts = new List<long>();
        var start = test.Loop.Time;
        int[] errors = [Errno.EMFILE, Errno.ENFILE, Errno.ENOBUFS, Errno.ENOMEM];
        test.Calls.OnAccept = _ =>
        {
            attempts.Add((test.Loop.Time - start) / 1_000_000);
            return attempts.Count <= errors.Length ? -errors[attempts.Count - 1] : null;
        };
        await using (var client = await Connection.ConnectAsync(server.EndPoints[0]))
        {
            await client.WriteAsync(new byte[1]);
            await client.Input.ReadExactlyAsync(1);
            Assert.Equal([0, 1000, 2000, 3000, 4000], attempts.Take(5));
        }

        var report = Assert.Single(test.TakeReports());
        Assert.Contains(server.EndPoints[0].ToString()!, report.Message, StringComparison.Ordinal);
        Assert.Equal(SocketError.TooManyOpenSockets, Assert.IsType<SocketException>(report.Exception).SocketErrorCode);
        Assert.Contains("Too many open files", report.Exception!.Message, StringComparison.Ordinal);

        // A new episode is a new report.
        attempts.Clear();
        await using (var client = await Connection.ConnectAsync(server.EndPoints[0]))
        {
            await client.WriteAsync(new byte[1]);
            await client.Input.ReadExactlyAsync(1);
        }

        Assert.Single(test.TakeReports());
    });

    [Fact]
    public void Stopping_does_not_wait_for_the_next_attempt() => NetTest.RunOnEpollInVirtualTime(async test =>
    {
        var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        test.Calls.OnAccept = _ => -Errno.EMFILE;
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => test.TakeReports().Count > 0);
        var start = test.Loop.Time;
        await server.DisposeAsync();
        Assert.InRange(test.Loop.Time - start, 0, 100_000_000);
    });

    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_accept_connection_skip_connectionabortederror")]
    public void A_connection_that_is_gone_before_it_is_accepted_is_nobodys_concern() => NetTest.RunOnEpoll(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo);
        var failures = 0;
        test.Calls.OnAccept = _ => failures++ < 3 ? -Errno.ECONNABORTED : null;
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.WriteAsync(new byte[1]);
        await client.Input.ReadExactlyAsync(1);
    });

    [Fact]
    public void A_flood_of_connections_does_not_keep_the_others_waiting() => NetTest.Run(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { Backlog = 1000 });
        var clients = new List<LoopSocket>();
        for (var i = 0; i < 400; i++)
        {
            var client = LoopSocket.Create(AddressFamily.InterNetwork);
            clients.Add(client);
            await client.ConnectAsync(server.EndPoints[0]);
        }

        await NetTest.Until(() => server.AcceptedCount == 400);
        foreach (var client in clients)
        {
            client.Dispose();
        }

        await NetTest.Until(() => server.ConnectionCount == 0);
    });
}
