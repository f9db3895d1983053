using System.Net;
using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>Connecting to one of several addresses: when which is tried, which is kept, and what becomes of the others.</summary>
public class HappyEyeballsTests
{
    [Fact]
    public void An_address_that_fails_has_the_next_one_tried_at_once() => NetTest.RunInVirtualTime(async test =>
    {
        using var listener = NetTest.Listen();
        var start = test.Loop.Time;
        await using var client = await Connection.ConnectAsync([ClosedPort(), ClosedPort(), listener.LocalEndPoint!]);
        Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
        Assert.InRange(test.Loop.Time - start, 0, Milliseconds(100));
        Assert.Equal(2, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void An_address_that_does_not_answer_has_the_next_one_tried_beside_it_after_a_quarter_of_a_second() =>
        NetTest.RunInVirtualTime(async test =>
        {
            using var first = await BlackHole.Create();
            using var second = await BlackHole.Create();
            using var listener = NetTest.Listen();
            var start = test.Loop.Time;
            var before = test.Driver.OpenSocketCount;
            await using var client = await Connection.ConnectAsync([first.EndPoint, second.EndPoint, listener.LocalEndPoint!]);
            Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
            Assert.InRange(test.Loop.Time - start, Milliseconds(500), Milliseconds(550));
            Assert.Equal(before + 1, test.Driver.OpenSocketCount);
        });

    [Fact]
    public void The_delay_is_an_option_and_starts_anew_with_each_attempt() => NetTest.RunInVirtualTime(async test =>
    {
        using var hole = await BlackHole.Create();
        using var other = await BlackHole.Create();
        using var listener = NetTest.Listen();
        var start = test.Loop.Time;
        var options = new ConnectOptions { HappyEyeballsDelay = TimeSpan.FromSeconds(3) };
        await using var client = await Connection.ConnectAsync(
            [hole.EndPoint, ClosedPort(), other.EndPoint, listener.LocalEndPoint!], options);
        Assert.InRange(test.Loop.Time - start, Milliseconds(6000), Milliseconds(6100));
    });

    [Fact]
    public void Switched_off_one_address_is_tried_at_a_time() => NetTest.RunInVirtualTime(async test =>
    {
        using var hole = await BlackHole.Create();
        using var listener = NetTest.Listen();
        var options = new ConnectOptions { HappyEyeballsDelay = Timeout.InfiniteTimeSpan, Timeout = TimeSpan.FromSeconds(30) };
        var failure = await Assert.ThrowsAsync<ConnectException>(
            async () => await Connection.ConnectAsync([ClosedPort(), hole.EndPoint, listener.LocalEndPoint!], options));
        Assert.Equal([SocketError.ConnectionRefused, SocketError.TimedOut], failure.Attempts.Select(attempt => attempt.SocketErrorCode));

        // What fails has the next tried all the same.
        await using var client = await Connection.ConnectAsync([ClosedPort(), listener.LocalEndPoint!], options);
        Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
    });

    [Fact]
    public void A_failure_tells_every_address_with_its_error() => NetTest.RunInVirtualTime(async test =>
    {
        EndPoint[] closed = [ClosedPort(), ClosedPort(), ClosedPort()];
        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync(closed));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
        Assert.Equal(closed, failure.Attempts.Select(attempt => attempt.EndPoint));
        Assert.All(failure.Attempts, attempt =>
        {
            Assert.Equal(SocketError.ConnectionRefused, attempt.SocketErrorCode);
            Assert.Equal(attempt.SocketErrorCode, attempt.Exception.SocketErrorCode);
            Assert.Contains($"Connecting to {attempt.EndPoint} failed: Connection refused.", failure.Message, StringComparison.Ordinal);
        });
        Assert.Equal(0, test.Driver.OpenSocketCount);

        // Of the only one it is that one's own.
        var single = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync([closed[0], closed[0]]));
        Assert.Equal($"Connecting to {closed[0]} failed: Connection refused", single.Message);
    });

    [Fact]
    public void A_name_that_cannot_be_resolved_is_an_attempt_that_failed() => NetTest.Run(async test =>
    {
        using var listener = NetTest.Listen();
        var name = new DnsEndPoint("no-such-host.invalid", 80);
        var closed = ClosedPort();
        await using (var client = await Connection.ConnectAsync([name, listener.LocalEndPoint!]))
        {
            Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
        }

        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync([closed, name]));
        Assert.Equal([name, closed], failure.Attempts.Select(attempt => attempt.EndPoint));
        Assert.Contains("no-such-host.invalid", failure.Message, StringComparison.Ordinal);
        Assert.Contains(closed.ToString()!, failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync([name]));
    });

