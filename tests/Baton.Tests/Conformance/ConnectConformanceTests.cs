using System.Net;
using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Net;

namespace Baton.Tests.Conformance;

/// <summary>
/// What asyncio's tests of connecting pin down, at hosts of several addresses above all, and our tests of connections do not.
/// </summary>
public class ConnectConformanceTests
{
    private const int InputOutputError = 5; // EIO
    private const int AddressNotAvailable = 99; // EADDRNOTAVAIL

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_multiple_errors")]
    public void Where_no_address_gets_a_socket_the_reason_is_told_for_each() => NetTest.RunOnEpoll(async test =>
    {
        var addresses = await OwnAddresses();
        Assert.SkipUnless(addresses.Length > 1, "This machine's name has one address only.");
        var attempts = 0;
        test.Calls.OnSocket = () => attempts++ == 0 ? -Errno.EMFILE : -Errno.ENOBUFS;
        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync(Dns.GetHostName(), 80));
        SocketError[] expected =
            [SocketError.TooManyOpenSockets, .. Enumerable.Repeat(SocketError.NoBufferSpaceAvailable, addresses.Length - 1)];
        Assert.Equal(expected, failure.Attempts.Select(attempt => attempt.SocketErrorCode));
        Assert.All(failure.Attempts, attempt => Assert.Contains(attempt.ToString(), failure.Message, StringComparison.Ordinal));
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_multiple")]
    public void All_addresses_are_tried_in_their_order_and_named_in_the_failure() => NetTest.RunOnEpoll(async test =>
    {
        var addresses = await OwnAddresses();
        Assert.SkipUnless(addresses.Length > 1, "This machine's name has one address only.");
        test.Calls.OnConnect = _ => -Errno.ECONNREFUSED;
        var options = new ConnectOptions { FirstAddressFamilyCount = 0 };
        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync(Dns.GetHostName(), 80, options));
        Assert.Equal(addresses.Select(address => new IPEndPoint(address, 80)), failure.Attempts.Select(attempt => attempt.EndPoint));
        Assert.All(failure.Attempts, attempt =>
        {
            Assert.Equal(SocketError.ConnectionRefused, attempt.SocketErrorCode);
            Assert.Contains(attempt.EndPoint.ToString()!, failure.Message, StringComparison.Ordinal);
        });
        Assert.Contains($"{Dns.GetHostName()}:80", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void The_families_take_turns_after_so_many_of_the_first(int firstCount) => NetTest.RunOnEpoll(async test =>
    {
        var addresses = await OwnAddresses();
        Assert.SkipUnless(
            addresses.DistinctBy(address => address.AddressFamily).Count() > 1, "This machine's name has addresses of one family only.");
        test.Calls.OnConnect = _ => -Errno.ECONNREFUSED;
        var options = new ConnectOptions { FirstAddressFamilyCount = firstCount };
        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync(Dns.GetHostName(), 80, options));
        var first = new Queue<IPAddress>(addresses.Where(address => address.AddressFamily == addresses[0].AddressFamily));
        var other = new Queue<IPAddress>(addresses.Where(address => address.AddressFamily != addresses[0].AddressFamily));
        var expected = new List<IPAddress>();
        while (first.Count + other.Count > 0)
        {
            var turn = expected.Count < firstCount || (expected.Count - firstCount) % 2 == 1 ? first : other;
            expected.Add((turn.Count > 0 ? turn : turn == first ? other : first).Dequeue());
        }

        Assert.Equal(expected, failure.Attempts.Select(attempt => ((IPEndPoint)attempt.EndPoint).Address));
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_multiple_errors_local_addr")]
    public void An_address_for_which_the_local_end_cannot_be_had_is_one_that_failed() => NetTest.RunOnEpoll(async test =>
    {
        var family = (await OwnAddresses()).GroupBy(address => address.AddressFamily).FirstOrDefault(group => group.Count() > 1);
        Assert.SkipUnless(family is not null, "This machine's name does not have two addresses of a family.");
        var any = family.Key == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any;
        var binds = 0;
        test.Calls.OnBind = _ => binds++ == 0 ? -AddressNotAvailable : null;
        test.Calls.OnConnect = _ => -Errno.ECONNREFUSED;
        var options = new ConnectOptions { LocalEndPoint = new IPEndPoint(any, 0) };
        var failure = await Assert.ThrowsAsync<ConnectException>(async () => await Connection.ConnectAsync(Dns.GetHostName(), 80, options));
        SocketError[] expected = [SocketError.AddressNotAvailable, .. Enumerable.Repeat(SocketError.ConnectionRefused, family.Count() - 1)];
        Assert.Equal(expected, failure.Attempts.Select(attempt => attempt.SocketErrorCode));
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_create_connection_local_addr_skip_different_family")]
    public void Addresses_of_another_family_than_the_one_to_connect_from_are_left_out() => NetTest.RunOnEpoll(async test =>
    {
        var addresses = await OwnAddresses();
        Assert.SkipUnless(
            addresses.DistinctBy(address => address.AddressFamily).Count() > 1, "This machine's name has addresses of one family only.");
        var tried = new List<byte[]>();
        test.Calls.OnConnect = _ =>
        {
            tried.Add(test.Calls.ConnectAddress!);
            return -Errno.ECONNREFUSED;
        };
        foreach (var any in new[] { IPAddress.Any, IPAddress.IPv6Any })
        {
            tried.Clear();
            var options = new ConnectOptions { LocalEndPoint = new IPEndPoint(any, 0) };
            var failure = await Assert.ThrowsAnyAsync<SocketException>(
                async () => await Connection.ConnectAsync(Dns.GetHostName(), 80, options));
            Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
            Assert.Equal(
                addresses.Where(address => address.AddressFamily == any.AddressFamily).Select(
                    address => Bytes(new IPEndPoint(address, 80))),
                tried);
        }

        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_ipv6_scope")]
    public void The_scope_of_an_address_in_figures_is_connected_to_as_well() => NetTest.RunOnEpoll(async test =>
    {
        LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
        test.Calls.OnConnect = _ => -Errno.ECONNREFUSED;
        await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync("fe80::1%1", 80));
        Assert.Equal(Bytes(new IPEndPoint(new IPAddress(IPAddress.Parse("fe80::1").GetAddressBytes(), 1), 80)), test.Calls.ConnectAddress);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_bluetooth")]
    public void An_address_of_a_kind_that_it_does_not_know_goes_to_the_system_as_it_is() => NetTest.RunOnEpoll(async test =>
    {
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork);
        test.Calls.OnConnect = _ => 0;
        var endPoint = new UnknownEndPoint(() => new IPEndPoint(IPAddress.Parse("1.2.3.4"), 5).Serialize());
        await socket.ConnectAsync(endPoint);
        Assert.Equal(Bytes(endPoint), test.Calls.ConnectAddress);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_connect_non_os_err_close_err")]
    public void A_socket_that_does_not_close_well_does_not_hide_why_it_was_closed() => NetTest.RunOnEpoll(async test =>
    {
        var closed = 0;
        test.Calls.OnClose = _ =>
        {
            closed++;
            return -InputOutputError;
        };
        var failure = new InvalidDataException("no address");
        Assert.Same(
            failure,
            await Assert.ThrowsAsync<InvalidDataException>(
                async () => await Connection.ConnectAsync(new UnknownEndPoint(() => throw failure))));
        Assert.Equal(1, closed);
        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_wrong_sock")]
    public void A_connection_is_made_of_no_other_socket_than_a_stream() => NetTest.Run(async () =>
    {
        await Coroutine.Yield();
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        var refusal = Assert.Throws<ArgumentException>(() => new Connection(socket));
        Assert.Contains("stream socket", refusal.Message, StringComparison.Ordinal);
        Assert.True(socket.Handle >= 0); // It still belongs to whoever made it.
    });

    /// <summary>The addresses of this machine's own name, of which there are often several.</summary>
    private static async Coroutine<IPAddress[]> OwnAddresses()
    {
        try
        {
            return await NameResolution.GetHostAddressesAsync(Dns.GetHostName());
        }
        catch (SocketException)
        {
            return [];
        }
    }

    /// <summary>An address as the BCL lays it out, which is as the system does.</summary>
    private static byte[] Bytes(EndPoint endPoint)
    {
        var address = endPoint.Serialize();
        return address.Buffer[..address.Size].ToArray();
    }

    private sealed class UnknownEndPoint(Func<SocketAddress> serialize) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.InterNetwork;

        public override SocketAddress Serialize() => serialize();
    }
}
