using System.Globalization;
using System.Text;
using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Processes.Counterparts;

public sealed class GitTests
{
    [Fact]
    public void ObjectsAreWrittenAndReadBack() => NetTest.Run(async () =>
    {
        var git = CounterpartProcess.Require("git");
        using var folder = new TemporaryFolder();
        var options = Options(folder);
        await ChildProcess.RunAsync(git, ["init", "--quiet"], default, options, check: true);

        // In through a pipe: texts, and more than any pipe holds.
        byte[][] contents = [[], "one\n"u8.ToArray(), NetTest.Pattern(1_000_000)];
        var names = new List<string>();
        foreach (var content in contents)
        {
            var result = await ChildProcess.RunAsync(git, ["hash-object", "-w", "--stdin"], content, options, check: true);
            names.Add(result.OutputText.Trim());
        }

        Assert.Equal("5626abf0f72e58d7a153368ba57db4c673c0e171", names[1]);

        // Out through another, of one child that answers each question before the next is asked.
        await using var reader = ChildProcess.Start(git, ["cat-file", "--batch"], With(options, ProcessTest.Pipes));
        for (var i = 0; i < 30; i++)
        {
            var (name, content) = (names[i % 3], contents[i % 3]);
            await reader.StandardInput!.WriteAsync(Encoding.ASCII.GetBytes(name + "\n"));
            var header = (await ProcessTest.ReadLine(reader.StandardOutput!)).Split(' ');
            Assert.Equal([name, "blob", content.Length.ToString(CultureInfo.InvariantCulture)], header);
            Assert.Equal(content, await reader.StandardOutput!.Input.ReadExactlyAsync(content.Length));
            Assert.Equal("", await ProcessTest.ReadLine(reader.StandardOutput));
        }

        await reader.StandardInput!.WriteAsync("nothing\n"u8.ToArray());
        Assert.Equal("nothing missing", await ProcessTest.ReadLine(reader.StandardOutput!));
        await reader.StandardInput.CloseAsync();
        Assert.Equal(0, await reader.WaitForExitAsync());
    });

    [Fact]
    public void ItsComplaintsArrive() => NetTest.Run(async () =>
    {
        var git = CounterpartProcess.Require("git");
        using var folder = new TemporaryFolder();
        var failure = await Assert.ThrowsAsync<ChildProcessException>(
            async () => await ChildProcess.RunAsync(git, ["log"], default, Options(folder), check: true));
        Assert.Equal(128, failure.Result.ExitCode);
        Assert.Contains("not a git repository", failure.Message, StringComparison.Ordinal);
    });

    private static ChildProcessOptions Options(TemporaryFolder folder) => new()
    {
        WorkingDirectory = folder.Path,
        Environment = new Dictionary<string, string?>
        {
            ["LC_ALL"] = "C",
            ["GIT_CONFIG_NOSYSTEM"] = "1",
            ["GIT_DIR"] = null,
            ["GIT_CEILING_DIRECTORIES"] = Path.GetDirectoryName(folder.Path),
            ["HOME"] = folder.Path,
        },
    };

    private static ChildProcessOptions With(ChildProcessOptions options, ChildProcessOptions streams) => new()
    {
        WorkingDirectory = options.WorkingDirectory,
        Environment = options.Environment,
        StandardInput = streams.StandardInput,
        StandardOutput = streams.StandardOutput,
        StandardError = streams.StandardError,
    };
}
