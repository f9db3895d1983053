using System.Runtime.InteropServices;
using Baton.Tests.Processes;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>test_subprocess</c> pins down of asyncio's processes.</summary>
[Collection(ProcessCounting.Name)]
public class SubprocessConformanceTests
{
    // Longer than any pipe holds.
    private const int Large = 4 * 1024 * 1024;

    private static readonly ChildProcessOptions InputAndOutput = new()
    {
        StandardInput = StandardStream.Pipe,
        StandardOutput = StandardStream.Pipe,
    };

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_stdin_stdout")]
    public void Input_comes_back_as_output() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("cat", [], InputAndOutput);
        await child.StandardInput!.WriteAsync("some data"u8.ToArray());
        await child.StandardInput.CloseAsync();
        Assert.Equal("some data", await ProcessTest.ReadAll(child.StandardOutput!));
        Assert.Equal(0, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_communicate")]
    public void Communicate_feeds_and_reads() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("cat", [], InputAndOutput);
        var result = await child.CommunicateAsync("some data"u8.ToArray());
        Assert.Equal("some data", result.OutputText);
        Assert.Equal(0, child.ExitCode);
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_communicate_none_input")]
    [CPython("test_subprocess.SubprocessMixin.test_empty_input")]
    [CPython("test_subprocess.SubprocessMixin.test_stdin_not_inheritable")]
    public void Communicate_closes_the_input() => NetTest.Run(async () =>
    {
        foreach (var input in (string[])["", "abc"])
        {
            await using var child = ChildProcess.Start("wc", ["-c"], ProcessTest.Pipes);
            var result = await child.CommunicateAsync(System.Text.Encoding.UTF8.GetBytes(input));
            Assert.Equal($"{input.Length}\n", result.OutputText);
            Assert.Equal(0, result.ExitCode);
        }
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_shell")]
    public void A_shell_runs_a_command() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.StartShell("exit 7");
        Assert.Equal(7, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_start_new_session")]
    public void A_child_in_a_new_session_is_waited_for() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.StartShell("exit 8", new ChildProcessOptions { NewSession = true });
        Assert.Equal(8, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_kill")]
    [CPython("test_subprocess.SubprocessMixin.test_terminate")]
    public void Signals_end_a_child() => NetTest.Run(async () =>
    {
        await using var killed = ChildProcess.Start("sleep", "3600");
        killed.Kill();
        Assert.Equal(-9, await killed.WaitForExitAsync());
        await using var terminated = ChildProcess.Start("sleep", "3600");
        terminated.Terminate();
        Assert.Equal(-15, await terminated.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_kill_issue43884")]
    [CPython("regressions.Subprocesses.gh-119710")]
    public void A_killed_shell_has_ended_while_its_children_hold_the_pipe() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.StartShell(
            "sleep 3600 & echo ready; wait",
            new ChildProcessOptions { StandardOutput = StandardStream.Pipe, NewProcessGroup = true, KillEntireGroup = true });
        Assert.Equal("ready", await ProcessTest.ReadLine(child.StandardOutput!));
        child.Kill();
        Assert.Equal(-9, await child.WaitForExitAsync());
        Assert.False(child.StandardOutput!.Input.TryRead(out _));
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_send_signal")]
    [CPython("test_events.SubprocessTestsMixin.test_subprocess_send_signal")]
    public void Signals_have_their_default_actions() => NetTest.Run(async () =>
    {
        using var handler = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => context.Cancel = true);
        await using var child = ChildProcess.StartShell("echo sleeping; exec sleep 3600", InputAndOutput);
        Assert.Equal("sleeping", await ProcessTest.ReadLine(child.StandardOutput!));
        child.SendSignal(PosixSignal.SIGHUP);
        Assert.Equal(-1, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_stdin_broken_pipe")]
    public void A_write_that_nobody_reads_fails() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.StartShell("read x", new ChildProcessOptions { StandardInput = StandardStream.Pipe });
        var data = new byte[Large];
        data[0] = (byte)'\n';
        await Assert.ThrowsAsync<IOException>(async () => await child.StandardInput!.WriteAsync(data));
        Assert.Equal(0, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_communicate_ignore_broken_pipe")]
    public void Communicate_takes_it_that_the_input_is_not_read() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("true", [], InputAndOutput);
        Assert.Equal(0, (await child.CommunicateAsync(new byte[Large])).ExitCode);
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_pause_reading", Improvement = "Nothing is read that nobody has asked for.")]
    public void Nothing_is_buffered_that_nobody_reads() => NetTest.Run(async test =>
    {
        await using var child = ChildProcess.Start("cat", ["/dev/zero"], InputAndOutput);
        await NetTest.Iterate(20);
        Assert.Equal(0, test.Driver.Blocks.LentCount);
        var read = await child.StandardOutput!.Input.ReadAsync();
        Assert.InRange(read.Buffer.Length, 1, IoBlockPool.BlockSize);
        child.StandardOutput.Input.AdvanceTo(read.Buffer.End);
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_devnull_input")]
    [CPython("test_subprocess.SubprocessMixin.test_devnull_output")]
    [CPython("test_subprocess.SubprocessMixin.test_devnull_error")]
    public void Streams_may_be_the_null_device() => NetTest.Run(async () =>
    {
        const string Script = "wc -c; echo error >&2";
        await using var noInput = ChildProcess.StartShell(Script, new ChildProcessOptions
        {
            StandardInput = StandardStream.Null,
            StandardOutput = StandardStream.Pipe,
            StandardError = StandardStream.Pipe,
        });
        Assert.Null(noInput.StandardInput);
        var result = await noInput.CommunicateAsync();
        Assert.Equal(("0\n", "error\n"), (result.OutputText, result.ErrorText));

        await using var noOutput = ChildProcess.StartShell(Script, new ChildProcessOptions
        {
            StandardInput = StandardStream.Pipe,
            StandardOutput = StandardStream.Null,
            StandardError = StandardStream.Pipe,
        });
        Assert.Null(noOutput.StandardOutput);
        result = await noOutput.CommunicateAsync("abc"u8.ToArray());
        Assert.Equal(("", "error\n"), (result.OutputText, result.ErrorText));

        await using var noError = ChildProcess.StartShell(Script, new ChildProcessOptions
        {
            StandardInput = StandardStream.Pipe,
            StandardOutput = StandardStream.Pipe,
            StandardError = StandardStream.Null,
        });
        Assert.Null(noError.StandardError);
        result = await noError.CommunicateAsync("abc"u8.ToArray());
        Assert.Equal(("3\n", ""), (result.OutputText, result.ErrorText));
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_devstdin_input")]
    public void The_input_can_be_opened_by_its_name() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("wc", ["-c", "/dev/stdin"], ProcessTest.Pipes);
        Assert.Equal("3 /dev/stdin\n", (await child.CommunicateAsync("abc"u8.ToArray())).OutputText);
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_cancel_process_wait")]
    public void A_wait_can_be_cancelled() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("sleep", "3600");
        var wait = Coroutine.Start(child.WaitForExitAsync());
        EventLoop.Current.CallSoon(() => wait.Cancel());
        await NetTest.AssertCancelled(wait);
        Assert.False(wait.Cancel());
        child.Kill();
        Assert.Equal(-9, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_cancel_make_subprocess_transport_exec")]
    [CPython("test_subprocess.SubprocessMixin.test_cancel_post_init")]
    [CPython("regressions.Subprocesses.gh-103847")]
    [CPython("regressions.Subprocesses.gh-145551")]
    public void To_cancel_a_creation_ends_the_child() => NetTest.Run(async () =>
    {
        var protocol = new TraceSubprocessProtocol();
        var creation = Coroutine.Start(EventLoop.Current.SubprocessExecAsync(() => protocol, "sleep", ["3600"]));
        EventLoop.Current.CallSoon(() => creation.Cancel());
        await NetTest.AssertCancelled(creation);
        await protocol.Completed();
        Assert.Equal(-9, protocol.ExitCodeAtExit);
        Assert.Equal("made", protocol.Calls[0]);
        Assert.False(ProcessTest.IsChild(protocol.Transport!.Id));
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_close_kill_running")]
    public void To_close_the_transport_kills_the_child() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessExecAsync(() => new TraceSubprocessProtocol(), "sleep", ["3600"]);
        Assert.Null(transport.ExitCode);
        transport.Close();
        Assert.Equal(-9, await transport.Child.WaitForExitAsync());
        await protocol.Completed();
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_close_dont_kill_finished")]
    [CPython("test_subprocess.SubprocessTransportTests.test_proc_exited", Improvement = "A signal to a child that has ended is ignored.")]
    [CPython("test_subprocess.SubprocessTransportTests.test_proc_exited_no_invalid_state_error_on_exit_waiters")]
    public void A_child_that_has_ended_gets_no_signal() => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls();
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(), "read x; exit 6", new ChildProcessOptions { SystemCalls = calls });
        var cancelled = Coroutine.Start(transport.Child.WaitForExitAsync());
        await Coroutine.Yield();
        cancelled.Cancel();
        transport.GetPipeTransport(0)!.Close();
        await protocol.Completed();
        Assert.Equal(6, transport.ExitCode);
        Assert.False(transport.IsClosing);
        transport.SendSignal(PosixSignal.SIGTERM);
        transport.Terminate();
        transport.Kill();
        transport.Close();
        Assert.DoesNotContain("Signal", calls.Made);
        Assert.DoesNotContain("Kill", calls.Made);
        await NetTest.AssertCancelled(cancelled);
    });

    [Fact]
    [CPython("test_subprocess.SubprocessTransportTests.test_subprocess_repr")]
    public void A_transport_says_what_it_is() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(() => new TraceSubprocessProtocol(), "read x; exit 6");
        Assert.Equal($"transport of child process {transport.Id} '/bin/sh' (running)", transport.ToString());
        transport.GetPipeTransport(0)!.Close();
        await protocol.Completed();
        Assert.Equal($"transport of child process {transport.Id} '/bin/sh' (exited with 6), closed", transport.ToString());
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_subprocess.SubprocessMixin.test_popen_error")]
    [CPython("test_subprocess.SubprocessMixin.test_popen_error_with_stdin_pipe")]
    public void A_failed_start_leaves_nothing(bool withPipe) => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls { OnCall = (name, _) => name == "Spawn" ? -12 : null };
        var options = new ChildProcessOptions { SystemCalls = calls, StandardInput = withPipe ? StandardStream.Pipe : null };
        Assert.Throws<IOException>(() => ChildProcess.Start("cat", [], options));
        Assert.Equal(0, calls.OpenDescriptors);
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_read_stdout_after_process_exit")]
    public void What_a_child_has_written_can_be_read_after_its_end() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.StartShell("head -c 60000 /dev/zero; exit 1", InputAndOutput);
        Assert.Equal(1, await child.WaitForExitAsync());
        Assert.Equal(60000, (await ProcessTest.ReadAll(child.StandardOutput!)).Length);
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_create_subprocess_exec_with_path")]
    public void Programs_and_arguments_may_be_paths() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("/bin/sh", "-c", "exit 5", ".");
        Assert.Equal(5, await child.WaitForExitAsync());
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_create_subprocess_env_shell")]
    [CPython("test_subprocess.SubprocessMixin.test_create_subprocess_env_exec")]
    public void The_environment_can_be_extended() => NetTest.Run(async () =>
    {
        var options = new ChildProcessOptions
        {
            StandardOutput = StandardStream.Pipe,
            Environment = new Dictionary<string, string?> { ["FOO"] = "bar" },
        };
        foreach (var start in (Func<ChildProcess>[])
        [
            () => ChildProcess.StartShell("printf %s $FOO", options),
            () => ChildProcess.Start("sh", ["-c", "printf %s $FOO"], options),
        ])
        {
            await using var child = start();
            Assert.Equal("bar", (await child.CommunicateAsync()).OutputText);
            Assert.Equal(0, await child.WaitForExitAsync());
        }
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_concurrent_wait")]
    public void Many_may_wait_for_the_end() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("cat", [], InputAndOutput);
        var waits = Coroutine.Gather(Enumerable.Range(0, 10).Select(_ => child.WaitForExitAsync()));
        Assert.Equal("some data", (await child.CommunicateAsync("some data"u8.ToArray())).OutputText);
        Assert.Equal(new int[10], await waits);
        Assert.Equal(new int[10], await Coroutine.Gather(Enumerable.Range(0, 10).Select(_ => child.WaitForExitAsync())));
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_protocol_events")]
    public void A_protocol_is_told_of_everything() => NetTest.Run(async () =>
    {
        var (transport, protocol) = await EventLoop.Current.SubprocessShellAsync(
            () => new TraceSubprocessProtocol(),
            "printf stdout; printf stderr >&2",
            new ChildProcessOptions { StandardInput = StandardStream.Inherit });
        await protocol.Until(() => protocol.Calls.Count >= 6);
        transport.Close();
        await protocol.Completed();
        Assert.Equal(["data 1", "data 2", "exited", "lost 1", "lost 2"], protocol.Calls[1..^1].Order());
        Assert.True(protocol.Calls.IndexOf("data 1") < protocol.Calls.IndexOf("lost 1"));
        Assert.True(protocol.Calls.IndexOf("data 2") < protocol.Calls.IndexOf("lost 2"));
        Assert.Equal(("stdout", "stderr"), (protocol.Data[1].ToString(), protocol.Data[2].ToString()));
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_communicate_stdout")]
    public void No_output_is_lost_at_the_end() => NetTest.Run(async () =>
    {
        var names = Enumerable.Range(0, 10).Select(i => $"foo{i}\n").ToArray();
        var results = await Coroutine.Gather(names.Select(name => ChildProcess.RunAsync("printf", name)));
        Assert.Equal(names, results.Select(result => result.OutputText));
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_send_signal_race")]
    public void A_signal_at_the_moment_of_the_end_does_no_harm() => NetTest.Run(async () =>
    {
        for (var i = 0; i < 20; i++)
        {
            await using var child = ChildProcess.Start("sleep", "0.005");
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(4 + (i * 0.1)));
            child.SendSignal((PosixSignal)10);
            Assert.Contains(await child.WaitForExitAsync(), (int[])[0, -10]);
        }
    });

    [Fact]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_read_pipe_cancelled")]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_write_pipe_cancelled")]
    [CPython("test_subprocess.SubprocessMixin.test_subprocess_read_write_pipe_cancelled")]
    public void A_pipe_that_cannot_be_connected_ends_the_creation() => NetTest.RunOnEpoll(async test =>
    {
        var children = ProcessTest.Children();
        test.Calls.OnDuplicate = _ => -12;
        foreach (var (input, output) in (ReadOnlySpan<(StandardStream, StandardStream)>)
        [
            (StandardStream.Pipe, StandardStream.Null),
            (StandardStream.Null, StandardStream.Pipe),
            (StandardStream.Pipe, StandardStream.Pipe),
        ])
        {
            var options = new ChildProcessOptions { StandardInput = input, StandardOutput = output };
            Assert.Throws<IOException>(() => ChildProcess.Start("cat", [], options));
        }

        Assert.Equal(children, ProcessTest.Children());
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_subprocess.SubprocessWatcherMixin.test_watcher_implementation")]
    public void Children_are_watched_by_descriptors_where_there_are_any() => NetTest.RunOnEpoll(async _ =>
    {
        foreach (var isOld in (bool[])[false, true])
        {
            var calls = new ScriptedProcessCalls { IsOld = isOld };
            await using var child = ChildProcess.StartShell("exit 5", new ChildProcessOptions { SystemCalls = calls });
            Assert.Equal(5, await child.WaitForExitAsync());
            Assert.Contains("OpenProcess", calls.Made);
            Assert.Equal(isOld ? 2 : 1, calls.Made.Count(call => call == "Wait"));
        }
    });

    [Fact]
    [CPython("regressions.Subprocesses.gh-114177")]
    public void A_loop_may_close_before_the_transports_of_its_children()
    {
        ISubprocessTransport? transport = null;
        var reports = new List<LoopExceptionContext>();
        LoopTest.OnThread(() => EventLoop.Run(
            async () => (transport, _) = await EventLoop.Current.SubprocessExecAsync(
                () => new TraceSubprocessProtocol(), "sleep", ["3600"]),
            new EventLoopOptions { Driver = TestDriver.Create(), ExceptionHandler = (_, report) => reports.Add(report) }));
        Assert.Equal(-9, transport!.ExitCode);
        Assert.Single(reports);
        Assert.False(ProcessTest.IsChild(transport.Id));
    }
}
