namespace Baton.Tests.Processes;

public sealed class ChildTerminalTests
{
    [Fact]
    public void ATerminalOfANewSessionControlsIt() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open(columns: 90, rows: 30);
        await using var child = ChildProcess.Start("sh", ["-c", "tty; stty size </dev/tty; echo ready; exec cat"], OptionsOf(terminal));
        Assert.Equal(terminal.SlavePath, (await ProcessTest.ReadLine(terminal.Connection)).TrimEnd('\r'));
        Assert.Equal("30 90", (await ProcessTest.ReadLine(terminal.Connection)).TrimEnd('\r'));
        Assert.Equal("ready", (await ProcessTest.ReadLine(terminal.Connection)).TrimEnd('\r'));

        // Ctrl-C is typed, and makes a signal.
        await terminal.Connection.WriteAsync("\u0003"u8.ToArray());
        Assert.Equal(-2, await child.WaitForExitAsync());
    });

    [Fact]
    public void ATerminalThatIsClosedHangsUp() => NetTest.Run(async () =>
    {
        var terminal = PseudoTerminal.Open();
        await using var child = ChildProcess.Start("sh", ["-c", "echo ready; exec sleep 100"], OptionsOf(terminal));
        Assert.Equal("ready", (await ProcessTest.ReadLine(terminal.Connection)).TrimEnd('\r'));
        await terminal.DisposeAsync();
        Assert.Equal(-1, await child.WaitForExitAsync());
        Assert.Throws<ObjectDisposedException>(() => ChildProcess.Start("true", [], OptionsOf(terminal)));
    });

    [Fact]
    public void ItsOutputEndsWithTheChild() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        await using var child = ChildProcess.Start("sh", ["-c", "test -t 0 && test -t 1 && echo yes"], OptionsOf(terminal));
        Assert.Equal("yes\r\n", await ProcessTest.ReadAll(terminal.Connection));
        Assert.Equal(0, await child.WaitForExitAsync());
    });

    [Fact]
    public void StreamsBesideTheTerminalMayBePipes() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        await using var child = ChildProcess.Start("sh", ["-c", "test -t 0 && echo out && echo err >&2"], new ChildProcessOptions
        {
            StandardInput = StandardStream.FromTerminal(terminal),
            StandardOutput = StandardStream.Pipe,
            StandardError = StandardStream.Output,
            NewSession = true,
        });
        Assert.Equal("out\nerr\n", (await child.CommunicateAsync()).OutputText);
    });

    private static ChildProcessOptions OptionsOf(PseudoTerminal terminal) => new()
    {
        StandardInput = StandardStream.FromTerminal(terminal),
        StandardOutput = StandardStream.FromTerminal(terminal),
        StandardError = StandardStream.FromTerminal(terminal),
        NewSession = true,
    };
}
