using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net;

/// <summary>The file of a server at a path: what is replaced, who may connect, and when it goes.</summary>
public class UnixServerFileTests
{
    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Dgram)]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_existing_path_sock")]
    public void The_file_of_a_socket_that_is_no_more_is_replaced(SocketType type) => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        path.LeaveStale(type);
        await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        await AssertServes(path);
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_existing_path_nonsock")]
    public void A_file_that_is_no_socket_is_left_alone_and_named() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await File.WriteAllTextAsync(path.Path, "precious");
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync(path.EndPoint, NetTest.Echo));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Equal($"Binding to {path.Path} failed: Address already in use: the file that is there is no socket", failure.Message);
        Assert.Equal("precious", await File.ReadAllTextAsync(path.Path));
    });

    [Fact]
    public void A_link_is_left_alone_even_if_it_leads_to_a_socket_that_is_no_more() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        path.LeaveStale();
        var link = Path.Combine(path.Folder, "link");
        File.CreateSymbolicLink(link, path.Path);
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync(new UnixDomainSocketEndPoint(link), NetTest.Echo));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.True(path.Exists);
    });

    [Fact]
    public void A_server_that_lives_is_never_replaced_and_notices_nothing() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync(path.EndPoint, NetTest.Echo));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.Equal($"Binding to {path.Path} failed: Address already in use: the socket that is there is in use", failure.Message);
        await AssertServes(path);
        Assert.Equal(1, server.AcceptedCount);
    });

    [Theory]
    [InlineData(SocketType.Stream)]
    [InlineData(SocketType.Dgram)]
    public void A_socket_that_is_bound_and_does_not_listen_yet_is_not_replaced_either(SocketType type) => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        using var other = LoopSocket.Create(AddressFamily.Unix, type);
        other.Bind(path.EndPoint);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync(path.EndPoint, NetTest.Echo));
        Assert.Equal(SocketError.AddressAlreadyInUse, failure.SocketErrorCode);
        Assert.True(path.Exists);
    });

    [Fact]
    public void Of_many_servers_that_start_at_once_in_the_place_of_a_stale_one_exactly_one_gets_it() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        path.LeaveStale();
        var tasks = Enumerable.Range(0, 8).Select(_ => EventLoop.Current.RunInExecutor(() => StartElsewhere(path))).ToArray();
        var won = 0;
        foreach (var task in tasks)
        {
            won += await task ? 1 : 0;
        }

        Assert.InRange(won, 1, 8);
        Assert.False(path.Exists);
    });

    [Fact]
    [CPython("test_server.UnixServerCleanupTests.test_unix_server_addr_cleanup")]
    public void The_file_goes_when_the_server_stops_accepting() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        await using var client = await Connection.ConnectAsync(path.EndPoint);
        await NetTest.Until(() => server.ConnectionCount == 1);
        Assert.True(path.Exists);
        server.StopAccepting();
        Assert.False(path.Exists);

        // Connections go on without it.
        await client.WriteAsync(new byte[] { 1 });
        Assert.Equal([1], await client.Input.ReadExactlyAsync(1));
        await client.CloseAsync();
        await server.WaitClosedAsync();
    });

    [Theory]
    [InlineData("dispose")]
    [InlineData("abort")]
    [InlineData("shutdown")]
    [InlineData("cancel")]
    public void The_file_goes_however_the_server_ends(string how) => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        switch (how)
        {
            case "dispose":
                await server.DisposeAsync();
                break;
            case "abort":
                server.Abort();
                break;
            case "shutdown":
                await server.ShutdownAsync(TimeSpan.FromSeconds(5));
                break;
            default:
                var serving = Coroutine.Start(server.ServeForeverAsync());
                await NetTest.Iterate();
                serving.Cancel();
                await NetTest.AssertCancelled(serving);
                break;
        }

        Assert.False(path.Exists);
        await server.WaitClosedAsync();
    });

    [Fact]
    [CPython("test_server.UnixServerCleanupTests.test_unix_server_cleanup_gone")]
    public void A_file_that_is_gone_already_is_no_trouble() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        File.Delete(path.Path);
    });

    [Fact]
    [CPython("test_server.UnixServerCleanupTests.test_unix_server_cleanup_replaced")]
    public void A_file_that_is_anothers_meanwhile_stays() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
        File.Delete(path.Path);
        using var other = LoopSocket.Create(AddressFamily.Unix);
        other.Bind(path.EndPoint);
        server.StopAccepting();
        Assert.True(path.Exists);
    });

    [Fact]
    [CPython("test_server.UnixServerCleanupTests.test_unix_server_cleanup_prevented")]
    public void The_file_stays_where_it_is_to_be_kept() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await using (await Server.StartAsync(path.EndPoint, NetTest.Echo, new ServerOptions { KeepSocketFile = true }))
        {
        }

        Assert.True(path.Exists);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Connection.ConnectAsync(path.EndPoint));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_server.UnixServerCleanupTests.test_unix_server_sock_cleanup")]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_path_stream_bittype")]
    public void A_server_on_a_socket_of_ones_own_answers_for_its_file_too(bool keep) => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        var socket = LoopSocket.Create(AddressFamily.Unix);
        socket.Bind(path.EndPoint);
        await using (await Server.StartAsync(socket, NetTest.Echo, new ServerOptions { KeepSocketFile = keep }))
        {
            await AssertServes(path);
        }

        Assert.Equal(keep, path.Exists);
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_path_dgram")]
    public void A_socket_for_datagrams_is_refused_and_stays_the_callers_with_its_file() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        using var socket = LoopSocket.Create(AddressFamily.Unix, SocketType.Dgram);
        socket.Bind(path.EndPoint);
        var failure = await Assert.ThrowsAsync<ArgumentException>(async () => await Server.StartAsync(socket, NetTest.Echo));
        Assert.Contains("Dgram", failure.Message, StringComparison.Ordinal);
        Assert.True(socket.Handle >= 0);
        socket.Dispose();
        Assert.True(path.Exists);
    });

    [Theory]
    [InlineData(UnixFileMode.UserRead | UnixFileMode.UserWrite)]
    [InlineData((UnixFileMode)0x1B6)] // 0666, of which the usual mask takes a part
    public void The_file_has_the_mode_that_was_asked_for(UnixFileMode mode) => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo, new ServerOptions { SocketFileMode = mode });
        Assert.Equal(mode, GetMode(path));
        await AssertServes(path);
    });

    [Fact]
    public void The_file_goes_when_the_server_fails_to_start_after_it_was_made() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        using var other = new SocketPath();
        await File.WriteAllTextAsync(other.Path, "in the way");
        await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync([path.EndPoint, other.EndPoint], NetTest.Echo));
        Assert.False(path.Exists);
        Assert.True(other.Exists);
    });

    [Fact]
    public void A_path_in_a_directory_that_there_is_not_is_an_error_and_not_left_out() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        var missing = Path.Combine(path.Folder, "missing", "s");
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await Server.StartAsync([path.EndPoint, new UnixDomainSocketEndPoint(missing)], NetTest.Echo));
        Assert.Equal($"Binding to {missing} failed: No such file or directory", failure.Message);
        Assert.False(path.Exists);
    });

    [Fact]
    public void Servers_at_a_port_and_at_a_path_are_one_server() => NetTest.Run(async () =>
    {
        SkipWithoutFiles();
        using var path = new SocketPath();
        await using var server = await Server.StartAsync(
            [new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0), path.EndPoint], NetTest.Echo);
        Assert.Equal(2, server.EndPoints.Count);
        Assert.Equal(path.Path, server.EndPoints[1].ToString());
        await AssertServes(path);
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopUnixSocketTests.test_create_unix_server_bind_error")]
    public void A_server_that_cannot_bind_leaves_no_socket() => NetTest.RunOnEpoll(async test =>
    {
        using var path = new SocketPath();
        test.Calls.OnBind = _ => -Errno.ENOMEM;
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await Server.StartAsync(path.EndPoint, NetTest.Echo));
        Assert.Contains(path.Path, failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, test.Driver.OpenSocketCount);
        Assert.False(path.Exists);
    });

    private static bool StartElsewhere(SocketPath path) => EventLoop.Run(async Coroutine<bool> () =>
    {
        try
        {
            await using var server = await Server.StartAsync(path.EndPoint, NetTest.Echo);
            await AssertServes(path);
            return true;
        }
        catch (SocketException exception) when (exception.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            return false;
        }
    });

    private static async Coroutine AssertServes(SocketPath path)
    {
        await using var client = await Connection.ConnectAsync(path.EndPoint);
        await client.WriteAsync(new byte[] { 1, 2 });
        Assert.Equal([1, 2], await client.Input.ReadExactlyAsync(2));
    }

    private static UnixFileMode GetMode(SocketPath path) =>
        OperatingSystem.IsWindows() ? UnixFileMode.None : File.GetUnixFileMode(path.Path);

    private static void SkipWithoutFiles() => Assert.SkipUnless(OperatingSystem.IsLinux(), "Which file it is, is known on Linux only.");
}
