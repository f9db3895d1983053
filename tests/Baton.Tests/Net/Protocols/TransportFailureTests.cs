using System.Net.Sockets;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Protocols;

/// <summary>What a protocol throws is reported, and ends its connection and nothing else.</summary>
public class TransportFailureTests
{
    [Theory]
    [InlineData("ConnectionMade")]
    [InlineData("DataReceived")]
    [InlineData("EofReceived")]
    [CPython("test_selector_events.SelectorTransportTests.test_fatal_error_custom_exception")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_eof_received_error")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_data_received_error")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_fatal_error")]
    public void A_call_that_throws_is_reported_and_its_exception_is_the_loss(string call) => NetTest.Run(async test =>
    {
        var failure = new ArithmeticException("no");
        var protocol = new TraceProtocol();
        switch (call)
        {
            case "ConnectionMade":
                protocol.OnMade = _ => throw failure;
                break;
            case "DataReceived":
                protocol.OnData = _ => throw failure;
                break;
            default:
                protocol.OnEof = () => throw failure;
                break;
        }

        var (transport, peer) = await ProtocolTest.Connect(protocol);
        if (call == "DataReceived")
        {
            await peer.WriteAsync("abc"u8.ToArray());
        }
        else if (call == "EofReceived")
        {
            await peer.CompleteOutputAsync();
        }

        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Same(failure, protocol.LostBy);
        Assert.True(transport.IsClosing);
        var report = Assert.Single(test.TakeReports());
        Assert.StartsWith($"{call} of TraceProtocol failed. The transport ", report.Message);
        Assert.Same(failure, report.Exception);
        Assert.Same(transport, report.Source);
        peer.Abort();
    });

    [Fact]
    public void A_failed_ConnectionLost_is_reported_and_the_connection_closed_all_the_same() => NetTest.Run(async test =>
    {
        var failure = new ArithmeticException("no");
        var protocol = new TraceProtocol { OnLost = _ => throw failure };
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        transport.Close();
        Assert.True((await peer.Input.ReadAsync()).IsCompleted);
        Assert.Equal(-1, transport.Handle);
        Assert.Same(failure, Assert.Single(test.TakeReports()).Exception);
        Assert.Equal(["made", "lost"], protocol.Trace);
        peer.Dispose();
    });

    [Fact]
    public void A_failed_PauseWriting_or_ResumeWriting_is_reported_and_the_connection_goes_on() => NetTest.Run(async test =>
    {
        var protocol = new TraceProtocol
        {
            OnPause = () => throw new ArithmeticException("pause"),
            OnResume = () => throw new ArithmeticException("resume"),
        };
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        transport.SetWriteBufferLimits(high: 0);
        var filled = ProtocolTest.Fill(transport);
        Assert.Equal("pause", Assert.Single(test.TakeReports()).Exception!.Message);
        await NetTest.ReceiveAll(peer, filled);
        await NetTest.Until(() => protocol.Trace.Count == 3);
        var report = Assert.Single(test.TakeReports());
        Assert.Equal("resume", report.Exception!.Message);
        Assert.StartsWith("ResumeWriting of TraceProtocol failed", report.Message);
        Assert.False(transport.IsClosing);
        transport.Close();
        peer.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    public void A_factory_that_throws_or_makes_nothing_closes_the_connection() => NetTest.Run(async test =>
    {
        using var listener = NetTest.Listen();
        var failure = new ArithmeticException("no");
        Assert.Same(
            failure,
            await Assert.ThrowsAsync<ArithmeticException>(
                async () => await test.Loop.CreateConnectionAsync<TraceProtocol>(() => throw failure, listener.LocalEndPoint!)));
        (await listener.AcceptAsync()).Dispose();
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await test.Loop.CreateConnectionAsync<TraceProtocol>(() => null!, listener.LocalEndPoint!));
        (await listener.AcceptAsync()).Dispose();
        Assert.Equal(1, test.Driver.OpenSocketCount);
    });

    [Fact]
    public void A_server_whose_factory_throws_says_so_and_goes_on() => NetTest.Run(async test =>
    {
        var protocols = new Queue<TraceProtocol?>([null, new TraceProtocol()]);
        await using var server = await test.Loop.CreateServerAsync(
            () => protocols.Dequeue() ?? throw new ArithmeticException("no"), ProtocolTest.Loopback);
        await using var first = await Connection.ConnectAsync(server.EndPoints[0]);
        await Assert.ThrowsAsync<IOException>(async () => await first.Input.ReadAsync());
        Assert.IsType<ArithmeticException>(Assert.Single(test.TakeReports()).Exception);
        var second = protocols.Peek()!;
        await using var connection = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => second.Trace.Count == 1);
    });

