using System.Diagnostics;

namespace Baton.Tests.Processes;

// None lost and none left.
[Collection(ProcessCounting.Name)]
public sealed class ManyChildrenTests
{
    [Fact]
    public void TenThousandOneAfterAnother() => NetTest.Run(async () =>
    {
        var children = ProcessTest.Children();
        var descriptors = ProcessTest.Descriptors();
        for (var i = 0; i < 10_000; i++)
        {
            var child = ChildProcess.Start("/bin/true");
            Assert.Equal(0, await child.WaitForExitAsync());
        }

        Assert.Empty(ProcessTest.Children().Except(children));
        Assert.Empty(ProcessTest.Descriptors().Except(descriptors));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void TwoHundredAtOnceBesideThoseOfTheBcl(bool isOld) => NetTest.Run(async () =>
    {
        var children = ProcessTest.Children();
        var descriptors = ProcessTest.Descriptors();
        var calls = new ScriptedProcessCalls { IsOld = isOld };
        var options = new ChildProcessOptions { SystemCalls = calls };
        var ours = Enumerable.Range(0, 200)
            .Select(i => ChildProcess.RunAsync("sh", ["-c", $"cat; exit {i % 100}"], BitConverter.GetBytes(i), options));
        var theirs = Enumerable.Range(0, 50).Select(i => RunByBcl(i));
        var all = Coroutine.Gather(ours);
        var others = Coroutine.Gather(theirs);
        var results = await all;
        for (var i = 0; i < results.Length; i++)
        {
            Assert.Equal((i % 100, i), (results[i].ExitCode, BitConverter.ToInt32(results[i].Output)));
        }

        Assert.Equal(Enumerable.Range(0, 50), await others);
        Assert.Equal(0, calls.OpenDescriptors);
        await NetTest.Until(() => children.SetEquals(ProcessTest.Children()));
        Assert.Empty(ProcessTest.Descriptors().Except(descriptors));
    });

    private static async Coroutine<int> RunByBcl(int i)
    {
        using var process = Process.Start("sh", ["-c", $"exit {i}"]);
        await Coroutine.FromTask(process.WaitForExitAsync());
        return process.ExitCode;
    }
}
