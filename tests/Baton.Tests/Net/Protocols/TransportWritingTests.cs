using System.Buffers;
using System.Net.Sockets;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Protocols;

/// <summary>A transport writes at once what it can, queues the rest, and tells its protocol when that is too much.</summary>
public class TransportWritingTests
{
    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_bytearray")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_memoryview")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_write")]
    public void A_write_leaves_at_once_where_there_is_room() => NetTest.Run(async test =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        var before = test.Driver.Statistics;
        transport.Write("abc"u8);
        transport.Write("def"u8);
        transport.Write([]);
        Assert.Equal(0, transport.WriteBufferSize);
        Assert.Equal(2, (test.Driver.Statistics - before).Sends);
        await Received(peer, "abcdef");
        await End(transport, protocol, peer);
    });

    [Fact]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_dont_pause_writing")]
    public void A_write_that_leaves_at_once_pauses_nobody_however_long_it_is() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        transport.SetWriteBufferLimits(high: 4);
        transport.Write("very large data"u8);
        Assert.Equal(0, transport.WriteBufferSize);
        Assert.Equal(["made"], protocol.Trace);
        await Received(peer, "very large data");
        await End(transport, protocol, peer);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_writelines_sendmsg_full")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_writelines_send_full")]
    [CPython("test_transports.TransportTests.test_writelines")]
    public void Several_pieces_leave_in_one_call() => NetTest.Run(async test =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        var before = test.Driver.Statistics;
        transport.WriteLines("ab"u8.ToArray(), default, "cd"u8.ToArray(), "ef"u8.ToArray());
        transport.WriteLines();
        transport.WriteLines(ReadOnlyMemory<byte>.Empty);
        var calls = test.Driver.Statistics - before;
        Assert.Equal(1, calls.Sends + calls.VectoredSends);
        await Received(peer, "abcdef");
        await End(transport, protocol, peer);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_no_data")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_buffer")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_partial")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_partial_bytearray")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_partial_memoryview")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_partial_none")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_tryagain")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_sendmsg_no_data")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_writelines_sendmsg_partial")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_writelines_send_partial")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_sendmsg_full")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_sendmsg_partial")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_sendmsg_half_buffer")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_ready")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_ready_partial")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_ready_partial_none")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_ready_tryagain")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_write_no_data")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_write_more")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_writing")]
    public void What_finds_no_room_is_copied_and_sent_in_order() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        var filled = ProtocolTest.Fill(transport);
        var queued = transport.WriteBufferSize;
        var bytes = NetTest.Pattern(50_000);
        transport.Write(bytes.AsSpan(0, 20_000));
        transport.WriteLines(bytes.AsMemory(20_000, 10_000), bytes.AsMemory(30_000));
        transport.Write([]);
        Assert.Equal(queued + bytes.Length, transport.WriteBufferSize);
        var expected = bytes.ToArray();
        bytes.AsSpan().Clear();
        var received = await NetTest.ReceiveAll(peer, filled + bytes.Length);
        Assert.Equal(expected, received[filled..]);
        Assert.Equal(0, transport.WriteBufferSize);
        await End(transport, protocol, peer);
    });

    [Fact]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_pause_resume_writing")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_pause_writing_2write")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_pause_writing_3write")]
    public void The_protocol_is_paused_inside_the_write_that_exceeds_the_limit_and_resumed_when_little_is_left() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        Assert.Equal((16 * 1024, 64 * 1024), transport.WriteBufferLimits);
        var filled = ProtocolTest.Fill(transport);

        // Exactly the limit is not too much.
        var exact = new byte[(64 * 1024) - transport.WriteBufferSize];
        transport.Write(exact);
        Assert.Equal(64 * 1024, transport.WriteBufferSize);
        Assert.Equal(["made"], protocol.Trace);
        transport.Write("x"u8);
        Assert.Equal(["made", "pause"], protocol.Trace);
        transport.Write("y"u8);
        Assert.Equal(["made", "pause"], protocol.Trace);

        var sizeAtResume = -1L;
        protocol.OnResume = () => sizeAtResume = transport.WriteBufferSize;
        await NetTest.ReceiveAll(peer, filled + exact.Length + 2);
        await NetTest.Until(() => protocol.Trace.Count == 3);
        Assert.Equal(["made", "pause", "resume"], protocol.Trace);
        Assert.InRange(sizeAtResume, 0, 16 * 1024);
        await End(transport, protocol, peer);
    });

    [Fact]
    public void With_a_limit_of_0_whatever_is_queued_pauses_until_all_is_sent() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        transport.SetWriteBufferLimits(high: 0);
        Assert.Equal((0, 0), transport.WriteBufferLimits);
        protocol.OnResume = () => Assert.Equal(0, transport.WriteBufferSize);
        var filled = ProtocolTest.Fill(transport);
        Assert.Equal(["made", "pause"], protocol.Trace);
        await NetTest.ReceiveAll(peer, filled);
        await NetTest.Until(() => protocol.Trace.Count == 3);
        await End(transport, protocol, peer);
    });

    [Fact]
    [CPython("test_transports.TransportTests.test_flowcontrol_mixin_set_write_limits")]
    public void Lower_limits_pause_at_once_where_they_are_exceeded() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        ProtocolTest.Fill(transport);
        transport.Write(new byte[10_000]);
        Assert.Equal(["made"], protocol.Trace);
        Assert.Throws<ArgumentOutOfRangeException>(() => transport.SetWriteBufferLimits(high: 0, low: 1));
        transport.SetWriteBufferLimits(high: 20_000, low: 5000);
        Assert.Equal(["made"], protocol.Trace);
        transport.SetWriteBufferLimits(high: 10_000);
        Assert.Equal(["made", "pause"], protocol.Trace);
        transport.Abort();
        peer.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "pause", "lost"], protocol.Trace);
    });

    [Theory]
    [InlineData(null, null, 65536, 16384)]
    [InlineData(1000, null, 1000, 250)]
    [InlineData(null, 1000, 4000, 1000)]
    [InlineData(1000, 1000, 1000, 1000)]
    [InlineData(1000, 0, 1000, 0)]
    public void Limits_that_are_not_given_follow_from_the_others(int? high, int? low, int expectedHigh, int expectedLow) =>
        NetTest.Run(async () =>
        {
            var protocol = new TraceProtocol();
            var (transport, peer) = await ProtocolTest.Connect(protocol);
            transport.SetWriteBufferLimits(high, low);
            Assert.Equal((expectedLow, expectedHigh), transport.WriteBufferLimits);
            Assert.Throws<ArgumentOutOfRangeException>(() => transport.SetWriteBufferLimits(high: 1000, low: 1001));
            Assert.Throws<ArgumentOutOfRangeException>(() => transport.SetWriteBufferLimits(high: 1000, low: -1));
            Assert.Throws<ArgumentOutOfRangeException>(() => transport.SetWriteBufferLimits(high: -1));
            Assert.Equal((expectedLow, expectedHigh), transport.WriteBufferLimits);
            await End(transport, protocol, peer);
        });

    [Fact]
    [CPython("test_selector_events.SelectorTransportTests.test_close_write_buffer")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_ready_closing")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_writing_closing")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_close_write_fut")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_close_buffer")]
    public void Close_sends_what_is_queued_and_then_tells_the_protocol() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        var filled = ProtocolTest.Fill(transport);
        transport.Close();
        await NetTest.Polls(2);
        Assert.Equal(["made"], protocol.Trace);
        Assert.True(transport.IsClosing);

        // What is written while it closes is queued as well, as in asyncio.
        transport.Write("more"u8);
        var received = await NetTest.ReceiveAll(peer, filled + 4);
        Assert.Equal("more", Encoding.ASCII.GetString(received, filled, 4));
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1]));
        Assert.Equal(["made", "lost"], protocol.Trace);
        peer.Dispose();
    });

    [Fact]
    public void Close_that_waits_for_its_queue_fails_when_the_peer_resets() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        ProtocolTest.Fill(transport);
        transport.Close();
        peer.Abort();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "lost: IOException"], protocol.Trace);
    });

    [Fact]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_force_close_idempotent")]
    public void Abort_after_close_drops_what_is_queued() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        ProtocolTest.Fill(transport);
        transport.Close();
        transport.Abort();
        await NetTest.Iterate(1);
        Assert.Equal(["made", "lost"], protocol.Trace);
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_eof_buffer")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_write_eof_buffer")]
    public void The_end_is_sent_after_the_queue_and_the_other_direction_goes_on() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        Assert.True(transport.CanWriteEof);
        var filled = ProtocolTest.Fill(transport);
        transport.WriteEof();
        transport.WriteEof();
        Assert.Throws<InvalidOperationException>(() => transport.Write("x"u8));
        Assert.Throws<InvalidOperationException>(() => transport.Write([]));
        Assert.Throws<InvalidOperationException>(() => transport.WriteLines("x"u8.ToArray()));
        await NetTest.ReceiveAll(peer, filled);
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1]));
        await peer.SendAllAsync("still"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Count == 5);
        await End(transport, protocol, peer);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_eof")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_eof_after_close")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_write_eof")]
    public void The_end_is_sent_at_once_where_nothing_is_queued() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        transport.WriteEof();
        transport.WriteEof();
        Assert.True((await peer.Input.ReadAsync()).IsCompleted);
        transport.Close();
        transport.WriteEof();
        await ProtocolTest.WaitUntilLost(protocol);
        transport.WriteEof();
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_writelines_after_connection_lost")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_closing")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_writing_err")]
    public void Writes_after_the_loss_are_dropped_and_warned_of_from_the_fifth_on() => NetTest.Run(async test =>
    {
        var warnings = new List<LoopWarning>();
        test.Loop.WarningHandler = (_, warning) => warnings.Add(warning);
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        transport.Close();
        for (var i = 0; i < 4; i++)
        {
            transport.Write("x"u8);
        }

        transport.Write([]);
        Assert.Empty(warnings);
        transport.WriteLines("x"u8.ToArray());
        transport.Write("x"u8);
        Assert.Equal(2, warnings.Count);
        Assert.Equal(LoopWarningKind.LostWrites, warnings[0].Kind);
        Assert.Same(transport, warnings[0].Source);
        Assert.StartsWith("5 writes to the transport", warnings[0].Message);
        Assert.Equal(0, transport.WriteBufferSize);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.True((await peer.Input.ReadAsync()).Buffer.IsEmpty);
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_exception")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_writing_err")]
    public void A_write_that_fails_is_the_loss_and_throws_nothing() => NetTest.Run(async test =>
    {
        var warnings = new List<LoopWarning>();
        test.Loop.WarningHandler = (_, warning) => warnings.Add(warning);
        var protocol = new TraceProtocol { OnMade = transport => transport.PauseReading() };
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        peer.Abort();
        await NetTest.Polls(2);
        Assert.Equal(["made"], protocol.Trace);
        transport.Write("x"u8);
        Assert.True(transport.IsClosing);
        Assert.False(protocol.IsLost);
        await NetTest.Iterate(1);
        Assert.Equal(["made", "lost: IOException"], protocol.Trace);
        for (var i = 0; i < 4; i++)
        {
            transport.Write("x"u8);
        }

        Assert.Empty(warnings);
        transport.Write("x"u8);
        Assert.Single(warnings);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_sendmsg_OSError")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_ready_exception")]
    public void A_queue_that_cannot_be_sent_is_the_loss() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol { OnMade = transport => transport.PauseReading() };
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        ProtocolTest.Fill(transport);
        peer.Abort();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.IsType<SocketException>(protocol.LostBy!.InnerException);
        Assert.Equal(0, transport.WriteBufferSize);
    });

    [Fact]
    public void An_echo_allocates_nothing() => NetTest.Run(async test =>
    {
        var (client, server) = await NetTest.ConnectSockets();
        var echo = new EchoProtocol();
        await new Connection(server).AttachAsync(echo);
        var request = new byte[1000];
        var answer = new byte[1000];
        var before = 0L;
        for (var i = 0; i < 1200; i++)
        {
            if (i == 200)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            await client.SendAllAsync(request);
            for (var count = 0; count < answer.Length;)
            {
                count += await client.ReceiveAsync(answer.AsMemory(count));
            }
        }

        Assert.Equal(0, (GC.GetAllocatedBytesForCurrentThread() - before) / 1000);
        client.Dispose();
        await NetTest.Until(() => echo.IsLost);
    });

    private static async Coroutine Received(Connection peer, string text)
    {
        var read = await peer.Input.ReadAtLeastAsync(text.Length);
        Assert.Equal(text, Encoding.ASCII.GetString(read.Buffer.ToArray()));
        peer.Input.AdvanceTo(read.Buffer.End);
    }

    private static async Coroutine End(IStreamTransport transport, TraceProtocol protocol, IDisposable peer)
    {
        transport.Close();
        peer.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
    }

    private sealed class EchoProtocol : Protocol
    {
        private IStreamTransport? _transport;

        public bool IsLost { get; private set; }

        public override void ConnectionMade(IStreamTransport transport) => _transport = transport;

        public override void DataReceived(ReadOnlySpan<byte> data) => _transport!.Write(data);

        public override void ConnectionLost(Exception? exception) => IsLost = true;
    }
}
