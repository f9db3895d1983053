namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>How groups end, with ordinary tasks and with eager ones.</summary>
public class TaskGroupConformanceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_01")]
    public void When_a_group_has_ended_its_tasks_have_their_results(bool eager) => Run(eager, async test =>
    {
        LoopTask<int> first = null!;
        LoopTask<string> second = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            first = group.CreateTask(Coroutine.Sleep(Second, 42));
            second = group.CreateTask(Coroutine.Sleep(2 * Second, "eleven"));
        });
        Assert.Equal((42, "eleven"), (first.GetResult(), second.GetResult()));
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_02")]
    public void A_task_that_is_made_after_another_has_ended_is_waited_for_as_well(bool eager) => Run(eager, async test =>
    {
        LoopTask<int> first = null!;
        LoopTask<int> second = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            first = group.CreateTask(Coroutine.Sleep(Second, 1));
            await Coroutine.Sleep(2 * Second);
            Assert.True(first.IsDone);
            second = group.CreateTask(Coroutine.Sleep(2 * Second, 2));
        });
        Assert.Equal((1, 2), (first.GetResult(), second.GetResult()));
        Assert.Equal(4 * Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_03")]
    public void A_task_that_the_body_cancels_leaves_the_group_as_it_is(bool eager) => Run(eager, async test =>
    {
        LoopTask<int> cancelled = null!;
        LoopTask<int> other = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            cancelled = group.CreateTask(Coroutine.Sleep(Hour, 1));
            await Coroutine.Sleep(Second);
            Assert.True(cancelled.Cancel());
            other = group.CreateTask(Coroutine.Sleep(Second, 2));
        });
        Assert.True(cancelled.IsCancelled);
        Assert.Equal(2, other.GetResult());
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_04")]
    public void A_task_that_fails_has_the_other_cancelled_and_the_code_behind_the_group_skipped(bool eager) => Run(eager, async test =>
    {
        var log = new List<string>();
        LoopTask other = null!;
        var failure = await FailureOf(Coroutine.Start(Body()));
        AssertFailures(failure, "task");
        Assert.Equal(["other cancelled"], log);
        Assert.True(other.IsCancelled);

        async Coroutine Body()
        {
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(FailAfter(Second, "task"));
                other = group.CreateTask(LogCancel(log, "other cancelled"));
            });
            log.Add("behind");
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_cancel_children_on_child_error")]
    public void Tasks_that_fail_together_have_the_other_and_the_body_cancelled_and_are_thrown_together(bool eager) =>
        Run(eager, async test =>
        {
            var log = new List<string>();
            var failure = await FailureOf(Coroutine.Start(Body()));
            AssertFailures(failure, "one", "two", "three");
            Assert.Equal(["body", "other"], log.Order());
            Assert.Equal(Second, test.Elapsed);

            async Coroutine Body()
            {
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    _ = group.CreateTask(FailAfter(Second, "one"));
                    _ = group.CreateTask(FailAfter(Second, "two"));
                    _ = group.CreateTask(FailAfter(Second, "three"));
                    _ = group.CreateTask(LogCancel(log, "other"));
                    await LogCancel(log, "body");
                });
                log.Add("behind");
            }
        });

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_cancellation")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_07")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_22")]
    public void A_request_to_the_task_ends_body_and_tasks_as_cancelled(bool eager, bool inBody) => Run(eager, async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < 5; i++)
            {
                _ = group.CreateTask(LogCancel(log, "task"));
            }

            if (inBody)
            {
                await LogCancel(log, "body");
            }
        }));
        await Coroutine.Sleep(Second);
        Assert.False(task.IsDone);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
        Assert.Equal(5, log.Count(line => line == "task"));
        Assert.Equal(inBody ? 1 : 0, log.Count(line => line == "body"));
        Assert.Equal(Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_08")]
    public void Tasks_that_fail_when_the_group_is_cancelled_are_thrown_in_place_of_the_cancellation(bool eager) => Run(eager, async test =>
    {
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < 5; i++)
            {
                _ = group.CreateTask(FailWhenCancelled("clean-up"));
            }

            await Coroutine.Sleep(Hour);
        }));
        await Coroutine.Sleep(Second);
        Assert.False(task.IsDone);
        task.Cancel();
        AssertFailures(await FailureOf(task), "clean-up", "clean-up", "clean-up", "clean-up", "clean-up");
        Assert.True(task.IsFailed);
    });

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_09")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_10")]
    public void A_body_that_fails_has_the_tasks_cancelled_whether_or_not_they_have_begun(bool eager, bool waits) => Run(eager, async test =>
    {
        LoopTask first = null!;
        LoopTask second = null!;
        var failure = await FailureOf(TaskGroup.Run(async Coroutine (group) =>
        {
            first = group.CreateTask(Coroutine.Sleep(Hour, 1));
            second = group.CreateTask(Coroutine.Sleep(2 * Hour, 2));
            if (waits)
            {
                await Coroutine.Sleep(Second);
            }

            throw new IOException("body");
        }));
        AssertFailures(failure, "body");
        Assert.True(first.IsCancelled && second.IsCancelled);
        Assert.Equal(waits ? Second : TimeSpan.Zero, test.Elapsed);
    });

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_11")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_12")]
    public void Failures_in_an_inner_group_that_was_cancelled_are_the_failure_of_the_outer_one(bool eager, bool outerHasTask) =>
        Run(eager, async test =>
        {
            LoopTask? ofOuter = null;
            var task = Coroutine.Start(TaskGroup.Run(async Coroutine (outer) =>
            {
                ofOuter = outerHasTask ? outer.CreateTask(Coroutine.Sleep(Hour)) : null;
                await TaskGroup.Run(async Coroutine (inner) =>
                {
                    for (var i = 0; i < 5; i++)
                    {
                        _ = inner.CreateTask(FailWhenCancelled("clean-up"));
                    }

                    await Coroutine.Sleep(Hour);
                });
            }));
            await Coroutine.Sleep(Second);
            Assert.False(task.IsDone);
            task.Cancel();
            var failure = await FailureOf(task);
            var ofInner = Assert.IsType<AggregateException>(Assert.Single(failure.InnerExceptions));
            AssertFailures(ofInner, "clean-up", "clean-up", "clean-up", "clean-up", "clean-up");
            Assert.True(ofOuter is null or { IsCancelled: true });
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_13")]
    public void A_task_of_the_outer_group_that_fails_ends_the_inner_group_which_adds_nothing(bool eager) => Run(eager, async test =>
    {
        LoopTask ofInner = null!;
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (outer) =>
        {
            _ = outer.CreateTask(FailAfter(Second, "outer"));
            await TaskGroup.Run(async Coroutine (inner) => ofInner = inner.CreateTask(FailAfter(Hour, "inner")));
        }));
        AssertFailures(await FailureOf(task), "outer");
        Assert.True(ofInner.IsCancelled);
        Assert.Equal(Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_14")]
    public void A_task_of_the_inner_group_that_fails_fails_both_groups(bool eager) => Run(eager, async test =>
    {
        LoopTask ofOuter = null!;
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (outer) =>
        {
            ofOuter = outer.CreateTask(FailAfter(Hour, "outer"));
            await TaskGroup.Run(async Coroutine (inner) => _ = inner.CreateTask(FailAfter(Second, "inner")));
        }));
        AssertFailures(Assert.IsType<AggregateException>(Assert.Single((await FailureOf(task)).InnerExceptions)), "inner");
        Assert.True(ofOuter.IsCancelled);
        Assert.Equal(Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_15")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_16")]
    public void A_task_that_fails_while_the_cancelled_body_cleans_up_is_thrown(bool eager, bool throughTask) => Run(eager, async test =>
    {
        var task = Coroutine.Start(throughTask ? Through() : Body());
        await Coroutine.Sleep(Second);
        Assert.False(task.IsDone);
        task.Cancel();
        AssertFailures(await FailureOf(task), "task");
        Assert.Equal(3 * Second, test.Elapsed); // The failure interrupts the clean-up, which takes until the fifth second.

        async Coroutine Through() => await Coroutine.Start(Body());

        async Coroutine Body() => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(FailAfter(3 * Second, "task"));
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                await Coroutine.Sleep(4 * Second);
                throw;
            }
        });
    });

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_17")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_18")]
    public void A_group_without_tasks_ends_as_its_cancelled_body_does(bool eager, bool fails) => Run(eager, async test =>
    {
        var wasCancelled = false;
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (_) =>
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                wasCancelled = true;
                if (fails)
                {
                    throw new IOException("instead");
                }

                throw;
            }
        }));
        await Coroutine.Sleep(Second);
        Assert.False(task.IsDone);
        task.Cancel();
        if (fails)
        {
            AssertFailures(await FailureOf(task), "instead");
        }
        else
        {
            await Assert.ThrowsAsync<CancelledException>(async () => await task);
        }

        Assert.True(wasCancelled);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_19")]
    public void A_body_that_fails_in_its_clean_up_is_thrown_with_the_task_that_caused_it(bool eager) => Run(eager, async test =>
    {
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(FailAfter(Second, "task"));
            await FailWhenCancelled("body");
        }));
        AssertFailures(await FailureOf(task), "task", "body");
        Assert.Equal(0, task.CancelRequests);
    });

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [CPython(
        "test_taskgroups.BaseTestTaskGroup.test_taskgroup_20",
        Improvement =
            "No exception is so grave that it is thrown alone, which would lose the failures of the tasks: it is thrown with them.")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_20a")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_21a")]
    public void The_gravest_exceptions_are_thrown_with_the_others(bool eager, bool inBody) => Run(eager, async test =>
    {
        var failure = await FailureOf(TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Fail(inBody ? new IOException() : new InsufficientMemoryException()));
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                throw inBody ? new InsufficientMemoryException() : new IOException();
            }
        }));
        Assert.Equal(
            ["IOException", "InsufficientMemoryException"],
            failure.InnerExceptions.Select(inner => inner.GetType().Name).Order(StringComparer.Ordinal));

        static async Coroutine Fail(Exception exception)
        {
            await Coroutine.Sleep(Second);
            throw exception;
        }
    });

    internal static void Run(bool eager, Func<LoopTest, Coroutine> body) => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
        await body(test);
    });

    internal static async Task<AggregateException> FailureOf(Coroutine group) =>
        await Assert.ThrowsAsync<AggregateException>(async () => await group);

    internal static async Task<AggregateException> FailureOf(LoopTask group) =>
        await Assert.ThrowsAsync<AggregateException>(async () => await group);

    internal static void AssertFailures(AggregateException exception, params string[] messages) =>
        Assert.Equal(messages, exception.InnerExceptions.Select(inner => Assert.IsType<IOException>(inner).Message));

    internal static async Coroutine FailAfter(TimeSpan time, string message)
    {
        await Coroutine.Sleep(time);
        throw new IOException(message);
    }

    internal static async Coroutine FailWhenCancelled(string message)
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            throw new IOException(message);
        }
    }

    private static async Coroutine LogCancel(List<string> log, string line)
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            log.Add(line);
            throw;
        }
    }
}
