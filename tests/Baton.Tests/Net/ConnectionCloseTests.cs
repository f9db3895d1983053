using System.Net;
using System.Net.Sockets;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>The ways in which a <see cref="Connection"/> begins and ends.</summary>
public class ConnectionCloseTests
{
    [Fact]
    public void Closing_sends_what_is_buffered_first() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        var bytes = NetTest.Pattern(4 << 20);
        bytes.CopyTo(client.Output.GetSpan(bytes.Length));
        client.Output.Advance(bytes.Length);
        var close = Coroutine.Start(Close(client));
        await NetTest.Iterate(50);
        Assert.False(close.IsDone);
        Assert.Equal(bytes, await server.Input.ReadExactlyAsync(bytes.Length));
        await close;
        Assert.True(client.IsClosed);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void A_reset_that_a_write_met_does_not_look_like_the_end_to_a_read() => NetTest.Run(async () =>
    {
        foreach (var asStream in new[] { false, true })
        {
            var (client, server) = await NetTest.Connect();
            await using var one = client;
            server.Abort();
            await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
            await Assert.ThrowsAsync<IOException>(async () =>
            {
                if (asStream)
                {
                    Assert.Equal(-1, await client.AsStream().ReadAsync(new byte[1]));
                }
                else
                {
                    await client.Input.ReadAsync();
                }
            });
        }
    });

