using Baton.Tests.Processes;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>test_events</c> and <c>test_protocols</c> pin down of the transports of child processes.</summary>
[Collection(ProcessCounting.Name)]
public class SubprocessTransportConformanceTests
{
    [Fact]
    [CPython("test_protocols.ProtocolsAbsTests.test_subprocess_protocol")]
    public void What_a_protocol_does_not_override_does_nothing()
    {
        var protocol = new PlainProtocol();
        protocol.ConnectionMade(null!);
        protocol.PipeDataReceived(1, "x"u8);
        protocol.PipeConnectionLost(1, new IOException());
        protocol.PauseWriting();
        protocol.ResumeWriting();
        protocol.ProcessExited();
        protocol.ConnectionLost(null);
    }

    [Fact]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_exec")]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_interactive")]
    public void A_protocol_talks_with_its_child() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "cat", []);
        Assert.Equal(["made"], protocol.Calls);
        transport.GetPipeTransport(0)!.Write("Python "u8);
        await protocol.Until(() => protocol.Data[1].ToString() == "Python ");
        transport.GetPipeTransport(0)!.Write("The Winner"u8);
        await protocol.Until(() => protocol.Data[1].ToString() == "Python The Winner");
        transport.Close();
        await protocol.Completed();
        Assert.Equal(-9, protocol.ExitCodeAtExit);
    });

    [Fact]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_shell")]
    public void A_shell_runs_a_command() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(() => new TraceSubprocessProtocol(), "echo Python");
        transport.GetPipeTransport(0)!.Close();
        await protocol.Completed();
        Assert.Equal(0, protocol.ExitCodeAtExit);
        Assert.Subset(protocol.Calls.ToHashSet(), new HashSet<string> { "lost 0", "lost 1", "lost 2" });
        Assert.Equal(("Python\n", ""), (protocol.Data[1].ToString(), protocol.Data[2].ToString()));
        transport.Close();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_exitcode")]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_close_after_finish")]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_wait_no_same_group")]
    public void A_child_without_pipes_is_waited_for(bool newSession) => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(),
            "exit 7",
            new ChildProcessOptions
            {
                StandardInput = StandardStream.Inherit,
                StandardOutput = StandardStream.Inherit,
                StandardError = StandardStream.Inherit,
                NewSession = newSession,
            });
        Assert.All((int[])[-1, 0, 1, 2, 3], descriptor => Assert.Null(transport.GetPipeTransport(descriptor)));
        await protocol.Completed();
        Assert.Equal(7, protocol.ExitCodeAtExit);
        Assert.Equal(["made", "exited", "lost"], protocol.Calls);
        transport.Close();
    });

    [Fact]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_kill")]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_terminate")]
    public void Signals_end_a_child() => NetTest.Run(async () =>
    {
        foreach (var (send, code) in ((Action<ISubprocessTransport>, int)[])
        [
            (transport => transport.Kill(), -9),
            (transport => transport.Terminate(), -15),
        ])
        {
            var (transport, protocol) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "cat", []);
            send(transport);
            await protocol.Completed();
            Assert.Equal(code, protocol.ExitCodeAtExit);
            transport.Close();
        }
    });

    [Fact]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_stderr")]
    public void Output_and_errors_arrive_apart() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(), "read x; printf OUT:$x; printf ERR:$x >&2");
        transport.GetPipeTransport(0)!.Write("test\n"u8);
        await protocol.Completed();
        transport.Close();
        Assert.Equal(("OUT:test", "ERR:test"), (protocol.Data[1].ToString(), protocol.Data[2].ToString()));
        Assert.Equal(0, protocol.ExitCodeAtExit);
    });

    [Fact]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_stderr_redirect_to_stdout")]
    public void Errors_may_join_the_output() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(),
            "read x; printf OUT:$x; printf ERR:$x >&2",
            new ChildProcessOptions { StandardError = StandardStream.Output });
        Assert.NotNull(transport.GetPipeTransport(1));
        Assert.Null(transport.GetPipeTransport(2));
        transport.GetPipeTransport(0)!.Write("test\n"u8);
        await protocol.Completed();
        transport.Close();
        Assert.Equal(("OUT:testERR:test", ""), (protocol.Data[1].ToString(), protocol.Data[2].ToString()));
        Assert.Equal(0, protocol.ExitCodeAtExit);
    });

    [Fact]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_close_client_stream")]
    public void A_pipe_may_be_closed_alone() => NetTest.Run(async () =>
    {
        // The shell's own printf says what became of its output.
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(), "trap '' PIPE; while read x; do printf OUT:$x || printf FAILED >&2; done");
        transport.GetPipeTransport(0)!.Write("test\n"u8);
        await protocol.Until(() => protocol.Data[1].ToString() == "OUT:test");
        transport.GetPipeTransport(1)!.Close();
        await protocol.Until(() => protocol.Calls.Contains("lost 1"));
        Assert.Null(protocol.Lost[1]);
        transport.GetPipeTransport(0)!.Write("xxx\n"u8);
        await protocol.Until(() => protocol.Data[2].ToString().Contains("FAILED", StringComparison.Ordinal));
        transport.Close();
        await protocol.Completed();
        Assert.Equal(-9, protocol.ExitCodeAtExit);
    });

    private sealed class PlainProtocol : SubprocessProtocol;
}
