using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Baton.Tests.Conformance;
using Microsoft.Extensions.Logging;

namespace Baton.Tests.Net;

public class NameResolutionTests
{
    [Theory]
    [InlineData("127.0.0.1")]
    [InlineData("::1")]
    [InlineData("[::1]")]
    [InlineData("fe80::1%3")]
    public void An_address_in_figures_asks_nobody(string host)
    {
        var resolver = TestResolver.Failing(SocketError.TryAgain);
        NetTest.Run(
            options => options.NameResolver = resolver,
            async _ =>
            {
                var task = Coroutine.Start(NameResolution.GetHostAddressesAsync(host), eager: true);
                Assert.True(task.IsDone);
                Assert.Equal([IPAddress.Parse(host)], await task);
                Assert.Empty(resolver.Asked);
            });
    }

    [Fact]
    public void A_zone_may_be_the_name_of_an_interface() => NetTest.Run(async () =>
    {
        var loopback = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(
            one => one.NetworkInterfaceType == NetworkInterfaceType.Loopback);
        Assert.SkipWhen(loopback is null, "There is no loopback interface.");
        var address = Assert.Single(await NameResolution.GetHostAddressesAsync($"fe80::1%{loopback.Name}"));
        Assert.NotEqual(0, address.ScopeId);
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await NameResolution.GetHostAddressesAsync("fe80::1%no-such-if"));
        Assert.Equal("'fe80::1%no-such-if' names a network interface that there is not", failure.Message);
        Assert.Equal(0, Assert.Single(await NameResolution.GetHostAddressesAsync("fe80::1%0")).ScopeId);
    });

    [Fact]
    public void An_address_of_another_family_or_with_a_port_is_refused() => NetTest.Run(async () =>
    {
        var family = await Assert.ThrowsAsync<SocketException>(
            async () => await NameResolution.GetHostAddressesAsync("127.0.0.1", AddressFamily.InterNetworkV6));
        Assert.Equal(SocketError.NoData, family.SocketErrorCode);
        Assert.Contains("127.0.0.1", family.Message, StringComparison.Ordinal);
        Assert.Single(await NameResolution.GetHostAddressesAsync("::1", AddressFamily.InterNetworkV6));
        var port = await Assert.ThrowsAsync<SocketException>(async () => await NameResolution.GetHostAddressesAsync("[::1]:80"));
        Assert.Contains("port", port.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => { _ = NameResolution.GetHostAddressesAsync("host", AddressFamily.Unix); });
        Assert.Throws<ArgumentException>(() => { _ = NameResolution.GetHostAddressesAsync(""); });
    });

    [Fact]
    public void Localhost_is_the_loopback_interface() => NetTest.Run(async test =>
    {
        var addresses = await NameResolution.GetHostAddressesAsync("localhost");
        Assert.NotEmpty(addresses);
        Assert.All(addresses, address => Assert.True(IPAddress.IsLoopback(address)));
        Assert.True(test.Loop.IsOnLoopThread);
        Assert.All(
            await NameResolution.GetHostAddressesAsync("localhost", AddressFamily.InterNetwork),
            address => Assert.Equal(AddressFamily.InterNetwork, address.AddressFamily));
    });

    [Fact]
    public void The_default_resolver_is_one_for_all_loops() => NetTest.Run(async test =>
    {
        await Coroutine.Yield();
        Assert.Same(NameResolver.Default, test.Loop.NameResolver);
        Assert.Equal(ThreadedNameResolver.DefaultMaximumThreads, Assert.IsType<ThreadedNameResolver>(NameResolver.Default).MaximumThreads);
    });

    [Theory]
    [InlineData(SocketError.HostNotFound, "Resolving the name 'db.example' failed: there is no such name")]
    [InlineData(SocketError.NoData, "Resolving the name 'db.example' failed: the name has no address of the kind that was asked for")]
    [InlineData(SocketError.TryAgain, "Resolving the name 'db.example' failed: no name server answered. It may work later")]
    [InlineData(SocketError.NoRecovery, "Resolving the name 'db.example' failed: a name server refused to answer")]
    public void A_failure_tells_the_name_and_why(SocketError error, string message) => NetTest.Run(
        options => options.NameResolver = TestResolver.Failing(error),
        async test =>
        {
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await NameResolution.GetHostAddressesAsync("db.example"));
            Assert.Equal((error, message), (failure.SocketErrorCode, failure.Message));

            // Connecting and serving fail with the same, and leave nothing behind.
            failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync("db.example", 80));
            Assert.Equal((error, message), (failure.SocketErrorCode, failure.Message));
            failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync("db.example", 0, NetTest.Echo));
            Assert.Equal((error, message), (failure.SocketErrorCode, failure.Message));
            Assert.Equal(0, test.Driver.OpenSocketCount);
        });

    [Fact]
    public void A_name_without_addresses_is_a_failure() => NetTest.Run(
        options => options.NameResolver = new TestResolver((_, _) => Coroutine.FromResult<IPAddress[]>([])),
        async _ =>
        {
            var failure = await Assert.ThrowsAsync<SocketException>(async () => await NameResolution.GetHostAddressesAsync("db.example"));
            Assert.Equal(SocketError.NoData, failure.SocketErrorCode);
        });

    [Fact]
    public void A_name_that_is_none_is_a_failure_of_that_name() => NetTest.Run(async () =>
    {
        var name = new string('x', 300);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await NameResolution.GetHostAddressesAsync(name));
        Assert.Equal(SocketError.HostNotFound, failure.SocketErrorCode);
        Assert.Contains(name, failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_late_answer_is_waited_for() => NetTest.RunInVirtualTime(
        async _ => Assert.Equal([IPAddress.Loopback], await NameResolution.GetHostAddressesAsync("slow.example")),
        options => options.NameResolver = TestResolver.Late(TimeSpan.FromSeconds(5), IPAddress.Loopback));

    [Fact]
    public void A_connect_and_a_server_start_can_be_cut_off_while_a_name_is_looked_up() => NetTest.RunInVirtualTime(
        async test =>
        {
            await Assert.ThrowsAsync<TimeoutException>(async () =>
                await LoopTimeout.Run(TimeSpan.FromSeconds(1), async Coroutine () => await Connection.ConnectAsync("slow.example", 80)));
            var connecting = Coroutine.Start(Connection.ConnectAsync("slow.example", 80));
            var starting = Coroutine.Start(Server.StartAsync("slow.example", 0, NetTest.Echo));
            await NetTest.Iterate();
            connecting.Cancel();
            starting.Cancel();
            await NetTest.AssertCancelled(connecting);
            await NetTest.AssertCancelled(starting);
            Assert.Equal(0, test.Driver.OpenSocketCount);
        },
        options => options.NameResolver = TestResolver.Late(TimeSpan.FromHours(1), IPAddress.Loopback));

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_getnameinfo")]
    public void The_name_of_an_address() => NetTest.Run(async test =>
    {
        var lookUp = Coroutine.Start(NameResolution.GetHostNameAsync(IPAddress.Loopback));
        await Coroutine.Yield();
        Assert.NotEmpty(await lookUp);
        Assert.True(test.Loop.IsOnLoopThread);
    });

    [Fact]
    public void An_address_without_a_name_is_told() => NetTest.Run(
        options => options.NameResolver = TestResolver.Failing(SocketError.TryAgain),
        async _ =>
        {
            var failure = await Assert.ThrowsAsync<SocketException>(
                async () => await NameResolution.GetHostNameAsync(IPAddress.Parse("192.0.2.1")));
            Assert.Equal("Finding the name of 192.0.2.1 failed: it has none", failure.Message);
        });

    [Fact]
    public void Debug_mode_logs_look_ups_with_their_time()
    {
        var log = new LogRecorder();
        NetTest.RunInVirtualTime(
            async test =>
            {
                await NameResolution.GetHostAddressesAsync("slow.example");
                await Assert.ThrowsAsync<SocketException>(async () => await NameResolution.GetHostNameAsync(IPAddress.Loopback));
                await NameResolution.GetHostAddressesAsync("127.0.0.1");
                test.Loop.IsDebug = false;
                await NameResolution.GetHostAddressesAsync("unseen.example");
            },
            options =>
            {
                options.Debug = true;
                options.LoggerFactory = log;
                options.NameResolver = TestResolver.Late(TimeSpan.FromMilliseconds(250), IPAddress.Loopback, IPAddress.IPv6Loopback);
            });
        Assert.Equal(
            [
                (LogLevel.Information, 41, "[test] Looking up slow.example took 250 ms: 127.0.0.1, ::1"),
                (LogLevel.Debug, 40, "[test] Looking up 127.0.0.1 took 0 ms: it has none"),
            ],
            log.Entries.Where(entry => entry.Id is 40 or 41).Select(entry => (entry.Level, entry.Id, entry.Text)));
    }
}
