using Baton.Tests.Net.Counterparts;

namespace Baton.Tests.Files;

/// <summary>What tests of files share.</summary>
internal static class FileTest
{
    /// <summary>Runs a test with a folder of its own, which at the end holds no file that is open.</summary>
    internal static void Run(Func<NetTest, TemporaryFolder, Coroutine> main, Action<EventLoopOptions>? configure = null) => NetTest.Run(
        configure ?? (static _ => { }),
        async test =>
        {
            using var folder = new TemporaryFolder();
            await main(test, folder);
            AssertAllClosed(folder);
        });

    /// <summary>With an executor whose work waits until the test has it run.</summary>
    internal static void RunByHand(Func<ManualExecutor, TemporaryFolder, Coroutine> main)
    {
        var executor = new ManualExecutor();
        Run((_, folder) => main(executor, folder), options => options.FileExecutor = executor);
        Assert.Equal(0, executor.Count);
    }

    /// <summary>Runs everything that is queued, and what comes of that, until a task has ended.</summary>
    internal static async Coroutine RunAll(ManualExecutor executor, LoopTask task)
    {
        while (!task.IsDone)
        {
            while (executor.Count > 0)
            {
                executor.RunNext();
            }

            await Coroutine.Yield();
        }
    }

    /// <summary>Checks that this process has nothing open in a folder, where there is a way to know.</summary>
    internal static void AssertAllClosed(TemporaryFolder folder)
    {
        if (OperatingSystem.IsLinux())
        {
            Assert.True(SpinWait.SpinUntil(() => !OpenPaths().Any(IsInFolder), TimeSpan.FromSeconds(20)));
        }

        bool IsInFolder(string path)
        {
            return path.StartsWith(folder.Path, StringComparison.Ordinal);
        }
    }

    /// <summary>The paths of all that this process has open, on Linux.</summary>
    internal static IEnumerable<string> OpenPaths()
    {
        foreach (var descriptor in Directory.GetFileSystemEntries("/proc/self/fd"))
        {
            string? target = null;
            try
            {
                target = File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName;
            }
            catch (IOException)
            {
                // Closed meanwhile.
            }

            if (target is not null)
            {
                yield return target;
            }
        }
    }
}