    [Fact]
    public void Closing_is_aborted_by_a_cancel() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        client.Output.GetSpan(8 << 20).Clear();
        client.Output.Advance(8 << 20);
        var close = Coroutine.Start(Close(client));
        await NetTest.Iterate(50);
        close.Cancel();
        await NetTest.AssertCancelled(close);
        Assert.True(client.IsClosed);
        await Assert.ThrowsAsync<IOException>(async () => await server.Input.ReadExactlyAsync(8 << 20));
    });

    [Fact]
    public void Dispose_sends_what_the_system_takes_and_otherwise_resets() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        client.Output.GetSpan(3)[..3].Fill(7);
        client.Output.Advance(3);
        client.Dispose();
        Assert.Equal([7, 7, 7], await server.Input.ReadExactlyAsync(3));
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        server.Dispose();

        (client, server) = await NetTest.Connect();
        client.Output.GetSpan(8 << 20).Clear();
        client.Output.Advance(8 << 20);
        client.Dispose();
        await Assert.ThrowsAsync<IOException>(async () => await server.Input.ReadExactlyAsync(8 << 20));
        server.Dispose();
    });

    [Fact]
    public void Abort_resets_the_peer_and_fails_what_is_in_progress() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        var read = Coroutine.Start(Read(client));
        var write = Coroutine.Start(Write(client, 8 << 20));
        await NetTest.Iterate();
        client.Abort();
        client.Abort();
        var failure = await Assert.ThrowsAsync<IOException>(async () => await read);
        Assert.Contains("closed on this side while receiving", failure.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<IOException>(async () => await write);
        await Assert.ThrowsAsync<IOException>(async () => await client.WriteAsync(new byte[1]));
        await Assert.ThrowsAsync<IOException>(async () => await client.Input.ReadAsync());
        await Assert.ThrowsAsync<IOException>(async () => await server.Input.ReadExactlyAsync(8 << 20));
        await client.CloseAsync();
    });

    [Fact]
    public void Completing_the_output_with_an_exception_aborts() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var read = Coroutine.Start(Read(server));
        await NetTest.Iterate();
        await client.Output.CompleteAsync(new InvalidOperationException("half an answer"));
        await Assert.ThrowsAsync<IOException>(async () => await read);
    });

    [Fact]
    public void Completing_the_output_ends_it_once_everything_is_sent() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var bytes = NetTest.Pattern(4 << 20);
        var write = Coroutine.Start(Write(client, bytes.Length));
        await NetTest.Iterate();
        client.Output.Complete();
        await server.Input.ReadExactlyAsync(bytes.Length);
        Assert.True((await server.Input.ReadAsync()).IsCompleted);
        await write;
    });

    [Fact]
    public void The_bytes_of_a_read_stay_valid_while_somebody_else_aborts() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await client.WriteAsync(new byte[100]);
        var result = await server.Input.ReadAsync();
        server.Abort();
        Assert.Equal(1, test.Driver.Blocks.LentCount);
        Assert.Equal(100, result.Buffer.Length);
        server.Input.AdvanceTo(result.Buffer.End);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        server.Dispose();
    });

    [Fact]
    public void The_owner_who_closes_gives_back_what_he_was_reading() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await client.WriteAsync(new byte[100]);
        await server.Input.ReadAsync();
        await server.DisposeAsync();
        Assert.Equal(0, test.Driver.Blocks.LentCount);

        (var third, server) = await NetTest.Connect();
        await using var three = third;
        await third.WriteAsync(new byte[100]);
        await server.Input.ReadAsync();
        server.Abort();
        server.Dispose();
        Assert.Equal(0, test.Driver.Blocks.LentCount);
    });

    [Theory]
    [InlineData("127.0.0.1", AddressFamily.InterNetwork)]
    [InlineData("::1", AddressFamily.InterNetworkV6)]
    [InlineData("localhost", AddressFamily.InterNetwork)]
    [CPython("test_events.EventLoopTestsMixin.test_create_connection")]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_ip_addr")]
    public void Connecting_by_host_and_port(string host, AddressFamily family) => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(family);
        using var listener = NetTest.Listen(family);
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        await using var client = await Connection.ConnectAsync(host, port);
        await using var server = new Connection(await listener.AcceptAsync());
        Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
        Assert.Equal(server.RemoteEndPoint, client.LocalEndPoint);
        await client.WriteAsync(new byte[] { 1 });
        Assert.Equal([1], await server.Input.ReadExactlyAsync(1));
    });

    [Fact]
    public void Connecting_from_an_address_of_ones_own() => NetTest.Run(async () =>
    {
        using var listener = NetTest.Listen();
        var options = new ConnectOptions { LocalEndPoint = new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0), NoDelay = false };
        await using var client = await Connection.ConnectAsync(listener.LocalEndPoint!, options);
        using var server = await listener.AcceptAsync();
        Assert.Equal(IPAddress.Parse("127.0.0.2"), ((IPEndPoint)server.RemoteEndPoint!).Address);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_connect_err")]
    public void A_refused_connect_names_the_address() => NetTest.Run(async test =>
    {
        var free = NetTest.Listen();
        var endPoint = (IPEndPoint)free.LocalEndPoint!;
        free.Dispose();
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync("127.0.0.1", endPoint.Port));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
        Assert.Contains(endPoint.ToString(), failure.Message, StringComparison.Ordinal);

        var several = await Record.ExceptionAsync(async () => await Connection.ConnectAsync("localhost", endPoint.Port));
        if (several is ConnectException all)
        {
            Assert.InRange(all.Attempts.Count, 2, 10);
            Assert.Contains("localhost", all.Message, StringComparison.Ordinal);
        }
        else
        {
            Assert.IsType<SocketException>(several);
        }

        Assert.Equal(0, test.Driver.OpenSocketCount);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_create_connection_no_getaddrinfo")]
    public void A_name_that_does_not_exist_is_named() => NetTest.Run(async () =>
    {
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync("no-such-host.invalid", 80));
        Assert.Contains("no-such-host.invalid", failure.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Waiting_for_a_name_is_given_up_at_once_by_a_cancel() => NetTest.Run(async () =>
    {
        var lookUp = Coroutine.Start(NameResolution.GetHostAddressesAsync("localhost"));
        await Coroutine.Yield();
        lookUp.Cancel();
        try
        {
            await lookUp;
        }
        catch (CancelledException)
        {
            // Unless the lookup was faster.
        }

        Assert.Equal([IPAddress.Parse("192.0.2.1")], await NameResolution.GetHostAddressesAsync("192.0.2.1"));
        Assert.Equal([IPAddress.IPv6Loopback], await NameResolution.GetHostAddressesAsync("[::1]"));
    });

    private static async Coroutine Close(Connection connection) => await connection.CloseAsync();

    private static async Coroutine Read(Connection connection) => await connection.Input.ReadAsync();

    private static async Coroutine Write(Connection connection, int length) => await connection.WriteAsync(new byte[length]);
}
