using static Baton.Tests.Conformance.TaskGroupConformanceTests;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Faults that asyncio's tasks, time-outs and groups once had.</summary>
public class TaskRegressionTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public enum Interruption
    {
        Request,
        TimeOut,
        Scope,
    }

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [CPython("regressions.Tasks.gh-81839")]
    public void What_was_opened_in_the_iteration_of_a_request_reaches_who_has_to_close_it(bool inTask, bool hasLimit) =>
        LoopTest.Run(async test =>
        {
            var opened = 0;
            var closed = 0;
            LoopTask user = null!;
            if (inTask)
            {
                // It has ended when the request comes, in the same iteration and before its awaiter has heard of it.
                var task = Coroutine.Start(Open());
                task.AddDoneCallback(_ => user.Cancel());
                user = Coroutine.Start(Use(() => Coroutine.WaitFor(task, hasLimit ? Hour : Timeout.InfiniteTimeSpan)));
            }
            else
            {
                user = test.Loop.CreateTask(Use(() => Coroutine.WaitFor(Open(), hasLimit ? Hour : Timeout.InfiniteTimeSpan)), eager: true);
                test.Loop.CallLater(Second, () => user.Cancel());
            }

            await Assert.ThrowsAsync<CancelledException>(async () => await user);
            Assert.Equal((1, 1), (opened, closed));
            Assert.Equal(Second, test.Elapsed);

            async Coroutine Use(Func<Coroutine<string>> open)
            {
                var resource = await open();
                try
                {
                    await Coroutine.Sleep(Hour); // where the request is thrown
                }
                finally
                {
                    Assert.Equal("open", resource);
                    closed++;
                }
            }

            async Coroutine<string> Open()
            {
                await Coroutine.Sleep(Second);
                opened++;
                return "open";
            }
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("regressions.Tasks.gh-81839")]
    public void What_was_opened_as_the_time_ran_out_reaches_who_has_to_close_it(bool byCoroutine) => LoopTest.Run(async test =>
    {
        // The timer of the opening comes before that of the wait, and both are due in the same iteration.
        var future = test.Loop.CreateFuture<string>();
        test.Loop.CallLater(Second, () => future.SetResult("open"));
        Assert.Equal("open", await (byCoroutine ? Coroutine.WaitFor(Open(), Second) : Coroutine.WaitFor(future, Second)));

        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);

        async Coroutine<string> Open() => await future;
    });

    [Theory]
    [InlineData(Interruption.Request)]
    [InlineData(Interruption.TimeOut)]
    [InlineData(Interruption.Scope)]
    [CPython("regressions.Tasks.gh-112202")]
    public void A_notification_is_passed_on_whatever_takes_the_notified_one_away(Interruption interruption) => LoopTest.Run(async test =>
    {
        var condition = new AsyncCondition();
        var log = new List<string>();
        LoopTask first = null!;
        CancelScope? scope = null;
        first = Coroutine.Start(Interrupted());
        var second = Coroutine.Start(Wait("second"));
        await Coroutine.Yield();
        await Coroutine.Yield();
        using (await condition.AcquireAsync())
        {
            condition.Notify();
            Interrupt();
            await Coroutine.Sleep(2 * Second); // the lock is held: the first one cannot have it again before
        }

        await second;
        Assert.Equal(["first", "second"], log);
        Assert.False(condition.IsLocked);
        try
        {
            await first;
        }
        catch (Exception exception) when (exception is CancelledException or TimeoutException)
        {
            Assert.Equal(interruption == Interruption.TimeOut, exception is TimeoutException);
        }

        void Interrupt()
        {
            if (interruption == Interruption.Request)
            {
                first.Cancel();
            }

            scope?.Cancel();
        }

        async Coroutine Interrupted()
        {
            switch (interruption)
            {
                case Interruption.TimeOut:
                    await LoopTimeout.Run(Second, () => Wait("first"));
                    break;
                case Interruption.Scope:
                    await CancelScope.Run(async Coroutine (s) =>
                    {
                        scope = s;
                        await Wait("first");
                    });
                    break;
                default:
                    await Wait("first");
                    break;
            }
        }

        async Coroutine Wait(string name)
        {
            using (await condition.AcquireAsync())
            {
                try
                {
                    await condition.WaitAsync();
                }
                finally
                {
                    log.Add(name);
                }
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("regressions.Tasks.gh-116720")]
    public void Of_three_nested_groups_that_fail_together_each_takes_back_one_request_and_that_from_outside_is_thrown(bool eager) =>
        Run(eager, async test =>
        {
            var counts = new List<int>();
            var task = Coroutine.Start(Body());
            test.Loop.CallLater(Second, () => task.Cancel("outside"));
            Assert.Equal("outside", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
            Assert.Equal([3, 2, 1], counts);
            Assert.Equal(1, task.CancelRequests);

            async Coroutine Body()
            {
                await Catch("outer", outer => Catch("middle", middle => Catch("inner", async Coroutine (inner) =>
                {
                    foreach (var (group, name) in new[] { (inner, "inner"), (middle, "middle"), (outer, "outer") })
                    {
                        _ = group.CreateTask(FailAfter(Second, name));
                    }

                    await Coroutine.Sleep(Hour);
                })));
                await Coroutine.Sleep(Hour);
                Assert.Fail("The request from outside was lost.");
            }

            async Coroutine Catch(string name, Func<TaskGroup, Coroutine> body)
            {
                AssertFailures(await FailureOf(TaskGroup.Run(body)), name);
                counts.Add(LoopTask.Current!.CancelRequests);
            }
        });

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [CPython("regressions.Tasks.gh-134471")]
    public void A_time_out_of_no_time_does_not_swallow_a_request_that_is_still_to_be_thrown(int seconds) => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Body());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);

        async Coroutine Body()
        {
            LoopTask.Current!.Cancel();
            try
            {
                await LoopTimeout.Run(seconds * Second, static async Coroutine () => await Coroutine.Yield());
            }
            catch (TimeoutException)
            {
                Assert.Fail("The request was taken for the time-out.");
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("regressions.Tasks.gh-155418")]
    public void An_eager_task_that_ends_its_group_before_it_is_a_part_of_it_does_not_hang_the_group(bool byFailure) =>
        Run(eager: true, async test =>
        {
            LoopTask<int>? typed = null;
            LoopTask? plain = null;
            var ended = await Coroutine.Start(Body());
            Assert.Equal(byFailure ? "failed" : "ended", ended);
            Assert.Equal(TimeSpan.Zero, test.Elapsed);
            Assert.True((typed ?? plain)!.IsCancelled);
            Assert.True(plain is null || typed is null);

            async Coroutine<string> Body()
            {
                try
                {
                    await TaskGroup.Run(async Coroutine (group) =>
                    {
                        if (byFailure)
                        {
                            plain = group.CreateTask(Fail(group));
                        }
                        else
                        {
                            typed = group.CreateTask(Cancel(group));
                        }
                    });
                    return "ended";
                }
                catch (AggregateException failure)
                {
                    AssertFailures(failure, "at once");
                    return "failed";
                }
            }

            static async Coroutine<int> Cancel(TaskGroup group)
            {
                group.Cancel();
                await Coroutine.Sleep(Hour);
                return 1;
            }

            static async Coroutine Fail(TaskGroup group)
            {
                _ = group.CreateTask(FailAtOnce());
                await Coroutine.Sleep(Hour);
            }

            static async Coroutine FailAtOnce() => throw new IOException("at once");
        });

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [CPython("regressions.Tasks.gh-155433")]
    public void A_request_while_a_group_that_has_ended_itself_waits_for_its_tasks_is_thrown(bool eager, bool waitsBehind) =>
        Run(eager, async test =>
        {
            var wentOn = false;
            var task = Coroutine.Start(Body());
            test.Loop.CallLater(2 * Second, () => task.Cancel("outside"));
            Assert.Equal("outside", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
            Assert.True(task.IsCancelled);
            Assert.Equal(1, task.CancelRequests);
            Assert.False(wentOn);
            Assert.Equal(4 * Second, test.Elapsed);

            async Coroutine Body()
            {
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    _ = group.CreateTask(CleanUp());
                    await Coroutine.Sleep(Second);
                    group.Cancel();
                    if (waitsBehind)
                    {
                        await Coroutine.Sleep(Hour);
                    }
                });
                wentOn = true;
            }

            static async Coroutine CleanUp()
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                finally
                {
                    await Coroutine.Sleep(3 * Second);
                }
            }
        });
}
