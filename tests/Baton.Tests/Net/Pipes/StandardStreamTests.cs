using Baton.Tests.Net.Counterparts;
using Baton.Tests.Samples;

namespace Baton.Tests.Net.Pipes;

/// <summary>A program that reads its standard input and writes to its standard output, whatever these are.</summary>
public class StandardStreamTests
{
    private static readonly string[] s_command = SampleProcess.CommandOf("Baton.SignalHost", "filter");
    private static readonly string s_lines = string.Join('\n', Enumerable.Range(0, 20_000).Select(number => $"line {number}")) + "\n";

    [Fact]
    public void Pipes() => NetTest.Run(async () =>
    {
        var (exitCode, output, errors) = await Run("exec \"$@\"", s_lines);
        Assert.Equal("20000 lines\n", errors);
        Assert.Equal((0, s_lines.ToUpperInvariant()), (exitCode, output));
    });

    [Fact]
    public void Files() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var input = folder["in"];
        var output = folder["out"];
        await File.WriteAllTextAsync(input, s_lines);
        await File.WriteAllTextAsync(output, "before\n");
        Assert.Equal((0, "", "20000 lines\n"), await Run($"exec \"$@\" <{input} >>{output}"));
        Assert.Equal($"before\n{s_lines.ToUpperInvariant()}", await File.ReadAllTextAsync(output));
    });

    [Fact]
    public void The_null_device() => NetTest.Run(async () =>
        Assert.Equal((0, "", "0 lines\n"), await Run("exec \"$@\" </dev/null >/dev/null")));

    [Fact]
    public void A_pipe_whose_writer_has_gone() => NetTest.Run(async () =>
        Assert.Equal((0, "X\n", "1 lines\n"), await Run("(echo x; sleep 0) | { sleep 0.1; exec \"$@\"; }")));

    [Fact]
    public void A_socket_for_both() => NetTest.Run(async () =>
    {
        CounterpartProcess.Require("socat");
        var command = string.Join(' ', s_command);
        var output = await CounterpartProcess.RunToEnd("socat", ["-t", "20", "-", $"EXEC:{command}"], "x\ny\n");
        Assert.Equal((0, "X\nY\n"), (output.ExitCode, output.Output));
    });

    [Fact]
    public void A_terminal_which_the_shell_finds_as_it_was() => NetTest.Run(async () =>
    {
        await using var terminal = PseudoTerminal.Open();
        using var slave = terminal.OpenSlave();
        var standard = StandardStream.FromHandle(slave);
        await using var shell = ChildProcess.Start(
            "sh",
            ["-c", "\"$@\"; grep flags: /proc/self/fdinfo/0 /proc/self/fdinfo/1", "sh", .. s_command],
            new ChildProcessOptions { StandardInput = standard, StandardOutput = standard, StandardError = standard });
        slave.Dispose();

        // A line, and Ctrl-D, the end.
        await terminal.Connection.WriteAsync("typed\n\u0004"u8.ToArray());
        var text = await ReadToEnd.Text(terminal.Connection);
        Assert.Contains("TYPED\r\n1 lines\r\n", text, StringComparison.Ordinal);
        var flags = text.Split('\n').Where(line => line.Contains("flags:", StringComparison.Ordinal)).ToList();
        Assert.Equal(2, flags.Count);
        Assert.All(flags, line => Assert.Equal(0, Convert.ToInt32(line.Split('\t')[^1].Trim(), 8) & 0x800));
        Assert.Equal(0, await shell.WaitForExitAsync());
    });

    private static async Coroutine<(int ExitCode, string Output, string Errors)> Run(string script, string input = "") =>
        await CounterpartProcess.RunToEnd("sh", ["-c", script, "sh", .. s_command], input);
}
