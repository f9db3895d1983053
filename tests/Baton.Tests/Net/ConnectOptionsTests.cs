using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net;

/// <summary>What <see cref="ConnectOptions"/> do to a socket, and from where it connects.</summary>
public class ConnectOptionsTests
{
    [Fact]
    public void Keep_alive_and_buffer_sizes_are_set_on_the_socket() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        LoopSocket? socket = null;
        var options = new ConnectOptions
        {
            KeepAlive = new KeepAliveOptions { Time = TimeSpan.FromSeconds(40), Interval = TimeSpan.FromMilliseconds(6_500), Count = 4 },
            ReceiveBufferSize = 20_000,
            SendBufferSize = 30_000,
            ConfigureSocket = created => socket = created,
        };
        await using var client = await Connection.ConnectAsync(listener.LocalEndPoint!, options);
        Assert.NotEqual(0, socket!.GetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        Assert.Equal(40, socket.GetOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime));
        Assert.Equal(7, socket.GetOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval));
        Assert.Equal(4, socket.GetOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount));

        // Linux doubles what it is asked for.
        Assert.InRange(socket.GetOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer), 20_000, 40_000);
        Assert.InRange(socket.GetOption(SocketOptionLevel.Socket, SocketOptionName.SendBuffer), 30_000, 60_000);
    });

    [Fact]
    public void Nothing_is_set_that_nobody_asked_for() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        LoopSocket? socket = null;
        await using var client = await Connection.ConnectAsync(
            listener.LocalEndPoint!, new ConnectOptions { ConfigureSocket = created => socket = created });
        Assert.Equal(0, socket!.GetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
        await using var probed = await Connection.ConnectAsync(
            listener.LocalEndPoint!,
            new ConnectOptions { KeepAlive = new KeepAliveOptions(), ConfigureSocket = created => socket = created });
        Assert.NotEqual(0, socket.GetOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive));
    });

    [Fact]
    public void Values_that_make_no_sense_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeepAliveOptions { Time = TimeSpan.Zero });
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeepAliveOptions { Interval = TimeSpan.FromSeconds(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new KeepAliveOptions { Count = 0 });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectOptions { HappyEyeballsDelay = TimeSpan.FromSeconds(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectOptions { Timeout = TimeSpan.FromSeconds(-1) });
        Assert.Throws<ArgumentOutOfRangeException>(() => new ConnectOptions { FirstAddressFamilyCount = -1 });
    }

    [Fact]
    public void A_hook_that_throws_ends_the_race_and_closes_every_socket() => NetTest.RunInVirtualTime(async test =>
    {
        using var hole = await BlackHole.Create();
        using var listener = NetTest.Listen();
        var before = test.Driver.OpenSocketCount;
        var calls = 0;
        var options = new ConnectOptions
        {
            ConfigureSocket = _ =>
            {
                if (++calls > 1)
                {
                    throw new InvalidOperationException("a bug");
                }
            },
        };
        var start = test.Loop.Time;
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await Connection.ConnectAsync([hole.EndPoint, listener.LocalEndPoint!, listener.LocalEndPoint!], options));
        Assert.Equal("a bug", failure.Message);
        Assert.InRange(test.Loop.Time - start, HappyEyeballsTests.Milliseconds(250), HappyEyeballsTests.Milliseconds(300));
        Assert.Equal(2, calls);
        Assert.Equal(before, test.Driver.OpenSocketCount);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Connection.ConnectAsync(listener.LocalEndPoint!, options));
    });

    [Fact]
    public void A_socket_that_the_system_connects_to_itself_is_a_refusal() => NetTest.Run(async test =>
    {
        // What chance does where the system has the choice: the port to connect from is the port to connect to.
        var closed = HappyEyeballsTests.ClosedPort();
        var options = new ConnectOptions { ConfigureSocket = socket => socket.Bind(closed) };
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(closed, options));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
        Assert.Contains("connected to itself", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Driver.OpenSocketCount);

        // Who asks for it gets it.
        closed = HappyEyeballsTests.ClosedPort();
        options = new ConnectOptions { LocalEndPoint = (IPEndPoint)closed };
        await using var self = await Connection.ConnectAsync(closed, options);
        await self.WriteAsync(new byte[] { 5 });
        Assert.Equal([5], await self.Input.ReadExactlyAsync(1));
    });

    [Fact]
    public void The_first_local_end_point_that_fits_and_can_be_had_is_taken() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        using var taken = NetTest.Listen();
        IPEndPoint[] local =
        [
            new IPEndPoint(IPAddress.IPv6Loopback, 0),
            (IPEndPoint)taken.LocalEndPoint!,
            new IPEndPoint(IPAddress.Parse("127.0.0.3"), 0),
            new IPEndPoint(IPAddress.Parse("127.0.0.4"), 0),
        ];
        await using var client = await Connection.ConnectAsync(listener.LocalEndPoint!, new ConnectOptions { LocalEndPoints = local });
        Assert.Equal(IPAddress.Parse("127.0.0.3"), ((IPEndPoint)client.LocalEndPoint!).Address);

        var options = new ConnectOptions { LocalEndPoints = local[..2] };
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Connection.ConnectAsync(listener.LocalEndPoint!, options));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Contains(taken.LocalEndPoint!.ToString()!, failure.Message, StringComparison.Ordinal);
        Assert.Equal(local[0], options.LocalEndPoint);
    });

    [Fact]
    public void Without_a_local_end_point_of_its_family_an_address_fails_and_says_so() => NetTest.Run(async test =>
    {
        using var listener = NetTest.Listen();
        var options = new ConnectOptions { LocalEndPoint = new IPEndPoint(IPAddress.IPv6Loopback, 0) };
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Connection.ConnectAsync(listener.LocalEndPoint!, options));
        Assert.Equal(SocketError.AddressFamilyNotSupported, failure.SocketErrorCode);
        Assert.Contains("[::1]:0", failure.Message, StringComparison.Ordinal);
        Assert.Contains(listener.LocalEndPoint!.ToString()!, failure.Message, StringComparison.Ordinal);
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });
}
