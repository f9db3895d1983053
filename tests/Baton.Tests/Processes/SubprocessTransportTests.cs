using System.Runtime.InteropServices;

namespace Baton.Tests.Processes;

[Collection(ProcessCounting.Name)]
public sealed class SubprocessTransportTests
{
    [Fact]
    public void CallsComeInOrder() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(() => new TraceSubprocessProtocol(), "echo out; exit 3");
        Assert.Same(transport, protocol.Transport);
        await protocol.Completed();
        Assert.Equal("made", protocol.Calls[0]);
        Assert.Equal("lost", protocol.Calls[^1]);
        Assert.Equal(["data 1", "exited", "lost 0", "lost 1", "lost 2"], protocol.Calls[1..^1].Order());
        Assert.True(protocol.Calls.IndexOf("data 1") < protocol.Calls.IndexOf("lost 1"));
        Assert.Equal("out\n", protocol.Data[1].ToString());
        Assert.Equal(3, protocol.ExitCodeAtExit);
        Assert.Equal(3, transport.ExitCode);
        Assert.Contains("closed", transport.ToString(), StringComparison.Ordinal);
        transport.Close();
    });

    [Fact]
    public void WhatHappensBeforeTheProtocolIsToldIsToldAfterwards() => NetTest.Run(async () =>
    {
        // The child has ended, and its output is there, before the loop comes to anything.
        var calls = new ScriptedProcessCalls { OnSpawned = ProcessTest.WaitUntilEnded };
        var (_, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(), "echo early; echo late >&2", new ChildProcessOptions { SystemCalls = calls });
        await protocol.Completed();
        Assert.Equal("made", protocol.Calls[0]);
        Assert.Equal("lost", protocol.Calls[^1]);
        Assert.Equal(("early\n", "late\n"), (protocol.Data[1].ToString(), protocol.Data[2].ToString()));
    });

    [Fact]
    public void TheEndIsToldWhileGrandchildrenHoldThePipes() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(),
            "sleep 100 & exit 4",
            new ChildProcessOptions { StandardInput = StandardStream.Null, NewSession = true, KillEntireGroup = true });
        await protocol.Until(() => protocol.Calls.Contains("exited"));
        Assert.Equal(4, protocol.ExitCodeAtExit);
        Assert.Equal(4, await transport.Child.WaitForExitAsync());
        Assert.Equal(["made", "exited"], protocol.Calls);
        transport.Close();
        await protocol.Completed();
        Assert.Equal(["made", "exited", "lost 1", "lost 2", "lost"], protocol.Calls);
    });

    [Fact]
    public void ClosingKills() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "cat", []);
        Assert.False(transport.IsClosing);
        transport.Close();
        Assert.True(transport.IsClosing);
        transport.Close();
        await protocol.Completed();
        Assert.Equal(-9, transport.ExitCode);
        Assert.False(ProcessTest.IsChild(transport.Id));
    });

    [Fact]
    public void TheInputPausesTheProtocol() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "cat", []);
        transport.GetPipeTransport(1)!.PauseReading();
        transport.GetPipeTransport(0)!.Write(new byte[2_000_000]);
        Assert.Equal(["made", "pause"], protocol.Calls);
        transport.GetPipeTransport(1)!.ResumeReading();
        await protocol.Until(() => protocol.Calls.Contains("resume"));
        transport.GetPipeTransport(0)!.WriteEof();
        await protocol.Completed();
        Assert.Equal(0, transport.ExitCode);
        Assert.Equal(2_000_000, protocol.Data[1].Length);
    });

    [Fact]
    public void WhatAProtocolThrowsIsReported() => NetTest.Run(async test =>
    {
        var (transport, protocol) = await test.Loop.SubprocessShellAsync(() => new ThrowingProtocol(), "echo out");
        await protocol.Completed();
        Assert.Equal(0, transport.ExitCode);
        var reports = test.TakeReports();
        foreach (var call in (string[])["ConnectionMade", "PipeDataReceived", "PipeConnectionLost", "ProcessExited", "ConnectionLost"])
        {
            Assert.Contains(reports, report => report.Message.StartsWith($"{call} of ThrowingProtocol failed", StringComparison.Ordinal));
        }
    });

    [Fact]
    public void TheProtocolMayChange() => NetTest.Run(async () =>
    {
        var (transport, first) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "cat", []);
        var second = new TraceSubprocessProtocol();
        second.ConnectionMade(transport);
        transport.Protocol = second;
        Assert.Same(second, transport.Protocol);
        transport.Terminate();
        await second.Completed();
        Assert.Equal(-15, second.ExitCodeAtExit);
        Assert.Equal(["made"], first.Calls);
    });

    [Fact]
    public void CancellingTheCreationLeavesNothing() => NetTest.Run(async () =>
    {
        var children = ProcessTest.Children();
        for (var i = 0; i < 5; i++)
        {
            var protocol = new TraceSubprocessProtocol();
            var creation = Coroutine.Start(EventLoop.Current.SubprocessExecAsync(() => protocol, "sleep", ["100"]));
            await NetTest.Iterate(i);
            creation.Cancel();
            try
            {
                var (transport, _) = await creation;
                transport.Close();
            }
            catch (CancelledException)
            {
            }

            if (protocol.Calls.Count > 0 || i > 0)
            {
                await protocol.Completed();
            }

            await NetTest.Until(() => children.SetEquals(ProcessTest.Children()));
        }
    });

    [Fact]
    public void AFailedStartLeavesNothing() => NetTest.Run(async test =>
    {
        await Assert.ThrowsAsync<FileNotFoundException>(
            async () => await test.Loop.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "/no/such/program", []));
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await test.Loop.SubprocessExecAsync<TraceSubprocessProtocol>(() => null!, "true", []));
    });

    [Fact]
    public void SignalsReachTheChild() => NetTest.Run(async () =>
    {
        foreach (var (send, code) in ((Action<ISubprocessTransport>, int)[])
        [
            (transport => transport.SendSignal(PosixSignal.SIGHUP), -1),
            (transport => transport.Terminate(), -15),
            (transport => transport.Kill(), -9),
        ])
        {
            var (transport, protocol) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "cat", []);
            send(transport);
            await protocol.Completed();
            Assert.Equal(code, transport.ExitCode);
            send(transport);
        }
    });

    private sealed class ThrowingProtocol : TraceSubprocessProtocol
    {
        public override void ConnectionMade(ISubprocessTransport transport)
        {
            base.ConnectionMade(transport);
            throw new FormatException();
        }

        public override void PipeDataReceived(int descriptor, ReadOnlySpan<byte> data)
        {
            base.PipeDataReceived(descriptor, data);
            throw new FormatException();
        }

        public override void PipeConnectionLost(int descriptor, Exception? exception)
        {
            base.PipeConnectionLost(descriptor, exception);
            throw new FormatException();
        }

        public override void ProcessExited()
        {
            base.ProcessExited();
            throw new FormatException();
        }

        public override void ConnectionLost(Exception? exception)
        {
            base.ConnectionLost(exception);
            throw new FormatException();
        }
    }
}
