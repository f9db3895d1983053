namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>SemaphoreTests</c> pin down, besides what the tests of <see cref="AsyncSemaphore"/> do.</summary>
public class SemaphoreConformanceTests
{
    [Fact]
    [CPython("test_locks.SemaphoreTests.test_repr")]
    public void ToString_says_how_many_units_are_free_and_how_many_wait() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore();
        Assert.Equal("AsyncSemaphore (1 free, 0 waiting)", semaphore.ToString());
        await semaphore.AcquireAsync();
        Assert.Equal("AsyncSemaphore (locked, 0 waiting)", semaphore.ToString());
        var tasks = new List<LoopTask>();
        for (var i = 1; i <= 2; i++)
        {
            tasks.Add(test.Loop.CreateTask(Acquire(semaphore)));
            await Coroutine.Yield();
            Assert.Equal($"AsyncSemaphore (locked, {i} waiting)", semaphore.ToString());
        }

        semaphore.Release(2);
        await Coroutine.Gather(tasks);
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire")]
    public void Units_given_back_go_to_as_many_waiters_and_to_none_that_comes_later() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(3);
        var log = new List<int>();
        await semaphore.AcquireAsync();
        await semaphore.AcquireAsync();
        Assert.False(semaphore.IsLocked);
        var tasks = Enumerable.Range(1, 3).Select(i => test.Loop.CreateTask(Take(i))).ToList();
        await Coroutine.Yield();
        Assert.Equal([1], log);
        Assert.True(semaphore.IsLocked);
        Assert.Equal(2, semaphore.WaiterCount);
        Assert.Equal(0, semaphore.Value);

        tasks.Add(test.Loop.CreateTask(Take(4)));
        semaphore.Release();
        semaphore.Release();
        Assert.Equal(0, semaphore.Value);
        await Coroutine.Yield();
        Assert.Equal([1, 2, 3], log);
        Assert.True(semaphore.IsLocked);
        Assert.Equal(1, semaphore.WaiterCount);
        Assert.Equal(0, semaphore.Value);
        Assert.Equal([true, true, true, false], tasks.Select(task => task.IsDone));

        semaphore.Release();
        await tasks[3];
        Assert.Equal([1, 2, 3, 4], log);

