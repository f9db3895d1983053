using Baton.Tests.Net.Pipes;

namespace Baton.Tests.Net.Counterparts;

/// <summary>Programs at the other end of FIFOs and terminals.</summary>
public class PipeProgramTests
{
    [Fact]
    public void Cat_reads_one_fifo_and_writes_another() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        await CounterpartProcess.Run("mkfifo", [folder["in"], folder["out"]]);
        using var cat = CounterpartProcess.Start("sh", "-c", $"exec cat <{folder["in"]} >{folder["out"]}");

        // For both directions, which does not wait for the other end to be opened.
        var output = Connection.FromHandle(File.OpenHandle(folder["in"], FileMode.Open, FileAccess.ReadWrite), FileAccess.Write);
        var input = Connection.FromHandle(File.OpenHandle(folder["out"], FileMode.Open, FileAccess.Read));
        var bytes = NetTest.Pattern(1 << 20);
        var write = Coroutine.Start(Write());
        Assert.Equal(bytes, await input.Input.ReadExactlyAsync(bytes.Length));
        await write;
        Assert.Equal(0, await ReadToEnd.Count(input));
        Assert.Equal(0, await cat.WaitForExit());
        await input.CloseAsync();

        async Coroutine Write()
        {
            await output.WriteAsync(bytes);
            await output.CompleteOutputAsync();
        }
    });

    [Fact]
    public void Socat_offers_a_terminal() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        using var socat = CounterpartProcess.Start("socat", "-d", "-d", $"PTY,link={folder["tty"]},raw,echo=0", "EXEC:cat");
        await socat.WaitForLine("starting data transfer loop");
        var handle = File.OpenHandle(folder["tty"], FileMode.Open, FileAccess.ReadWrite);
        await using var terminal = Connection.FromHandle(handle);
        Assert.True(Terminal.IsTerminal(terminal));
        var bytes = NetTest.Pattern(100_000);
        var write = Coroutine.Start(Write());
        Assert.Equal(bytes, await terminal.Input.ReadExactlyAsync(bytes.Length));
        await write;

        async Coroutine Write() => await terminal.WriteAsync(bytes);
    });

    [Fact]
    public void A_shell_talks_at_its_terminal() => NetTest.Run(async () =>
    {
        CounterpartProcess.Require("setsid");
        await using var terminal = PseudoTerminal.Open(columns: 91, rows: 17);
        var slave = terminal.OpenSlave();
        var standard = StandardStream.FromHandle(slave);
        await using var shell = ChildProcess.Start(
            "setsid",
            ["--ctty", "--wait", CounterpartProcess.Require("bash"), "--norc", "--noprofile", "-i"],
            new ChildProcessOptions
            {
                StandardInput = standard,
                StandardOutput = standard,
                StandardError = standard,
                Environment = new Dictionary<string, string?> { ["PS1"] = "prompt> ", ["TERM"] = "dumb" },
            });
        slave.Dispose();
        await terminal.Connection.WriteAsync("stty size; tty; exit 7\n"u8.ToArray());
        var text = await ReadToEnd.Text(terminal.Connection);
        Assert.Contains("prompt> ", text, StringComparison.Ordinal);
        Assert.Contains("17 91\r\n", text, StringComparison.Ordinal);
        Assert.Contains($"{terminal.SlavePath}\r\n", text, StringComparison.Ordinal);
        Assert.Equal(7, await shell.WaitForExitAsync());
    });
}
