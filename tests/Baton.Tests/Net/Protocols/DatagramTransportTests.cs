using System.Net.Sockets;
using System.Net;
using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Protocols;

/// <summary>A transport of datagrams calls its protocol for each, and for what goes wrong, and sends at once or in order.</summary>
public class DatagramTransportTests
{
    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_read_ready")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_transport_inheritance")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_read_ready_tryagain")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_bytearray")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_memoryview")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_no_data")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_connected_addr")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_bytearray")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_memoryview")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_no_data")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_connected_addr")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_make_datagram_transport")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_datagram_loop_reading")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_datagram_loop_reading_data")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_datagram_loop_reading_no_data")]
    public void A_client_and_a_server_talk() => NetTest.Run(async test =>
    {
        var server = new TraceDatagramProtocol();
        server.OnData = (data, sender) => server.Transport.SendTo(data, sender);
        var (serving, _) = await test.Loop.CreateDatagramEndpointAsync(() => server, ProtocolTest.Loopback);
        Assert.Equal(["made"], server.Trace);
        var (transport, client) = await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), null, serving.LocalEndPoint);
        Assert.Equal(serving.LocalEndPoint, transport.RemoteEndPoint);
        Assert.Null(serving.RemoteEndPoint);
        transport.SendTo("one"u8);
        transport.SendTo([], serving.LocalEndPoint);
        transport.SendTo("two"u8);
        await NetTest.Until(() => client.Trace.Count == 4);
        Assert.Equal(["made", "one", "", "two"], client.Trace);
        Assert.Equal(["made", "one", "", "two"], server.Trace);
        Assert.Equal(transport.LocalEndPoint, server.LastSender);
        Assert.Throws<ArgumentException>(() => transport.SendTo("x"u8, new IPEndPoint(IPAddress.Loopback, 1)));
        Assert.Throws<ArgumentException>(() => serving.SendTo("x"u8));
        Assert.Equal(
            $"transport of datagrams {transport.LocalEndPoint} -> {serving.LocalEndPoint} (reading, 0 bytes to send)",
            transport.ToString());
        await Close(transport, client);
        await Close(serving, server);
        Assert.StartsWith("transport of datagrams ", serving.ToString());
        Assert.EndsWith("(closed, 0 bytes to send)", serving.ToString());
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_read_ready_oserr")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_datagram_loop_reading_aborted")]
    public void Nobody_there_is_reported_and_the_transport_goes_on() => NetTest.Run(async test =>
    {
        var closed = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        closed.Bind(ProtocolTest.Loopback);
        var nobody = closed.LocalEndPoint!;
        closed.Dispose();
        var (transport, protocol) = await test.Loop.CreateDatagramEndpointAsync(() => new TraceDatagramProtocol(), null, nobody);
        transport.SendTo("x"u8);
        await NetTest.Until(() => protocol.Trace.Count == 2);
        Assert.Equal(["made", "error: ConnectionRefused"], protocol.Trace);
        Assert.False(transport.IsClosing);
        await Close(transport, protocol);
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_error_received")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_error_received")]
    public void A_datagram_that_is_too_long_is_reported_and_throws_nothing() => NetTest.Run(async test =>
    {
        var (transport, protocol) = await test.Loop.CreateDatagramEndpointAsync(() => new TraceDatagramProtocol(), ProtocolTest.Loopback);
        transport.SendTo(new byte[70_000], transport.LocalEndPoint);
        Assert.Equal(["made", "error: MessageSize"], protocol.Trace);
        transport.SendTo("x"u8, transport.LocalEndPoint);
        await NetTest.Until(() => protocol.Trace.Count == 3);
        await Close(transport, protocol);
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_buffer")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_buffer_bytearray")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_buffer_memoryview")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_buffer_nodata")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_tryagain")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_sendto_ready")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_sendto_ready_blocked")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_ready")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_ready_tryagain")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_buffer")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_buffer_bytearray")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_buffer_memoryview")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_buffer_nodata")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_datagram_loop_writing")]
    public void What_finds_no_room_is_copied_counted_with_its_header_and_sent_in_order() => NetTest.Run(async () =>
    {
        var (transport, protocol, peer) = await ConnectPair();
        transport.SetWriteBufferLimits(high: 10_000, low: 3000);
        var datagram = new byte[1000];
        var sent = Fill(transport, datagram);
        Assert.Equal(1008, transport.WriteBufferSize);
        var queued = 1;
        while (protocol.Trace.Count == 1)
        {
            datagram[0] = (byte)sent;
            transport.SendTo(datagram);
            sent++;
            queued++;
        }

        Assert.Equal(["made", "pause"], protocol.Trace);
        Assert.Equal(10, queued);
        Assert.Equal(10 * 1008, transport.WriteBufferSize);
        transport.SendTo([]);
        Assert.Equal((10 * 1008) + 8, transport.WriteBufferSize);
        datagram.AsSpan().Clear();
        var sizeAtResume = -1L;
        protocol.OnResume = () => sizeAtResume = transport.WriteBufferSize;
        var buffer = new byte[2000];
        for (var i = 0; i < sent; i++)
        {
            Assert.Equal(1000, await peer.ReceiveAsync(buffer));
            Assert.Equal((byte)i, buffer[0]);
        }

        Assert.Equal(0, await peer.ReceiveAsync(buffer));
        await NetTest.Until(() => protocol.Trace.Count == 3);
        Assert.Equal(["made", "pause", "resume"], protocol.Trace);
        Assert.InRange(sizeAtResume, 0, 3000);
        Assert.Equal(0, transport.WriteBufferSize);
        await Close(transport, protocol);
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_ready_closing")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test__loop_writing_closing")]
    public void Close_sends_what_is_queued_first() => NetTest.Run(async () =>
    {
        var (transport, protocol, peer) = await ConnectPair();
        var sent = Fill(transport, new byte[1000]);
        transport.Close();
        transport.SendTo("more"u8);
        await NetTest.Polls(2);
        Assert.Equal(["made"], protocol.Trace);
        var buffer = new byte[2000];
        for (var i = 0; i < sent; i++)
        {
            Assert.Equal(1000, await peer.ReceiveAsync(buffer));
        }

        Assert.Equal(4, await peer.ReceiveAsync(buffer));
        await NetTest.Until(() => protocol.IsLost);
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_ready_error_received")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_ready_error_received_connection")]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_error_received_connected")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_error_received_connected")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test__loop_writing_error_received")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test__loop_writing_error_received_connection")]
    [CPython("test_proactor_events.BaseProactorEventLoopTests.test_datagram_loop_writing_aborted")]
    public void What_is_queued_for_a_peer_that_goes_is_reported_and_the_transport_goes_on() => NetTest.Run(async test =>
    {
        var (transport, protocol, peer) = await ConnectPair();
        Fill(transport, new byte[1000]);
        transport.SendTo(new byte[1000]);
        await NetTest.Polls(2);
        Assert.Equal(["made"], protocol.Trace);
        peer.Dispose();
        await NetTest.Until(() => protocol.Trace.Count == 3);
        transport.SendTo("x"u8);
        Assert.Equal(4, protocol.Trace.Count);
        Assert.All(protocol.Trace.Skip(1), entry => Assert.StartsWith("error: ", entry));
        Assert.Equal(0, transport.WriteBufferSize);
        Assert.False(transport.IsClosing);
        await Close(transport, protocol);
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_fatal_error_connected_custom_error")]
    public void A_ConnectionMade_that_throws_is_reported_once_and_is_the_loss() => NetTest.Run(async test =>
    {
        var failure = new ArithmeticException("no");
        var (transport, protocol) = await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol { OnMade = () => throw failure }, ProtocolTest.Loopback);
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(["made", "lost"], protocol.Trace);
        Assert.Same(failure, protocol.LostBy);
        Assert.Same(failure, Assert.Single(test.TakeReports()).Exception);
        Assert.True(transport.IsClosing);
    });

    [Fact]
    public void Abort_drops_what_is_queued() => NetTest.Run(async () =>
    {
        var (transport, protocol, peer) = await ConnectPair();
        Fill(transport, new byte[1000]);
        await NetTest.Iterate();
        transport.Abort();
        Assert.Equal(0, transport.WriteBufferSize);
        Assert.Equal(["made"], protocol.Trace);
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(["made", "lost"], protocol.Trace);
        peer.Dispose();
    });

    [Fact]
    [CPython("test_selector_events.SelectorDatagramTransportTests.test_sendto_closing")]
    [CPython("test_proactor_events.ProactorDatagramTransportTests.test_sendto_closing")]
    public void Datagrams_after_the_loss_are_dropped_and_warned_of_from_the_fifth_on() => NetTest.Run(async test =>
    {
        var warnings = new List<LoopWarning>();
        test.Loop.WarningHandler = (_, warning) => warnings.Add(warning);
        var (transport, protocol, peer) = await ConnectPair();
        transport.Close();
        for (var i = 0; i < 5; i++)
        {
            transport.SendTo("x"u8);
        }

        Assert.Equal(LoopWarningKind.LostWrites, Assert.Single(warnings).Kind);
        await NetTest.Until(() => protocol.IsLost);
        peer.Dispose();
    });

    [Fact]
    public void What_the_protocol_throws_is_reported_and_the_transport_goes_on() => NetTest.Run(async test =>
    {
        var (transport, protocol, peer) = await ConnectPair();
        protocol.OnData = (_, _) => throw new ArithmeticException("no");
        await peer.SendAsync("a"u8.ToArray());
        await peer.SendAsync("b"u8.ToArray());
        await NetTest.Until(() => protocol.Trace.Count == 3);
        Assert.Equal(["made", "a", "b"], protocol.Trace);
        Assert.All(test.TakeReports(), report => Assert.StartsWith("DatagramReceived of TraceDatagramProtocol failed", report.Message));
        Assert.False(transport.IsClosing);
        Assert.Throws<ArgumentException>(() => transport.Protocol = new TraceProtocol());
        var second = new TraceDatagramProtocol();
        transport.Protocol = second;
        Assert.Same(second, transport.Protocol);
        await peer.SendAsync("c"u8.ToArray());
        await NetTest.Until(() => second.Trace.Count == 1);
        transport.Close();
        await NetTest.Until(() => second.IsLost);
        peer.Dispose();
    });

    [Fact]
    public void No_more_than_64_datagrams_are_given_to_a_protocol_in_one_iteration() => NetTest.Run(async test =>
    {
        var (transport, protocol, peer) = await ConnectPair();
        var inOne = 0;
        var most = 0;
        protocol.OnData = (_, _) =>
        {
            if (inOne++ == 0)
            {
                test.Loop.CallSoon(() => inOne = 0);
            }

            most = Math.Max(most, inOne);
        };
        for (var i = 0; i < 150; i++)
        {
            await peer.SendAsync("x"u8.ToArray());
        }

        await NetTest.Until(() => protocol.Trace.Count == 151);
        Assert.InRange(most, 2, 64);
        await Close(transport, protocol);
        peer.Dispose();
    });

    [Fact]
    public void Without_a_way_to_choose_a_family_there_is_no_socket() => NetTest.Run(async test =>
    {
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await test.Loop.CreateDatagramEndpointAsync(() => new TraceDatagramProtocol()));
        await Assert.ThrowsAsync<ArgumentException>(async () => await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), new IPEndPoint(IPAddress.Loopback, 0), new IPEndPoint(IPAddress.IPv6Loopback, 1)));
        using var stream = LoopSocket.Create(AddressFamily.InterNetwork);
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await test.Loop.CreateDatagramEndpointAsync(() => new TraceDatagramProtocol(), stream));
        await Assert.ThrowsAsync<SocketException>(async () => await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0)));
        await Assert.ThrowsAsync<ArithmeticException>(async () => await test.Loop.CreateDatagramEndpointAsync<TraceDatagramProtocol>(
            () => throw new ArithmeticException(), ProtocolTest.Loopback));
        var (transport, protocol) = await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), options: new DatagramEndpointOptions { AddressFamily = AddressFamily.InterNetwork });
        await Close(transport, protocol);
    });

    [Fact]
    public void Options_of_the_socket_are_set_before_it_is_bound() => NetTest.Run(async test =>
    {
        var options = new DatagramEndpointOptions { ReusePort = true, AllowBroadcast = true };
        var (one, first) = await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), ProtocolTest.Loopback, options: options);
        var (two, second) = await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), one.LocalEndPoint, one.LocalEndPoint, options);

        // With broadcast the remote end point says where to, and the socket is not connected.
        Assert.Null(two.RemoteEndPoint);
        two.SendTo("x"u8);
        await NetTest.Until(() => first.Trace.Count + second.Trace.Count == 3);
        Assert.Throws<ArgumentException>(() => two.SendTo("x"u8, new IPEndPoint(IPAddress.Loopback, 1)));
        await Close(one, first);
        await Close(two, second);
    });

    [Fact]
    public void A_name_is_resolved() => NetTest.Run(async test =>
    {
        var (serving, server) = await test.Loop.CreateDatagramEndpointAsync(
            () => new TraceDatagramProtocol(), new DnsEndPoint("localhost", 0, AddressFamily.InterNetwork));
        Assert.Equal(IPAddress.Loopback, Assert.IsType<IPEndPoint>(serving.LocalEndPoint).Address);
        await Close(serving, server);
    });

    [Fact]
    public void An_exchange_allocates_nothing_for_the_same_peer() => NetTest.Run(async test =>
    {
        var server = new EchoDatagramProtocol();
        var (serving, _) = await test.Loop.CreateDatagramEndpointAsync(() => server, ProtocolTest.Loopback);
        using var client = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        await client.ConnectAsync(serving.LocalEndPoint!);
        var request = new byte[500];
        var answer = new byte[1000];
        var received = 0;
        var before = 0L;
        for (var i = 0; i < 1200; i++)
        {
            if (i == 200)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            await client.SendAsync(request);
            received += await client.ReceiveAsync(answer);
        }

        Assert.Equal(0, (GC.GetAllocatedBytesForCurrentThread() - before) / 1000);
        Assert.Equal(1200 * 500, received);
        serving.Close();
        await NetTest.Until(() => server.IsLost);
    });

    private static async Coroutine<(IDatagramTransport Transport, TraceDatagramProtocol Protocol, LoopSocket Peer)> ConnectPair()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux has pairs of local sockets for datagrams.");
        var (one, two) = LoopSocket.CreatePair(SocketType.Dgram);
        var (transport, protocol) = await EventLoop.Current.CreateDatagramEndpointAsync(() => new TraceDatagramProtocol(), one);
        return (transport, protocol, two);
    }

    /// <summary>Sends numbered datagrams until one is queued. Returns how many, that one included.</summary>
    private static int Fill(IDatagramTransport transport, byte[] datagram)
    {
        var sent = 0;
        while (transport.WriteBufferSize == 0)
        {
            datagram[0] = (byte)sent;
            transport.SendTo(datagram);
            sent++;
        }

        return sent;
    }

    private static async Coroutine Close(IDatagramTransport transport, TraceDatagramProtocol protocol)
    {
        transport.Close();
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(-1, transport.Handle);
    }

    private sealed class EchoDatagramProtocol : DatagramProtocol
    {
        private IDatagramTransport? _transport;

        public bool IsLost { get; private set; }

        public override void ConnectionMade(IDatagramTransport transport) => _transport = transport;

        public override void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender) => _transport!.SendTo(data, sender);

        public override void ConnectionLost(Exception? exception) => IsLost = true;
    }

    private sealed class TraceDatagramProtocol : DatagramProtocol
    {
        public List<string> Trace { get; } = [];

        public IDatagramTransport Transport { get; private set; } = null!;

        public EndPoint? LastSender { get; private set; }

        public bool IsLost { get; private set; }

        public Action<byte[], EndPoint?>? OnData { get; set; }

        public Action? OnResume { get; set; }

        public Action? OnMade { get; set; }

        public Exception? LostBy { get; private set; }

        public override void ConnectionMade(IDatagramTransport transport)
        {
            Trace.Add("made");
            Transport = transport;
            OnMade?.Invoke();
        }

        public override void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender)
        {
            Assert.Null(LoopTask.Current);
            Trace.Add(Encoding.ASCII.GetString(data));
            LastSender = sender;
            OnData?.Invoke(data.ToArray(), sender);
        }

        public override void ErrorReceived(SocketException exception) => Trace.Add($"error: {exception.SocketErrorCode}");

        public override void PauseWriting() => Trace.Add("pause");

        public override void ResumeWriting()
        {
            Trace.Add("resume");
            OnResume?.Invoke();
        }

        public override void ConnectionLost(Exception? exception)
        {
            Trace.Add("lost");
            LostBy = exception;
            IsLost = true;
        }
    }
}
