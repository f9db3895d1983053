using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

public class AsyncBarrierTests
{
    private readonly List<string> _log = [];

    [Fact]
    [CPython("test_locks.BarrierTests.test_barrier_parties")]
    public void Parties_must_be_positive()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncBarrier(0));
        Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncBarrier(-5));
        Assert.Equal(3, new AsyncBarrier(3).Parties);
    }

    [Fact]
    [CPython("test_locks.BarrierTests.test_filling_one_task")]
    public void A_barrier_for_one_never_waits() => LoopTest.Run(async () =>
    {
        // CPython's test_filling_one_task and test_filling_one_task_twice.
        var barrier = new AsyncBarrier(1);
        for (var i = 0; i < 3; i++)
        {
            var wait = barrier.WaitAsync();
            Assert.True(wait.IsCompletedSuccessfully);
            Assert.Equal(0, await wait);
            Assert.Equal(0, barrier.WaitingCount);
            Assert.False(barrier.IsBroken);
        }
    });

    [Fact]
    public void All_go_on_when_the_last_one_has_come_each_with_its_number() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(4);
        for (var i = 0; i < 3; i++)
        {
            _ = Start(test, barrier, $"{i}");
            await Coroutine.Yield();
            Assert.Equal(i + 1, barrier.WaitingCount);
        }

        Assert.Empty(_log);
        Assert.Equal(3, await barrier.WaitAsync());
        Assert.Equal(0, barrier.WaitingCount);
        await test.Drain();
        Assert.Equal(["0: 0", "1: 1", "2: 2"], _log);
    });

    [Fact]
    public void It_fills_again_and_again() => LoopTest.Run(async test =>
    {
        const int parties = 4;
        const int rounds = 10;
        var barrier = new AsyncBarrier(parties);
        var round = new int[parties];
        for (var i = 0; i < parties; i++)
        {
            _ = test.Loop.CreateTask(Work(i));
        }

        await test.Drain();
        Assert.All(round, value => Assert.Equal(rounds, value));

        async Coroutine Work(int number)
        {
            for (var i = 0; i < rounds; i++)
            {
                for (var pause = 0; pause < (number + i) % 3; pause++)
                {
                    await Coroutine.Yield();
                }

                round[number]++;
                await barrier.WaitAsync();
                Assert.All(round, value => Assert.InRange(value, i + 1, i + 2));
            }
        }
    });

    [Fact]
    public void Who_comes_while_others_leave_waits_for_the_next_turn() => LoopTest.Run(async test =>
    {
        // CPython's test_draining_state and test_blocking_tasks_while_draining.
        var barrier = new AsyncBarrier(3);
        _ = Start(test, barrier, "a");
        _ = Start(test, barrier, "b");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        Assert.Contains("draining", barrier.ToString(), StringComparison.Ordinal);
        var early = barrier.WaitAsync();
        Assert.Equal(0, barrier.WaitingCount);
        Assert.Contains("1 for the next turn", barrier.ToString(), StringComparison.Ordinal);
        await Coroutine.Yield();
        Assert.Equal(["a: 0", "b: 1"], _log);
        Assert.Equal("AsyncBarrier (draining, 0 of 3 waiting, 1 for the next turn)", barrier.ToString());
        await Coroutine.Yield(); // The next turn begins at the end of the iteration.
        Assert.Equal("AsyncBarrier (filling, 1 of 3 waiting)", barrier.ToString());
        _ = Start(test, barrier, "c");
        _ = Start(test, barrier, "d");
        Assert.Equal(0, await early);
        await test.Drain();
        Assert.Equal(["c: 1", "d: 2"], _log[2..].Order());
    });

    [Fact]
    public void Those_who_came_early_may_fill_the_next_turn_at_once() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(2);
        _ = Start(test, barrier, "a");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        for (var i = 0; i < 5; i++)
        {
            _ = StartEagerly(test, barrier, $"{i}");
        }

        for (var i = 0; i < 5; i++)
        {
            await Coroutine.Yield();
        }

        Assert.Equal(["a: 0", "0: 0", "1: 1", "2: 0", "3: 1"], _log);
        Assert.Equal(1, barrier.WaitingCount);
        await barrier.WaitAsync();
        await test.Drain();
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_filling_tasks_cancel_one")]
    public void A_task_that_is_cancelled_just_leaves() => LoopTest.Run(async test =>
    {
        // CPython's test_filling_tasks_cancel_one.
        var barrier = new AsyncBarrier(3);
        var first = Start(test, barrier, "first");
        _ = Start(test, barrier, "second");
        await Coroutine.Yield();
        first.Cancel();
        Assert.Equal(1, barrier.WaitingCount);
        _ = Start(test, barrier, "third");
        await Coroutine.Yield();
        Assert.Equal(2, barrier.WaitingCount);
        Assert.Equal(2, await barrier.WaitAsync());
        await test.Drain();
        Assert.True(first.IsCancelled);
        Assert.Equal(0, barrier.WaitingCount);
        Assert.False(barrier.IsBroken);

        // Every number occurs once, also after somebody left.
        Assert.Equal(["second: 0", "third: 1"], _log);
    });

    [Fact]
    public void A_cancel_after_all_have_come_arrives_at_the_next_suspension() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(2);
        var task = Start(test, barrier, "a", Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        await barrier.WaitAsync();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["a: 0"], _log);
        Assert.Contains("filling", barrier.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_task_cancelled_while_it_waits_for_its_turn_leaves() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(2);
        _ = Start(test, barrier, "a");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        var blocked = StartEagerly(test, barrier, "blocked");
        blocked.Cancel();
        await test.Drain();
        Assert.True(blocked.IsCancelled);
        Assert.Equal("AsyncBarrier (filling, 0 of 2 waiting)", barrier.ToString());
    });

    [Fact]
    public void A_reset_breaks_those_who_wait_and_nobody_else() => LoopTest.Run(async test =>
    {
        // CPython's test_reset_barrier and test_reset_barrier_while_tasks_waiting.
        var barrier = new AsyncBarrier(3);
        barrier.Reset();
        Assert.False(barrier.IsBroken);
        _ = Start(test, barrier, "a");
        _ = Start(test, barrier, "b");
        await Coroutine.Yield();
        barrier.Reset();
        Assert.Contains("resetting", barrier.ToString(), StringComparison.Ordinal);
        Assert.Equal(0, barrier.WaitingCount);
        _ = StartEagerly(test, barrier, "next");
        barrier.Reset(); // Again, before they have gone.
        await Coroutine.Yield();
        Assert.Equal(["a: broken", "b: broken"], _log);
        Assert.False(barrier.IsBroken);
        await Coroutine.Yield();
        Assert.Equal(1, barrier.WaitingCount);
        _ = StartEagerly(test, barrier, "next");
        Assert.Equal(2, await barrier.WaitAsync());
        await test.Drain();
        Assert.Equal(["next: 0", "next: 1"], _log[2..]);
    });

    [Fact]
    public void A_reset_while_tasks_leave_breaks_those_who_have_not_gone_on() => LoopTest.Run(async test =>
    {
        // CPython's test_reset_barrier_when_tasks_half_draining and its half_blocking.
        var barrier = new AsyncBarrier(3);
        _ = Start(test, barrier, "a");
        _ = Start(test, barrier, "b");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        _ = StartEagerly(test, barrier, "blocked");
        barrier.Reset();
        await Coroutine.Yield();
        Assert.Equal(["a: broken", "b: broken"], _log);
        await Coroutine.Yield();
        Assert.Equal(1, barrier.WaitingCount); // Who came for the next turn is in it.
        _ = Start(test, barrier, "c");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        await test.Drain();
        Assert.Equal(["blocked: 0", "c: 1"], _log[2..]);
    });

    [Fact]
    public void A_reset_between_two_who_leave_breaks_the_second() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(3);
        var first = test.Loop.CreateTask(WaitAndReset());
        _ = Start(test, barrier, "b");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        await first;
        await test.Drain();
        Assert.Equal(["first: 0", "b: broken"], _log);
        Assert.Contains("filling", barrier.ToString(), StringComparison.Ordinal);

        async Coroutine WaitAndReset()
        {
            _log.Add($"first: {await barrier.WaitAsync()}");
            barrier.Reset();
        }
    });

    [Fact]
    public void An_abort_breaks_the_barrier_until_it_is_reset() => LoopTest.Run(async test =>
    {
        // CPython's test_abort_barrier and test_abort_barrier_when_exception_then_resetting.
        var barrier = new AsyncBarrier(3);
        _ = Start(test, barrier, "a");
        _ = Start(test, barrier, "b");
        await Coroutine.Yield();
        barrier.Abort();
        Assert.True(barrier.IsBroken);
        Assert.Equal("AsyncBarrier (broken, 0 of 3 waiting)", barrier.ToString());
        await Assert.ThrowsAsync<BrokenBarrierException>(async () => await barrier.WaitAsync());
        await test.Drain();
        Assert.Equal(["a: broken", "b: broken"], _log);
        Assert.True(barrier.IsBroken);
        barrier.Reset();
        Assert.False(barrier.IsBroken);
        _ = Start(test, barrier, "c");
        _ = Start(test, barrier, "d");
        await Coroutine.Yield();
        Assert.Equal(2, await barrier.WaitAsync());
        await test.Drain();
        Assert.Equal(["c: 0", "d: 1"], _log[2..]);
    });

    [Fact]
    public void An_abort_while_tasks_leave_breaks_them_and_those_who_wait_for_their_turn() => LoopTest.Run(async test =>
    {
        // CPython's test_abort_barrier_when_tasks_half_draining_half_blocking.
        var barrier = new AsyncBarrier(2);
        _ = Start(test, barrier, "a");
        await Coroutine.Yield();
        await barrier.WaitAsync();
        _ = StartEagerly(test, barrier, "blocked");
        barrier.Abort();
        await test.Drain();
        Assert.Equal(["a: broken", "blocked: broken"], _log);
        Assert.True(barrier.IsBroken);
    });

    [Fact]
    public void A_reset_of_a_broken_barrier_waits_for_those_who_leave() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(2);
        _ = Start(test, barrier, "a");
        await Coroutine.Yield();
        barrier.Abort();
        barrier.Reset();
        _ = StartEagerly(test, barrier, "b");
        Assert.Equal(0, barrier.WaitingCount);
        await Coroutine.Yield();
        Assert.Equal(["a: broken"], _log);
        await Coroutine.Yield();
        Assert.Equal(1, barrier.WaitingCount);
        Assert.Equal(1, await barrier.WaitAsync());
        await test.Drain();
    });

    [Fact]
    public void A_cancelled_task_does_not_hold_up_the_ones_who_leave() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(3);
        var cancelled = Start(test, barrier, "cancelled");
        _ = Start(test, barrier, "a");
        await Coroutine.Yield();
        cancelled.Cancel();
        barrier.Reset();
        await test.Drain();
        Assert.True(cancelled.IsCancelled);
        Assert.Equal(["a: broken"], _log);
        Assert.Contains("filling", barrier.ToString(), StringComparison.Ordinal);
    });

    private LoopTask Start(LoopTest test, AsyncBarrier barrier, string name, Coroutine then = default) =>
        test.Loop.CreateTask(Wait(barrier, name, then));

    private LoopTask StartEagerly(LoopTest test, AsyncBarrier barrier, string name) =>
        test.Loop.CreateTask(Wait(barrier, name, default), name, eager: true);

    private async Coroutine Wait(AsyncBarrier barrier, string name, Coroutine then)
    {
        try
        {
            var number = await barrier.WaitAsync();
            _log.Add($"{name}: {number}");
        }
        catch (BrokenBarrierException)
        {
            _log.Add($"{name}: broken");
        }

        await then;
    }
}
