namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>LockTests</c> pin down, besides what the tests of <see cref="AsyncLock"/> do.</summary>
public class LockConformanceTests
{
    [Fact]
    [CPython("test_locks.LockTests.test_repr")]
    public void ToString_says_whether_the_lock_is_taken() => LoopTest.Run(async () =>
    {
        var mutex = new AsyncLock();
        Assert.Equal("AsyncLock (unlocked)", mutex.ToString());
        await mutex.AcquireAsync();
        Assert.StartsWith("AsyncLock (locked by Task", mutex.ToString(), StringComparison.Ordinal);
        mutex.Release();
        Assert.Equal("AsyncLock (unlocked)", mutex.ToString());
    });

    [Fact]
    [CPython("test_locks.LockTests.test_release_no_waiters")]
    public void A_lock_that_nobody_waits_for_is_free_when_it_is_released() => LoopTest.Run(async () =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        Assert.True(mutex.IsLocked);
        mutex.Release();
        Assert.False(mutex.IsLocked);
    });

    [Fact]
    [CPython("test_locks.LockTests.test_acquire")]
    public void One_release_lets_one_waiter_in_also_one_that_came_after_others_were_served() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var log = new List<int>();
        await mutex.AcquireAsync();
        var first = test.Loop.CreateTask(Take(1));
        var second = test.Loop.CreateTask(Take(2));
        await Coroutine.Yield();
        Assert.Empty(log);

        mutex.Release();
        await Coroutine.Yield();
        Assert.Equal([1], log);
        await Coroutine.Yield();
        Assert.Equal([1], log);

        var third = test.Loop.CreateTask(Take(3));
        mutex.Release();
        await Coroutine.Yield();
        Assert.Equal([1, 2], log);
        mutex.Release();
        await Coroutine.Yield();
        Assert.Equal([1, 2, 3], log);
        Assert.True(first.IsDone && second.IsDone && third.IsDone);

        async Coroutine Take(int number)
        {
            await mutex.AcquireAsync();
            log.Add(number);
        }
    });

    [Fact]
    [CPython("test_locks.LockTests.test_cancel_race", Improvement =
        "The lock is not free in between: the release gives it at once to the first who waits and was not cancelled, before that one runs.")]
    public void A_waiter_cancelled_just_before_the_holder_releases_does_not_get_the_lock() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var log = new List<string>();
        var gate = test.Loop.CreateFuture();
        var holder = test.Loop.CreateTask(Take("a", gate));
        await Coroutine.Yield();
        Assert.True(mutex.IsLocked);
        var cancelled = test.Loop.CreateTask(Take("b", null));
        await Coroutine.Yield();
        Assert.Equal(1, mutex.WaiterCount);
        var next = test.Loop.CreateTask(Take("c", null));
        await Coroutine.Yield();
        Assert.Equal(2, mutex.WaiterCount);

        // The holder goes on, and releases, before the one that is cancelled can be told.
        gate.SetResult();
        cancelled.Cancel();
        await Coroutine.Yield();
        Assert.True(holder.IsDone);
        Assert.True(cancelled.IsCancelled);
        Assert.Equal(["a"], log);
        Assert.False(mutex.TryAcquire());
        Assert.Equal(0, mutex.WaiterCount);
        await next;
        Assert.False(mutex.IsLocked);
        Assert.Equal(["a", "c"], log);

        async Coroutine Take(string name, Future? blocker)
        {
            using (await mutex.AcquireAsync())
            {
                log.Add(name);
                if (blocker is not null)
                {
                    await blocker;
                }
            }
        }
    });

    [Fact]
    [CPython("test_locks.LockTests.test_cancel_release_race")]
    public void A_cancel_and_a_release_in_one_callback_let_one_task_in_and_no_more() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        int tried = 0, taken = 0;
        await mutex.AcquireAsync();
        var tasks = Enumerable.Range(0, 3).Select(_ => test.Loop.CreateTask(Take())).ToList();
        await Coroutine.Yield();
        test.Loop.CallSoon(() =>
        {
            tasks[0].Cancel();
            mutex.Release();
        });
        await Assert.ThrowsAsync<CancelledException>(async () => await tasks[0]);
        Assert.Equal(3, tried);
        Assert.Equal(1, taken);
        Assert.True(tasks[0].IsCancelled);
        tasks[1].GetResult();
        Assert.False(tasks[2].IsDone);

        tasks[2].Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await tasks[2]);
        Assert.Equal(1, taken);

        async Coroutine Take()
        {
            tried++;
            await mutex.AcquireAsync();
            taken++;
        }
    });

    [Fact]
    [CPython("test_locks.LockTests.test_finished_waiter_cancelled")]
    public void A_task_that_comes_when_the_only_waiter_was_cancelled_gets_the_lock() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var cancelled = test.Loop.CreateTask(Take());
        await Coroutine.Yield();
        Assert.Equal(1, mutex.WaiterCount);
        var next = test.Loop.CreateTask(Take()); // which has not run yet
        cancelled.Cancel();
        mutex.Release();
        await Coroutine.Yield();
        Assert.True(mutex.IsLocked);
        Assert.True(cancelled.IsCancelled);
        Assert.True(next.IsDone && !next.IsCancelled);

        async Coroutine Take() => await mutex.AcquireAsync();
    });
}