    [Fact]
    public void A_wait_for_a_transport_that_is_cancelled_closes_it() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        var protocol = new TraceProtocol();
        var wait = Coroutine.Start(test.Loop.ConnectAcceptedSocketAsync(() => protocol, server));
        protocol.OnMade = _ => wait.Cancel();
        await NetTest.AssertCancelled(wait);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "lost"], protocol.Trace);
        client.Dispose();
    });

    [Fact]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_close_invalid_sockobj")]
    public void A_connection_closed_behind_the_back_of_its_transport_is_the_loss() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        var protocol = new TraceProtocol();
        await server.AttachAsync(protocol);
        server.Abort();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "lost: IOException"], protocol.Trace);
        client.Dispose();
    });

    [Fact]
    public void In_debug_mode_a_failed_connection_is_logged_and_an_open_transport_warned_of() => LoopTest.OnThread(() =>
    {
        var log = new LogRecorder();
        var warnings = new List<LoopWarning>();
        using (var loop = new EventLoop(new EventLoopOptions
        {
            Driver = TestDriver.Create(),
            Debug = true,
            LoggerFactory = log,
            WarningHandler = (_, warning) => warnings.Add(warning),
        }))
        {
            loop.RunUntilComplete(Main());
        }

        Assert.Contains(log.Entries, entry => entry.Id == 37);

        // On a busy machine there may be warnings of slow callbacks as well.
        var warning = Assert.Single(warnings, warning => warning.Kind == LoopWarningKind.UnclosedResource);
        Assert.StartsWith("Unclosed: transport ", warning.Message);

        async Coroutine Main()
        {
            var lost = new TraceProtocol();
            var (_, peer) = await ProtocolTest.Connect(lost);
            peer.Abort();
            await ProtocolTest.WaitUntilLost(lost);

            var (closed, closedPeer) = await ProtocolTest.Connect(lost);
            closed.Close();
            closedPeer.Dispose();
            await ProtocolTest.WaitUntilLost(lost);
            var (taken, takenPeer) = await ProtocolTest.Connect(lost);
            (await taken.DetachAsync()).Dispose();
            takenPeer.Dispose();

            var (_, openPeer) = await ProtocolTest.Connect(new TraceProtocol());
            openPeer.Dispose();
        }
    });

    [Fact]
    public void A_server_closes_and_aborts_the_transports_of_its_connections() => NetTest.Run(async test =>
    {
        var protocols = new List<TraceProtocol>();
        var server = await test.Loop.CreateServerAsync(Make, ProtocolTest.Loopback);
        var one = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => protocols.Count == 1 && protocols[0].Trace.Count == 1);
        await server.ShutdownAsync(TimeSpan.Zero);
        Assert.Equal(["made", "lost"], protocols[0].Trace);
        Assert.True((await one.Input.ReadAsync()).IsCompleted);
        Assert.True(server.IsClosed);
        one.Dispose();

        server = await test.Loop.CreateServerAsync(Make, ProtocolTest.Loopback);
        var two = await Connection.ConnectAsync(server.EndPoints[0]);
        await NetTest.Until(() => protocols.Count == 2 && protocols[1].Trace.Count == 1);
        server.Abort();
        await server.WaitClosedAsync();
        Assert.Equal(["made", "lost"], protocols[1].Trace);
        var failure = await Assert.ThrowsAsync<IOException>(async () => await two.Input.ReadAsync());
        Assert.Equal(SocketError.ConnectionReset, ((SocketException)failure.InnerException!).SocketErrorCode);
        two.Dispose();

        TraceProtocol Make()
        {
            var protocol = new TraceProtocol();
            protocols.Add(protocol);
            return protocol;
        }
    });

    [Fact]
    public void A_handler_of_a_server_may_leave_its_connection_to_a_protocol() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        await using var server = await Server.StartAsync(ProtocolTest.Loopback, async connection =>
        {
            Assert.Equal("upgrade", await connection.Input.ReadLineAsync());
            await connection.AttachAsync(protocol);
        });
        await using var client = await Connection.ConnectAsync(server.EndPoints[0]);
        await client.WriteAsync("upgrade\nabc"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Count == 3);
        Assert.Equal(["made", "data abc"], protocol.Trace);
        Assert.Equal(1, server.ConnectionCount);
        protocol.Transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(0, server.ConnectionCount);
    });
}
