using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace Baton.Tests.Net.Udp;

/// <summary>Groups, on the loopback interface alone.</summary>
public class UdpMulticastTests
{
    [Theory]
    [InlineData("239.255.77.1")]
    [InlineData("ff15::4261:746f:6e01")]
    public void Members_of_a_group_get_what_is_sent_to_it(string text) => NetTest.Run(async () =>
    {
        var group = IPAddress.Parse(text);
        LoopSocketTests.SkipWithout(group.AddressFamily);
        var loopback = LoopbackIndex();
        using var sender = Sender(group.AddressFamily, loopback);
        using var one = Member(group, 0, loopback);
        using var two = Member(group, one.LocalEndPoint!.Port, loopback);
        var endPoint = new IPEndPoint(group, one.LocalEndPoint!.Port);
        await Send(sender, new byte[3], endPoint);
        Assert.Equal(3, (await one.ReceiveFromAsync(new byte[10])).Count);
        var received = await two.ReceiveFromAsync(new byte[10]);
        Assert.Equal(3, received.Count);
        Assert.Equal(sender.LocalEndPoint!.Port, received.RemoteEndPoint!.Port);

        // Twice a member is an error, and so is to leave what one has not joined.
        Assert.Throws<SocketException>(() => one.JoinMulticastGroup(group, loopback));
        one.LeaveMulticastGroup(group, loopback);
        Assert.Throws<SocketException>(() => one.LeaveMulticastGroup(group, loopback));
    });

    [Theory]
    [InlineData("239.255.77.2", "127.0.0.1", "127.0.0.9")]
    [InlineData("ff35::4261:746f:6e02", "::1", "::9")]
    public void A_member_may_hear_one_source_alone(string text, string source, string stranger) => NetTest.Run(async () =>
    {
        var group = IPAddress.Parse(text);
        LoopSocketTests.SkipWithout(group.AddressFamily);
        var loopback = LoopbackIndex();
        using var sender = Sender(group.AddressFamily, loopback);
        using var hears = Bound(group, 0);
        hears.JoinMulticastGroup(group, loopback, IPAddress.Parse(source));
        using var hearsNot = Bound(group, hears.LocalEndPoint!.Port);
        hearsNot.JoinMulticastGroup(group, loopback, IPAddress.Parse(stranger));
        await Send(sender, new byte[4], new IPEndPoint(group, hears.LocalEndPoint!.Port));
        var received = await hears.ReceiveFromAsync(new byte[10]);
        Assert.Equal(4, received.Count);
        Assert.Equal(IPAddress.Parse(source), received.RemoteEndPoint!.Address);

        var wait = Coroutine.Start(UdpTest.ReceiveFrom(hearsNot, new byte[10]));
        await NetTest.Polls(3);
        Assert.False(wait.IsDone);
        wait.Cancel();
        await NetTest.AssertCancelled(wait);
        hears.LeaveMulticastGroup(group, loopback, IPAddress.Parse(source));
    });

    [Theory]
    [InlineData("239.255.77.3")]
    [InlineData("ff15::4261:746f:6e03")]
    public void A_sender_may_spare_its_own_machine(string text) => NetTest.Run(async () =>
    {
        var group = IPAddress.Parse(text);
        LoopSocketTests.SkipWithout(group.AddressFamily);
        var loopback = LoopbackIndex();
        using var sender = Sender(group.AddressFamily, loopback);
        Assert.True(sender.MulticastLoopback);
        Assert.Equal(1, sender.MulticastTimeToLive);
        sender.MulticastTimeToLive = 3;
        Assert.Equal(3, sender.MulticastTimeToLive);
        sender.MulticastLoopback = false;
        Assert.False(sender.MulticastLoopback);
        sender.MulticastLoopback = true;
        using var member = Member(group, 0, loopback);
        await Send(sender, new byte[5], new IPEndPoint(group, member.LocalEndPoint!.Port));
        Assert.Equal(5, (await member.ReceiveFromAsync(new byte[10])).Count);
    });

    [Fact]
    public void What_is_no_group_of_the_family_is_refused() => NetTest.Run(async () =>
    {
        await Coroutine.Yield();
        using var socket = UdpSocket.Create(AddressFamily.InterNetwork);
        Assert.Throws<ArgumentException>(() => socket.JoinMulticastGroup(IPAddress.Parse("ff02::1")));
        Assert.Throws<ArgumentException>(() => socket.JoinMulticastGroup(IPAddress.Loopback));
        Assert.Throws<ArgumentException>(() => socket.JoinMulticastGroup(IPAddress.Parse("239.1.1.1"), 0, IPAddress.IPv6Loopback));
        Assert.Throws<ArgumentOutOfRangeException>(() => socket.JoinMulticastGroup(IPAddress.Parse("239.1.1.1"), -1));
        Assert.Throws<SocketException>(() => socket.JoinMulticastGroup(IPAddress.Parse("239.1.1.1"), 999_999));
    });

    private static async Coroutine Send(UdpSocket sender, byte[] bytes, IPEndPoint group)
    {
        try
        {
            await sender.SendToAsync(bytes, group);
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.NetworkUnreachable)
        {
            Assert.Skip("The loopback interface of this machine has no route for multicast of this family.");
        }
    }

    private static UdpSocket Sender(AddressFamily family, int loopback)
    {
        var socket = UdpTest.Bind(family);
        socket.SetMulticastInterface(loopback);
        return socket;
    }

    private static UdpSocket Member(IPAddress group, int port, int loopback)
    {
        var socket = Bound(group, port);
        socket.JoinMulticastGroup(group, loopback);
        return socket;
    }

    // To the group itself where that is possible: to all addresses, the system delivers what any other socket has joined.
    private static UdpSocket Bound(IPAddress group, int port) => UdpSocket.Bind(
        new IPEndPoint(
            OperatingSystem.IsWindows() ? (group.AddressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any) : group,
            port),
        new UdpOptions { ReuseAddress = true });

    private static int LoopbackIndex()
    {
        var loopback = NetworkInterface.GetAllNetworkInterfaces().FirstOrDefault(
            one => one.NetworkInterfaceType == NetworkInterfaceType.Loopback);
        Assert.SkipWhen(loopback is null, "This machine has no loopback interface.");
        return loopback!.GetIPProperties().GetIPv4Properties().Index;
    }
}
