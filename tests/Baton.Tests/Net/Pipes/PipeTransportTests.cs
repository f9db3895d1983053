using Baton.Drivers;
using Baton.Tests.Conformance;
using Baton.Tests.Net.Protocols;

namespace Baton.Tests.Net.Pipes;

/// <summary>Transports over pipes and terminals.</summary>
public class PipeTransportTests
{
    private const string Read = "test_unix_events.UnixReadPipeTransportTests.";
    private const string Write = "test_unix_events.UnixWritePipeTransportTests.";
    private const string Events = "test_events.EventLoopTestsMixin.";

    [Fact]
    [CPython(Events + "test_read_pipe")]
    [CPython(Read + "test_ctor")]
    [CPython(Read + "test__read_ready")]
    [CPython(Read + "test__read_ready_eof")]
    [CPython(Read + "test__call_connection_lost")]
    public void A_protocol_gets_what_comes_out_of_a_pipe_and_then_the_end() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), pipe.Reader);
        Assert.Equal(["made"], protocol.Trace);
        Assert.Same(transport, protocol.Transport);
        Assert.Contains($"transport pipe {transport.Handle} (reading", transport.ToString(), StringComparison.Ordinal);
        pipe.Write("1"u8);
        await NetTest.Until(() => protocol.Received.Count == 1);
        pipe.Write("2345"u8);
        await NetTest.Until(() => protocol.Received.Count == 5);

        // Whether it wants to or not: nothing can be written to it.
        protocol.OnEof = () => true;
        pipe.Writer.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "data 1", "data 2345", "eof", "lost"], protocol.Trace);
        Assert.True(transport.IsClosing);
        await NetTest.Iterate();
        Assert.Equal(-1, transport.Handle);
    });

    [Fact]
    [CPython(Read + "test__read_ready_blocked")]
    [CPython(Read + "test__read_ready_error")]
    [CPython(Read + "test__close")]
    [CPython(Read + "test__call_connection_lost_with_err")]
    public void A_read_that_would_block_is_none_and_one_that_fails_ends_the_transport() => NetTest.RunOnEpoll(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), pipe.Reader);
        var failures = new Queue<int>([-Errno.EAGAIN, -Errno.EINTR]);
        test.Calls.OnRead = (_, _) => failures.TryDequeue(out var failure) ? failure : null;
        pipe.Write("x"u8);
        await NetTest.Until(() => failures.Count < 2);
        await NetTest.Polls(2);

        // What it was told of was not there, it believes: so it waits for more.
        pipe.Write("y"u8);
        await NetTest.Until(() => protocol.Received.Count == 2);
        Assert.Equal(["made", "data xy"], protocol.Trace);
        test.Calls.OnRead = (_, _) => -Errno.EIO;
        pipe.Write("z"u8);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "data xy", "lost: IOException"], protocol.Trace);
        await NetTest.Iterate();
        Assert.Equal(-1, transport.Handle);
    });

    [Fact]
    [CPython(Read + "test_pause_reading")]
    [CPython(Read + "test_resume_reading")]
    [CPython(Read + "test_pause_reading_on_paused_pipe")]
    [CPython(Read + "test_resume_reading_on_paused_pipe")]
    [CPython(Read + "test_pause_reading_on_closed_pipe")]
    [CPython(Read + "test_resume_reading_on_closed_pipe")]
    [CPython(Read + "test_close")]
    [CPython(Read + "test_close_already_closing")]
    public void Paused_it_reads_nothing_and_closed_it_is_over() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), pipe.Reader);
        transport.ResumeReading();
        transport.PauseReading();
        transport.PauseReading();
        Assert.False(transport.IsReading);
        pipe.Write("x"u8);
        await NetTest.Polls(3);
        Assert.Equal(["made"], protocol.Trace);
        transport.ResumeReading();
        await NetTest.Until(() => protocol.Received.Count == 1);
        transport.Close();
        transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
        transport.PauseReading();
        transport.ResumeReading();
        Assert.Equal(["made", "data x", "lost"], protocol.Trace);
        Assert.Throws<IOException>(() => pipe.Write("y"u8));
    });

    [Fact]
    public void The_transport_of_a_reading_end_cannot_write() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), pipe.Reader);
        Assert.Throws<InvalidOperationException>(() => protocol.Transport.Write("x"u8));
        transport.Abort();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "lost"], protocol.Trace);
        await Assert.ThrowsAsync<ArgumentException>(
            async () => await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), pipe.Writer));
        await Assert.ThrowsAsync<FormatException>(
            async () => await test.Loop.ConnectWritePipeAsync<TraceProtocol>(() => throw new FormatException(), pipe.Writer));
        Assert.True(pipe.Writer.IsClosed);
    });

    [Fact]
    [CPython(Events + "test_write_pipe")]
    [CPython(Write + "test_ctor")]
    [CPython(Write + "test_can_write_eof")]
    [CPython(Write + "test_write")]
    [CPython(Write + "test_write_no_data")]
    [CPython(Write + "test_close")]
    [CPython(Write + "test_close_closing")]
    [CPython(Write + "test__call_connection_lost")]
    public void What_a_protocol_writes_goes_into_a_pipe() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
        Assert.True(transport.CanWriteEof);
        transport.Write([]);
        transport.Write("1"u8);
        Assert.Equal(0, transport.WriteBufferSize);
        Assert.Equal(1, pipe.Read());
        transport.WriteLines("23"u8.ToArray(), "45"u8.ToArray());
        Assert.Equal(4, pipe.Read());
        transport.Close();
        transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "lost"], protocol.Trace);
        await NetTest.Iterate();
        Assert.Equal(-1, transport.Handle);
        Assert.Equal(0, pipe.Read());
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [CPython(Write + "test_write_eof")]
    [CPython(Write + "test_write_eof_pending")]
    [CPython(Write + "test__write_ready")]
    [CPython(Write + "test__write_ready_closing")]
    [CPython(Write + "test_write_buffer")]
    public void What_is_queued_is_sent_before_a_close_and_what_comes_later_is_dropped(bool isEof) => NetTest.Run(async test =>
    {
        var (input, handle) = LoopPipe.CreateReader();
        await using var closing = input;
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), handle);
        var written = 0;
        while (transport.WriteBufferSize == 0)
        {
            transport.Write(new byte[200_000]);
            written += 200_000;
        }

        transport.Write("queued"u8);
        written += 6;
        if (isEof)
        {
            transport.WriteEof();
        }
        else
        {
            transport.Close();
        }

        Assert.True(transport.IsClosing);
        transport.Write("too late"u8);
        await NetTest.Polls(2);
        Assert.DoesNotContain("lost", protocol.Trace);
        Assert.Equal(written, await ReadToEnd.Count(input));
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "pause", "resume", "lost"], protocol.Trace);
    });

    [Theory]
    [InlineData(2)]
    [InlineData(0)]
    [CPython(Write + "test_write_partial")]
    [CPython(Write + "test__write_ready_partial")]
    [CPython(Write + "test__write_ready_empty")]
    public void What_the_system_does_not_take_waits(int result) => NetTest.RunOnEpoll(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
        var left = 2;
        test.Calls.OnWrite = (_, _) => left-- > 0 ? result : null;
        transport.Write("data!"u8);
        await NetTest.Until(() => transport.WriteBufferSize == 0);
        Assert.True(left < 0);
        Assert.Equal(5, pipe.Read());
        Assert.Equal("data!"u8, pipe.LastRead);
        Assert.Equal("made", Assert.Single(protocol.Trace));
        transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    [CPython(Write + "test_write_again")]
    [CPython(Write + "test__write_ready_again")]
    public void What_finds_no_room_waits_for_it() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
        for (var i = 0; i < 16; i++)
        {
            transport.Write(new byte[4096]);
        }

        Assert.Equal(0, transport.WriteBufferSize);
        transport.Write("data!"u8);
        Assert.Equal(5, transport.WriteBufferSize);
        await NetTest.Polls(2);
        Assert.Equal(5, transport.WriteBufferSize);
        for (var i = 0; i < 16; i++)
        {
            Assert.Equal(4096, pipe.Read());
        }

        await NetTest.Until(() => transport.WriteBufferSize == 0);
        Assert.Equal(5, pipe.Read());
        Assert.Equal("made", Assert.Single(protocol.Trace));
        transport.Close();
        await ProtocolTest.WaitUntilLost(protocol);
    });

    [Fact]
    [CPython(Write + "test_write_err")]
    [CPython(Write + "test__write_ready_err")]
    [CPython(Write + "test__call_connection_lost_with_err")]
    public void A_write_that_fails_ends_the_transport_and_later_ones_are_warned_of()
    {
        var warnings = new List<LoopWarning>();
        NetTest.RunOnEpoll(Main, options => options.WarningHandler = (_, warning) => warnings.Add(warning));
        Assert.Single(warnings, warning => warning.Kind == LoopWarningKind.LostWrites);

        static async Coroutine Main(NetTest test)
        {
            using var pipe = new RawPipe();
            var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
            test.Calls.OnWrite = (_, _) => -Errno.EPIPE;
            transport.Write("data"u8);
            Assert.True(transport.IsClosing);
            Assert.Equal(0, transport.WriteBufferSize);
            for (var i = 0; i < 5; i++)
            {
                transport.Write("data"u8);
            }

            await ProtocolTest.WaitUntilLost(protocol);
            Assert.Equal(["made", "lost: IOException"], protocol.Trace);
        }
    }

    [Fact]
    [CPython(Write + "test__read_ready")]
    [CPython(Write + "test_write_close")]
    [CPython(Events + "test_write_pipe_disconnect_on_close")]
    public void It_is_told_that_the_reader_has_gone() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
        transport.Write("1"u8);
        Assert.Equal(1, pipe.Read());
        pipe.Reader.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "lost"], protocol.Trace);
        transport.Write("data"u8);
        transport.WriteEof();
    });

    [Fact]
    public void With_something_to_be_sent_that_is_a_failure() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
        transport.Write(new byte[1 << 20]);
        Assert.NotEqual(0, transport.WriteBufferSize);
        pipe.Reader.Dispose();
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal("lost: IOException", protocol.Trace[^1]);
    });

    [Fact]
    [CPython(Write + "test_abort")]
    public void Aborted_it_drops_what_is_queued() => NetTest.Run(async test =>
    {
        using var pipe = new RawPipe();
        var (transport, protocol) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer);
        transport.Write(new byte[1 << 20]);
        transport.Abort();
        Assert.True(transport.IsClosing);
        Assert.Equal(0, transport.WriteBufferSize);
        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal("lost", protocol.Trace[^1]);
        Assert.Null(protocol.LostBy);
    });

    [Fact]
    [CPython(Events + "test_unclosed_pipe_transport")]
    public void What_nobody_has_closed_can_be_described_after_the_loop() => LoopTest.OnThread(() =>
    {
        using var pipe = new RawPipe();
        var loop = new EventLoop(new EventLoopOptions { Driver = TestDriver.Create() });
        var (reader, writer) = loop.RunUntilComplete(Connect());
        Assert.Contains("reading", reader.ToString(), StringComparison.Ordinal);
        loop.Dispose();
        Assert.Contains("closed", reader.ToString(), StringComparison.Ordinal);
        Assert.Contains("closed", writer.ToString(), StringComparison.Ordinal);
        Assert.True(pipe.Reader.IsClosed && pipe.Writer.IsClosed);

        async Coroutine<(ITransport Reader, ITransport Writer)> Connect() => (
            (await loop.ConnectReadPipeAsync(() => new TraceProtocol(), pipe.Reader)).Transport,
            (await loop.ConnectWritePipeAsync(() => new TraceProtocol(), pipe.Writer)).Transport);
    });

    [Fact]
    [CPython(Events + "test_read_pty_output")]
    public void A_protocol_reads_what_is_written_to_a_terminal() => NetTest.Run(async test =>
    {
        await using var terminal = PseudoTerminal.Open();
        using var handle = Descriptors.Borrow((int)terminal.Connection.Handle);
        var (transport, protocol) = await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), handle);
        await using (var slave = Connection.FromHandle(terminal.OpenSlave()))
        {
            await slave.WriteAsync("1"u8.ToArray());
            await NetTest.Until(() => protocol.Received.Count == 1);
            await slave.WriteAsync("2345"u8.ToArray());
            await NetTest.Until(() => protocol.Received.Count == 5);
            Assert.NotEqual(0, transport.Handle);
        }

        await ProtocolTest.WaitUntilLost(protocol);
        Assert.Equal(["made", "data 1", "data 2345", "eof", "lost"], protocol.Trace);
    });

    [Fact]
    [CPython(Events + "test_write_pty")]
    [CPython(Events + "test_bidirectional_pty")]
    public void Protocols_read_and_write_a_terminal_apart() => NetTest.Run(async test =>
    {
        var terminal = PseudoTerminal.Open();
        using var raw = terminal.EnterRawMode();
        using var slave = terminal.OpenSlave();
        var (readTransport, reader) = await test.Loop.ConnectReadPipeAsync(() => new TraceProtocol(), Descriptors.Borrow(slave));
        var (writeTransport, writer) = await test.Loop.ConnectWritePipeAsync(() => new TraceProtocol(), Descriptors.Borrow(slave));
        writeTransport.Write("1"u8);
        Assert.Equal("1"u8.ToArray(), await terminal.Connection.Input.ReadExactlyAsync(1));
        await terminal.Connection.WriteAsync("a"u8.ToArray());
        await NetTest.Until(() => reader.Received.Count == 1);
        writeTransport.Write("2345"u8);
        Assert.Equal("2345"u8.ToArray(), await terminal.Connection.Input.ReadExactlyAsync(4));
        await terminal.Connection.WriteAsync("bcde"u8.ToArray());
        await NetTest.Until(() => reader.Received.Count == 5);
        Assert.Equal(["made"], writer.Trace);
        await terminal.DisposeAsync();
        await ProtocolTest.WaitUntilLost(reader);
        await ProtocolTest.WaitUntilLost(writer);
        Assert.Equal(["eof", "lost"], reader.Trace[^2..]);
        Assert.Equal(["made", "lost"], writer.Trace);
        readTransport.Close();
    });
}
