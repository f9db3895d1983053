using static Baton.Tests.Conformance.TaskGroupConformanceTests;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>
/// What a group's tasks are, when new ones are refused, and how requests are counted; with ordinary tasks and with eager ones.
/// </summary>
public class TaskGroupMembersConformanceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_23")]
    public void A_group_forgets_tasks_as_they_end(bool eager) => Run(eager, async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < 10; i++)
            {
                await Coroutine.Sleep(Second);
                _ = group.CreateTask(Coroutine.Sleep(2.5 * Second));
                Assert.Equal(Math.Min(i + 1, 3), group.Count);
            }

            await Coroutine.Sleep(3 * Second);
            Assert.Equal(0, group.Count);
            Assert.Empty(group.GetTasks());
        });
        Assert.Equal(13 * Second, test.Elapsed);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_24")]
    public void A_task_can_add_tasks_while_the_group_waits_for_it(bool eager) => Run(eager, async test =>
    {
        var ended = 0;
        await TaskGroup.Run(async Coroutine (group) => _ = group.CreateTask(Root(group)));
        Assert.Equal(2, ended);
        Assert.Equal(3 * Second, test.Elapsed);

        async Coroutine Root(TaskGroup group)
        {
            await Coroutine.Sleep(Second);
            _ = group.CreateTask(Child(Second));
            _ = group.CreateTask(Child(2 * Second));
        }

        async Coroutine Child(TimeSpan time)
        {
            await Coroutine.Sleep(time);
            ended++;
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_25")]
    public void A_group_whose_tasks_keep_adding_two_of_their_kind_ends_when_one_fails(bool eager) => Run(eager, async test =>
    {
        var heads = 0;
        var failure = await FailureOf(TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Hydra(group));
            _ = group.CreateTask(Hercules());
        }));
        AssertFailures(failure, "cut off");
        Assert.InRange(heads, 10, 63);

        async Coroutine Hydra(TaskGroup group)
        {
            heads++;
            await Coroutine.Sleep(Second);
            _ = group.CreateTask(Hydra(group));
            _ = group.CreateTask(Hydra(group));
        }

        async Coroutine Hercules()
        {
            while (heads < 10)
            {
                await Coroutine.Sleep(1.5 * Second);
            }

            throw new IOException("cut off");
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_task_name")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_name")]
    public void A_task_has_the_name_that_it_was_given_from_its_first_step_on(bool eager) => Run(eager, async test =>
    {
        string? seen = null;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var task = group.CreateTask(SeeName(), "example");
            Assert.Equal("example", task.Name);
            Assert.Equal(eager ? "example" : null, seen);
        });
        Assert.Equal("example", seen);

        async Coroutine SeeName()
        {
            seen = LoopTask.Current!.Name;
            await Coroutine.Yield();
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_task_context",
        Improvement =
            "A task keeps to itself what it changes, as everywhere in C#; the context that it begins with is the one in which it is made.")]
    public void A_task_can_be_made_in_another_context_than_the_bodys(bool eager) => Run(eager, async test =>
    {
        var local = new AsyncLocal<string?>();
        var plain = ExecutionContext.Capture()!;
        local.Value = "body";
        var seen = new List<string?>();
        await TaskGroup.Run(async Coroutine (group) =>
        {
            LoopTask first = null!;
            ExecutionContext.Run(plain, _ => first = group.CreateTask(Append("first")), null);
            await first;
            await group.CreateTask(Append("second"));
            Assert.Equal("body", local.Value);
        });
        Assert.Equal([null, "first", "body", "second"], seen);
        ExecutionContext.Run(plain, _ => Assert.Null(local.Value), null);

        async Coroutine Append(string value)
        {
            await Coroutine.Yield();
            seen.Add(local.Value);
            local.Value = value;
            await Coroutine.Yield();
            seen.Add(local.Value);
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_no_create_task_after_failure")]
    public void A_task_that_cleans_up_after_the_failure_of_another_cannot_add_tasks(bool eager) => Run(eager, async test =>
    {
        var refused = false;
        var failure = await FailureOf(TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(FailAfter(Second, "first"));
            _ = group.CreateTask(AddWhenCancelled(group));
        }));
        AssertFailures(failure, "first");
        Assert.True(refused);

        async Coroutine AddWhenCancelled(TaskGroup group)
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                Assert.Throws<InvalidOperationException>(() => group.CreateTask(FailAfter(Second, "never")));
                refused = true;
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_context_manager_exit_raises")]
    public void A_resource_of_the_body_whose_disposal_fails_is_thrown_too_and_no_request_is_left(bool eager) => Run(eager, async test =>
    {
        var task = Coroutine.Start(Body());
        await task;
        Assert.Equal(0, task.CancelRequests);

        async Coroutine Body()
        {
            var failure = await FailureOf(TaskGroup.Run(async Coroutine (group) =>
            {
                await using var database = new Broken();
                _ = group.CreateTask(FailAfter(TimeSpan.Zero, "task"));
                await Coroutine.Sleep(Hour);
            }));
            AssertFailures(failure, "task", "disposal");
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            await Coroutine.Yield();
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_finished")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_coro_closed_when_tg_closed")]
    public void A_group_that_has_ended_takes_no_task_and_closes_the_coroutine(bool eager) => LoopTest.RunInDebug(async test =>
    {
        // In debug mode a coroutine that was neither run nor closed would be reported.
        test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
        TaskGroup ended = null!;
        await TaskGroup.Run(async Coroutine (group) => ended = group);
        var coroutine = Coroutine.Sleep(TimeSpan.Zero);
        var refusal = Assert.Throws<InvalidOperationException>(() => ended.CreateTask(coroutine));
        Assert.Contains("has ended", refusal.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => Coroutine.Start(coroutine));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_cancelling_level_preserved")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_cancellation_does_not_leak_out_of_tg")]
    public void After_a_group_that_failed_no_request_is_left(bool eager) => Run(eager, async test =>
    {
        foreach (var time in new[] { TimeSpan.Zero, Second })
        {
            AssertFailures(
                await FailureOf(TaskGroup.Run(async Coroutine (group) => _ = group.CreateTask(FailAfter(time, "task")))), "task");
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            await Coroutine.Yield();
        }

        AssertFailures(await FailureOf(TaskGroup.Run(async Coroutine (group) => _ = group.CreateTask(FailAtOnce()))), "at once");
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Yield();

        static async Coroutine FailAtOnce() => throw new IOException("at once");
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_nested_groups_both_cancelled")]
    public void Of_nested_groups_that_cancel_the_body_both_each_takes_its_own_request_back(bool eager) => Run(eager, async test =>
    {
        var self = LoopTask.Current!;
        var behindInner = 0;
        var failure = await FailureOf(TaskGroup.Run(async Coroutine (outer) =>
        {
            AssertFailures(
                await FailureOf(TaskGroup.Run(async Coroutine (inner) =>
                {
                    _ = inner.CreateTask(FailAfter(TimeSpan.Zero, "inner"));
                    _ = outer.CreateTask(FailAfter(TimeSpan.Zero, "outer"));
                })),
                "inner");
            behindInner = self.CancelRequests;
        }));
        AssertFailures(failure, "outer");
        Assert.Equal(1, behindInner);
        Assert.Equal(0, self.CancelRequests);
        await Coroutine.Yield();
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_error_and_cancel")]
    public void A_request_that_comes_as_a_task_fails_is_thrown_behind_the_group(bool eager) => Run(eager, async test =>
    {
        var log = new List<string>();
        var aboutToFail = new AsyncEvent();
        var task = Coroutine.Start(Body());
        await aboutToFail.WaitAsync();
        Assert.Equal(0, task.CancelRequests);
        task.Cancel();
        Assert.Equal(1, task.CancelRequests);
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
        Assert.Equal(["1 in handler", "1 behind"], log);

        async Coroutine Body()
        {
            try
            {
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    _ = group.CreateTask(Fail());
                    await Coroutine.Sleep(Hour);
                    log.Add("went on in the group");
                });
            }
            catch (AggregateException failure)
            {
                AssertFailures(failure, "task");
                log.Add($"{LoopTask.Current!.CancelRequests} in handler");
            }

            log.Add($"{LoopTask.Current!.CancelRequests} behind");
            await Coroutine.Sleep(Hour);
            log.Add("went on");
        }

        async Coroutine Fail()
        {
            aboutToFail.Set();
            await Coroutine.Yield();
            throw new IOException("task");
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_cancels_task_if_created_during_creation")]
    [CPython("regressions.Tasks.gh-128550")]
    public void A_task_that_makes_one_which_fails_at_once_is_cancelled_though_it_is_only_being_made_itself(bool eager) =>
        Run(eager, async test =>
        {
            var wasCancelled = false;
            var failure = await FailureOf(TaskGroup.Run(async Coroutine (group) => _ = group.CreateTask(Maker(group))));
            AssertFailures(failure, "at once");
            Assert.True(wasCancelled);

            async Coroutine Maker(TaskGroup group)
            {
                var made = group.CreateTask(FailAtOnce());
                Assert.Equal(eager, made.IsFailed);
                var yields = 0;
                await Assert.ThrowsAsync<CancelledException>(async () =>
                {
                    while (true)
                    {
                        await Coroutine.Yield();
                        yields++;
                    }
                });
                Assert.Equal(eager ? 0 : 1, yields); // One that is not eager has to fail first.
                wasCancelled = true;
            }

            static async Coroutine FailAtOnce() => throw new IOException("at once");
        });

    private sealed class Broken : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => throw new IOException("disposal");
    }
}
