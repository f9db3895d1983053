using System.Runtime.CompilerServices;

namespace Baton.Tests.Diagnostics;

/// <summary>Coroutines that were made and never awaited.</summary>
public class NeverAwaitedTests
{
    private const string Here = "Baton.Tests.Diagnostics.NeverAwaitedTests";

    [Fact]
    public void It_is_reported_when_it_is_collected() => LoopTest.RunInDebug(async test =>
    {
        Forget();
        await Collect(test);
        var warning = test.TakeWarning();
        Assert.Equal(LoopWarningKind.NeverAwaited, warning.Kind);
        Assert.StartsWith($"Coroutine '{Here}.Work' was never awaited", warning.Message, StringComparison.Ordinal);
        Assert.Equal($"{Here}.Forget", warning.SourceTraceback!.Innermost!.Value.Method);
        Assert.NotEqual(0, warning.SourceTraceback.Innermost.Value.Line);
    }, BlockingWaits.Ignore); // Waiting for the collector blocks.

    [Fact]
    public void It_is_reported_at_the_latest_when_the_loop_closes_and_only_once() => LoopTest.OnInDebug(test =>
    {
        Coroutine<int> kept = default;
        test.Loop.CallSoon(() => kept = WorkWithResult());
        test.RunIterations(2);
        Assert.Empty(test.TakeWarnings());
        test.Loop.Dispose();
        Assert.StartsWith($"Coroutine '{Here}.WorkWithResult' was never awaited", test.TakeWarning().Message, StringComparison.Ordinal);
        test.Loop.Dispose();
        Assert.Empty(test.TakeWarnings());
        GC.KeepAlive(kept);
    });

    [Fact]
    public void A_sleep_that_nobody_awaits_is_reported() => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallSoon(() => _ = Coroutine.Sleep(TimeSpan.FromSeconds(1)));
        test.RunIterations(1);
        test.Loop.Dispose();
        Assert.StartsWith("Coroutine 'Coroutine.Sleep' was never awaited", test.TakeWarning().Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Those_that_are_awaited_or_made_tasks_are_not_reported_however_they_end() => LoopTest.RunInDebug(async test =>
    {
        await Work();
        await WorkWithResult();
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        await test.Loop.CreateTask(Work());
        await test.Loop.CreateTask(WorkWithResult(), eager: true);
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.FromException(new IOException()));
        var task = test.Loop.CreateTask(Work());
        task.Cancel();
        await test.Drain();
        await Plain();
        await test.Loop.RunCoroutineThreadSafe(Work());
        await Collect(test);

        static async Task Plain() => await Work();
    }, BlockingWaits.Ignore);

    [Fact]
    public void Outside_of_debug_mode_nothing_is_reported() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            test.Loop.CallSoon(Forget);
            test.RunIterations(1);
            for (var i = 0; i < 5; i++)
            {
                GC.Collect();
                GC.WaitForPendingFinalizers();
                test.RunIterations(1);
            }
        });

    [Fact]
    public void One_that_another_loop_made_is_that_loops() => LoopTest.OnInDebug(test =>
    {
        using var thread = LoopTest.StartThread(() => LoopTest.On(options => options.Debug = false, other =>
        {
            other.Loop.CallSoon(Forget);
            other.RunIterations(1);
        }));
        thread.Join();
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Forget() => _ = Work();

    private static async Coroutine Work() => await Coroutine.Yield();

    private static async Coroutine<int> WorkWithResult()
    {
        await Coroutine.Yield();
        return 1;
    }

    private static async Coroutine Collect(LoopTest test)
    {
        for (var i = 0; i < 10; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Coroutine.Yield();
            await Coroutine.Yield();
        }

        Assert.True(test.Loop.IsRunning);
    }
}
