namespace Baton.Tests.Conformance;

/// <summary>
/// What CPython's <c>BarrierTests</c> pin down about resets and aborts, besides what the tests of <see cref="AsyncBarrier"/> do.
/// </summary>
public class BarrierResetConformanceTests
{
    private const int Parties = 5;

    [Fact]
    [CPython("test_locks.BarrierTests.test_reset_barrier")]
    public void A_reset_of_an_empty_barrier_changes_nothing() => LoopTest.Run(async () =>
    {
        var barrier = new AsyncBarrier(1);
        barrier.Reset();
        BarrierConformanceTests.CheckIsEmpty(barrier);
        Assert.Equal(0, await barrier.WaitAsync());
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_reset_barrier_while_tasks_waiting")]
    public void A_reset_breaks_all_who_wait() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        var broken = 0;
        var tasks = BarrierConformanceTests.StartTasks(test, Parties - 1, async Coroutine<int> (_) =>
        {
            if (await WaitIsBroken(barrier))
            {
                broken++;
            }

            return 0;
        });
        await Coroutine.Yield();
        Assert.Equal(Parties - 1, barrier.WaitingCount);
        test.Loop.CallSoon(barrier.Reset);
        await Coroutine.Gather(tasks);
        Assert.Equal(Parties - 1, broken);
        BarrierConformanceTests.CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_reset_barrier_when_tasks_half_draining")]
    public void A_reset_by_one_who_has_left_breaks_those_who_have_not() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        int left = 0, broken = 0;
        await BarrierConformanceTests.GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            if (await WaitIsBroken(barrier))
            {
                broken++;
            }
            else if (++left == Parties - 2)
            {
                barrier.Reset();
                Assert.Contains("resetting", barrier.ToString(), StringComparison.Ordinal);
            }

            return 0;
        });
        Assert.Equal(Parties - 2, left);
        Assert.Equal(2, broken);
        BarrierConformanceTests.CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_reset_barrier_when_tasks_half_draining_half_blocking")]
    public void A_reset_while_tasks_leave_does_not_break_those_who_have_come_again() => LoopTest.Run(async test =>
    {
        const int early = 2;
        var barrier = new AsyncBarrier(Parties);
        int left = 0, broken = 0, earlyBroken = 0;
        await BarrierConformanceTests.GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            if (await WaitIsBroken(barrier))
            {
                broken++;
                await barrier.WaitAsync();
            }
            else if (++left > early)
            {
                barrier.Reset();
                await barrier.WaitAsync();
            }
            else if (await WaitIsBroken(barrier))
            {
                earlyBroken++;
            }

            return 0;
        });
        Assert.Equal(early + 1, left);
        Assert.Equal(Parties - early - 1, broken);
        Assert.Equal(0, earlyBroken);
        BarrierConformanceTests.CheckIsEmpty(barrier);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_reset_barrier_while_tasks_waiting_and_waiting_again")]
    public void Those_whom_a_reset_has_broken_can_come_again_at_once() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        int broken = 0, passed = 0;
        var tasks = BarrierConformanceTests.StartTasks(test, Parties - 1, async Coroutine<int> (_) =>
        {
            Assert.True(await WaitIsBroken(barrier));
            broken++;
            await barrier.WaitAsync();
            passed++;
            return 0;
        });
        test.Loop.CallSoon(barrier.Reset);
        await Coroutine.Yield();
        tasks.Add(test.Loop.CreateTask(Pass()));
        await Coroutine.Gather(tasks);
        Assert.Equal(Parties - 1, broken);
        Assert.Equal(Parties, passed);
        BarrierConformanceTests.CheckIsEmpty(barrier);

        async Coroutine<int> Pass()
        {
            await barrier.WaitAsync();
            passed++;
            return 0;
        }
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_reset_barrier_while_tasks_draining")]
    public void A_reset_by_the_last_one_who_leaves_breaks_nobody() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        int left = 0, again = 0, third = 0;
        await BarrierConformanceTests.GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            await barrier.WaitAsync();
            left++;
            if (left == Parties)
            {
                // The others have come for the next turn, which this reset is not about.
                barrier.Reset();
            }

