using System.Runtime.InteropServices;

namespace Baton.Tests.Processes;

public sealed class ChildProcessTests
{
    [Fact]
    public void ExitCodeIsThere() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("sh", "-c", "exit 7");
        Assert.Null(child.ExitCode);
        Assert.False(child.HasExited);
        Assert.Contains("(running)", child.ToString(), StringComparison.Ordinal);
        Assert.Equal(7, await child.WaitForExitAsync());
        Assert.Equal(7, child.ExitCode);
        Assert.True(child.HasExited);
        Assert.Equal("exited with 7", child.ExitStatus.ToString());
        Assert.False(ProcessTest.IsChild(child.Id));
        Assert.Equal(7, await child.WaitForExitAsync());
    });

    [Fact]
    public void SignalIsANegativeExitCode() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.StartShell("kill -USR1 $$");
        Assert.Equal(-10, await child.WaitForExitAsync());
        Assert.Equal(10, child.ExitStatus!.Value.Signal);
        Assert.Equal("was ended by SIGUSR1", child.ExitStatus.ToString());
    });

    [Fact]
    public void StreamsArePipes() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("sh", ["-c", "read line; echo \"got $line\"; echo oops >&2"], ProcessTest.Pipes);
        await child.StandardInput!.WriteAsync("text\n"u8.ToArray());
        Assert.Equal("got text", await ProcessTest.ReadLine(child.StandardOutput!));
        Assert.Equal("oops\n", await ProcessTest.ReadAll(child.StandardError!));
        Assert.Equal(0, await child.WaitForExitAsync());
    });

    [Fact]
    public void CommunicateFeedsAndReadsAtOnce() => NetTest.Run(async () =>
    {
        var data = NetTest.Pattern(3_000_000);
        await using var child = ChildProcess.Start("sh", ["-c", "tee /dev/stderr"], ProcessTest.Pipes);
        var result = await child.CommunicateAsync(data);
        Assert.Equal(data, result.Output);
        Assert.Equal(data, result.Error);
        Assert.True(result.ExitStatus.IsSuccess);
    });

    [Fact]
    public void RunKeepsWhatIsWritten() => NetTest.Run(async () =>
    {
        var result = await ChildProcess.RunAsync("sh", "-c", "echo out; echo err >&2; exit 3");
        Assert.Equal(("out\n", "err\n", 3), (result.OutputText, result.ErrorText, result.ExitCode));
        var failure = Assert.Throws<ChildProcessException>(() => result.EnsureSuccess());
        Assert.Equal("'sh' exited with 3. It said: err", failure.Message);
        Assert.Equal("fed", (await ChildProcess.RunAsync("cat", [], "fed"u8.ToArray())).OutputText);
    });

    [Fact]
    public void KillEndsAChild() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("sleep", "100");
        child.Kill();
        Assert.Equal(-9, await child.WaitForExitAsync());
        child.Kill();
        child.SendSignal(PosixSignal.SIGHUP);
    });

    [Fact]
    public void DisposingKillsAndReaps() => NetTest.Run(async () =>
    {
        ChildProcess child;
        await using (child = ChildProcess.Start("cat", [], ProcessTest.Pipes))
        {
        }

        Assert.Equal(-9, child.ExitCode);
        Assert.False(ProcessTest.IsChild(child.Id));
    });

    [Fact]
    public void MissingProgramIsNamed() => NetTest.Run(async () =>
    {
        var exception = Assert.Throws<FileNotFoundException>(() => ChildProcess.Start("no-such-program"));
        Assert.Equal("no-such-program", exception.FileName);
        Assert.Contains("'no-such-program'", exception.Message, StringComparison.Ordinal);
        Assert.Throws<DirectoryNotFoundException>(
            () => ChildProcess.Start("true", [], new ChildProcessOptions { WorkingDirectory = "/no/such/folder" }));
        await Coroutine.Yield();
    });
}
