using Baton.Drivers;

namespace Baton.Tests.Processes;

// How children end, and who waits for them.
[Collection(ProcessCounting.Name)]
public sealed class ChildLifeTests
{
    private const string Forever = "exec sleep 100";

    [Fact]
    public void ManyMayWait() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("cat", [], ProcessTest.Pipes);
        var waits = Enumerable.Range(0, 10).Select(_ => Coroutine.Start(child.WaitForExitAsync())).ToArray();
        await Coroutine.Yield();
        waits[0].Cancel();
        waits[4].Cancel();
        waits[9].Cancel();
        await NetTest.AssertCancelled(waits[0]);
        await NetTest.AssertCancelled(waits[4]);
        await NetTest.AssertCancelled(waits[9]);
        Assert.False(child.HasExited);
        await child.StandardInput!.CloseAsync();
        foreach (var wait in waits.Where(wait => !wait.IsCancelled))
        {
            Assert.Equal(0, await wait);
        }
    });

    [Fact]
    public void ExitDoesNotWaitForGrandchildren() => NetTest.Run(async () =>
    {
        // The grandchild holds all pipes, and tells its number.
        await using var child = ChildProcess.Start("sh", ["-c", "sleep 100 & echo $!"], new ChildProcessOptions
        {
            StandardInput = StandardStream.Pipe,
            StandardOutput = StandardStream.Pipe,
            StandardError = StandardStream.Pipe,
            NewProcessGroup = true,
            KillEntireGroup = true,
        });
        var grandchild = int.Parse(await ProcessTest.ReadLine(child.StandardOutput!), System.Globalization.CultureInfo.InvariantCulture);
        Assert.Equal(0, await child.WaitForExitAsync());
        Assert.True(ProcessTest.IsRunning(grandchild));
        var end = Coroutine.Start(ProcessTest.ReadAll(child.StandardOutput!));
        await NetTest.Iterate();
        Assert.False(end.IsDone);

        // The group goes with the child, although that has ended.
        child.Kill(entireGroup: true);
        Assert.Equal("", await end);
        await NetTest.Until(() => !ProcessTest.IsRunning(grandchild));
    });

    [Fact]
    public void DisposingEndsTheGroup() => NetTest.Run(async () =>
    {
        int grandchild;
        await using (var child = ChildProcess.Start("sh", ["-c", "sleep 100 & echo $!; wait"], new ChildProcessOptions
        {
            StandardOutput = StandardStream.Pipe,
            NewSession = true,
            KillEntireGroup = true,
        }))
        {
            grandchild = int.Parse(await ProcessTest.ReadLine(child.StandardOutput!), System.Globalization.CultureInfo.InvariantCulture);
        }

        await NetTest.Until(() => !ProcessTest.IsRunning(grandchild));
    });

    [Fact]
    public void WithoutNewKernelsAGroupIsSignalledWhileItsLeaderRuns() => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls { OnCall = (name, _) => name == "Signal" ? -22 : null };
        await using var child = ChildProcess.Start("sh", ["-c", "sleep 100 & echo $!; wait"], new ChildProcessOptions
        {
            StandardOutput = StandardStream.Pipe,
            NewProcessGroup = true,
            SystemCalls = calls,
        });
        var grandchild = int.Parse(await ProcessTest.ReadLine(child.StandardOutput!), System.Globalization.CultureInfo.InvariantCulture);
        child.Kill(entireGroup: true);
        Assert.Equal(-9, await child.WaitForExitAsync());
        await NetTest.Until(() => !ProcessTest.IsRunning(grandchild));
        var kills = calls.Made.Count(call => call == "Kill");
        child.Kill(entireGroup: true);
        Assert.Equal(kills, calls.Made.Count(call => call == "Kill"));
    });

    [Fact]
    public void DisposingLetsAChildEndByItselfForSomeTime() => NetTest.Run(async () =>
    {
        var options = Graceful(TimeSpan.FromSeconds(60));
        const string Script = "trap 'exit 4' TERM; echo ready; while :; do sleep 0.01; done";
        ChildProcess child;
        await using (child = ChildProcess.Start("sh", ["-c", Script], options))
        {
            await ProcessTest.ReadLine(child.StandardOutput!);
        }

        Assert.Equal(4, child.ExitCode);
    });

    [Fact]
    public void DisposingKillsWhatDoesNotListen() => NetTest.Run(async () =>
    {
        var options = Graceful(TimeSpan.FromMilliseconds(20));
        ChildProcess child;
        await using (child = ChildProcess.Start("sh", ["-c", "trap '' TERM; echo ready; " + Forever], options))
        {
            await ProcessTest.ReadLine(child.StandardOutput!);
        }

        Assert.Equal(-9, child.ExitCode);
    });

    [Fact]
    public void CancellingAGracefulEndKillsAtOnce() => NetTest.Run(async () =>
    {
        var child = ChildProcess.Start("sh", ["-c", "trap '' TERM; echo ready; " + Forever], Graceful(TimeSpan.FromHours(1)));
        await ProcessTest.ReadLine(child.StandardOutput!);
        var stop = Coroutine.Start(child.StopAsync());
        await NetTest.Iterate();
        Assert.False(stop.IsDone);
        stop.Cancel();
        await NetTest.AssertCancelled(stop);
        Assert.Equal(-9, child.ExitCode);
        await child.DisposeAsync();
    });

    [Fact]
    public void StopReturnsTheExitCode() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("sleep", "100");
        Assert.Equal(-15, await child.StopAsync(TimeSpan.FromSeconds(60)));
        Assert.Equal(-15, await child.StopAsync());
        await using var other = ChildProcess.Start("sleep", "100");
        Assert.Equal(-9, await other.StopAsync());
    });

    [Fact]
    public void DisposeGoesOnByItself() => NetTest.Run(async () =>
    {
        var child = ChildProcess.Start("cat", [], ProcessTest.Pipes);
        child.Dispose();
        Assert.True(child.StandardInput!.IsClosed && child.StandardOutput!.IsClosed && child.StandardError!.IsClosed);
        child.Dispose();
        Assert.Equal(-9, await child.WaitForExitAsync());
        Assert.False(ProcessTest.IsChild(child.Id));
    });

    [Fact]
    public void AChildMayBeLeftRunning() => NetTest.Run(async () =>
    {
        var child = ChildProcess.Start("sleep", ["100"], new ChildProcessOptions { KillOnDispose = false });
        await child.DisposeAsync();
        Assert.True(ProcessTest.IsRunning(child.Id));
        child.Kill();
        Assert.Equal(-9, await child.WaitForExitAsync());
    });

    [Fact]
    public void CancellingARunLeavesNothing() => NetTest.Run(async () =>
    {
        var children = ProcessTest.Children();
        for (var i = 0; i < 30; i++)
        {
            var run = Coroutine.Start(ChildProcess.RunAsync("sh", ["-c", "cat; " + Forever], NetTest.Pattern(300_000)));
            await NetTest.Iterate(1 + i);
            run.Cancel();
            await NetTest.AssertCancelled(run);
            Assert.Equal(children, ProcessTest.Children());
        }
    });

    [Fact]
    public void ARunIsCancelledByItsScopeToo() => NetTest.Run(async () =>
    {
        var children = ProcessTest.Children();
        Assert.False(await CancelScope.Run(
            async _ => await ChildProcess.RunAsync("sh", ["-c", Forever], default, Graceful(TimeSpan.FromMilliseconds(1))),
            TimeSpan.FromMilliseconds(30)));
        Assert.Equal(children, ProcessTest.Children());
    });

    [Fact]
    public void OutputsHaveALimit() => NetTest.Run(async () =>
    {
        var children = ProcessTest.Children();
        foreach (var stream in (string[])["1", "2"])
        {
            var exception = await Assert.ThrowsAsync<IOException>(async () => await ChildProcess.RunAsync(
                "sh", ["-c", $"cat /dev/zero >&{stream}"], default, new ChildProcessOptions { OutputLimit = 1_000_000 }));
            Assert.Contains("1000000 bytes", exception.Message, StringComparison.Ordinal);
        }

        var options = new ChildProcessOptions { OutputLimit = 1_000_000 };
        Assert.Equal(1_000_000, (await ChildProcess.RunAsync("head", ["-c", "1000000", "/dev/zero"], default, options)).Output.Length);
        Assert.Equal(children, ProcessTest.Children());
    });

    [Fact]
    public void StatusThatSomebodyElseHasTakenIsAskedOfTheKernelOrUnknown()
    {
        var warnings = new List<LoopWarning>();
        NetTest.Run(options => options.WarningHandler = (_, warning) => warnings.Add(warning), async test =>
        {
            // Somebody waits for the child behind the loop's back.
            var thief = new LinuxProcessCalls();
            await using var child = ChildProcess.Start("cat", [], ProcessTest.Pipes);
            var steal = new Thread(() => thief.Wait(isDescriptor: false, child.Id, 4, out _, out _));
            steal.Start();
            child.Kill();
            steal.Join();
            var code = await child.WaitForExitAsync();
            Assert.Contains(code, (int[])[-9, 255]);
            Assert.Equal(code == 255, child.ExitStatus!.Value.IsUnknown);

            // An older kernel.
            warnings.Clear();
            var calls = new ScriptedProcessCalls { OnCall = (name, _) => name switch { "Wait" => -10, "GetExitStatus" => -25, _ => null } };
            await using var lost = ChildProcess.Start("true", [], new ChildProcessOptions { SystemCalls = calls });
            Assert.Equal(255, await lost.WaitForExitAsync());
            Assert.True(lost.ExitStatus!.Value.IsUnknown);
            Assert.Equal(LoopWarningKind.LostExitStatus, Assert.Single(warnings).Kind);
            Assert.Equal(0, new LinuxProcessCalls().Wait(isDescriptor: false, lost.Id, 4, out var how, out _));
            Assert.Equal(1, how);
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALoopThatClosesEndsItsChildren(bool isOld)
    {
        var reports = new List<LoopExceptionContext>();
        var ids = new List<int>();
        LoopTest.OnThread(() => EventLoop.Run(
            async () =>
            {
                var calls = new ScriptedProcessCalls { IsOld = isOld };
                ids.Add(ChildProcess.Start("sleep", ["100"], new ChildProcessOptions { SystemCalls = calls }).Id);
                ids.Add(ChildProcess.Start("cat", [], ProcessTest.Pipes).Id);
                await ChildProcess.Start("true").WaitForExitAsync();
            },
            new EventLoopOptions { ExceptionHandler = (_, report) => reports.Add(report), Driver = TestDriver.Create() }));
        Assert.Equal(2, reports.Count);
        Assert.All(
            reports,
            report => Assert.Contains("still ran when the event loop was closed", report.Message, StringComparison.Ordinal));
        Assert.All(ids, id => Assert.False(ProcessTest.IsChild(id)));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALoopThatIsDisposedOfEndsItsChildren(bool isOld)
    {
        var reports = new List<LoopExceptionContext>();
        ChildProcess? child = null;
        LoopTest.OnThread(() =>
        {
            using var loop = new EventLoop(new EventLoopOptions
            {
                ExceptionHandler = (_, report) => reports.Add(report),
                Driver = TestDriver.Create(),
            });
            loop.RunUntilComplete(Main());
        });
        Assert.Single(reports);
        Assert.True(SpinWait.SpinUntil(() => !ProcessTest.IsChild(child!.Id), TimeSpan.FromSeconds(60)));

        async Coroutine Main()
        {
            var calls = new ScriptedProcessCalls { IsOld = isOld };
            child = ChildProcess.Start("sleep", ["100"], new ChildProcessOptions { SystemCalls = calls });
            await Coroutine.Yield();
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void ALoopThatClosesLeavesChildrenThatMayRunOn(bool isOld)
    {
        var id = 0;
        LoopTest.OnThread(() => EventLoop.Run(
            async () =>
            {
                var calls = new ScriptedProcessCalls { IsOld = isOld };
                var child = ChildProcess.Start("sleep", ["100"], new ChildProcessOptions { KillOnDispose = false, SystemCalls = calls });
                id = child.Id;
                await child.DisposeAsync();
            },
            new EventLoopOptions { Driver = TestDriver.Create() }));
        Assert.True(ProcessTest.IsRunning(id));
        new LinuxProcessCalls().Kill(id, 9);

        // A thread has taken over from the loop.
        Assert.True(SpinWait.SpinUntil(() => !ProcessTest.IsChild(id), TimeSpan.FromSeconds(60)));
    }

    [Fact]
    public void DebugModeTellsOfARunningChild()
    {
        var warnings = new List<LoopWarning>();
        LoopTest.OnThread(() =>
        {
            using var loop = new EventLoop(new EventLoopOptions
            {
                Debug = true,
                WarningHandler = (_, warning) => warnings.Add(warning),
                ExceptionHandler = (_, _) => { },
                Driver = TestDriver.Create(),
            });
            loop.RunUntilComplete(Main());
        });
        var warning = Assert.Single(warnings);
        Assert.Equal(LoopWarningKind.UnclosedResource, warning.Kind);
        Assert.Contains("'sleep' (running)", warning.Message, StringComparison.Ordinal);

        static async Coroutine Main()
        {
            ChildProcess.Start("sleep", "100");
            await Coroutine.Yield();
        }
    }

    [Fact]
    public void AChildOfAnotherUserIsReportedAndLeftAlone() => NetTest.Run(async test =>
    {
        var calls = new ScriptedProcessCalls { OnCall = (name, _) => name is "Signal" or "Kill" ? -Errno.EPERM : null };
        var child = ChildProcess.Start("sleep", ["100"], new ChildProcessOptions { SystemCalls = calls });
        Assert.Throws<UnauthorizedAccessException>(() => child.Terminate());
        await child.DisposeAsync();
        Assert.Contains("cannot be killed", Assert.Single(test.TakeReports()).Message, StringComparison.Ordinal);
        new LinuxProcessCalls().Kill(child.Id, 9);
        Assert.Equal(-9, await child.WaitForExitAsync());
    });

    [Fact]
    public void ABclProcessIsLeftAlone() => NetTest.Run(async () =>
    {
        using var other = System.Diagnostics.Process.Start("sh", ["-c", "read x; exit 6"]);
        await using var child = ChildProcess.Start("sh", "-c", "exit 5");
        Assert.Equal(5, await child.WaitForExitAsync());
        other.Kill();
        await Coroutine.FromTask(other.WaitForExitAsync());
        Assert.Equal(137, other.ExitCode);
    });

    [Fact]
    public void OffTheLoopItThrows() => NetTest.Run(async () =>
    {
        await using var child = ChildProcess.Start("sleep", "100");
        await Coroutine.ToThread(() =>
        {
            Assert.Throws<InvalidOperationException>(() => child.Kill());
            Assert.Throws<InvalidOperationException>(() => child.Dispose());
            Assert.Throws<InvalidOperationException>(() => ChildProcess.Start("true"));
        });
    });

    private static ChildProcessOptions Graceful(TimeSpan period) => new() { GracePeriod = period, StandardOutput = StandardStream.Pipe };
}
