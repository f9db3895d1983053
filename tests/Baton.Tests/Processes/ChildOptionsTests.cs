using System.Globalization;
using System.IO.Pipes;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Processes;

// Nothing else runs meanwhile: a child that somebody starts while a script is being written has it open, too, until it runs its program, and
// until then the script cannot be run.
[Collection(ProcessCounting.Name)]
public sealed class ChildOptionsTests
{
    [Fact]
    public void ChildHasNoDescriptorsButItsOwn() => NetTest.Run(async () =>
    {
        // One that was opened without saying that children do not inherit it.
        using var leak = new AnonymousPipeServerStream(PipeDirection.Out, HandleInheritability.Inheritable);
        var result = await ChildProcess.RunAsync("sh", ["-c", "ls -l /proc/self/fd | grep -c -- '->'"]);

        // The three streams, and the folder that ls reads.
        Assert.Equal("4\n", result.OutputText);
    });

    [Fact]
    public void PassedDescriptorsHaveTheirNumbers() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var (first, second) = (Path.Combine(folder.Path, "first"), Path.Combine(folder.Path, "second"));
        await File.WriteAllTextAsync(first, "1");
        await File.WriteAllTextAsync(second, "2");
        using var one = File.OpenHandle(first);
        using var two = File.OpenHandle(second);
        var options = new ChildProcessOptions
        {
            // They change places, and the second is there once more.
            PassedDescriptors =
            [
                new PassedDescriptor(one, (int)two.DangerousGetHandle()),
                new PassedDescriptor(two, (int)one.DangerousGetHandle()),
                new PassedDescriptor(two, 3 + Math.Max((int)one.DangerousGetHandle(), (int)two.DangerousGetHandle())),
            ],
        };
        var script = string.Concat(options.PassedDescriptors.Select(passed => $"cat /dev/fd/{passed.Number};"))
            + "ls /proc/self/fd | wc -l";
        Assert.Equal("1227\n", (await ChildProcess.RunAsync("bash", ["-c", script], default, options)).OutputText);
    });

    [Fact]
    public void PassedDescriptorKeepsItsNumber() => NetTest.Run(async () =>
    {
        using var file = File.OpenHandle("/etc/hostname");
        var options = new ChildProcessOptions { PassedDescriptors = [new PassedDescriptor(file)] };
        var result = await ChildProcess.RunAsync("readlink", [$"/proc/self/fd/{file.DangerousGetHandle()}"], default, options);
        Assert.Equal("/etc/hostname\n", result.OutputText);
    });

    [Fact]
    public void StandardStreamsAndOthersMayNotBePassedTwice() => NetTest.Run(async () =>
    {
        using var file = File.OpenHandle("/dev/null");
        foreach (int[] numbers in (int[][])[[2], [5, 5]])
        {
            PassedDescriptor[] passed = [.. numbers.Select(number => new PassedDescriptor(file, number))];
            Assert.Throws<ArgumentException>(() => ChildProcess.Start("true", [], new ChildProcessOptions { PassedDescriptors = passed }));
        }

        await Coroutine.Yield();
    });

    [Fact]
    public void EnvironmentIsExtendedOrReplaced() => NetTest.Run(async () =>
    {
        var extra = new Dictionary<string, string?> { ["BATON_A"] = "ä=b", ["HOME"] = null };
        var extended = await ChildProcess.RunAsync("env", [], default, new ChildProcessOptions { Environment = extra });
        Assert.Contains("BATON_A=ä=b\n", extended.OutputText, StringComparison.Ordinal);
        Assert.Contains("PATH=", extended.OutputText, StringComparison.Ordinal);
        Assert.DoesNotContain("HOME=", extended.OutputText, StringComparison.Ordinal);
        var options = new ChildProcessOptions { Environment = extra, ClearEnvironment = true };
        var replaced = await ChildProcess.RunAsync("env", [], default, options);
        Assert.Equal("BATON_A=ä=b\n", replaced.OutputText);
    });

    [Fact]
    public void ProgramIsLookedForInThePathOfTheChild() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        await WriteProgram(Path.Combine(folder.Path, "program"), "#!/bin/sh\necho here");
        Directory.CreateDirectory(Path.Combine(folder.Path, "other"));
        var path = new Dictionary<string, string?>
        {
            ["PATH"] = $"/no/such/folder:{folder.Path}/program:{folder.Path}/other:{folder.Path}:/bin:/usr/bin",
        };
        var options = new ChildProcessOptions { Environment = path };
        Assert.Equal("here\n", (await ChildProcess.RunAsync("program", [], default, options)).OutputText);
        Assert.Throws<FileNotFoundException>(() => ChildProcess.Start("program"));

        // Relative ones are meant from the child's working directory.
        path["PATH"] = ".:/bin";
        options = new ChildProcessOptions { Environment = path, WorkingDirectory = folder.Path };
        Assert.Equal("here\n", (await ChildProcess.RunAsync("program", [], default, options)).OutputText);
        Assert.Equal("here\n", (await ChildProcess.RunAsync("./program", [], default, options)).OutputText);

        // Without one there are the system's.
        var bare = new ChildProcessOptions { ClearEnvironment = true };
        Assert.Equal("", (await ChildProcess.RunAsync("true", [], default, bare)).OutputText);

        // One that may not be executed does not hide a later one, and is what is complained of where there is no other.
        await File.WriteAllTextAsync(Path.Combine(folder.Path, "other", "program"), "");
        path["PATH"] = $"{folder.Path}/other:{folder.Path}";
        Assert.Equal("here\n", (await ChildProcess.RunAsync("program", [], default, options)).OutputText);
        path["PATH"] = $"{folder.Path}/other:/bin";
        Assert.Throws<UnauthorizedAccessException>(() => ChildProcess.Start("program", [], options));
    });

    [Fact]
    public void FailuresSayWhatIsWrong() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var script = Path.Combine(folder.Path, "script");
        await WriteProgram(script, "#!/no/such/interpreter\n");
        var missing = Assert.Throws<FileNotFoundException>(() => ChildProcess.Start(script));
        Assert.Contains("the interpreter or loader that it names is not", missing.Message, StringComparison.Ordinal);

        await WriteProgram(script, "\u0001\u0002");
        Assert.Contains("is no program", Assert.Throws<IOException>(() => ChildProcess.Start(script)).Message, StringComparison.Ordinal);

        Assert.Throws<UnauthorizedAccessException>(() => ChildProcess.Start(folder.Path));
        missing = Assert.Throws<FileNotFoundException>(() => ChildProcess.Start(script + "x"));
        Assert.Contains("no such file", missing.Message, StringComparison.Ordinal);
        Assert.Contains(
            "longer than the system takes",
            Assert.Throws<IOException>(() => ChildProcess.Start("true", new string('x', 1 << 20))).Message,
            StringComparison.Ordinal);
        var directory = Assert.Throws<DirectoryNotFoundException>(
            () => ChildProcess.Start("true", [], new ChildProcessOptions { WorkingDirectory = script }));
        Assert.Contains("is a file", directory.Message, StringComparison.Ordinal);
        Assert.Contains(script, directory.Message, StringComparison.Ordinal);
        var other = Assert.Throws<FileNotFoundException>(
            () => ChildProcess.Start("./no-such", [], new ChildProcessOptions { WorkingDirectory = folder.Path }));
        Assert.Contains(folder.Path, other.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void WorkingDirectoryIsTheChilds() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var result = await ChildProcess.RunAsync("pwd", [], default, new ChildProcessOptions { WorkingDirectory = folder.Path });
        Assert.Equal(folder.Path + "\n", result.OutputText);
    });

    [Fact]
    public void ProgramNameIsTheFirstArgument() => NetTest.Run(async () =>
    {
        var result = await ChildProcess.RunAsync("sh", ["-c", "echo $0"], default, new ChildProcessOptions { ProgramName = "-name" });
        Assert.Equal("-name\n", result.OutputText);
    });

    [Fact]
    public void SignalsAreAtTheirDefaults() => NetTest.Run(async () =>
    {
        var result = await ChildProcess.RunAsync("grep", "-E", "Sig(Blk|Ign)", "/proc/self/status");
        var lines = result.OutputText.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => Convert.ToUInt64(line[8..], 16)).ToArray();
        Assert.Equal(0UL, lines[0]);

        // Nothing is ignored but what this process has inherited as ignored itself: in any case not SIGPIPE, which the runtime ignores.
        Assert.Equal(0UL, lines[1] & (1UL << 12));
    });

    [Fact]
    public void StandardStreamsMayBeHandles() => NetTest.Run(async () =>
    {
        using var folder = new TemporaryFolder();
        var path = Path.Combine(folder.Path, "file");
        using (var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite))
        {
            var stream = StandardStream.FromHandle(file);
            await using var child = ChildProcess.Start(
                "sh",
                ["-c", "echo out; echo err >&2"],
                new ChildProcessOptions
                {
                    StandardInput = StandardStream.Null,
                    StandardOutput = stream,
                    StandardError = StandardStream.Output,
                });
            Assert.Equal(0, await child.WaitForExitAsync());
        }

        Assert.Equal("out\nerr\n", await File.ReadAllTextAsync(path));
    });

    [Fact]
    public void ErrorsMayGoWhereTheOutputGoes() => NetTest.Run(async () =>
    {
        var result = await ChildProcess.RunAsync(
            "sh", ["-c", "echo 1; echo 2 >&2; echo 3"], default, new ChildProcessOptions { StandardError = StandardStream.Output });
        Assert.Equal(("1\n2\n3\n", ""), (result.OutputText, result.ErrorText));
        Assert.Throws<ArgumentException>(
            () => ChildProcess.Start("true", [], new ChildProcessOptions { StandardOutput = StandardStream.Output }));
    });

    [Fact]
    public void GroupsAndSessions() => NetTest.Run(async () =>
    {
        const string Script = "cut -d' ' -f1,5,6 /proc/self/stat; read x";
        await using var leader = ChildProcess.Start("bash", ["-c", Script], With(new ChildProcessOptions { NewProcessGroup = true }));
        Assert.Equal(leader.Id, await GroupOf(leader, column: 1));
        await using var member = ChildProcess.Start("bash", ["-c", Script], With(new ChildProcessOptions { ProcessGroup = leader.Id }));
        Assert.Equal(leader.Id, await GroupOf(member, column: 1));
        await using var session = ChildProcess.Start("bash", ["-c", Script], With(new ChildProcessOptions { NewSession = true }));
        Assert.Equal(session.Id, await GroupOf(session, column: 2));

        // The whole group is signalled, as long as somebody is in it.
        leader.Kill();
        Assert.Equal(-9, await leader.WaitForExitAsync());
        Assert.False(member.HasExited);
        leader.Terminate(entireGroup: true);
        Assert.Equal(-15, await member.WaitForExitAsync());
        leader.Kill(entireGroup: true);
        Assert.Throws<InvalidOperationException>(() => member.Kill(entireGroup: true));

        Assert.Throws<ArgumentException>(
            () => ChildProcess.Start("true", [], new ChildProcessOptions { NewSession = true, ProcessGroup = 1 }));
        Assert.Throws<ArgumentException>(() => ChildProcess.Start("true", [], new ChildProcessOptions { KillEntireGroup = true }));

        static async Coroutine<int> GroupOf(ChildProcess child, int column) =>
            int.Parse((await ProcessTest.ReadLine(child.StandardOutput!)).Split(' ')[column], CultureInfo.InvariantCulture);
    });

    private static ChildProcessOptions With(ChildProcessOptions options) => new()
    {
        NewProcessGroup = options.NewProcessGroup,
        NewSession = options.NewSession,
        ProcessGroup = options.ProcessGroup,
        StandardInput = StandardStream.Pipe,
        StandardOutput = StandardStream.Pipe,
    };

    private static async Coroutine WriteProgram(string path, string text)
    {
        await File.WriteAllTextAsync(path, text);
        if (ChildProcess.IsSupported)
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
