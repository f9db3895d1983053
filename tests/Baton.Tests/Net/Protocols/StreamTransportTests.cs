using System.Buffers;
using System.Net.Sockets;
using System.Net;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Protocols;

/// <summary>A transport calls its protocol in asyncio's order, and does what its protocol says.</summary>
public class StreamTransportTests
{
    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_ctor")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_ctor_with_waiter")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready_eof")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_ctor")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading_data")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading_no_data")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_make_socket_transport")]
    public void A_protocol_is_told_of_the_connection_then_of_data_then_of_the_end_and_last_of_the_loss() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        Assert.Equal(["made"], protocol.Trace);
        Assert.Same(transport, protocol.Transport);
        Assert.True(transport.IsReading);
        await peer.WriteAsync("abc"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Count == 3);
        await peer.CompleteOutputAsync();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "data abc", "eof", "lost"], protocol.Trace);
        Assert.Null(protocol.LostBy);
        Assert.True(transport.IsClosing);
        Assert.False(transport.IsReading);
        Assert.Equal(-1, transport.Handle);
        Assert.True((await peer.Input.ReadAsync()).IsCompleted);
        await peer.CloseAsync();
    });

    [Fact]
    public void Data_that_was_there_before_comes_after_the_connection_was_made_and_while_nobody_has_gone_on_yet() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await client.WriteAsync("early"u8.ToArray());
        var protocol = new TraceProtocol();
        await NetTest.Polls(2);
        var transport = await server.AttachAsync(protocol);

        // The order of asyncio: the connection, then the reading, then whoever waits for the transport.
        Assert.Equal(["made", "data early"], protocol.Trace);
        transport.Close();
        await client.CloseAsync();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    public void What_was_received_and_not_read_goes_to_the_protocol() => NetTest.Run(async () =>
    {
        var (client, server) = await NetTest.Connect();
        await client.WriteAsync("abcdef"u8.ToArray());
        var read = await server.Input.ReadAtLeastAsync(6);
        server.Input.AdvanceTo(read.Buffer.GetPosition(2));
        var protocol = new TraceProtocol();
        var transport = await server.AttachAsync(protocol);
        await NetTest.Until(() => protocol.Received.Count == 4);
        Assert.Equal(["made", "data cdef"], protocol.Trace);
        transport.Close();
        await client.CloseAsync();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    public void A_client_and_a_server_of_protocols_talk() => NetTest.Run(async test =>
    {
        var served = new List<TraceProtocol>();
        var server = await test.Loop.CreateServerAsync(
            () =>
            {
                var protocol = new TraceProtocol();
                protocol.OnData = data => protocol.Transport.Write(data);
                served.Add(protocol);
                return protocol;
            },
            "127.0.0.1",
            0);
        var port = ((IPEndPoint)server.EndPoints[0]).Port;
        var (transport, client) = await test.Loop.CreateConnectionAsync(() => new TraceProtocol(), "127.0.0.1", port);
        Assert.Equal(["made"], client.Trace);
        transport.Write("hello"u8);
        await NetTest.Until(() => client.Received.Count == 5);
        Assert.Equal(1, server.ConnectionCount);
        Assert.Equal(transport.LocalEndPoint, served[0].Transport.RemoteEndPoint);
        Assert.Equal(transport.RemoteEndPoint, served[0].Transport.LocalEndPoint);

        // Neither end has a task.
        Assert.DoesNotContain(
            test.Loop.AllTasks(), task => task != LoopTask.Current && !task.Name.StartsWith("accept", StringComparison.Ordinal));
        transport.Close();
        await ProtocolTest.WaitUntilLost(client);
        await ProtocolTest.WaitUntilLost(served[0]);
        Assert.Equal(["made", "data hello", "eof", "lost"], served[0].Trace);
        Assert.Equal(["made", "data hello", "lost"], client.Trace);
        Assert.Equal(0, server.ConnectionCount);
        Assert.NotNull(transport.LocalEndPoint);
        await server.DisposeAsync();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_pause_resume_reading")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_pause_reading_connection_made")]
    [CPython("test_selector_events.SelectorTransportTests.test__add_reader")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_pause_resume_reading")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_pause_reading_connection_made")]
    public void Paused_a_protocol_gets_no_data_and_no_end() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol { OnMade = transport => transport.PauseReading() };
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        Assert.False(transport.IsReading);
        await peer.WriteAsync("abc"u8.ToArray());
        await peer.CompleteOutputAsync();
        await NetTest.Polls(3);
        Assert.Equal(["made"], protocol.Trace);
        transport.PauseReading();
        protocol.OnData = _ => transport.PauseReading();
        transport.ResumeReading();
        transport.ResumeReading();
        Assert.True(transport.IsReading);
        Assert.Equal(["made"], protocol.Trace);
        await NetTest.Polls(3);
        Assert.Equal(["made", "data abc"], protocol.Trace);
        transport.ResumeReading();
        transport.PauseReading();
        transport.ResumeReading();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "data abc", "eof", "lost"], protocol.Trace);
        transport.ResumeReading();
        transport.PauseReading();
        Assert.False(transport.IsReading);
        await peer.CloseAsync();
    });

    [Fact]
    public void A_pause_while_a_read_waits_holds_what_arrives_back() => NetTest.Run(async test =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await NetTest.Iterate();
        transport.PauseReading();
        await peer.WriteAsync("abc"u8.ToArray());
        await NetTest.Polls(3);
        Assert.Equal(["made"], protocol.Trace);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        transport.ResumeReading();
        await NetTest.Until(() => protocol.Received.Count == 3);

        // Resumed before the read has noticed that it was to end.
        transport.PauseReading();
        transport.ResumeReading();
        await peer.WriteAsync("def"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Count == 6);
        Assert.Equal(["made", "data abc", "data def"], protocol.Trace);
        transport.Abort();
        await peer.CloseAsync();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    public void No_more_than_256_KiB_are_given_to_a_protocol_in_one_iteration() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        var bytes = NetTest.Pattern(2_000_000);
        var mostInOne = 0;
        var inOne = 0;
        var protocol = new TraceProtocol();
        protocol.OnData = data =>
        {
            if (inOne == 0)
            {
                test.Loop.CallSoon(() => inOne = 0); // The next iteration begins with this.
            }

            inOne += data.Length;
            mostInOne = Math.Max(mostInOne, inOne);
        };
        var transport = await new Connection(server).AttachAsync(protocol);
        var send = Coroutine.Start(Send(client, bytes));
        await NetTest.Until(() => protocol.Received.Count == bytes.Length);
        await send;
        Assert.Equal(bytes, protocol.Received);
        Assert.InRange(mostInOne, 1, 256 * 1024 + IoBlockPool.BlockSize);
        transport.Close();
        client.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready_eof_keep_open")]
    public void A_protocol_that_wants_to_keeps_its_side_open_when_the_peer_ends() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol { OnEof = () => true };
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await peer.CompleteOutputAsync();
        await NetTest.Until(() => protocol.Trace.Count == 2);
        await NetTest.Polls(2);
        Assert.Equal(["made", "eof"], protocol.Trace);
        Assert.False(transport.IsClosing);
        transport.PauseReading();
        transport.ResumeReading();
        transport.Write("still"u8);
        var read = await peer.Input.ReadAtLeastAsync(5);
        Assert.Equal("still", Encoding.ASCII.GetString(read.Buffer.ToArray()));
        peer.Input.AdvanceTo(read.Buffer.End);
        transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "eof", "lost"], protocol.Trace);
        await peer.CloseAsync();
    });

    [Fact]
    public void The_protocol_can_be_changed() => NetTest.Run(async () =>
    {
        var first = new TraceProtocol();
        var second = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(first);
        Assert.Same(first, transport.Protocol);
        first.OnData = _ => transport.Protocol = second;
        await peer.WriteAsync("a"u8.ToArray());
        await NetTest.Until(() => first.Received.Count == 1);
        Assert.Same(second, transport.Protocol);
        await peer.WriteAsync("b"u8.ToArray());
        await peer.CloseAsync();
        await ProtocolTest.WaitUntilLost(second);
        Assert.Equal(["made", "data a"], first.Trace);
        Assert.Equal(["data b", "eof", "lost"], second.Trace);
        Assert.Throws<ArgumentException>(() => transport.Protocol = new NoStreamProtocol());
    });

    [Fact]
    [CPython("test_selector_events.SelectorTransportTests.test_close")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_close")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_close_protocol_connection_lost_once")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_call_connection_lost")]
    public void Close_stops_reading_at_once_and_tells_the_protocol_in_the_next_iteration() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await peer.WriteAsync("abc"u8.ToArray());
        transport.Close();
        transport.Close();
        Assert.True(transport.IsClosing);
        Assert.False(transport.IsReading);
        Assert.Equal(["made"], protocol.Trace);
        await NetTest.Iterate(1);
        Assert.Equal(["made", "lost"], protocol.Trace);
        transport.Close();
        transport.Abort();
        await NetTest.Iterate();
        Assert.Equal(["made", "lost"], protocol.Trace);
        peer.Abort();
    });

    [Fact]
    public void Close_from_inside_a_call_leaves_its_data_alone_and_comes_after_it() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        protocol.OnData = _ =>
        {
            transport.Close();
            Assert.Equal(["made", "data abc"], protocol.Trace);
        };
        await peer.WriteAsync("abc"u8.ToArray());
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "data abc", "lost"], protocol.Trace);
        await peer.CloseAsync();
    });

    [Fact]
    [CPython("test_selector_events.SelectorTransportTests.test_abort")]
    [CPython("test_selector_events.SelectorTransportTests.test_force_close")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_abort")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_force_close")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_writing_force_close")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_force_close_protocol_connection_lost_once")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_fatal_error_2")]
    public void Abort_tells_the_peer_of_a_reset_and_the_protocol_of_nothing_wrong() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        ProtocolTest.Fill(transport);
        transport.Abort();
        transport.Abort();
        Assert.Equal(0, transport.WriteBufferSize);
        Assert.True(transport.IsClosing);
        Assert.False(protocol.IsLost);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Null(protocol.LostBy);
        var failure = await Assert.ThrowsAsync<SocketException>(async () =>
        {
            while (await peer.ReceiveAsync(new byte[4096]) > 0)
            {
            }
        });
        Assert.Equal(SocketError.ConnectionReset, failure.SocketErrorCode);
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorTransportTests.test_fatal_error")]
    [CPython("test_selector_events.SelectorTransportTests.test_connection_lost")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready_conn_reset")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading_conn_reset_lost")]
    public void A_reset_by_the_peer_is_the_loss_and_no_report() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        peer.Abort();
        await ProtocolTest.WaitUntilLost(protocol);
        await NetTest.Iterate(1);
        Assert.Equal(["made", "lost: IOException"], protocol.Trace);
        Assert.Equal(-1, transport.Handle);
        Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(protocol.LostBy!.InnerException).SocketErrorCode);
    });

    [Fact]
    public void An_accepted_socket_is_handed_to_a_protocol() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        var (transport, protocol) = await test.Loop.ConnectAcceptedSocketAsync(() => new TraceProtocol(), server);
        Assert.Equal(["made"], protocol.Trace);
        await client.SendAllAsync("abc"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Count == 3);
        client.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.True(transport.IsClosing);
    });

    [Fact]
    public void A_connection_can_be_taken_back_without_losing_a_byte() => NetTest.Run(async test =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        var bytes = NetTest.Pattern(100_000);
        var write = Coroutine.Start(Write(peer, bytes));
        LoopTask<Connection>? detach = null;
        protocol.OnData = _ => detach ??= test.Loop.CreateTask(transport.DetachAsync(), name: null, eager: true);
        await NetTest.Until(() => detach is not null);
        var back = await detach!;
        Assert.True(transport.IsClosing);
        transport.Close();
        transport.Abort();
        Assert.Throws<InvalidOperationException>(() => transport.Write("x"u8));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await transport.DetachAsync());
        var rest = await back.Input.ReadAtLeastAsync(bytes.Length - protocol.Received.Count);
        Assert.Equal(bytes, protocol.Received.Concat(rest.Buffer.ToArray()).ToArray());
        back.Input.AdvanceTo(rest.Buffer.End);
        await write;
        Assert.Equal(["made", "data"], protocol.Trace);

        // And handed over again.
        var second = new TraceProtocol();
        var again = await back.AttachAsync(second);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await back.AttachAsync(second));
        again.Write("bye"u8);
        again.Close();
        Assert.Equal("bye"u8.ToArray(), (await peer.Input.ReadAtLeastAsync(3)).Buffer.ToArray());
        peer.Dispose();
        await ProtocolTest.WaitUntilLost(second);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await back.AttachAsync(second));
    });

    [Fact]
    public void Detach_while_a_read_waits_leaves_the_connection_free_to_be_read() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await NetTest.Iterate();
        var back = await transport.DetachAsync();
        await peer.WriteAsync("abc"u8.ToArray());
        Assert.Equal("abc"u8.ToArray(), (await back.Input.ReadAsync()).Buffer.ToArray());
        Assert.Equal(["made"], protocol.Trace);
        back.Dispose();
        await peer.CloseAsync();
    });

    [Fact]
    [CPython("test_selector_events.SelectorTransportTests.test_ctor")]
    public void A_transport_says_what_it_is() => NetTest.Run(async test =>
    {
        var protocol = new TraceProtocol();
        var (client, server) = await NetTest.ConnectSockets();
        var handle = server.Handle;
        var (transport, _) = await test.Loop.ConnectAcceptedSocketAsync(() => protocol, server);
        var peer = new Connection(client);
        Assert.Same(test.Loop, transport.Loop);
        Assert.Equal(handle, transport.Handle);
        var ends = $"{transport.LocalEndPoint} -> {transport.RemoteEndPoint}";
        Assert.Equal($"transport {ends} (reading, 0 bytes to send)", transport.ToString());
        transport.PauseReading();
        Assert.Equal($"transport {ends} (paused, 0 bytes to send)", transport.ToString());
        transport.Close();
        Assert.Equal($"transport {ends} (closing, 0 bytes to send)", transport.ToString());
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal($"transport {ends} (closed, 0 bytes to send)", transport.ToString());
        await peer.CloseAsync();
    });

    private static async Coroutine Send(LoopSocket socket, byte[] bytes) => await socket.SendAllAsync(bytes);

    private static async Coroutine Write(Connection connection, byte[] bytes) => await connection.WriteAsync(bytes);

    private sealed class NoStreamProtocol : BaseProtocol;
}
