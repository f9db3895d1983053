using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Tls;

/// <summary>A <see cref="Server"/> whose connections speak TLS.</summary>
public class TlsServerTests
{
    [Fact]
    public void A_client_that_fails_or_dawdles_at_the_handshake_keeps_nobody_waiting() => NetTest.Run(async test =>
    {
        await using var server = await Start();
        await using var silent = await Connection.ConnectAsync(server.EndPoints[0]);
        await using (var plain = await Connection.ConnectAsync(server.EndPoints[0]))
        {
            await plain.WriteAsync("GET / HTTP/1.1\r\n\r\n"u8.ToArray());
            await NetTest.Until(() => server.FailedHandshakeCount == 1);
        }

        await using (var client = await Connect(server))
        {
            await client.WriteAsync("echo\n"u8.ToArray());
            Assert.Equal("echo", await client.Input.ReadLineAsync());
            Assert.Equal(2, server.ConnectionCount);
        }

        Assert.Empty(test.TakeReports());
        Assert.True(server.IsServing);
        silent.Abort();
        await NetTest.Until(() => server.FailedHandshakeCount == 2);
    });

    [Fact]
    public void A_handshake_that_takes_too_long_is_given_up() => NetTest.RunInVirtualTime(async test =>
    {
        await using var server = await Start(options => options.TlsHandshakeTimeout = TimeSpan.FromSeconds(3));
        await using var silent = await Connection.ConnectAsync(server.EndPoints[0]);
        var start = test.Loop.Time;
        Assert.True(await silent.Input.ReadAsync().AsTask().ContinueWith(
            read => read.IsFaulted || read.Result.IsCompleted, TaskScheduler.Default));
        Assert.Equal(3_000_000_000, test.Loop.Time - start);
        Assert.Equal(1, server.FailedHandshakeCount);
    });

    [Fact]
    [CPython("test_ssl.TestSSL.test_create_connection_ssl_slow_handshake")]
    [CPython("test_sslproto.BaseStartTLS.test_create_connection_ssl_slow_handshake")]
    public void A_client_gives_up_on_a_server_that_does_not_speak_tls() => NetTest.RunInVirtualTime(async test =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
            await Assert.ThrowsAsync<IOException>(async () => await TlsTest.ReadToEnd(connection)));
        var start = test.Loop.Time;
        var failure = await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connection.ConnectAsync(
            server.EndPoints[0], new ConnectOptions { Tls = TlsTest.ClientOptions(), TlsHandshakeTimeout = TimeSpan.FromSeconds(1) }));
        Assert.IsType<TimeoutException>(failure.InnerException);
        Assert.Equal(1_000_000_000, test.Loop.Time - start);
        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    public void Shutting_down_ends_sessions_and_handshakes_alike() => NetTest.Run(async test =>
    {
        var server = await Start();
        await using var silent = await Connection.ConnectAsync(server.EndPoints[0]);
        await using var client = await Connect(server);
        await client.WriteAsync("echo\n"u8.ToArray());
        Assert.Equal("echo", await client.Input.ReadLineAsync());
        await NetTest.Until(() => server.ConnectionCount == 2);
        await server.ShutdownAsync(TimeSpan.FromMilliseconds(1));
        Assert.True(server.IsClosed);
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
        Assert.Equal(0, server.FailedHandshakeCount);
    });

    [Fact]
    public void A_handler_may_finish_while_the_server_drains() => NetTest.Run(async () =>
    {
        var server = await Start();
        var client = await Connect(server);
        await client.WriteAsync("one\n"u8.ToArray());
        Assert.Equal("one", await client.Input.ReadLineAsync());
        var shutdown = Coroutine.Start(server.ShutdownAsync(TimeSpan.FromSeconds(30)));
        await NetTest.Polls(3);
        await client.WriteAsync("two\n"u8.ToArray());
        Assert.Equal("two", await client.Input.ReadLineAsync());
        await client.CompleteOutputAsync();
        await shutdown;
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
        await client.CloseAsync();
    });

    [Fact]
    public void Aborting_resets_sessions() => NetTest.Run(async () =>
    {
        var server = await Start();
        await using var client = await Connect(server);
        await NetTest.Until(() => server.ConnectionCount == 1);
        server.Abort();
        await Assert.ThrowsAnyAsync<IOException>(async () => await TlsTest.ReadToEnd(client));
        await server.WaitClosedAsync();
    });

    [Fact]
    public void A_server_without_a_certificate_says_so() => NetTest.Run(async test =>
    {
        await using var server = await Start(options => options.Tls!.ServerCertificate = null);
        await Assert.ThrowsAsync<TlsHandshakeException>(async () => await Connect(server));
        await NetTest.Until(() => server.ConnectionCount == 0);
        Assert.IsType<NotSupportedException>(Assert.Single(test.TakeReports()).Exception);
    });

    [Fact]
    public void Many_clients_at_once() => NetTest.Run(async () =>
    {
        await using var server = await Start();
        var bytes = NetTest.Pattern(70_000);
        await Coroutine.Gather(Enumerable.Range(0, 50).Select(_ => Talk()));

        async Coroutine Talk()
        {
            await using var client = await Connect(server);
            var write = Coroutine.Start(TlsTest.Write(client, bytes));
            Assert.Equal(bytes, await client.Input.ReadExactlyAsync(bytes.Length));
            await write;
        }
    });

    private static async Coroutine<Server> Start(Action<ServerOptions>? configure = null)
    {
        var options = new ServerOptions { Tls = TlsTest.ServerOptions() };
        configure?.Invoke(options);
        return await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, options);
    }

    private static Coroutine<Connection> Connect(Server server) =>
        Connection.ConnectAsync(server.EndPoints[0], new ConnectOptions { Tls = TlsTest.ClientOptions() });
}
