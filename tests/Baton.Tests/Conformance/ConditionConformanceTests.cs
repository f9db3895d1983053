namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>ConditionTests</c> pin down, besides what the tests of <see cref="AsyncCondition"/> do.</summary>
public class ConditionConformanceTests
{
    [Fact]
    [CPython("test_locks.ConditionTests.test_wait")]
    public void Who_is_notified_goes_on_when_it_is_its_turn_for_the_lock() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<int>();
        var tasks = Enumerable.Range(1, 3).Select(i => test.Loop.CreateTask(WaitAndKeep(i))).ToList();
        await Coroutine.Yield();
        Assert.Empty(log);
        Assert.False(condition.IsLocked);

        // Notified, but the lock is taken.
        await condition.AcquireAsync();
        condition.Notify();
        await Coroutine.Yield();
        Assert.Empty(log);
        Assert.True(condition.IsLocked);
        condition.Release();
        await Coroutine.Yield();
        Assert.Equal([1], log);
        Assert.True(condition.IsLocked); // By the task that has ended: anybody may notify and release for it.

        condition.Notify(2);
        await Coroutine.Yield();
        Assert.Equal([1], log);
        for (var i = 2; i <= 3; i++)
        {
            condition.Release();
            await Coroutine.Yield();
            Assert.Equal(Enumerable.Range(1, i), log);
            Assert.True(condition.IsLocked);
        }

        Assert.All(tasks, task => task.GetResult());

        async Coroutine WaitAndKeep(int number)
        {
            await condition.AcquireAsync();
            await condition.WaitAsync();
            log.Add(number);
        }
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_wait_cancel_contested")]
    public void A_wait_cancelled_while_another_has_the_lock_ends_with_the_lock() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        await condition.AcquireAsync();
        var wait = test.Loop.CreateTask(Wait(condition));
        await Coroutine.Yield();
        Assert.False(condition.IsLocked);

        await condition.AcquireAsync();
        condition.Notify();
        test.Loop.CallSoon(() => wait.Cancel());
        test.Loop.CallSoon(condition.Release);
        await Assert.ThrowsAsync<CancelledException>(async () => await wait);
        Assert.True(condition.IsLocked);
        Assert.Equal(0, condition.Lock.WaiterCount);
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_wait_cancel_after_notify")]
    public void A_task_cancelled_after_it_was_notified_ends_as_cancelled_when_it_has_had_the_lock() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var isWaiting = false;
        var task = test.Loop.CreateTask(Work());
        await Coroutine.Yield();
        await condition.AcquireAsync();
        condition.Notify();
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();
        Assert.False(task.IsDone);
        condition.Release();
        await Coroutine.Yield();
        Assert.True(task.IsCancelled);
        Assert.True(isWaiting);
        Assert.False(condition.IsLocked);

