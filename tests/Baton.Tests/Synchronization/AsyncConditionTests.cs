using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

public class AsyncConditionTests
{
    [Fact]
    public void Wait_gives_the_lock_up_and_has_it_again_afterwards() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<string>();
        var waiter = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();
        Assert.False(condition.IsLocked);
        Assert.Equal(1, condition.WaiterCount);
        using (await condition.AcquireAsync())
        {
            condition.Notify();
            log.Add("notified");
            await Coroutine.Yield();
            log.Add("released");
        }

        await waiter;
        Assert.Equal(["notified", "released", "woken"], log);
        Assert.False(condition.IsLocked);

        async Coroutine Wait()
        {
            using (await condition.AcquireAsync())
            {
                await condition.WaitAsync();
                Assert.True(condition.IsLocked);
                log.Add("woken");
            }
        }
    });

    [Fact]
    public void The_releaser_of_before_the_wait_releases_after_it() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var waiter = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();

        // Others have held the lock meanwhile.
        for (var i = 0; i < 3; i++)
        {
            (await condition.AcquireAsync()).Dispose();
        }

        await NotifyAsync(condition);
        await waiter;
        Assert.False(condition.IsLocked);

        async Coroutine Wait()
        {
            var hold = await condition.AcquireAsync();
            await condition.WaitAsync();
            hold.Dispose();
            Assert.False(condition.IsLocked);
        }
    });

    [Fact]
    public void Notify_wakes_those_who_have_waited_longest() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<int>();
        for (var i = 0; i < 6; i++)
        {
            _ = test.Loop.CreateTask(Wait(condition, () => log.Add(i)));
            await Coroutine.Yield();
        }

        log.Clear();
        var numbers = Enumerable.Range(0, 6).Select(i => test.Loop.CreateTask(Wait(condition, () => log.Add(i + 10)))).ToList();
        await Coroutine.Yield();
        Assert.Equal(12, condition.WaiterCount);
        await NotifyAsync(condition, 6);
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        Assert.Equal(6, log.Count);
        await NotifyAsync(condition, 0);
        await NotifyAsync(condition, 2);
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        Assert.Equal([10, 11], log[6..]);
        await NotifyAsync(condition, int.MaxValue);
        await test.Drain();
        Assert.Equal([10, 11, 12, 13, 14, 15], log[6..]);
        Assert.All(numbers, task => Assert.True(task.IsDone));
        await NotifyAsync(condition); // Nobody waits: nothing happens, and nothing is kept for later.
        Assert.False(condition.IsLocked);
    });

    [Fact]
    public void NotifyAll_wakes_all_one_after_the_other() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var inside = 0;
        var tasks = Enumerable.Range(0, 5).Select(_ => test.Loop.CreateTask(Enter())).ToList();
        await Coroutine.Yield();
        using (await condition.AcquireAsync())
        {
            condition.NotifyAll();
            Assert.Equal(0, condition.WaiterCount);
            Assert.Equal(5, condition.Lock.WaiterCount);
        }

        await test.Drain();
        Assert.All(tasks, task => task.GetResult());

        async Coroutine Enter()
        {
            using (await condition.AcquireAsync())
            {
                await condition.WaitAsync();
                Assert.Equal(1, ++inside);
                await Coroutine.Yield();
                inside--;
            }
        }
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_wait_unacquired")]
    [CPython("test_locks.ConditionTests.test_wait_for_unacquired")]
    [CPython("test_locks.ConditionTests.test_notify_unacquired")]
    [CPython("test_locks.ConditionTests.test_notify_all_unacquired")]
    public void Without_the_lock_everything_throws() => LoopTest.Run(async () =>
    {
        var condition = new AsyncCondition();
        Assert.Contains(
            "AcquireAsync",
            Assert.Throws<InvalidOperationException>(() => condition.WaitAsync().AsTask().Wait()).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => condition.Notify());
        Assert.Throws<InvalidOperationException>(condition.NotifyAll);
        Assert.Throws<InvalidOperationException>(condition.Release);
        await condition.WaitForAsync(() => true); // As in asyncio: there is nothing to wait for.
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await condition.WaitForAsync(() => false));
        Assert.Throws<ArgumentOutOfRangeException>(() => condition.Notify(-1));
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await condition.WaitForAsync(null!));
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_wait_for")]
    public void WaitFor_checks_again_each_time_that_it_is_notified() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        int value = 0, checks = 0;
        var task = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();
        for (var i = 0; i < 3; i++)
        {
            using (await condition.AcquireAsync())
            {
                value++;
                condition.Notify();
            }

            await Coroutine.Yield();
            Assert.Equal(i == 2, task.IsDone);
            Assert.Equal(i + 2, checks);
        }

        task.GetResult();

        async Coroutine Wait()
        {
            using (await condition.AcquireAsync())
            {
                await condition.WaitForAsync(() =>
                {
                    checks++;
                    return value == 3;
                });
            }
        }
    });

    [Fact]
    public void Conditions_can_share_a_lock() => LoopTest.Run(async test =>
    {
        // CPython's test_explicit_lock.
        var mutex = new AsyncLock();
        var notEmpty = new AsyncCondition(mutex);
        var notFull = new AsyncCondition(mutex);
        Assert.Same(mutex, notEmpty.Lock);
        Assert.True(notEmpty.TryAcquire());
        Assert.False(notFull.TryAcquire());
        Assert.True(notFull.IsLocked);
        notFull.Release();
        var log = new List<string>();
        var first = test.Loop.CreateTask(Wait(notEmpty, () => log.Add("not empty")));
        var second = test.Loop.CreateTask(Wait(notFull, () => log.Add("not full")));
        await Coroutine.Yield();
        await NotifyAsync(notFull);
        await second;
        Assert.Equal(["not full"], log);
        await NotifyAsync(notEmpty);
        await first;
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_wait_cancel")]
    public void A_wait_that_is_cancelled_has_the_lock_when_it_throws() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var task = test.Loop.CreateTask(WaitAndCatch(condition));
        await Coroutine.Yield();
        task.Cancel("why");
        Assert.True(condition.IsLocked); // At once, because it was free.
        Assert.Equal(0, condition.WaiterCount);
        Assert.Equal("why", await task);
        Assert.False(condition.IsLocked);
    });

    [Fact]
    public void A_wait_that_is_cancelled_waits_for_the_lock_and_no_other_cancel_cuts_that_short() => LoopTest.Run(async test =>
    {
        // CPython's test_wait_cancel_contested and test_cancelled_error_re_aquire.
        var condition = new AsyncCondition();
        var task = test.Loop.CreateTask(WaitAndCatch(condition));
        await Coroutine.Yield();
        await condition.AcquireAsync();
        task.Cancel("first");
        for (var i = 0; i < 3; i++)
        {
            await Coroutine.Yield();
            task.Cancel("again");
            Assert.False(task.IsDone);
        }

        Assert.Equal(1, condition.Lock.WaiterCount);
        condition.Release();
        Assert.Equal("first", await task);
        Assert.False(condition.IsLocked);
    });

    [Fact]
    [CPython("regressions.Tasks.gh-112202")]
    public void A_waiter_cancelled_after_it_was_notified_passes_that_on() => LoopTest.Run(async test =>
    {
        // gh-112202; CPython's test_wait_cancel_after_notify, test_cancelled_wakeup and test_cancelled_wakeup_relock.
        var condition = new AsyncCondition();
        var log = new List<string>();
        var first = test.Loop.CreateTask(WaitAndCatch(condition));
        var second = test.Loop.CreateTask(Wait(condition, () => log.Add("second")));
        var third = test.Loop.CreateTask(Wait(condition, () => log.Add("third")));
        await Coroutine.Yield();
        using (await condition.AcquireAsync())
        {
            condition.Notify();
            first.Cancel("why");
            await Coroutine.Yield();
            Assert.False(first.IsDone);
        }

        Assert.Equal("why", await first);
        await second;
        Assert.Equal(["second"], log);
        Assert.False(third.IsDone);
        Assert.False(condition.IsLocked);
        await NotifyAsync(condition);
        await third;
    });

    [Fact]
    public void A_waiter_cancelled_before_it_is_notified_is_not_counted() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var first = test.Loop.CreateTask(WaitAndCatch(condition));
        var second = test.Loop.CreateTask(Wait(condition, () => { }));
        await Coroutine.Yield();
        using (await condition.AcquireAsync())
        {
            first.Cancel("why");
            condition.Notify();
        }

        await second;
        Assert.Equal("why", await first);
    });

    [Fact]
    public void A_cancel_after_the_lock_was_handed_over_arrives_at_the_next_suspension() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<string>();
        var first = test.Loop.CreateTask(Body());
        var second = test.Loop.CreateTask(Wait(condition, () => log.Add("second")));
        await Coroutine.Yield();
        await condition.AcquireAsync();
        condition.Notify();
        condition.Release();
        first.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await first);
        Assert.Equal(["woken"], log);
        Assert.False(second.IsDone); // The notification was received: it is not passed on.
        await NotifyAsync(condition);
        await second;
        Assert.False(condition.IsLocked);

        async Coroutine Body()
        {
            using (await condition.AcquireAsync())
            {
                await condition.WaitAsync();
                log.Add("woken");
                await Coroutine.Yield();
                log.Add("never");
            }
        }
    });

    [Fact]
    public void A_task_cancelled_before_it_waits_has_the_lock_when_it_is_told() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var task = test.Loop.CreateTask(Body());
        Assert.Equal("early", await task);
        Assert.False(condition.IsLocked);

        async Coroutine<string> Body()
        {
            using (await condition.AcquireAsync())
            {
                LoopTask.Current!.Cancel("early");
                var cancelled = await Assert.ThrowsAsync<CancelledException>(async () => await condition.WaitAsync());
                Assert.True(condition.IsLocked);
                return cancelled.Message;
            }
        }
    });

    [Fact]
    public void WaitFor_that_is_cancelled_has_the_lock_when_it_throws() => LoopTest.Run(async test =>
    {
        // CPython's test_timeout_in_block.
        var condition = new AsyncCondition();
        var task = test.Loop.CreateTask(Body());
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => task.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.False(condition.IsLocked);

        async Coroutine Body()
        {
            using (await condition.AcquireAsync())
            {
                try
                {
                    await condition.WaitForAsync(() => false);
                }
                finally
                {
                    Assert.True(condition.IsLocked);
                }
            }
        }
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_ambiguous_loops")]
    public void A_lock_of_another_loop_is_refused()
    {
        // CPython's test_ambiguous_loops.
        var mutex = new AsyncLock();
        LoopTest.On(outer =>
        {
            outer.Loop.RunUntilComplete(Bind());
            LoopTest.Run(async () =>
            {
                var condition = new AsyncCondition(mutex);
                Assert.Throws<InvalidOperationException>(() => condition.TryAcquire());
                await Assert.ThrowsAsync<InvalidOperationException>(async () => await condition.AcquireAsync());
                Assert.Throws<InvalidOperationException>(() => condition.Notify());
            });
            mutex.Release();
        });

        async Coroutine Bind() => await mutex.AcquireAsync();
    }

    [Fact]
    public void ToString_shows_the_state() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        Assert.Equal("AsyncCondition (0 waiting, AsyncLock (unlocked))", condition.ToString());
        var task = test.Loop.CreateTask(Wait(condition, () => { }));
        await Coroutine.Yield();
        Assert.Equal("AsyncCondition (1 waiting, AsyncLock (unlocked))", condition.ToString());
        await NotifyAsync(condition);
        await task;
    });

    private static async Coroutine Wait(AsyncCondition condition, Action woken)
    {
        using (await condition.AcquireAsync())
        {
            await condition.WaitAsync();
            woken();
        }
    }

    private static async Coroutine<string> WaitAndCatch(AsyncCondition condition)
    {
        using (await condition.AcquireAsync())
        {
            try
            {
                await condition.WaitAsync();
                return "woken";
            }
            catch (CancelledException cancelled)
            {
                Assert.True(condition.IsLocked);
                return cancelled.Message;
            }
        }
    }

    private static async Coroutine NotifyAsync(AsyncCondition condition, int count = 1)
    {
        using (await condition.AcquireAsync())
        {
            condition.Notify(count);
        }
    }
}
