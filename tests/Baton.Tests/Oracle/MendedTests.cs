namespace Baton.Tests.Oracle;

/// <summary>What the comparison with asyncio has found amiss, and was mended: also where there is no Python to compare with.</summary>
public class MendedTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_timer_that_is_due_at_once_fires_in_the_next_iteration(int seconds) => LoopTest.On(test =>
    {
        var called = 0;
        test.Loop.CallSoon(() =>
        {
            test.Loop.CallLater(seconds * Second, () => called++);
            test.Loop.CallAt(test.Loop.Time + (seconds * Second.Ticks * 100), () => called++);
            test.Loop.CallSoon(() => Assert.Equal(0, called));
        });
        test.RunIterations(2);
        Assert.Equal(2, called);
    });

    [Fact]
    public void A_timer_that_is_due_at_once_does_not_wait_for_the_work_that_goes_on() => LoopTest.Run(async test =>
    {
        var isCalled = false;
        test.Loop.CallLater(TimeSpan.Zero, () => isCalled = true);
        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.True(isCalled);
    });

    [Fact]
    public void A_limit_goes_before_what_takes_just_as_long() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, () => Coroutine.Sleep(Second)));
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Coroutine.Sleep(Second), Second));
        Assert.False(await CancelScope.Run(_ => Coroutine.Sleep(Second), Second));
        Assert.Equal(3 * Second, test.Elapsed);
    });

    [Fact]
    public void A_limit_goes_before_the_timers_of_its_code() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        try
        {
            await LoopTimeout.Run(Second, async () =>
            {
                test.Loop.CallLater(Second, () => log.Add("timer"));
                _ = test.Loop.CreateTask(Log(), eager: true);
                await Coroutine.Sleep(2 * Second);
            });
        }
        catch (TimeoutException)
        {
            log.Add("limit");
        }

        await Coroutine.Yield();
        Assert.Equal(["timer", "limit", "eager task"], log);

        async Coroutine Log()
        {
            await Coroutine.Sleep(Second);
            log.Add("eager task");
        }
    });

    [Fact]
    public void A_wait_for_no_time_gives_others_a_turn() => LoopTest.Run(async test =>
    {
        var turns = 0;
        var task = test.Loop.CreateTask(Count());
        while (turns < 3)
        {
            await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Coroutine.FromResult(1), TimeSpan.Zero));
            await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Coroutine.Sleep(Second), TimeSpan.Zero));
        }

        await task;

        async Coroutine Count()
        {
            for (; turns < 3; turns++)
            {
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void A_group_cancels_its_tasks_in_the_order_in_which_they_were_made() => LoopTest.Run(async test =>
    {
        var log = new List<int>();
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < 5; i++)
            {
                _ = group.CreateTask(SleepAndLog(i, log));
            }

            await Coroutine.Sleep(Second); // by now the third has ended
            Assert.Equal(4, group.GetTasks().Count);
            group.Cancel();
        });
        Assert.Equal([2, 0, 1, 3, 4], log);

        static async Coroutine SleepAndLog(int number, List<int> log)
        {
            try
            {
                await Coroutine.Sleep((number == 2 ? 0.5 : 5) * Second);
            }
            finally
            {
                log.Add(number);
            }
        }
    });

    [Fact]
    public void A_cancellation_reaches_what_a_child_waits_for_before_the_next_child() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var far = Coroutine.Start(SleepAndLog("far"));
        var task = Coroutine.Start(Gather());
        await Coroutine.Sleep(Second);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["far", "near"], log);

        async Coroutine Gather() => await Coroutine.Gather(Await(far), SleepAndLog("near"));

        static async Coroutine Await(LoopTask task) => await task;

        async Coroutine SleepAndLog(string name)
        {
            try
            {
                await Coroutine.Sleep(5 * Second);
            }
            finally
            {
                log.Add(name);
            }
        }
    });

    [Fact]
    public void One_exception_tells_of_two_requests_to_a_task_that_awaits_a_gather() => LoopTest.Run(async test =>
    {
        var isOver = false;
        var task = Coroutine.Start(Gather());
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield(); // the children have ended
        task.Cancel();
        await task;
        Assert.True(isOver);

        async Coroutine Gather()
        {
            try
            {
                await Coroutine.Gather(Coroutine.Sleep(Second), Coroutine.Sleep(Second));
            }
            catch (CancelledException)
            {
                await Coroutine.Sleep(Second);
                isOver = true;
            }
        }
    });

    [Fact]
    public void A_group_that_does_not_wait_leaves_a_request_to_the_code_behind_it() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Run());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);

        static async Coroutine Run()
        {
            var cancelled = EventLoop.Current.CreateFuture();
            cancelled.Cancel();
            await Assert.ThrowsAsync<CancelledException>(async () => await TaskGroup.Run(async Coroutine (group) =>
            {
                LoopTask.Current!.Cancel();
                await cancelled;
            }));
            await Coroutine.Yield();
            Assert.Fail("The request was lost.");
        }
    });
}
