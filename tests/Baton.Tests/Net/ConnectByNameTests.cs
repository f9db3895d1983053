using System.Net;
using System.Net.Sockets;
using Baton.Drivers;

namespace Baton.Tests.Net;

/// <summary>Connecting to, and serving at, names: what the resolver says is used in its order, and its time counts.</summary>
public class ConnectByNameTests
{
    private static readonly IPAddress[] FourAndSix =
    [
        IPAddress.Parse("127.0.0.1"), IPAddress.Parse("127.0.0.2"), IPAddress.Parse("127.0.0.1"), IPAddress.Parse("::2"),
        IPAddress.Parse("127.0.0.3"), IPAddress.Parse("::3"),
    ];

    [Theory]
    [InlineData(1, new[] { "127.0.0.1", "::2", "127.0.0.2", "::3", "127.0.0.3" })]
    [InlineData(2, new[] { "127.0.0.1", "127.0.0.2", "::2", "127.0.0.3", "::3" })]
    [InlineData(9, new[] { "127.0.0.1", "127.0.0.2", "127.0.0.3", "::2", "::3" })]
    [InlineData(0, new[] { "127.0.0.1", "127.0.0.2", "::2", "127.0.0.3", "::3" })]
    public void The_families_take_turns_and_keep_the_order_of_the_resolver(int firstCount, string[] order) => NetTest.RunOnEpoll(
        async test =>
        {
            test.Calls.OnSocket = () => -Errno.EMFILE;
            var options = new ConnectOptions { FirstAddressFamilyCount = firstCount };
            var failure = await Assert.ThrowsAsync<ConnectException>(
                async () => await Connection.ConnectAsync("name.example", 80, options));
            Assert.Equal(order, failure.Attempts.Select(attempt => ((IPEndPoint)attempt.EndPoint).Address.ToString()));
            Assert.StartsWith("Connecting to name.example:80 failed at all 5 addresses.", failure.Message, StringComparison.Ordinal);
        },
        options => options.NameResolver = new TestResolver((_, _) => Coroutine.FromResult<IPAddress[]>(FourAndSix)));

    [Fact]
    public void A_local_end_point_leaves_the_addresses_of_its_family() => NetTest.RunOnEpoll(
        async test =>
        {
            test.Calls.OnSocket = () => -Errno.EMFILE;
            var options = new ConnectOptions { LocalEndPoint = new IPEndPoint(IPAddress.IPv6Any, 0) };
            var failure = await Assert.ThrowsAsync<ConnectException>(
                async () => await Connection.ConnectAsync("name.example", 80, options));
            Assert.Equal(["::2", "::3"], failure.Attempts.Select(attempt => ((IPEndPoint)attempt.EndPoint).Address.ToString()));
        },
        options => options.NameResolver = new TestResolver((_, _) => Coroutine.FromResult<IPAddress[]>(FourAndSix)));

    [Fact]
    public void A_name_that_takes_longer_than_connecting_may_is_a_time_out() => NetTest.RunInVirtualTime(
        async test =>
        {
            var start = test.Loop.Time;
            var options = new ConnectOptions { Timeout = TimeSpan.FromSeconds(5) };
            var failure = await Assert.ThrowsAsync<ConnectException>(
                async () => await Connection.ConnectAsync("name.example", 80, options));
            Assert.Equal(SocketError.TimedOut, failure.SocketErrorCode);
            Assert.Empty(failure.Attempts);
            Assert.Contains("name.example:80 has taken longer than the 5 s", failure.Message, StringComparison.Ordinal);
            Assert.Contains("not been resolved", failure.Message, StringComparison.Ordinal);
            Assert.InRange(test.Loop.Time - start, HappyEyeballsTests.Milliseconds(5000), HappyEyeballsTests.Milliseconds(5050));
        },
        options => options.NameResolver = TestResolver.Late(TimeSpan.FromHours(1), IPAddress.Loopback));

    [Fact]
    public void The_time_for_the_name_counts() => NetTest.RunInVirtualTime(
        async test =>
        {
            using var hole = await BlackHole.Create();
            var start = test.Loop.Time;
            var options = new ConnectOptions { Timeout = TimeSpan.FromSeconds(5) };
            var failure = await Assert.ThrowsAsync<ConnectException>(
                async () => await Connection.ConnectAsync("name.example", ((IPEndPoint)hole.EndPoint).Port, options));
            Assert.Equal(SocketError.TimedOut, Assert.Single(failure.Attempts).SocketErrorCode);
            Assert.InRange(test.Loop.Time - start, HappyEyeballsTests.Milliseconds(5000), HappyEyeballsTests.Milliseconds(5050));
        },
        options => options.NameResolver = TestResolver.Late(TimeSpan.FromSeconds(4), IPAddress.Loopback));

    [Fact]
    public void Several_names_are_resolved_at_the_same_time() => NetTest.RunInVirtualTime(
        async test =>
        {
            var start = test.Loop.Time;
            await using var server = await Server.StartAsync(["3.example", "2.example"], 0, NetTest.Echo);
            Assert.InRange(test.Loop.Time - start, HappyEyeballsTests.Milliseconds(3000), HappyEyeballsTests.Milliseconds(3050));
            Assert.Equal(["127.0.0.3", "127.0.0.2"], server.EndPoints.Select(endPoint => ((IPEndPoint)endPoint).Address.ToString()));

            start = test.Loop.Time;
            var port = ((IPEndPoint)server.EndPoints[0]).Port;
            await using var client = await Connection.ConnectAsync(
                [new DnsEndPoint("2.example", port), new DnsEndPoint("3.example", port)]);
            Assert.InRange(test.Loop.Time - start, HappyEyeballsTests.Milliseconds(3000), HappyEyeballsTests.Milliseconds(3050));
            Assert.Equal(server.EndPoints[1], client.RemoteEndPoint);

            start = test.Loop.Time;
            await using var other = await Server.StartAsync(
                [new DnsEndPoint("2.example", 0), new DnsEndPoint("3.example", 0)], NetTest.Echo);
            Assert.InRange(test.Loop.Time - start, HappyEyeballsTests.Milliseconds(3000), HappyEyeballsTests.Milliseconds(3050));
        },
        options => options.NameResolver = new TestResolver(async (host, _) =>
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(host[0] - '0'));
            return [IPAddress.Parse($"127.0.0.{host[0]}")];
        }));
}
