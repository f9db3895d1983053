namespace Baton.Tests.Diagnostics;

public class CoroutineCountTests
{
    [Fact]
    public void Counts_those_that_have_not_ended() => LoopTest.Run(async test =>
    {
        var before = test.Loop.CoroutineCount;
        var tasks = Enumerable.Range(0, 10).Select(_ => test.Loop.CreateTask(Outer())).ToList();
        Assert.Equal(before + 10, test.Loop.CoroutineCount);
        await Coroutine.Yield();
        Assert.Equal(before + 20, test.Loop.CoroutineCount);
        foreach (var task in tasks)
        {
            task.Cancel();
        }

        await Coroutine.Wait(tasks);
        Assert.Equal(before, test.Loop.CoroutineCount);
    });

    [Fact]
    public void Counts_one_that_nobody_awaits_until_it_is_closed() => LoopTest.Run(async test =>
    {
        await Coroutine.Yield();
        var before = test.Loop.CoroutineCount;
        var coroutine = Inner();
        Assert.Equal(before + 1, test.Loop.CoroutineCount);
        coroutine.Close();
        Assert.Equal(before, test.Loop.CoroutineCount);
    });

    [Fact]
    public void A_task_that_is_cancelled_before_it_starts_leaves_none() => LoopTest.Run(async test =>
    {
        var before = test.Loop.CoroutineCount;
        var task = test.Loop.CreateTask(Outer());
        task.Cancel();
        await Coroutine.Wait([task]);
        Assert.Equal(before, test.Loop.CoroutineCount);
    });

    [Fact]
    public void More_than_the_pool_takes_are_not_counted_when_they_have_ended() => LoopTest.Run(async test =>
    {
        var before = test.Loop.CoroutineCount;
        var tasks = Enumerable.Range(0, 5000).Select(_ => test.Loop.CreateTask(Short())).ToList();
        await Coroutine.Yield();
        await Coroutine.Wait(tasks);
        Assert.Equal(before, test.Loop.CoroutineCount);
    });

    [Fact]
    public void Those_of_other_threads_are_not_counted() => LoopTest.Run(async test =>
    {
        var count = test.Loop.CoroutineCount;
        Task? call = null;
        using (LoopTest.StartThread(() => call = test.Loop.RunCoroutineThreadSafe(Short())))
        {
        }

        await call!;
        Assert.Equal(count, test.Loop.CoroutineCount);
    });

    [Fact]
    public void Those_that_go_to_another_thread_are_not_counted() => LoopTest.Run(async test =>
    {
        await using var thread = EventLoopThread.Start();
        var there = await thread.Run(CountAsync);
        var count = test.Loop.CoroutineCount;
        await thread.Loop.RunCoroutineThreadSafe(Short());
        await thread.Loop.RunCoroutineThreadSafe(Number());
        await thread.Run(Short);
        await thread.Run(Number);
        Assert.Equal(count, test.Loop.CoroutineCount);
        Assert.Equal(there, await thread.Run(CountAsync));

        static async Coroutine<int> CountAsync() => EventLoop.Current.CoroutineCount;
    });

    [Fact]
    public void Asking_on_another_thread_throws() => LoopTest.Run(async test =>
    {
        await Coroutine.Yield();
        using (LoopTest.StartThread(() => Assert.Throws<InvalidOperationException>(() => test.Loop.CoroutineCount)))
        {
        }
    });

    private static async Coroutine Outer() => await Inner();

    private static async Coroutine Inner() => await Coroutine.Sleep(Timeout.InfiniteTimeSpan);

    private static async Coroutine<int> Number()
    {
        await Coroutine.Yield();
        return 1;
    }

    private static async Coroutine Short() => await Coroutine.Yield();
}
