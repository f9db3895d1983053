using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Processes.Counterparts;

public sealed class ShellTests
{
    [Fact]
    public void BashTalksBothWays() => NetTest.Run(async () =>
    {
        await using var bash = ChildProcess.Start(CounterpartProcess.Require("bash"), ["--norc"], ProcessTest.Pipes);
        await bash.StandardInput!.WriteAsync("set -o pipefail\necho $((6 * 7))\n"u8.ToArray());
        Assert.Equal("42", await ProcessTest.ReadLine(bash.StandardOutput!));

        // It has a pipeline of its own, whose last member is told by a signal that nobody reads.
        await bash.StandardInput.WriteAsync("yes | head -n 1; echo ${PIPESTATUS[0]}\n"u8.ToArray());
        Assert.Equal("y", await ProcessTest.ReadLine(bash.StandardOutput!));
        Assert.Equal("141", await ProcessTest.ReadLine(bash.StandardOutput!));
        await bash.StandardInput.WriteAsync("echo end >&2; exit 9\n"u8.ToArray());
        var result = await bash.CommunicateAsync();
        Assert.Equal(("end\n", 9), (result.ErrorText, result.ExitCode));
    });

    [Fact]
    public void ChildrenMayBeJoinedByAPipe() => NetTest.Run(async () =>
    {
        var (reader, writer) = LoopPipe.CreateHandles();
        using var readable = reader;
        using var writable = writer;
        var output = new ChildProcessOptions { StandardOutput = StandardStream.FromHandle(writer) };
        await using var first = ChildProcess.Start("seq", ["100000"], output);
        await using var second = ChildProcess.Start("wc", ["-l"], new ChildProcessOptions
        {
            StandardInput = StandardStream.FromHandle(reader),
            StandardOutput = StandardStream.Pipe,
        });
        reader.Dispose();
        writer.Dispose();
        Assert.Equal("100000\n", (await second.CommunicateAsync()).OutputText);
        Assert.Equal(0, await first.WaitForExitAsync());
    });

    [Fact]
    public void SleepersEndInTheirOrder() => NetTest.Run(async () =>
    {
        var ended = new List<string>();
        await TaskGroup.Run(async group =>
        {
            foreach (var time in (string[])["0.6", "0.3", "0"])
            {
                _ = group.CreateTask(Sleep(time));
            }

            await Coroutine.Yield();
        });
        Assert.Equal(["0", "0.3", "0.6"], ended);

        async Coroutine Sleep(string time)
        {
            await ChildProcess.RunAsync("sleep", time);
            ended.Add(time);
        }
    });
}
