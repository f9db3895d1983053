using System.Net.Sockets;
using Baton.Drivers;
using Baton.Tests.Net.Protocols;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's tests of transports and protocols pin down and our tests of them do not.</summary>
public class TransportConformanceTests
{
    [Fact]
    [CPython("test_protocols.ProtocolsAbsTests.test_base_protocol")]
    [CPython("test_protocols.ProtocolsAbsTests.test_protocol")]
    [CPython("test_protocols.ProtocolsAbsTests.test_datagram_protocol")]
    public void What_a_protocol_does_not_override_does_nothing()
    {
        var stream = new PlainProtocol();
        stream.ConnectionMade(null!);
        stream.DataReceived("x"u8);
        Assert.False(stream.EofReceived());
        stream.PauseWriting();
        stream.ResumeWriting();
        stream.ConnectionLost(null);

        var datagrams = new PlainDatagramProtocol();
        datagrams.ConnectionMade(null!);
        datagrams.DatagramReceived("x"u8, null);
        datagrams.ErrorReceived(new SocketException());
        datagrams.PauseWriting();
        datagrams.ResumeWriting();
        datagrams.ConnectionLost(null);
    }

    [Fact]
    [CPython("test_protocols.ProtocolsAbsTests.test_buffered_protocol", Improvement = "A protocol has to say where its buffers are, or does not compile.")]
    public void What_a_buffered_protocol_does_not_override_does_nothing()
    {
        var protocol = new PlainBufferedProtocol();
        protocol.ConnectionMade(null!);
        Assert.False(protocol.EofReceived());
        protocol.PauseWriting();
        protocol.ResumeWriting();
        protocol.ConnectionLost(null);
        Assert.True(typeof(BufferedProtocol).GetMethod(nameof(BufferedProtocol.GetBuffer))!.IsAbstract);
        Assert.True(typeof(BufferedProtocol).GetMethod(nameof(BufferedProtocol.BufferUpdated))!.IsAbstract);
    }

    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_make_socket_transport")]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_close")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_close")]
    public void A_closed_loop_has_closed_its_transports_and_they_can_still_be_asked_what_they_are() => LoopTest.OnThread(() =>
    {
        var calls = new ScriptedCalls();
        var driver = TestDriver.Create(calls);
        var loop = new EventLoop(new EventLoopOptions { Driver = driver });
        IStreamTransport? transport = null;
        loop.RunUntilComplete(Make());
        Assert.IsAssignableFrom<IReadTransport>(transport);
        Assert.IsAssignableFrom<IWriteTransport>(transport);
        Assert.False(loop.IsClosed);
        loop.Dispose();
        loop.Dispose();
        Assert.True(loop.IsClosed);
        Assert.Equal(0, driver.OpenSocketCount);
        Assert.Equal(0, calls.OpenDescriptors);
        Assert.StartsWith("transport ", transport!.ToString());

        async Coroutine Make()
        {
            var (client, server) = await NetTest.Connect();
            transport = await server.AttachAsync(new PlainProtocol());
            _ = client;
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready_tryagain")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready_tryagain_interrupted")]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_read_ready_err")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready_tryagain")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready_tryagain_interrupted")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready_err")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading_aborted")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading_aborted_is_fatal")]
    [CPython("test_proactor_events.ProactorSocketTransportTests.test_loop_reading_exception")]
    public void A_receive_that_has_to_be_tried_again_is_nothing_wrong_and_one_that_fails_is_the_loss(bool isBuffered) =>
        NetTest.RunOnEpoll(async test =>
        {
            var trace = new TraceProtocol();
            var (transport, peer) = await ProtocolTest.Connect(isBuffered ? new Buffering(trace) : trace);
            var descriptor = (int)transport.Handle;
            var errors = new Queue<int>([-Errno.EINTR, -Errno.EAGAIN]);
            test.Calls.OnReceive = (socket, _) => socket == descriptor && errors.TryDequeue(out var error) ? error : null;
            await peer.WriteAsync("a"u8.ToArray());
            await NetTest.Until(() => errors.Count == 0);
            await NetTest.Polls(2);
            Assert.False(transport.IsClosing);
            await peer.WriteAsync("b"u8.ToArray());
            await NetTest.Until(() => trace.Received.Count == 2);

            errors.Enqueue(-Errno.ENOBUFS);
            await peer.WriteAsync("c"u8.ToArray());
            await ProtocolTest.WaitUntilLost(trace);
            Assert.Equal(SocketError.NoBufferSpaceAvailable, Assert.IsType<SocketException>(trace.LostBy!.InnerException).SocketErrorCode);
            Assert.Empty(test.TakeReports());
            peer.Abort();
        });

    [Fact]
    [CPython("test_selector_events.BaseSelectorEventLoopTests.test_accept_connection_multiple")]
    public void Many_connections_that_wait_are_accepted_together_and_others_have_a_turn_in_between() => NetTest.Run(async test =>
    {
        const int Count = 300;
        await using var server = await Server.StartAsync("127.0.0.1", 0, NetTest.Echo, new ServerOptions { Backlog = Count });
        var clients = new List<Socket>();
        for (var i = 0; i < Count; i++)
        {
            // Blocking, so that nobody accepts meanwhile.
            var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
            client.Connect(server.EndPoints[0]);
            clients.Add(client);
        }

        Assert.Equal(0, server.AcceptedCount);
        var most = 0L;
        while (server.AcceptedCount < Count)
        {
            var before = server.AcceptedCount;
            await NetTest.Iterate(1);
            most = Math.Max(most, server.AcceptedCount - before);
        }

        Assert.InRange(most, 2, Count - 1);
        clients.ForEach(client => client.Dispose());
        await NetTest.Until(() => server.ConnectionCount == 0);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_writelines_pauses_protocol")]
    public void Several_pieces_that_are_too_much_pause_the_protocol() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        ProtocolTest.Fill(transport);
        transport.WriteLines(new byte[60_000], new byte[60_000]);
        Assert.Equal(["made", "pause"], protocol.Trace);
        transport.Abort();
        peer.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportTests.test_write_buffer_after_close")]
    public void What_a_protocol_writes_when_it_is_resumed_by_a_close_is_sent_too() => NetTest.Run(async () =>
    {
        var protocol = new TraceProtocol();
        var (transport, peer) = await ProtocolTest.ConnectToSlowPeer(protocol);
        protocol.OnResume = () =>
        {
            protocol.OnResume = null;
            transport.Write("more"u8);
        };
        var filled = ProtocolTest.Fill(transport);
        transport.Write(new byte[70_000]);
        transport.Close();
        Assert.Equal(["made", "pause"], protocol.Trace);
        var bytes = await NetTest.ReceiveAll(peer, filled + 70_004);
        Assert.Equal("more"u8.ToArray(), bytes[^4..]);
        Assert.Equal(0, await peer.ReceiveAsync(new byte[1]));
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "pause", "resume", "lost"], protocol.Trace);
        peer.Dispose();
    });

    private sealed class PlainProtocol : Protocol;

    private sealed class PlainDatagramProtocol : DatagramProtocol;

    private sealed class PlainBufferedProtocol : BufferedProtocol
    {
        public override Memory<byte> GetBuffer(int sizeHint) => default;

        public override void BufferUpdated(int count)
        {
        }
    }

    /// <summary>Passes what comes through buffers on to another protocol.</summary>
    private sealed class Buffering(TraceProtocol inner) : BufferedProtocol
    {
        private readonly byte[] _buffer = new byte[100];

        public override void ConnectionMade(IStreamTransport transport) => inner.ConnectionMade(transport);

        public override Memory<byte> GetBuffer(int sizeHint) => _buffer;

        public override void BufferUpdated(int count) => inner.DataReceived(_buffer.AsSpan(0, count));

        public override bool EofReceived() => inner.EofReceived();

        public override void ConnectionLost(Exception? exception) => inner.ConnectionLost(exception);
    }
}
