using System.Text;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Processes.Counterparts;

public sealed class PythonTests
{
    [Fact]
    public void AnInterpreterAnswersLineByLine() => NetTest.Run(async () =>
    {
        const string Script = "import sys\nfor line in sys.stdin: print(eval(line), flush=True)";
        await using var python = ChildProcess.Start(CounterpartProcess.Require("python3"), ["-c", Script], ProcessTest.Pipes);
        for (var i = 0; i < 100; i++)
        {
            await python.StandardInput!.WriteAsync(Encoding.ASCII.GetBytes($"{i} * {i}\n"));
            Assert.Equal($"{i * i}", await ProcessTest.ReadLine(python.StandardOutput!));
        }

        await python.StandardInput!.WriteAsync("1 / 0\n"u8.ToArray());
        var result = await python.CommunicateAsync();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("ZeroDivisionError", result.ErrorText, StringComparison.Ordinal);
    });

    [Fact]
    public void ItSeesWhatItWasStartedWith() => NetTest.Run(async () =>
    {
        // As its own module of processes would have it: the arguments as they are, no signal blocked or ignored but its own, a session of
        // its own.
        const string Script = """
            import os, signal, sys
            print(sys.argv[1:])
            print(signal.pthread_sigmask(signal.SIG_BLOCK, []))
            print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, signal.getsignal(signal.SIGTERM) is signal.SIG_DFL)
            print(os.getsid(0) == os.getpid(), os.getpgrp() == os.getpid())
            print(sorted(map(int, os.listdir('/proc/self/fd')))[:3])
            """;
        string[] arguments = ["", " a  b ", "'\"$HOME\\", "ä\n"];
        var result = await ChildProcess.RunAsync(
            CounterpartProcess.Require("python3"),
            ["-c", Script, .. arguments],
            default,
            new ChildProcessOptions { NewSession = true, Environment = new Dictionary<string, string?> { ["PYTHONUTF8"] = "1" } },
            check: true);
        Assert.Equal(
            ["['', ' a  b ', '\\'\"$HOME\\\\', 'ä\\n']", "set()", "True True", "True True", "[0, 1, 2]"],
            result.OutputText.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    });

    [Fact]
    public void ItsOwnChildrenAreItsOwn() => NetTest.Run(async () =>
    {
        // It starts children of its own, one of which stays.
        const string Script = """
            import subprocess, sys
            assert subprocess.run(['sh', '-c', 'exit 3']).returncode == 3
            print(subprocess.Popen(['sleep', '100']).pid, flush=True)
            """;
        await using var python = ChildProcess.Start(CounterpartProcess.Require("python3"), ["-c", Script], new ChildProcessOptions
        {
            StandardOutput = StandardStream.Pipe,
            StandardError = StandardStream.Pipe,
            NewProcessGroup = true,
            KillEntireGroup = true,
        });
        var grandchild = int.Parse(await ProcessTest.ReadLine(python.StandardOutput!), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(0, await python.WaitForExitAsync());
        Assert.True(ProcessTest.IsRunning(grandchild));
        await python.DisposeAsync();
        await NetTest.Until(() => !ProcessTest.IsRunning(grandchild));
    });
}
