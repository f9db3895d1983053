using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

public class AsyncLockTests
{
    [Fact]
    public void A_free_lock_is_taken_without_suspending() => LoopTest.Run(async () =>
    {
        var mutex = new AsyncLock();
        var acquire = mutex.AcquireAsync();
        Assert.True(acquire.IsCompletedSuccessfully);
        Assert.True(mutex.IsLocked);
        (await acquire).Dispose();
        Assert.False(mutex.IsLocked);
    });

    [Fact]
    [CPython("test_locks.LockTests.test_context_manager")]
    public void Using_releases_whatever_happens() => LoopTest.Run(async () =>
    {
        var mutex = new AsyncLock();
        Assert.False(mutex.IsLocked);
        await Assert.ThrowsAsync<FormatException>(async () =>
        {
            using (await mutex.AcquireAsync())
            {
                Assert.True(mutex.IsLocked);
                throw new FormatException();
            }
        });
        Assert.False(mutex.IsLocked);
    });

    [Fact]
    public void Waiters_get_it_in_the_order_in_which_they_came() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var log = new List<int>();
        await mutex.AcquireAsync();
        var tasks = Enumerable.Range(0, 5).Select(i => test.Loop.CreateTask(Take(i))).ToList();
        await Coroutine.Yield();
        Assert.Equal(5, mutex.WaiterCount);
        mutex.Release();
        foreach (var task in tasks)
        {
            await task;
        }

        Assert.Equal([0, 1, 2, 3, 4], log);
        Assert.False(mutex.IsLocked);

        async Coroutine Take(int number)
        {
            using (await mutex.AcquireAsync())
            {
                log.Add(number);
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void A_released_lock_belongs_to_the_first_waiter_at_once() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var waiter = test.Loop.CreateTask(Take(mutex));
        await Coroutine.Yield();
        mutex.Release();
        Assert.True(mutex.IsLocked);
        Assert.False(mutex.TryAcquire());
        var barging = mutex.AcquireAsync();
        Assert.False(barging.IsCompleted);
        await waiter;
        using (await barging)
        {
            Assert.True(waiter.IsDone);
        }
    });

    [Fact]
    public void TryAcquire_takes_only_a_free_lock() => LoopTest.Run(() =>
    {
        var mutex = new AsyncLock();
        Assert.True(mutex.TryAcquire());
        Assert.False(mutex.TryAcquire());
        mutex.Release();
        Assert.True(mutex.TryAcquire());
        mutex.Release();
        return default;
    });