        async Coroutine Work()
        {
            using (await condition.AcquireAsync())
            {
                isWaiting = true;
                await condition.WaitAsync();
            }
        }
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_notify", Improvement =
        "Those who are notified wait for the lock from then on, in their order, and each gives it to the next: nobody who comes later has it in between.")]
    public void Notify_wakes_as_many_as_it_says_or_all_there_are() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<int>();
        var tasks = Enumerable.Range(1, 3).Select(i => test.Loop.CreateTask(WaitAndLog(condition, log, i))).ToList();
        await Coroutine.Yield();
        Assert.Empty(log);
        using (await condition.AcquireAsync())
        {
            condition.Notify(1);
        }

        await Coroutine.Yield();
        Assert.Equal([1], log);
        using (await condition.AcquireAsync())
        {
            condition.Notify(1);
            condition.Notify(2048);
            Assert.Equal(0, condition.WaiterCount);
            Assert.Equal(2, condition.Lock.WaiterCount);
        }

        Assert.False(condition.TryAcquire());
        await Coroutine.Yield();
        Assert.Equal([1, 2], log);
        Assert.False(condition.TryAcquire());
        await Coroutine.Yield();
        Assert.Equal([1, 2, 3], log);
        Assert.All(tasks, task => task.GetResult());
        Assert.False(condition.IsLocked);
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_notify_all", Improvement =
        "Those who are notified wait for the lock from then on, in their order, and each gives it to the next: nobody who comes later has it in between.")]
    public void NotifyAll_wakes_all_in_the_order_in_which_they_came() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<int>();
        var tasks = Enumerable.Range(1, 2).Select(i => test.Loop.CreateTask(WaitAndLog(condition, log, i))).ToList();
        await Coroutine.Yield();
        Assert.Empty(log);
        using (await condition.AcquireAsync())
        {
            condition.NotifyAll();
            Assert.Equal(0, condition.WaiterCount);
        }

        Assert.False(condition.TryAcquire());
        await Coroutine.Yield();
        Assert.Equal([1], log);
        Assert.False(condition.TryAcquire());
        await Coroutine.Yield();
        Assert.Equal([1, 2], log);
        Assert.All(tasks, task => task.GetResult());
        Assert.False(condition.IsLocked);
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_repr")]
    public void ToString_says_whether_the_lock_is_taken_and_how_many_wait() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<int>();
        Assert.Equal("AsyncCondition (0 waiting, AsyncLock (unlocked))", condition.ToString());
        var tasks = new List<LoopTask>();
        for (var i = 1; i <= 2; i++)
        {
            tasks.Add(test.Loop.CreateTask(WaitAndLog(condition, log, i)));
            await Coroutine.Yield();
            using (await condition.AcquireAsync())
            {
                Assert.StartsWith($"AsyncCondition ({i} waiting, AsyncLock (locked", condition.ToString(), StringComparison.Ordinal);
            }
        }

        using (await condition.AcquireAsync())
        {
            condition.NotifyAll();
        }

        await Coroutine.Gather(tasks);
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_context_manager")]
    public void Using_takes_the_lock_and_releases_it() => LoopTest.Run(async () =>
    {
        var condition = new AsyncCondition();
        Assert.False(condition.IsLocked);
        using (await condition.AcquireAsync())
        {
            Assert.True(condition.IsLocked);
        }

        Assert.False(condition.IsLocked);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_locks.ConditionTests.test_explicit_lock")]
    public void The_lock_of_a_condition_is_the_one_that_it_was_given(bool isGiven) => LoopTest.Run(async () =>
    {
        var given = new AsyncLock();
        var condition = isGiven ? new AsyncCondition(given) : new AsyncCondition();
        var mutex = condition.Lock;
        Assert.Equal(isGiven, ReferenceEquals(mutex, given));
        Assert.False(mutex.IsLocked || condition.IsLocked);
        using (await condition.AcquireAsync())
        {
            Assert.True(mutex.IsLocked && condition.IsLocked);
        }

        Assert.False(mutex.IsLocked || condition.IsLocked);
        using (await mutex.AcquireAsync())
        {
            Assert.True(mutex.IsLocked && condition.IsLocked);
        }

        Assert.False(mutex.IsLocked || condition.IsLocked);
    });

    [Fact]
    [CPython("test_locks.ConditionTests.test_timeout_in_block")]
    public void A_wait_that_takes_too_long_leaves_the_lock_to_its_holder() => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        using (await condition.AcquireAsync())
        {
            await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Wait(condition), TimeSpan.FromSeconds(0.5)));
            Assert.True(condition.IsLocked);
            Assert.Equal(TimeSpan.FromSeconds(0.5), test.Elapsed);
        }

        Assert.False(condition.IsLocked);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_locks.ConditionTests.test_cancelled_error_wakeup")]
    [CPython("test_locks.ConditionTests.test_cancelled_error_re_aquire")]
    public void The_exception_of_a_wait_that_is_cancelled_gets_out_as_it_is(bool isNotified) => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var isTrue = false;
        CancelledException? raised = null;
        var task = test.Loop.CreateTask(Work());
        await Coroutine.Yield();
        if (isNotified)
        {
            // It waits for the lock, no longer for the notification.
            await condition.AcquireAsync();
            isTrue = true;
            condition.Notify();
            await Coroutine.Yield();
            task.Cancel("why");
            condition.Release();
        }
        else
        {
            task.Cancel("why");
        }

        var seen = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal("why", seen.Message);
        Assert.Same(raised, seen);
        Assert.False(condition.IsLocked);

        async Coroutine Work()
        {
            using (await condition.AcquireAsync())
            {
                raised = await Assert.ThrowsAsync<CancelledException>(async () => await condition.WaitForAsync(() => isTrue));
                throw raised;
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_locks.ConditionTests.test_cancelled_wakeup")]
    [CPython("test_locks.ConditionTests.test_cancelled_wakeup_relock")]
    public void What_a_consumer_that_is_cancelled_was_woken_for_is_done_by_the_next(bool hasRun) => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var items = 0;
        var consumers = Enumerable.Range(0, 2).Select(_ => test.Loop.CreateTask(Consume())).ToList();
        await Coroutine.Yield();
        using (await condition.AcquireAsync())
        {
            items++;
            condition.Notify();
            if (hasRun)
            {
                await Coroutine.Yield(); // In asyncio, the first gets as far as the lock meanwhile.
            }

            consumers[0].Cancel();
            await LoopTimeout.Run(TimeSpan.FromMilliseconds(10), async Coroutine () => await condition.WaitForAsync(() => items == 0));
            Assert.Equal(0, items);
            Assert.Equal(TimeSpan.Zero, test.Elapsed);
            items = -1;
            condition.NotifyAll();
        }

        await consumers[1];
        Assert.True(consumers[0].IsCancelled);

        async Coroutine Consume()
        {
            using (await condition.AcquireAsync())
            {
                while (true)
                {
                    await condition.WaitForAsync(() => items != 0);
                    if (items < 0)
                    {
                        return;
                    }

                    items--;
                    condition.NotifyAll();
                }
            }
        }
    });

    private static async Coroutine Wait(AsyncCondition condition) => await condition.WaitAsync();

    private static async Coroutine WaitAndLog(AsyncCondition condition, List<int> log, int number)
    {
        using (await condition.AcquireAsync())
        {
            await condition.WaitAsync();
            log.Add(number);
        }
    }
}
