using Baton.Tests.Conformance;

namespace Baton.Tests.Interop;

/// <summary>The equivalents of CPython's test_threads.py, and what a coroutine adds to a future.</summary>
public class ToThreadTests
{
    private static readonly AsyncLocal<string?> Local = new();

    [Fact]
    [CPython("test_threads.ToThreadTests.test_to_thread")]
    public void It_runs_on_another_thread() => LoopTest.Run(async test =>
    {
        UseExecutor(test, out var executor);
        using var owned = executor;
        Assert.Equal(80, await Coroutine.ToThread(() => Enumerable.Repeat(40, 2).Sum()));
        Assert.False(await Coroutine.ToThread(() => test.Loop.IsOnLoopThread));
    });

    [Fact]
    [CPython("test_threads.ToThreadTests.test_to_thread_exception")]
    public void The_exception_comes_back() => LoopTest.Run(async test =>
    {
        UseExecutor(test, out var executor);
        using var owned = executor;
        var exception = await Assert.ThrowsAsync<IOException>(
            async () => await Coroutine.ToThread(() => throw new IOException("thrown there")));
        Assert.Equal("thrown there", exception.Message);
    });

    [Fact]
    [CPython("test_threads.ToThreadTests.test_to_thread_once")]
    public void It_runs_once_and_only_when_awaited() => LoopTest.Run(async () =>
    {
        var runs = 0;
        var executor = new ManualExecutor();
        var coroutine = Coroutine.ToThread(() => ++runs, executor);
        Assert.Equal(0, executor.Count);
        var task = Coroutine.Start(coroutine);
        await Coroutine.Yield();
        executor.RunNext();
        Assert.Equal(1, await task);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await coroutine);
        Assert.Equal(1, runs);
    });

    [Fact]
    [CPython("test_threads.ToThreadTests.test_to_thread_concurrent")]
    public void Calls_run_concurrently() => LoopTest.Run(async () =>
    {
        using var executor = new ThreadPoolExecutor(10);
        using var all = new Barrier(10);
        var tasks = Enumerable.Range(0, 10)
            .Select(_ => Coroutine.Start(Coroutine.ToThread(() => { Assert.True(all.SignalAndWait(60_000)); }, executor)))
            .ToList();
        foreach (var task in tasks)
        {
            await task;
        }
    });

    [Fact]
    [CPython("test_threads.ToThreadTests.test_to_thread_contextvars")]
    public void AsyncLocals_flow_in() => LoopTest.Run(async () =>
    {
        using var executor = new ThreadPoolExecutor();
        Local.Value = "parrot";
        Assert.Equal("parrot", await Coroutine.ToThread(() => Local.Value, executor));
        await Coroutine.ToThread(() => { Local.Value = "changed"; }, executor);
        Assert.Equal("parrot", Local.Value);
    });

    [Fact]
    public void Arguments_are_checked_where_it_is_called() => LoopTest.Run(() =>
    {
        Assert.Throws<ArgumentNullException>(() => { _ = Coroutine.ToThread((Func<int>)null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = Coroutine.ToThread((Action)null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = Coroutine.ToThread((Func<CancellationToken, int>)null!); });
        Assert.Throws<ArgumentNullException>(() => { _ = Coroutine.ToThread((Action<CancellationToken>)null!); });
        Assert.Throws<ArgumentException>(() => { _ = Coroutine.ToThread(async () => await Task.Yield()); });
        Assert.Throws<ArgumentException>(() => { _ = Coroutine.ToThread(async Task (CancellationToken _) => await Task.Yield()); });
        return default;
    });

    [Fact]
    public void A_function_gets_at_the_loop_by_the_calls_for_other_threads() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        var loop = test.Loop;
        var result = await Coroutine.ToThread(
            () => loop.Invoke(() => loop.IsOnLoopThread ? 1 : 0) + loop.RunCoroutineThreadSafe(Two()).GetAwaiter().GetResult(), executor);
        Assert.Equal(3, result);

        static async Coroutine<int> Two()
        {
            await Coroutine.Yield();
            return 2;
        }
    });

    private static void UseExecutor(LoopTest test, out ThreadPoolExecutor executor) =>
        test.Loop.DefaultExecutor = executor = new ThreadPoolExecutor();
}
