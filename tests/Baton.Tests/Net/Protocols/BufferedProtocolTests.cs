using System.Text;
using Baton.Tests.Conformance;

namespace Baton.Tests.Net.Protocols;

/// <summary>A protocol with buffers of its own is asked for them, and told what was put there.</summary>
public class BufferedProtocolTests
{
    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_ctor")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready_eof")]
    public void Bytes_go_into_the_buffers_of_the_protocol() => NetTest.Run(async () =>
    {
        var protocol = new TraceBufferedProtocol(new byte[100]);
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await peer.WriteAsync("abc"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Length == 3);
        await peer.CloseAsync();
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(["made", "get 3", "updated 3", "eof", "lost"], protocol.Trace);
        Assert.Equal("abc", protocol.Received.ToString());
        Assert.True(transport.IsClosing);
    });

    [Fact]
    public void A_small_buffer_is_filled_again_and_again() => NetTest.Run(async () =>
    {
        var protocol = new TraceBufferedProtocol(new byte[2]);
        var (_, peer) = await ProtocolTest.Connect(protocol);
        await peer.WriteAsync("abcde"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Length == 5);
        await peer.CloseAsync();
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(["made", "get 5", "updated 2", "get 3", "updated 2", "get 1", "updated 1", "eof", "lost"], protocol.Trace);
        Assert.Equal("abcde", protocol.Received.ToString());
    });

    [Fact]
    public void Paused_between_two_buffers_the_rest_waits() => NetTest.Run(async () =>
    {
        var protocol = new TraceBufferedProtocol(new byte[2]);
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        protocol.OnUpdated = transport.PauseReading;
        await peer.WriteAsync("abcd"u8.ToArray());
        await NetTest.Until(() => protocol.Received.Length > 0);
        await NetTest.Polls(2);
        Assert.Equal("ab", protocol.Received.ToString());
        transport.ResumeReading();
        await NetTest.Until(() => protocol.Received.Length == 4);
        Assert.Equal("abcd", protocol.Received.ToString());
        transport.Close();
        await peer.CloseAsync();
        await NetTest.Until(() => protocol.IsLost);
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready_eof_keep_open")]
    public void An_end_can_be_kept_open() => NetTest.Run(async () =>
    {
        var protocol = new TraceBufferedProtocol(new byte[2]) { KeepsOpen = true };
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await peer.CompleteOutputAsync();
        await NetTest.Until(() => protocol.Trace.Count == 2);
        await NetTest.Polls(2);
        Assert.False(transport.IsClosing);
        transport.Close();
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(["made", "eof", "lost"], protocol.Trace);
        await peer.CloseAsync();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_ready_conn_reset")]
    public void A_reset_is_the_loss() => NetTest.Run(async () =>
    {
        var protocol = new TraceBufferedProtocol(new byte[2]);
        var (_, peer) = await ProtocolTest.Connect(protocol);
        peer.Abort();
        await NetTest.Until(() => protocol.IsLost);
        Assert.IsType<IOException>(protocol.LostBy);
    });

    [Theory]
    [InlineData("GetBuffer")]
    [InlineData("BufferUpdated")]
    [InlineData("EofReceived")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_get_buffer_error")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_buffer_updated_error")]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_read_eof_received_error")]
    public void A_call_that_throws_is_reported_and_its_exception_is_the_loss(string call) => NetTest.Run(async test =>
    {
        var protocol = new TraceBufferedProtocol(new byte[10]) { Fails = call };
        var (transport, peer) = await ProtocolTest.Connect(protocol);
        await peer.WriteAsync("abc"u8.ToArray());
        await peer.CompleteOutputAsync();
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(call, Assert.IsType<ArithmeticException>(protocol.LostBy).Message);
        Assert.StartsWith($"{call} of TraceBufferedProtocol failed", Assert.Single(test.TakeReports()).Message);
        Assert.Equal(call != "GetBuffer", protocol.Trace.Contains("updated 3"));
        Assert.True(transport.IsClosing);
        peer.Abort();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_get_buffer_zerosized")]
    public void An_empty_buffer_is_a_failure() => NetTest.Run(async test =>
    {
        var protocol = new TraceBufferedProtocol([]);
        var (_, peer) = await ProtocolTest.Connect(protocol);
        await peer.WriteAsync("abc"u8.ToArray());
        await NetTest.Until(() => protocol.IsLost);
        Assert.Equal(["made", "get 3", "lost"], protocol.Trace);
        Assert.Contains("returned an empty buffer", Assert.Single(test.TakeReports()).Exception!.Message);
        Assert.IsType<InvalidOperationException>(protocol.LostBy);
        peer.Abort();
    });

    [Fact]
    [CPython("test_selector_events.SelectorSocketTransportBufferedProtocolTests.test_proto_type_switch")]
    public void A_protocol_can_be_changed_for_one_with_buffers_and_back() => NetTest.Run(async () =>
    {
        var plain = new TraceProtocol();
        var buffered = new TraceBufferedProtocol(new byte[10]);
        var (transport, peer) = await ProtocolTest.Connect(plain);
        await peer.WriteAsync("ab"u8.ToArray());
        await NetTest.Until(() => plain.Received.Count == 2);
        transport.Protocol = buffered;
        await peer.WriteAsync("cd"u8.ToArray());
        await NetTest.Until(() => buffered.Received.Length == 2);
        transport.Protocol = plain;
        await peer.WriteAsync("ef"u8.ToArray());
        await peer.CloseAsync();
        await ProtocolTest.WaitUntilLost(plain);
        Assert.Equal(["made", "data ab", "data ef", "eof", "lost"], plain.Trace);
        Assert.Equal(["get 2", "updated 2"], buffered.Trace);
    });

    [Fact]
    public void Anybody_can_feed_a_buffered_protocol_with_bytes()
    {
        var protocol = new TraceBufferedProtocol(new byte[2]);
        ((IStreamProtocol)protocol).DataReceived("abc"u8);
        Assert.Equal(["get 3", "updated 2", "get 1", "updated 1"], protocol.Trace);
        Assert.Equal("abc", protocol.Received.ToString());
    }

    [Fact]
    [CPython("test_buffered_proto.BaseTestBufferedProtocol.test_buffered_proto_create_connection")]
    public void A_client_and_a_server_with_buffers_exchange_what_is_larger_than_them() => NetTest.Run(async test =>
    {
        const int Size = 100_000;
        var client = new TraceBufferedProtocol(new byte[1000]);
        var server = await test.Loop.CreateServerAsync(() => new SendingProtocol(Size), ProtocolTest.Loopback);
        var (transport, _) = await test.Loop.CreateConnectionAsync(() => client, server.EndPoints[0]);
        transport.Write("go"u8);
        await NetTest.Until(() => client.IsLost);
        Assert.Equal(new string('x', Size), client.Received.ToString());
        Assert.Null(client.LostBy);
        await server.DisposeAsync();
    });

    private sealed class SendingProtocol(int size) : BufferedProtocol
    {
        private readonly byte[] _buffer = new byte[100];
        private IStreamTransport? _transport;

        public override void ConnectionMade(IStreamTransport transport) => _transport = transport;

        public override Memory<byte> GetBuffer(int sizeHint) => _buffer;

        public override void BufferUpdated(int count)
        {
            _transport!.Write(Encoding.ASCII.GetBytes(new string('x', size)));
            _transport.Close();
        }
    }

    private sealed class TraceBufferedProtocol(byte[] buffer) : BufferedProtocol
    {
        public List<string> Trace { get; } = [];

        public StringBuilder Received { get; } = new();

        public Exception? LostBy { get; private set; }

        public bool IsLost { get; private set; }

        public bool KeepsOpen { get; set; }

        public string? Fails { get; set; }

        public Action? OnUpdated { get; set; }

        public override void ConnectionMade(IStreamTransport transport) => Trace.Add("made");

        public override Memory<byte> GetBuffer(int sizeHint)
        {
            Trace.Add($"get {sizeHint}");
            Fail(nameof(GetBuffer));
            return buffer;
        }

        public override void BufferUpdated(int count)
        {
            Trace.Add($"updated {count}");
            Received.Append(Encoding.ASCII.GetString(buffer, 0, count));
            Fail(nameof(BufferUpdated));
            OnUpdated?.Invoke();
        }

        public override bool EofReceived()
        {
            Trace.Add("eof");
            Fail(nameof(EofReceived));
            return KeepsOpen;
        }

        public override void ConnectionLost(Exception? exception)
        {
            Trace.Add("lost");
            LostBy = exception;
            IsLost = true;
        }

        private void Fail(string call)
        {
            if (Fails == call)
            {
                throw new ArithmeticException(call);
            }
        }
    }
}
