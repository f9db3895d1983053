using System.Net.Security;
using Baton.Tests.Net.Tls;

namespace Baton.Tests.Net.Protocols;

/// <summary>A transport does over TLS what it does without, and can start TLS in the middle.</summary>
public class TlsTransportTests
{
    [Fact]
    public void A_client_and_a_server_of_protocols_talk_over_TLS() => NetTest.Run(async test =>
    {
        var served = new TraceProtocol();
        served.OnData = data => served.Transport.Write(data);
        var server = await test.Loop.CreateServerAsync(
            () => served, ProtocolTest.Loopback, new ServerOptions { Tls = TlsTest.ServerOptions() });
        var (transport, client) = await test.Loop.CreateConnectionAsync(
            () => new TraceProtocol(), server.EndPoints[0], new ConnectOptions { Tls = TlsTest.ClientOptions() });
        Assert.NotNull(transport.Tls);
        transport.Write("hello"u8);
        await NetTest.Until(() => client.Received.Count == 5);
        Assert.True(served.Transport.Tls!.IsServer);
        transport.Close();
        await ProtocolTest.WaitUntilLost(client);
        await ProtocolTest.WaitUntilLost(served);
        Assert.Equal(["made", "data hello", "eof", "lost"], served.Trace);
        Assert.Equal(["made", "data hello", "lost"], client.Trace);
        Assert.Null(served.LostBy);
        await server.DisposeAsync();
    });

    [Fact]
    public void Much_goes_through_with_its_flow_control_and_close_loses_nothing() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        var protocol = new TraceProtocol();
        var transport = await server.AttachAsync(protocol);
        var bytes = NetTest.Pattern(20_000_000);
        transport.Write(bytes);
        Assert.True(transport.WriteBufferSize > 0);
        Assert.Equal(["made", "pause"], protocol.Trace);
        transport.Close();
        Assert.Equal(bytes, await TlsTest.ReadToEnd(client));
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "pause", "resume", "lost"], protocol.Trace);
        Assert.Null(protocol.LostBy);
        await client.CloseAsync();
    });

    [Fact]
    public void One_side_can_end_over_TLS_while_the_other_goes_on() => NetTest.Run(async () =>
    {
        var (client, server) = await TlsTest.Connect();
        var protocol = new TraceProtocol { OnEof = () => true };
        var transport = await server.AttachAsync(protocol);
        Assert.True(transport.CanWriteEof);
        await client.CompleteOutputAsync();
        await NetTest.Until(() => protocol.Trace.Count == 2);
        transport.Write("still"u8);
        transport.WriteEof();
        Assert.Equal("still"u8.ToArray(), await TlsTest.ReadToEnd(client));
        transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "eof", "lost"], protocol.Trace);
        await client.CloseAsync();
    });

    [Fact]
    public void A_session_that_is_cut_short_is_the_loss() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await TlsTest.Upgrade(client, server);
        var protocol = new TraceProtocol();
        await server.AttachAsync(protocol);
        client.Abort();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.IsAssignableFrom<IOException>(protocol.LostBy);
    });

    [Fact]
    public void TLS_starts_in_the_middle_on_both_sides() => NetTest.Run(async test =>
    {
        var (clientSocket, serverSocket) = await NetTest.ConnectSockets();
        var (server, served) = await test.Loop.ConnectAcceptedSocketAsync(() => new TraceProtocol(), serverSocket);
        var (client, asked) = await test.Loop.ConnectAcceptedSocketAsync(() => new TraceProtocol(), clientSocket);
        LoopTask? serverStart = null;
        served.OnData = data =>
        {
            if (serverStart is null)
            {
                server.Write("ok"u8);
                serverStart = Coroutine.Start(server.StartTlsAsync(TlsTest.ServerOptions()));
            }
            else
            {
                server.Write(data);
            }
        };
        client.Write("tls?"u8);
        await NetTest.Until(() => asked.Received.Count == 2);
        await client.StartTlsAsync(TlsTest.ClientOptions());
        await serverStart!;
        Assert.NotNull(client.Tls);
        Assert.NotNull(server.Tls);
        Assert.True(client.IsReading);
        client.Write("secret"u8);
        await NetTest.Until(() => asked.Received.Count == 8);
        Assert.Equal(["made", "data ok", "data secret"], asked.Trace);
        Assert.Equal(["made", "data tls?", "data secret"], served.Trace);
        client.Close();
        await ProtocolTest.WaitUntilLost(served);
        await ProtocolTest.WaitUntilLost(asked);
        Assert.Null(served.LostBy);
    });

    [Fact]
    public void A_handshake_that_fails_is_the_loss() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        var start = Coroutine.Start(transport.StartTlsAsync(TlsTest.ServerOptions()));
        await peer.WriteAsync("this is no handshake of TLS"u8.ToArray());
        await Assert.ThrowsAsync<TlsHandshakeException>(async () => await start);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.IsType<TlsHandshakeException>(protocol.LostBy);
        Assert.Equal(["made", "lost: TlsHandshakeException"], protocol.Trace);
        peer.Dispose();
    });

    [Fact]
    public void Nothing_is_written_or_read_while_a_handshake_waits_and_a_cancel_closes() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        var start = Coroutine.Start(transport.StartTlsAsync(TlsTest.ServerOptions()));
        await NetTest.Polls(2);
        Assert.False(transport.IsReading);
        Assert.Contains("in the middle of a TLS handshake", Assert.Throws<InvalidOperationException>(() => transport.Write("x"u8)).Message);
        start.Cancel();
        await NetTest.AssertCancelled(start);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.True(transport.IsClosing);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transport.StartTlsAsync(TlsTest.ServerOptions()));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await transport.StartTlsAsync((SslServerAuthenticationOptions)null!));
        peer.Dispose();
    });
}