        async Coroutine Take(int number)
        {
            await semaphore.AcquireAsync();
            log.Add(number);
        }
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_hang")]
    public void A_unit_given_back_after_the_first_waiter_was_cancelled_goes_to_the_second() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(0);
        var first = test.Loop.CreateTask(Acquire(semaphore));
        var second = test.Loop.CreateTask(Acquire(semaphore));
        await Coroutine.Yield();
        first.Cancel();
        semaphore.Release();
        await Coroutine.Yield();
        Assert.True(semaphore.IsLocked);
        Assert.True(first.IsCancelled);
        Assert.True(second.IsDone && !second.IsCancelled);
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_no_hang", Improvement =
        "The unit was the task's when it was released, before the cancellation: it is told at its next suspension, and gives the unit back.")]
    public void A_unit_that_was_handed_to_a_task_that_is_cancelled_at_once_is_not_lost() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(1);
        var isTold = false;
        LoopTask other = null!;
        var first = test.Loop.CreateTask(ReleaseAndCancel());
        other = test.Loop.CreateTask(Work());
        var outcomes = await Coroutine.GatherOutcomes([first, other]);
        Assert.Null(outcomes[0].Exception);
        Assert.IsType<CancelledException>(outcomes[1].Exception);
        Assert.True(isTold);
        Assert.Equal(1, semaphore.Value);
        await Coroutine.WaitFor(Acquire(semaphore), TimeSpan.FromSeconds(1));

        async Coroutine ReleaseAndCancel()
        {
            using (await semaphore.AcquireAsync())
            {
                await Coroutine.Yield();
            }

            other.Cancel();
        }

        async Coroutine Work()
        {
            using (await semaphore.AcquireAsync())
            {
                try
                {
                    await Coroutine.Yield();
                }
                catch (CancelledException)
                {
                    isTold = true;
                    throw;
                }

                Assert.Fail("The task was cancelled.");
            }
        }
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_fifo_order")]
    public void Tasks_that_take_a_unit_again_and_again_take_turns() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(1);
        var log = new List<string>();
        await Coroutine.Gather([.. new[] { "a", "b", "c" }.Select(name => test.Loop.CreateTask(TakeTwice(name)))]);
        Assert.Equal(["a 1", "b 1", "c 1", "a 2", "b 2", "c 2"], log);

        async Coroutine TakeTwice(string name)
        {
            for (var i = 1; i <= 2; i++)
            {
                await semaphore.AcquireAsync();
                log.Add($"{name} {i}");
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
                semaphore.Release();
            }
        }
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_fifo_order_2", Improvement =
        "The third task has had its unit since the release, so that the second one's next unit is free, and it need not wait for the third to run.")]
    public void A_task_that_gives_its_unit_back_takes_it_again_when_all_who_waited_have_theirs() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(1);
        var log = new List<string>();
        var tasks = new List<LoopTask>
        {
            test.Loop.CreateTask(Take("a")),
            test.Loop.CreateTask(TakeAgain()),
            test.Loop.CreateTask(Take("c")),
        };
        await Coroutine.Yield();
        Assert.Equal(2, semaphore.WaiterCount);
        semaphore.Release();
        semaphore.Release();
        Assert.Equal(0, semaphore.WaiterCount); // Both are served, in the order in which they came, before anybody runs.
        Assert.False(semaphore.TryAcquire());
        await Coroutine.Gather(tasks);
        Assert.Equal(["a", "b", "b again", "c"], log);
        Assert.Equal(0, semaphore.Value);

        async Coroutine Take(string name)
        {
            await semaphore.AcquireAsync();
            log.Add(name);
        }

        async Coroutine TakeAgain()
        {
            await Take("b");
            semaphore.Release();
            Assert.Equal(1, semaphore.Value);
            await Take("b again");
        }
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_fifo_order_3")]
    public void Units_given_back_after_the_first_waiter_has_gone_serve_the_rest_in_order() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(0);
        var log = new List<int>();
        var tasks = Enumerable.Range(1, 3).Select(i => test.Loop.CreateTask(Take(i))).ToList();
        await Coroutine.Yield();
        tasks[0].Cancel();
        await Coroutine.Yield();
        Assert.True(tasks[0].IsCancelled);
        semaphore.Release();
        semaphore.Release();
        await Coroutine.GatherOutcomes(tasks);
        Assert.Equal([2, 3], log);
        Assert.Equal(0, semaphore.Value);

        async Coroutine Take(int number)
        {
            await semaphore.AcquireAsync();
            log.Add(number);
        }
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_fifo_order_4", Improvement =
        "The waiter has its unit as soon as it is released: what is left is free, and who comes then takes it without waiting for the first to run.")]
    public void Units_released_beyond_those_for_who_waits_are_free_at_once() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(0);
        var log = new List<int>();
        LoopTask? fourth = null;
        var tasks = new List<LoopTask>
        {
            test.Loop.CreateTask(Wait()),
            test.Loop.CreateTask(ReleaseThree()),
            test.Loop.CreateTask(Take(3)),
        };
        await Coroutine.Yield();
        Assert.Equal(0, semaphore.WaiterCount);
        Assert.Equal(0, semaphore.Value);
        await Coroutine.Gather(tasks);
        await fourth!;
        Assert.Equal([2, 3, 1, 4], log);
        Assert.True(semaphore.IsLocked); // Three were released, and three have one.

        async Coroutine Wait()
        {
            await Take(1);
            Assert.Equal(0, semaphore.Value);
            fourth = test.Loop.CreateTask(LogFour());
        }

        async Coroutine ReleaseThree()
        {
            Assert.Equal(1, semaphore.WaiterCount);
            semaphore.Release();
            semaphore.Release();
            semaphore.Release();
            Assert.Equal(2, semaphore.Value); // The waiter has had the first of them, though it has not run.
            Assert.False(semaphore.IsLocked);
            await Take(2);
        }

        async Coroutine Take(int number)
        {
            await semaphore.AcquireAsync();
            log.Add(number);
        }

        async Coroutine LogFour()
        {
            await Coroutine.Yield();
            log.Add(4);
        }
    });

    private static async Coroutine Acquire(AsyncSemaphore semaphore) => await semaphore.AcquireAsync();
}
