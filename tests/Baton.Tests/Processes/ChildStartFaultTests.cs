using System.ComponentModel;
using Baton.Drivers;
using Microsoft.Win32.SafeHandles;

namespace Baton.Tests.Processes;

// Whatever fails, and wherever in its start a child is killed: no child and no descriptor is left.
[Collection(ProcessCounting.Name)]
public sealed class ChildStartFaultTests
{
    [Theory]
    [InlineData("CreatePipe", 0, typeof(IOException))]
    [InlineData("CreatePipe", 1, typeof(IOException))]
    [InlineData("CreatePipe", 2, typeof(IOException))]
    [InlineData("SetNonBlocking", 0, typeof(IOException))]
    [InlineData("SetNonBlocking", 1, typeof(IOException))]
    [InlineData("SetNonBlocking", 2, typeof(IOException))]
    [InlineData("Duplicate", 0, typeof(IOException))]
    [InlineData("Duplicate", 1, typeof(IOException))]
    [InlineData("Spawn", 0, typeof(IOException))]
    [InlineData("OpenProcess", 0, null)]
    [InlineData("SetPipeSize", 0, null)]
    public void NothingIsLeftWhenACallFails(string call, int which, Type? expected) => NetTest.RunOnEpoll(async _ =>
    {
        var calls = new ScriptedProcessCalls { OnCall = (name, before) => name == call && before == which ? -Errno.EMFILE : null };
        using var first = File.OpenHandle("/dev/null");
        using var second = File.OpenHandle("/dev/null");
        var options = Options(calls, (first, second));
        var children = ProcessTest.Children();
        if (expected is null)
        {
            await using var child = ChildProcess.Start("cat", [], options);
            Assert.Equal("fed", (await child.CommunicateAsync("fed"u8.ToArray())).OutputText);
        }
        else
        {
            var failure = Assert.Throws(expected, () => ChildProcess.Start("cat", [], options));
            Assert.Equal(24, Assert.IsType<Win32Exception>(failure.InnerException).NativeErrorCode);
        }

        Assert.Contains(call, calls.Made);
        Assert.Equal(0, calls.OpenDescriptors);
        Assert.Equal(children, ProcessTest.Children());
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public void NothingIsLeftWhenTheDriverCannotTakeAPipe(int which) => NetTest.RunOnEpoll(async test =>
    {
        // The number of descriptors that the driver may take over before it runs out of something.
        var left = which;
        test.Calls.OnDuplicate = _ => left-- > 0 ? null : -Errno.ENOMEM;
        var calls = new ScriptedProcessCalls();
        var children = ProcessTest.Children();
        Assert.Throws<IOException>(() => ChildProcess.Start("cat", [], Options(calls, null)));
        Assert.Equal(0, calls.OpenDescriptors);
        Assert.Equal(children, ProcessTest.Children());
        await Coroutine.Yield();
    });

    [Fact]
    public void AThreadWaitsWhereTheDriverCannotWatch() => NetTest.RunOnEpoll(async test =>
    {
        var calls = new ScriptedProcessCalls();
        test.Calls.OnEpollAdd = () => -Errno.ENOMEM;
        await using var child = ChildProcess.Start("sh", ["-c", "exit 5"], new ChildProcessOptions { SystemCalls = calls });
        test.Calls.OnEpollAdd = null;
        Assert.Equal(5, await child.WaitForExitAsync());
        Assert.Equal(0, calls.OpenDescriptors);
    });

    [Fact]
    public void ArgumentsAreCheckedBeforeAnythingIsMade() => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls();
        Assert.Throws<ArgumentException>(() => ChildProcess.Start("cat", ["a\0b"], Options(calls, null)));
        Assert.Throws<ArgumentException>(() => ChildProcess.Start("ca\0t", [], Options(calls, null)));
        Assert.Throws<ArgumentNullException>(() => ChildProcess.Start("cat", [null!], Options(calls, null)));
        Assert.Throws<ArgumentException>(() => ChildProcess.Start(
            "cat", [], new ChildProcessOptions { SystemCalls = calls, Environment = new Dictionary<string, string?> { ["A=B"] = "" } }));
        Assert.Equal(0, calls.OpenDescriptors);
        Assert.DoesNotContain("Spawn", calls.Made);
        await Coroutine.Yield();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AChildKilledRightAfterItsStartEndsAsAnyOther(bool isOld) => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls { IsOld = isOld, OnSpawned = id => new LinuxProcessCalls().Kill(id, 9) };
        await using var child = ChildProcess.Start("sleep", ["100"], Options(calls, null));
        Assert.Equal(-9, (await child.CommunicateAsync()).ExitCode);
        Assert.Equal(0, calls.OpenDescriptors);
        Assert.False(ProcessTest.IsChild(child.Id));
    });

    [Fact]
    public void AChildKilledAtAnyMomentOfItsStartEndsAsAnyOther() => NetTest.Run(async () =>
    {
        // A thread looks for a new child, and kills it a little later each time: in the middle of its start, in its first steps, in its
        // loop.
        var calls = new LinuxProcessCalls();
        for (var i = 0; i < 100; i++)
        {
            var before = ProcessTest.Children();
            using var started = new ManualResetEventSlim();
            var spins = i * 50;
            var killer = new Thread(() =>
            {
                while (true)
                {
                    var found = ProcessTest.Children().Except(before).ToArray();
                    if (found.Length > 0)
                    {
                        Thread.SpinWait(spins);
                        calls.Kill(found[0], 9);
                        return;
                    }

                    if (started.IsSet && found.Length == 0)
                    {
                        return;
                    }
                }
            });
            killer.Start();
            ChildProcess? child = null;
            try
            {
                child = ChildProcess.Start("sh", ["-c", "while :; do :; done"], ProcessTest.Pipes);
                Assert.Equal(-9, (await child.CommunicateAsync()).ExitCode);
            }
            finally
            {
                started.Set();
                killer.Join();
                if (child is not null)
                {
                    await child.DisposeAsync();
                }
            }

            Assert.Equal(before, ProcessTest.Children());
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void InterruptedWaitsAreRepeated(bool isOld) => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls
        {
            IsOld = isOld,
            OnCall = (name, before) => name == "Wait" && before < 3 ? -Errno.EINTR : null,
        };
        await using var child = ChildProcess.Start("sh", ["-c", "exit 3"], Options(calls, null));
        Assert.Equal(3, await child.WaitForExitAsync());
    });

    [Fact]
    public void AKernelThatCannotWaitByDescriptorsWaitsByNumber() => NetTest.Run(async () =>
    {
        var calls = new ScriptedProcessCalls { OnCall = (name, before) => name == "Wait" && before == 0 ? -22 : null };
        await using var child = ChildProcess.Start("sh", ["-c", "exit 3"], Options(calls, null));
        Assert.Equal(3, await child.WaitForExitAsync());
    });

    private static ChildProcessOptions Options(ScriptedProcessCalls calls, (SafeFileHandle First, SafeFileHandle Second)? files) => new()
    {
        SystemCalls = calls,
        StandardInput = StandardStream.Pipe,
        StandardOutput = StandardStream.Pipe,
        StandardError = StandardStream.Pipe,
        PipeSize = 1 << 20,

        // Each has the number that the other is to have.
        PassedDescriptors = files is not { } both ? [] :
        [
            new PassedDescriptor(both.First, (int)both.Second.DangerousGetHandle()),
            new PassedDescriptor(both.Second, (int)both.First.DangerousGetHandle()),
        ],
    };
}
