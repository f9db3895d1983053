using System.Buffers;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Tls;

/// <summary>TLS from somewhere in the middle of a conversation.</summary>
public class StartTlsTests
{
    [Fact]
    [CPython("test_streams.StreamTests.test_start_tls")]
    public void A_conversation_goes_on_in_tls() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        var serve = Coroutine.Start(Serve());
        await client.WriteAsync("STARTTLS\n"u8.ToArray());
        Assert.Equal("ready", await client.Input.ReadLineAsync());
        Assert.Null(client.Tls);
        await client.UpgradeToTlsAsync(TlsTest.ClientOptions());
        Assert.NotNull(client.Tls);
        await client.WriteAsync("secret\n"u8.ToArray());
        Assert.Equal("understood", await client.Input.ReadLineAsync());
        await serve;

        async Coroutine Serve()
        {
            Assert.Equal("STARTTLS", await server.Input.ReadLineAsync());

            // Not flushed: the upgrade sends it first.
            server.Output.Write("ready\n"u8);
            await server.UpgradeToTlsAsync(TlsTest.ServerOptions());
            Assert.Equal("secret", await server.Input.ReadLineAsync());
            await server.WriteAsync("understood\n"u8.ToArray());
        }
    });

    [Fact]
    [CPython("regressions.Network.gh-142352")]
    public void A_handshake_that_came_with_the_request_is_handed_over() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        client.Output.Write("STARTTLS\n"u8);
        var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        var buffered = 0L;
        while (true)
        {
            var read = await server.Input.ReadAsync();
            if (read.Buffer.Length > 100)
            {
                var end = read.Buffer.PositionOf((byte)'\n')!.Value;
                Assert.Equal("STARTTLS", Encoding.ASCII.GetString(read.Buffer.Slice(0, end)));
                end = read.Buffer.GetPosition(1, end);
                buffered = read.Buffer.Slice(end).Length;
                server.Input.AdvanceTo(end);
                break;
            }

            server.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }

        Assert.NotEqual(0, buffered);
        await server.UpgradeToTlsAsync(TlsTest.ServerOptions());
        await upgrade;
        await client.WriteAsync("secret\n"u8.ToArray());
        Assert.Equal("secret", await server.Input.ReadLineAsync());
    });

    [Fact]
    [CPython("test_streams.StreamTests.test_start_tls_buffered_data")]
    public void A_handshake_that_was_received_before_the_upgrade_is_handed_over() => NetTest.Run(async () =>
    {
        await using var server = await Server.StartAsync("127.0.0.1", 0, async connection =>
        {
            var read = await connection.Input.ReadAsync();
            Assert.False(read.Buffer.IsEmpty);
            connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
            await connection.UpgradeToTlsAsync(TlsTest.ServerOptions());
            Assert.Equal("ping", await connection.Input.ReadLineAsync());
            await connection.WriteAsync("pong\n"u8.ToArray());
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.UpgradeToTlsAsync(TlsTest.ClientOptions());
        await client.WriteAsync("ping\n"u8.ToArray());
        Assert.Equal("pong", await client.Input.ReadLineAsync());
        Assert.True((await client.Input.ReadAsync()).IsCompleted);
    });

    [Fact]
    public void A_command_slipped_in_behind_the_request_is_not_taken_for_one_of_the_session() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await client.WriteAsync("STARTTLS\nDELETE everything\n"u8.ToArray());
        Assert.Equal("STARTTLS", await server.Input.ReadLineAsync());
        var upgrade = Coroutine.Start(client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        await Assert.ThrowsAsync<TlsHandshakeException>(async () => await server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
        Assert.True(server.IsClosed);
        await Coroutine.Wait([upgrade]);
        Assert.IsType<TlsHandshakeException>(upgrade.GetException());
    });

    [Fact]
    public void An_answer_slipped_in_behind_the_consent_is_refused() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var two = server;
        await server.WriteAsync("ready\nforged answer\n"u8.ToArray());
        Assert.Equal("ready", await client.Input.ReadLineAsync());
        var failure = await Assert.ThrowsAsync<IOException>(async () => await client.UpgradeToTlsAsync(TlsTest.ClientOptions()));
        Assert.Contains("14 bytes", failure.Message, StringComparison.Ordinal);
        Assert.True(client.IsClosed);
    });

    [Fact]
    public void A_read_that_was_not_advanced_stands_in_the_way() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await using var one = client;
        await using var two = server;
        await client.WriteAsync("x"u8.ToArray());
        var read = await server.Input.ReadAsync();
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await server.UpgradeToTlsAsync(TlsTest.ServerOptions()));
        Assert.Contains("AdvanceTo", failure.Message, StringComparison.Ordinal);
        server.Input.AdvanceTo(read.Buffer.End);
        await TlsTest.Upgrade(client, server);
    });
}