    [Fact]
    [CPython("test_locks.LockTests.test_release_not_acquired")]
    public void Releasing_a_free_lock_throws() => LoopTest.Run(async () =>
    {
        var mutex = new AsyncLock();
        Assert.Throws<InvalidOperationException>(mutex.Release);
        await mutex.AcquireAsync();
        mutex.Release();
        Assert.Contains("not locked", Assert.Throws<InvalidOperationException>(mutex.Release).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_releaser_releases_only_its_own_hold() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var first = await mutex.AcquireAsync();
        var copy = first;
        first.Dispose();
        Assert.False(mutex.IsLocked);
        first.Dispose();
        copy.Dispose();

        var second = await mutex.AcquireAsync();
        first.Dispose();
        copy.Dispose();
        Assert.True(mutex.IsLocked);

        // Nor after an explicit release, when the lock is somebody else's.
        var waiter = test.Loop.CreateTask(Hold());
        await Coroutine.Yield();
        mutex.Release();
        second.Dispose();
        Assert.True(mutex.IsLocked);
        await Coroutine.Yield();
        second.Dispose();
        Assert.True(mutex.IsLocked);
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.False(mutex.IsLocked);
        default(Releaser).Dispose();

        async Coroutine Hold()
        {
            using (await mutex.AcquireAsync())
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
        }
    });

    [Fact]
    [CPython("test_locks.LockTests.test_acquire_cancel")]
    public void A_waiter_that_is_cancelled_leaves_the_lock_to_the_next() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var first = test.Loop.CreateTask(Take(mutex));
        var second = test.Loop.CreateTask(Take(mutex));
        await Coroutine.Yield();
        first.Cancel("why");
        Assert.Equal(1, mutex.WaiterCount);
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await first)).Message);
        mutex.Release();
        await second;
        Assert.False(mutex.IsLocked);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_cancel_and_a_release_in_one_batch(bool releaseFirst) => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var log = new List<string>();
        await mutex.AcquireAsync();
        var first = test.Loop.CreateTask(Body());
        var second = test.Loop.CreateTask(Take(mutex));
        await Coroutine.Yield();
        if (releaseFirst)
        {
            mutex.Release();
            first.Cancel();
        }
        else
        {
            first.Cancel();
            mutex.Release();
        }

        await Assert.ThrowsAsync<CancelledException>(async () => await first);
        await second;

        // What was handed over before the cancel is delivered; the cancellation comes at the next suspension.
        Assert.Equal(releaseFirst ? ["has it", "told", "released"] : ["told"], log);
        Assert.False(mutex.IsLocked);

        async Coroutine Body()
        {
            try
            {
                using (await mutex.AcquireAsync())
                {
                    log.Add("has it");
                    try
                    {
                        await Coroutine.Yield();
                        log.Add("never");
                    }
                    catch (CancelledException)
                    {
                        log.Add("told");
                        throw;
                    }
                }
            }
            finally
            {
                log.Add(releaseFirst ? "released" : "told");
            }
        }
    });

    [Fact]
    public void A_cancel_after_the_task_has_the_lock_reaches_what_it_does_then() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        mutex.Release();
        await Coroutine.Yield();
        Assert.True(mutex.IsLocked);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.False(mutex.IsLocked);

        async Coroutine Body()
        {
            using (await mutex.AcquireAsync())
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
        }
    });

    [Fact]
    public void A_task_cancelled_before_it_waits_is_told_when_it_waits_and_not_when_the_lock_is_free() => LoopTest.Run(async test =>
    {
        var free = new AsyncLock();
        var held = new AsyncLock();
        await held.AcquireAsync();
        var task = test.Loop.CreateTask(Body());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.False(free.IsLocked);
        Assert.Equal(0, held.WaiterCount);
        held.Release();

        async Coroutine Body()
        {
            LoopTask.Current!.Cancel();
            using (await free.AcquireAsync())
            {
                using (await held.AcquireAsync())
                {
                    Assert.Fail("The lock is held.");
                }
            }
        }
    });

    [Fact]
    public void All_waiters_cancelled_leaves_a_lock_that_works() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var tasks = Enumerable.Range(0, 3).Select(_ => test.Loop.CreateTask(Take(mutex))).ToList();
        await Coroutine.Yield();
        tasks.ForEach(task => task.Cancel());
        mutex.Release();
        Assert.False(mutex.IsLocked);
        await test.Drain();
        Assert.All(tasks, task => Assert.True(task.IsCancelled));
        using (await mutex.AcquireAsync())
        {
            Assert.Equal(0, mutex.WaiterCount);
        }
    });

    [Fact]
    public void A_task_that_takes_it_twice_waits_for_itself_and_ToString_says_so() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var task = test.Loop.CreateTask(Body(), "worker");
        await Coroutine.Yield();
        Assert.Equal("AsyncLock (locked by Task 'worker' (pending), 1 waiting)", mutex.ToString());
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal("AsyncLock (unlocked)", mutex.ToString());

        async Coroutine Body()
        {
            using (await mutex.AcquireAsync())
            {
                await mutex.AcquireAsync();
            }
        }
    });

    [Fact]
    public void ToString_names_the_holder_after_a_hand_over_and_outside_of_tasks() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var waiter = test.Loop.CreateTask(Take(mutex), "next");
        await Coroutine.Yield();
        mutex.Release();
        Assert.Contains("locked by Task 'next'", mutex.ToString(), StringComparison.Ordinal);
        await waiter;
        test.Loop.CallSoon(() => mutex.TryAcquire());
        await Coroutine.Yield();
        Assert.Equal("AsyncLock (locked, 0 waiting)", mutex.ToString());
        mutex.Release();
    });

    [Fact]
    public void Plain_async_code_waits_for_it_in_the_same_way() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        var log = new List<string>();
        await mutex.AcquireAsync();
        var first = test.Loop.CreateTask(Wrap("first", false));
        var second = test.Loop.CreateTask(Wrap("second", true));
        var third = test.Loop.CreateTask(Wrap("third", true));
        await Coroutine.Yield();
        second.Cancel();
        mutex.Release();
        await first;
        await third;
        await Assert.ThrowsAsync<CancelledException>(async () => await second);
        Assert.Equal(["first", "third"], log);

        async Coroutine Wrap(string name, bool useContext) => await Plain(name, useContext);

        async Task Plain(string name, bool useContext)
        {
            using (await mutex.AcquireAsync().ConfigureAwait(useContext))
            {
                Assert.True(test.Loop.IsOnLoopThread);
                log.Add(name);
            }
        }
    });

    [Fact]
    public void A_wait_is_awaited_once() => LoopTest.Run(async test =>
    {
        var mutex = new AsyncLock();
        await mutex.AcquireAsync();
        var wait = mutex.AcquireAsync();
        var copy = wait;
        mutex.Release();
        (await wait).Dispose();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await copy);

        // Its object serves the next wait by now, which the copy does not touch either.
        await mutex.AcquireAsync();
        var next = mutex.AcquireAsync();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await copy);
        mutex.Release();
        (await next).Dispose();
    });

    private static async Coroutine Take(AsyncLock mutex)
    {
        using (await mutex.AcquireAsync())
        {
        }
    }
}
