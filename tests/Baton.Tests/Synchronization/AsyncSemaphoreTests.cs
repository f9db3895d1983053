using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

public class AsyncSemaphoreTests
{
    [Fact]
    [CPython("test_locks.SemaphoreTests.test_initial_value_zero")]
    [CPython("test_locks.SemaphoreTests.test_release_no_waiters")]
    public void A_unit_that_is_there_is_taken_without_suspending() => LoopTest.Run(async () =>
    {
        var semaphore = new AsyncSemaphore(2);
        Assert.Equal(2, semaphore.Value);
        Assert.True(semaphore.AcquireAsync().IsCompletedSuccessfully);
        Assert.False(semaphore.IsLocked);
        Assert.True(semaphore.TryAcquire());
        Assert.True(semaphore.IsLocked);
        Assert.False(semaphore.TryAcquire());
        semaphore.Release();
        Assert.False(semaphore.IsLocked);
        semaphore.Release();
        using (await semaphore.AcquireAsync())
        {
            Assert.Equal(1, semaphore.Value);
        }

        Assert.Equal(2, semaphore.Value);
        Assert.Equal(1, new AsyncSemaphore().Value);
        Assert.True(new AsyncSemaphore(0).IsLocked);
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_semaphore_value")]
    public void Numbers_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncSemaphore(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncSemaphore(3, 2));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncSemaphore(0, 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncSemaphore(1).Release(-1));
    }

    [Fact]
    public void Waiters_are_served_in_the_order_in_which_they_came() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(0);
        var log = new List<int>();
        for (var i = 0; i < 5; i++)
        {
            _ = test.Loop.CreateTask(Take(i));
        }

        await Coroutine.Yield();
        Assert.Equal(5, semaphore.WaiterCount);
        semaphore.Release(2);
        Assert.Equal(0, semaphore.Value);
        Assert.True(semaphore.IsLocked);
        await Coroutine.Yield();
        Assert.Equal([0, 1], log);
        semaphore.Release(4);
        Assert.Equal(1, semaphore.Value);
        await test.Drain();
        Assert.Equal([0, 1, 2, 3, 4], log);

        async Coroutine Take(int number)
        {
            await semaphore.AcquireAsync();
            log.Add(number);
        }
    });

    [Fact]
    public void Nobody_comes_between_a_release_and_the_waiter() => LoopTest.Run(async test =>
    {
        // CPython's test_acquire_fifo_order and its variations.
        var semaphore = new AsyncSemaphore(1);
        await semaphore.AcquireAsync();
        var waiter = test.Loop.CreateTask(Take(semaphore));
        await Coroutine.Yield();
        semaphore.Release();
        Assert.False(semaphore.TryAcquire());
        var late = semaphore.AcquireAsync();
        Assert.False(late.IsCompleted);
        await waiter;
        await late;
        semaphore.Release();
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_release_not_acquired")]
    public void A_bounded_one_notices_when_too_much_is_given_back() => LoopTest.Run(async () =>
    {
        var semaphore = new AsyncSemaphore(2, maximum: 2);
        Assert.Equal(2, semaphore.Maximum);
        Assert.Throws<SemaphoreFullException>(semaphore.Release);
        await semaphore.AcquireAsync();
        Assert.Throws<SemaphoreFullException>(() => semaphore.Release(2));
        Assert.Equal(1, semaphore.Value);
        semaphore.Release();
        Assert.Contains("at most 2", Assert.Throws<SemaphoreFullException>(() => semaphore.Release(1)).Message, StringComparison.Ordinal);

        var unbounded = new AsyncSemaphore(int.MaxValue);
        Assert.Throws<SemaphoreFullException>(unbounded.Release);
        Assert.Throws<SemaphoreFullException>(() => unbounded.Release(int.MaxValue));
    });

    [Fact]
    public void Units_for_those_who_wait_do_not_count_towards_the_bound() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(0, maximum: 1);
        var tasks = Enumerable.Range(0, 3).Select(_ => test.Loop.CreateTask(Acquire(semaphore))).ToList();
        await Coroutine.Yield();
        Assert.Throws<SemaphoreFullException>(() => semaphore.Release(5));
        Assert.Equal(3, semaphore.WaiterCount);
        semaphore.Release(4);
        Assert.Equal(1, semaphore.Value);
        await test.Drain();
        Assert.All(tasks, task => Assert.True(task.IsDone));
    });

    [Fact]
    public void A_releaser_gives_back_once() => LoopTest.Run(async () =>
    {
        var semaphore = new AsyncSemaphore(1, 1);
        {
            using var unit = await semaphore.AcquireAsync();
            unit.Dispose();
            Assert.Equal(1, semaphore.Value);
        }

        Assert.Equal(1, semaphore.Value);
    });

    [Fact]
    [CPython("test_locks.SemaphoreTests.test_acquire_cancel")]
    [CPython("test_locks.SemaphoreTests.test_acquire_cancel_before_awoken")]
    public void A_waiter_that_is_cancelled_takes_nothing() => LoopTest.Run(async test =>
    {
        // CPython's test_acquire_cancel and test_acquire_cancel_before_awoken.
        var semaphore = new AsyncSemaphore(0);
        var tasks = Enumerable.Range(0, 4).Select(_ => test.Loop.CreateTask(Acquire(semaphore))).ToList();
        await Coroutine.Yield();
        tasks[0].Cancel("why");
        tasks[1].Cancel();
        semaphore.Release();
        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.True(tasks[2].IsDone && !tasks[2].IsCancelled);
        Assert.False(tasks[3].IsDone);
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await tasks[0])).Message);
        semaphore.Release();
        await tasks[3];
        Assert.Equal(0, semaphore.Value);
    });

    [Fact]
    public void A_unit_whose_receiver_is_cancelled_after_the_hand_over_is_its_own_to_give_back() => LoopTest.Run(async test =>
    {
        // CPython's test_acquire_hang: what was handed over must not be lost.
        var semaphore = new AsyncSemaphore(0);
        var first = test.Loop.CreateTask(Hold());
        var second = test.Loop.CreateTask(Take(semaphore));
        await Coroutine.Yield();
        semaphore.Release();
        first.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await first);
        await second;
        Assert.Equal(1, semaphore.Value);

        async Coroutine Hold()
        {
            using (await semaphore.AcquireAsync())
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
        }
    });

    [Fact]
    public void ToString_shows_the_state() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(1, 3);
        Assert.Equal("AsyncSemaphore (1 free, at most 3, 0 waiting)", semaphore.ToString());
        await semaphore.AcquireAsync();
        var task = test.Loop.CreateTask(Take(semaphore));
        await Coroutine.Yield();
        Assert.Equal("AsyncSemaphore (locked, at most 3, 1 waiting)", semaphore.ToString());
        semaphore.Release();
        await task;
        Assert.Equal("AsyncSemaphore (7 free, 0 waiting)", new AsyncSemaphore(7).ToString());
    });

    [Fact]
    public void At_most_so_many_at_once() => LoopTest.Run(async test =>
    {
        var semaphore = new AsyncSemaphore(3);
        int running = 0, most = 0;
        foreach (var task in Enumerable.Range(0, 20).Select(i => test.Loop.CreateTask(Work(i))).ToList())
        {
            await task;
        }

        Assert.Equal(3, most);

        async Coroutine Work(int number)
        {
            using (await semaphore.AcquireAsync())
            {
                most = Math.Max(most, ++running);
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(number % 4));
                running--;
            }
        }
    });

    private static async Coroutine Take(AsyncSemaphore semaphore)
    {
        using (await semaphore.AcquireAsync())
        {
        }
    }

    private static async Coroutine Acquire(AsyncSemaphore semaphore) => await semaphore.AcquireAsync();
}