            await barrier.WaitAsync();
            again++;
            await barrier.WaitAsync();
            Assert.Equal(Parties, again);
            third++;
            return 0;
        });
        Assert.Equal(Parties, third);
        BarrierConformanceTests.CheckIsEmpty(barrier);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_abort_by_the_last_one_who_leaves_breaks_those_who_have_come_again(bool isReset) => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(2);
        var last = test.Loop.CreateTask(WaitAndAbort());
        await Coroutine.Yield();
        await barrier.WaitAsync();
        var early = test.Loop.CreateTask(WaitIsBroken(barrier), eager: true);
        await last;
        Assert.True(await early);
        Assert.Equal(!isReset, barrier.IsBroken);
        if (isReset)
        {
            BarrierConformanceTests.CheckIsEmpty(barrier);
        }

        async Coroutine WaitAndAbort()
        {
            await barrier.WaitAsync();
            barrier.Abort();
            if (isReset)
            {
                barrier.Reset();
            }
        }
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_abort_barrier")]
    public void An_abort_of_an_empty_barrier_breaks_it() => LoopTest.Run(async () =>
    {
        var barrier = new AsyncBarrier(1);
        barrier.Abort();
        Assert.Equal(0, barrier.WaitingCount);
        Assert.True(barrier.IsBroken);
        Assert.True(await WaitIsBroken(barrier));
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_abort_barrier_when_tasks_half_draining_half_blocking")]
    public void An_abort_while_tasks_leave_breaks_those_who_have_not_and_those_who_have_come_again() => LoopTest.Run(async test =>
    {
        const int early = 2;
        var barrier = new AsyncBarrier(Parties);
        int left = 0, broken = 0, earlyBroken = 0;
        await BarrierConformanceTests.GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            if (await WaitIsBroken(barrier))
            {
                broken++;
            }
            else if (++left > early)
            {
                barrier.Abort();
            }
            else if (await WaitIsBroken(barrier))
            {
                earlyBroken++;
            }

            return 0;
        });
        Assert.Equal(Parties - early - 1, broken);
        Assert.Equal(early, earlyBroken);
        Assert.Equal("AsyncBarrier (broken, 0 of 5 waiting)", barrier.ToString());
        Assert.True(barrier.IsBroken);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_abort_barrier_when_exception")]
    public void A_task_that_fails_after_it_has_left_can_break_the_barrier_for_all_the_others() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        var results = await BarrierConformanceTests.GatherTasks(test, Parties, async Coroutine<int> (_) => await Fail(barrier) ? 1 : 0);
        Assert.Equal(Parties - 1, results.Sum());
        Assert.True(barrier.IsBroken);
        Assert.Equal(0, barrier.WaitingCount);
    });

    [Fact]
    [CPython("test_locks.BarrierTests.test_abort_barrier_when_exception_then_resetting")]
    public void A_barrier_that_was_broken_serves_again_after_a_reset() => LoopTest.Run(async test =>
    {
        var barrier = new AsyncBarrier(Parties);
        var meeting = new AsyncBarrier(Parties);
        int broken = 0, passed = 0;
        await BarrierConformanceTests.GatherTasks(test, Parties, async Coroutine<int> (_) =>
        {
            if (await Fail(barrier))
            {
                broken++;
            }

            if (await meeting.WaitAsync() == Parties / 2)
            {
                barrier.Reset();
            }

            await meeting.WaitAsync();
            await barrier.WaitAsync();
            passed++;
            return 0;
        });
        Assert.Equal(Parties - 1, broken);
        Assert.Equal(Parties, passed);
        BarrierConformanceTests.CheckIsEmpty(barrier);
        BarrierConformanceTests.CheckIsEmpty(meeting);
    });

    /// <summary>Comes twice; the one in the middle fails in between. True where the barrier was broken, false for that one.</summary>
    private static async Coroutine<bool> Fail(AsyncBarrier barrier)
    {
        try
        {
            if (await barrier.WaitAsync() == Parties / 2)
            {
                throw new FormatException();
            }

            await barrier.WaitAsync();
            Assert.Fail("One of them does not come.");
        }
        catch (BrokenBarrierException)
        {
            return true;
        }
        catch (FormatException)
        {
            barrier.Abort();
        }

        return false;
    }

    private static async Coroutine<bool> WaitIsBroken(AsyncBarrier barrier)
    {
        try
        {
            await barrier.WaitAsync();
            return false;
        }
        catch (BrokenBarrierException)
        {
            return true;
        }
    }
}
