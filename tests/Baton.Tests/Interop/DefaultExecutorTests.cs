using Baton.Tests.Conformance;

namespace Baton.Tests.Interop;

/// <summary>The loop's default executor: made when it is needed, replaced, and shut down with the loop.</summary>
public class DefaultExecutorTests
{
    [Fact]
    public void It_is_made_at_first_use_and_ends_when_the_loop_closes() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(
            Coroutine.ToThread(() => Thread.CurrentThread.Name == "test executor-1" ? 1 : throw new InvalidOperationException()));
        var executor = Assert.IsType<ThreadPoolExecutor>(test.Loop.DefaultExecutor);
        Assert.Equal("test executor", executor.Name);
        Assert.Equal(ThreadPoolExecutor.DefaultMaximumConcurrency, executor.MaximumConcurrency);
        test.Loop.Dispose();
        Assert.True(executor.IsShutDown);
        executor.Dispose();
    });

    [Fact]
    public void A_loop_that_needs_none_has_none() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Coroutine.Sleep(TimeSpan.FromSeconds(1)));
        test.Loop.RunUntilComplete(test.Loop.ShutdownDefaultExecutor(TimeSpan.FromSeconds(1)));
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_set_default_executor")]
    [CPython("test_base_events.BaseEventLoopTests.test_set_default_executor_error",
        Improvement = "What is no executor, the compiler refuses; null is refused at once, and what was set stays.")]
    public void Another_can_be_set_and_remains_its_owners() => LoopTest.On(test =>
    {
        using var mine = new DedicatedThreadExecutor("mine");
        var first = (ThreadPoolExecutor)test.Loop.DefaultExecutor;
        test.Loop.DefaultExecutor = mine;
        Assert.True(first.IsShutDown); // the loop made it and nobody can reach it any more
        Assert.Same(mine, test.Loop.DefaultExecutor);
        test.Loop.DefaultExecutor = mine;
        Assert.Throws<ArgumentNullException>(() => test.Loop.DefaultExecutor = null!);
        test.Loop.RunUntilComplete(Coroutine.ToThread(() => Assert.Equal("mine", Thread.CurrentThread.Name)));
        test.Loop.RunUntilComplete(test.Loop.ShutdownDefaultExecutor(Timeout.InfiniteTimeSpan));
        test.Loop.Dispose();
        Assert.False(mine.IsShutDown);
    });

    [Fact]
    public void It_belongs_to_the_loop_thread() => LoopTest.On(test => LoopTest.StartThread(() =>
    {
        Assert.Throws<InvalidOperationException>(() => test.Loop.DefaultExecutor);
        Assert.Throws<InvalidOperationException>(() => test.Loop.DefaultExecutor = new InlineExecutor());
    }).Join());

    [Fact]
    public void After_it_has_been_shut_down_it_refuses_but_others_go_on() => LoopTest.Run(async test =>
    {
        await Coroutine.ToThread(() => { });
        await test.Loop.ShutdownDefaultExecutor(Timeout.InfiniteTimeSpan);
        var exception = Assert.Throws<InvalidOperationException>(() => { test.Loop.RunInExecutor(() => 1); });
        Assert.Contains("default executor of event loop 'test' has been shut down", exception.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => test.Loop.DefaultExecutor = new InlineExecutor());
        Assert.Equal(1, await test.Loop.RunInExecutor(() => 1, new InlineExecutor()));
        await test.Loop.ShutdownDefaultExecutor(Timeout.InfiniteTimeSpan);
    });

    [Fact]
    public void Shutting_down_waits_for_what_runs_and_what_is_abandoned() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        test.Loop.DefaultExecutor = executor;
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var abandoned = test.Loop.RunInExecutor(
            () =>
            {
                running.Set();
                LoopTest.Await(release);
            });
        var waiting = test.Loop.RunInExecutor(() => 1);
        var dropped = test.Loop.RunInExecutor(() => 2);
        using var thread = executor.Start();
        LoopTest.Await(running);
        abandoned.Cancel();
        dropped.Cancel();
        var first = Coroutine.Start(test.Loop.ShutdownDefaultExecutor(Timeout.InfiniteTimeSpan));
        var second = Coroutine.Start(test.Loop.ShutdownDefaultExecutor(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        executor.RunNext();
        await waiting;
        Assert.False(first.IsDone);
        release.Set();
        await first;
        await second;
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_shutdown_default_executor_timeout")]
    public void What_takes_too_long_is_named_and_left() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        test.Loop.DefaultExecutor = executor;
        var future = test.Loop.RunInExecutor(SlowFunction);
        var start = test.Loop.Time;
        await test.Loop.ShutdownDefaultExecutor(TimeSpan.FromSeconds(5));
        Assert.Equal(5_000_000_000, test.Loop.Time - start);
        var report = test.TakeReport();
        Assert.Contains("after 5 s", report.Message, StringComparison.Ordinal);
        Assert.Contains(nameof(SlowFunction), report.Message, StringComparison.Ordinal);
        executor.RunNext();
        await future;
        Assert.Throws<ArgumentOutOfRangeException>(() => { _ = test.Loop.ShutdownDefaultExecutor(TimeSpan.FromSeconds(-5)); });
    });

    [Fact]
    public void A_shutdown_that_is_cancelled_still_refuses() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        test.Loop.DefaultExecutor = executor;
        var future = test.Loop.RunInExecutor(SlowFunction);
        var shutdown = Coroutine.Start(test.Loop.ShutdownDefaultExecutor(TimeSpan.FromSeconds(5)));
        await Coroutine.Yield();
        shutdown.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await shutdown);
        Assert.Throws<InvalidOperationException>(() => { test.Loop.RunInExecutor(() => 1); });
        executor.RunNext();
        await future;
    });

    [Fact]
    public void Run_waits_for_functions_that_nobody_waits_for() => LoopTest.OnThread(() =>
    {
        Assert.SkipUnless(LoopTest.HasDefaultDriver(), "There is no default driver on this platform.");
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        ThreadPoolExecutor? executor = null;
        var ended = false;
        var failures = new List<string>();
        EventLoop.Run(
            async () =>
            {
                var loop = EventLoop.Current;
                executor = (ThreadPoolExecutor)loop.DefaultExecutor;
                var abandoned = Coroutine.Start(Coroutine.ToThread(
                    () =>
                    {
                        running.Set();
                        LoopTest.Await(release);
                        loop.Invoke(() => { });
                        ended = true;
                        throw new IOException("abandoned");
                    }));
                await Coroutine.Yield();
                _ = Coroutine.Start(ReleaseAtTheEnd(release));
                await Coroutine.Yield();
                LoopTest.Await(running);
            },
            new EventLoopOptions { HandleSignals = false, ExceptionHandler = (_, report) => failures.Add(report.Exception!.Message) });
        Assert.True(ended);
        Assert.Equal(["abandoned"], failures);
        Assert.True(executor!.IsShutDown);
        executor.Dispose();
    });

    [Fact]
    public void Dispose_does_not_wait() => LoopTest.On(test =>
    {
        using var release = new ManualResetEvent(false);
        using var running = new ManualResetEvent(false);
        var future = test.Loop.RunInExecutor(() =>
        {
            running.Set();
            LoopTest.Await(release);
        });
        var executor = (ThreadPoolExecutor)test.Loop.DefaultExecutor;
        LoopTest.Await(running);
        test.Loop.Dispose();
        Assert.False(future.IsDone);
        release.Set();
        executor.Dispose();
    });

    private static void SlowFunction()
    {
    }

    /// <summary>Lets a function go on only once the loop ends its tasks.</summary>
    private static async Coroutine ReleaseAtTheEnd(ManualResetEvent release)
    {
        try
        {
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
        finally
        {
            release.Set();
        }
    }
}