    [Fact]
    public void There_must_be_an_end_point() => NetTest.Run(async () =>
    {
        await Coroutine.Yield();
        Assert.Throws<ArgumentException>(() => _ = Connection.ConnectAsync(Array.Empty<EndPoint>()));
        Assert.Throws<ArgumentException>(() => _ = Connection.ConnectAsync([ClosedPort(), null!]));
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_happy_eyeballs_empty_exceptions")]
    public void Addresses_none_of_which_answers_are_a_time_out_that_names_them() => NetTest.RunInVirtualTime(async test =>
    {
        using var first = await BlackHole.Create();
        using var second = await BlackHole.Create();
        var closed = ClosedPort();
        var before = test.Driver.OpenSocketCount;
        var start = test.Loop.Time;
        var options = new ConnectOptions { Timeout = TimeSpan.FromSeconds(5) };
        var failure = await Assert.ThrowsAsync<ConnectException>(
            async () => await Connection.ConnectAsync([first.EndPoint, closed, second.EndPoint], options));
        Assert.InRange(test.Loop.Time - start, Milliseconds(5000), Milliseconds(5050));
        Assert.Equal(SocketError.TimedOut, failure.SocketErrorCode);
        Assert.Equal([first.EndPoint, closed, second.EndPoint], failure.Attempts.Select(attempt => attempt.EndPoint));
        Assert.Equal(
            [SocketError.TimedOut, SocketError.ConnectionRefused, SocketError.TimedOut],
            failure.Attempts.Select(attempt => attempt.SocketErrorCode));
        Assert.Contains("longer than the 5 s", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"Connecting to {second.EndPoint} failed: there was no answer.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(before, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void A_single_address_that_does_not_answer_is_a_time_out_too() => NetTest.RunInVirtualTime(async test =>
    {
        using var hole = await BlackHole.Create();
        var options = new ConnectOptions { Timeout = TimeSpan.FromSeconds(2) };
        var port = ((IPEndPoint)hole.EndPoint).Port;
        Func<Coroutine<Connection>>[] ways =
        [
            () => Connection.ConnectAsync(hole.EndPoint, options),
            () => Connection.ConnectAsync("127.0.0.1", port, options),
            () => Connection.ConnectAsync(new DnsEndPoint("127.0.0.1", port), options),
            () => Connection.ConnectAsync([hole.EndPoint], options),
        ];
        foreach (var connect in ways)
        {
            var failure = await Assert.ThrowsAsync<ConnectException>(async () => await connect());
            Assert.Equal(SocketError.TimedOut, failure.SocketErrorCode);
            Assert.Equal(hole.EndPoint, Assert.Single(failure.Attempts).EndPoint);
        }
    });

    [Fact]
    public void A_connection_made_within_the_time_is_not_touched_by_it() => NetTest.RunInVirtualTime(async test =>
    {
        using var listener = NetTest.Listen();
        await using var client = await Connection.ConnectAsync(
            listener.LocalEndPoint!, new ConnectOptions { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Equal(0, test.Loop.TimerCount);
        await Coroutine.Sleep(TimeSpan.FromSeconds(2));
        await client.WriteAsync(new byte[1]);
        using var server = await listener.AcceptAsync();
        Assert.Equal([0], await NetTest.ReceiveAll(server, 1));
    });

    [Fact]
    public void An_attempt_that_succeeds_too_late_to_win_is_closed() => NetTest.RunOnEpollInVirtualTime(async test =>
    {
        using var first = NetTest.Listen();
        using var second = NetTest.Listen();
        test.Calls.ConnectsWait = true; // Both are under way, and both succeed in one poll.
        var options = new ConnectOptions { HappyEyeballsDelay = TimeSpan.Zero };
        await using var client = await Connection.ConnectAsync([first.LocalEndPoint!, second.LocalEndPoint!], options);
        Assert.Equal(3, test.Driver.OpenSocketCount);
        await client.WriteAsync(new byte[] { 7 });
        var (kept, dropped) = client.RemoteEndPoint!.Equals(first.LocalEndPoint) ? (first, second) : (second, first);
        using (var server = await kept.AcceptAsync())
        {
            Assert.Equal([7], await NetTest.ReceiveAll(server, 1));
        }

        using (var server = await dropped.AcceptAsync())
        {
            var end = await Record.ExceptionAsync(async () => Assert.Equal(0, await server.ReceiveAsync(new byte[1])));
            Assert.True(end is null or SocketException { SocketErrorCode: SocketError.ConnectionReset });
        }
    });

    [Fact]
    public void Cancelling_at_any_moment_leaves_no_socket() => NetTest.RunOnEpollInVirtualTime(async test =>
    {
        using var first = await BlackHole.Create();
        using var second = await BlackHole.Create();
        using var listener = NetTest.Listen();
        EndPoint[] endPoints =
            [first.EndPoint, ClosedPort(), second.EndPoint, new DnsEndPoint("127.0.0.1", ((IPEndPoint)listener.LocalEndPoint!).Port)];
        var before = test.Driver.OpenSocketCount;
        var connected = 0;
        var cancelled = 0;
        foreach (var waits in new[] { false, true })
        {
            test.Calls.ConnectsWait = waits;
            foreach (var timeout in new[] { Timeout.InfiniteTimeSpan, TimeSpan.FromMinutes(1) })
            {
                var options = new ConnectOptions { HappyEyeballsDelay = TimeSpan.Zero, Timeout = timeout };
                for (var iterations = 0; iterations < 60; iterations += iterations < 20 ? 1 : 4)
                {
                    var connect = Coroutine.Start(Connection.ConnectAsync(endPoints, options));
                    await NetTest.Polls(iterations);
                    connect.Cancel();
                    try
                    {
                        (await connect).Dispose();
                        connected++;
                        (await listener.AcceptAsync()).Dispose();
                    }
                    catch (CancelledException)
                    {
                        cancelled++;
                    }

                    Assert.Equal(before, test.Driver.OpenSocketCount);
                }
            }
        }

        Assert.True(cancelled > 0);
        Assert.True(connected > 0);
    });

    [Fact]
    public void Out_of_descriptors_every_address_says_so() => NetTest.RunOnEpollInVirtualTime(async test =>
    {
        using var hole = await BlackHole.Create();
        test.Calls.OnSocket = () => -Errno.EMFILE;
        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync([hole.EndPoint, ClosedAddress]));
        Assert.All(failure.Attempts, attempt => Assert.Equal(SocketError.TooManyOpenSockets, attempt.SocketErrorCode));
        Assert.Contains($"Connecting to {hole.EndPoint} failed: ", failure.Message, StringComparison.Ordinal);

        // And once there are some again, all is well.
        test.Calls.OnSocket = null;
        using var listener = NetTest.Listen();
        await using var client = await Connection.ConnectAsync([listener.LocalEndPoint!, hole.EndPoint]);
    });

    private static EndPoint ClosedAddress { get; } = new IPEndPoint(IPAddress.Loopback, 1);

    internal static long Milliseconds(int count) => count * 1_000_000L;

    /// <summary>A port at which nobody listens.</summary>
    internal static EndPoint ClosedPort()
    {
        using var listener = NetTest.Listen();
        return listener.LocalEndPoint!;
    }
}
