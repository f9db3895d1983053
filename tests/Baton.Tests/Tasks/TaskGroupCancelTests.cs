using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary>Groups that end themselves, by Cancel, and groups within groups.</summary>
public class TaskGroupCancelTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // nested_groups_both_cancelled, 13 - 15, 21a
    [Fact]
    public void Nested_groups_are_cancelled_from_the_inside_out() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(TaskGroup.Run(async Coroutine (outer) =>
        {
            _ = outer.CreateTask(TaskGroupTests.Logged("outer", log));
            await TaskGroup.Run(async Coroutine (inner) =>
            {
                _ = inner.CreateTask(TaskGroupTests.Logged("inner", log));
                await TaskGroupTests.Logged("body", log);
            });
        }));
        await Coroutine.Sleep(Second);
        task.Cancel("why");
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["body: why", "inner: why", "outer: why"], log);
    });

    [Fact]
    public void An_inner_group_that_fails_fails_the_outer_one() => LoopTest.Run(async test =>
    {
        foreach (var inTask in new[] { true, false })
        {
            var log = new List<string>();
            var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (outer) =>
            {
                _ = outer.CreateTask(TaskGroupTests.Logged("outer", log));
                if (inTask)
                {
                    _ = outer.CreateTask(Inner());
                    await Coroutine.Sleep(Hour);
                }
                else
                {
                    await Inner();
                }
            }));
            var inner = Assert.IsType<AggregateException>(Assert.Single(exception.InnerExceptions));
            Assert.IsType<IOException>(Assert.Single(inner.InnerExceptions));
            Assert.Single(log);
        }

        static async Coroutine Inner() => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
            await Coroutine.Sleep(Hour);
        });
    });

    // nested_groups_both_cancelled: both bodies are cancelled in the same iteration
    [Fact]
    [CPython("regressions.Tasks.gh-116720")]
    public void Nested_groups_that_fail_in_the_same_batch_keep_the_count() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (outer) =>
        {
            _ = outer.CreateTask(TaskGroupTests.Fail(Second, new IOException("outer")));
            await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (inner) =>
            {
                _ = inner.CreateTask(TaskGroupTests.Fail(Second, new IOException("inner")));
                await Coroutine.Sleep(Hour);
            }));
            await Coroutine.Sleep(Hour);
            Assert.Fail("The outer group's cancellation was lost.");
        }));
        Assert.Equal(["outer"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.Equal(Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);
    });

    // cancellation_does_not_leak_out_of_tg
    [Fact]
    public void The_groups_own_cancellation_does_not_leak_out() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Coroutine.FromException(new IOException()));
            await Task.Yield(); // nothing of Baton's: the body does not notice
            await Task.Yield();
            await Task.Yield();
            Assert.True(group.IsCancelling);
        }));
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);
    });

    // cancels_task_if_created_during_creation; gh-155418
    [Fact]
    [CPython("regressions.Tasks.gh-155418")]
    public void An_eager_task_that_cancels_its_group_in_its_first_step_is_cancelled_with_it() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var task = group.CreateTask(Body(group), eager: true);
            Assert.Equal(1, task.CancelRequests);
            await Coroutine.Sleep(Hour);
        });
        Assert.Equal(["cancelled"], log);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);

        async Coroutine Body(TaskGroup group)
        {
            group.Cancel();
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                log.Add("cancelled");
            }
        }
    });

    [Fact]
    public void Cancel_ends_the_group_without_an_exception_wherever_it_is() => LoopTest.Run(async test =>
    {
        foreach (var from in new[] { "body", "callback in body", "callback in join", "child in body", "child in join", "before the first task" })
        {
            var log = new List<string>();
            var start = test.Elapsed;
            var result = await TaskGroup.Run(async Coroutine<int> (group) =>
            {
                if (from == "before the first task")
                {
                    group.Cancel("enough");
                    Assert.Throws<InvalidOperationException>(() => group.CreateTask(Coroutine.Sleep(Second)));
                }
                else
                {
                    _ = group.CreateTask(TaskGroupTests.Logged("task", log));
                }

                if (from.StartsWith("callback", StringComparison.Ordinal))
                {
                    test.Loop.CallLater(Second, () => Cancel(group));
                }
                else if (from.StartsWith("child", StringComparison.Ordinal))
                {
                    _ = group.CreateTask(CancelLater(group));
                }
                else
                {
                    await Coroutine.Sleep(from == "body" ? Second : TimeSpan.Zero);
                    Cancel(group);
                }

                if (!from.EndsWith("join", StringComparison.Ordinal))
                {
                    await Coroutine.Sleep(Hour);
                    Assert.Fail("Not reached.");
                }

                return 5;
            });
            Assert.Equal(from.EndsWith("join", StringComparison.Ordinal) ? 5 : 0, result);
            Assert.Equal(from == "before the first task" ? [] : ["task: enough"], log);
            Assert.Equal(from == "before the first task" ? TimeSpan.Zero : Second, test.Elapsed - start);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
        }

        static void Cancel(TaskGroup group)
        {
            group.Cancel("enough");
            group.Cancel("again");
            Assert.True(group.IsCancelling);
        }

        static async Coroutine CancelLater(TaskGroup group)
        {
            await Coroutine.Sleep(Second);
            Cancel(group);
        }
    });

    [Fact]
    public void A_failure_after_Cancel_is_thrown_and_Cancel_after_the_end_does_nothing() => LoopTest.Run(async test =>
    {
        TaskGroup ended = null!;
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            ended = group;
            _ = group.CreateTask(TaskGroupTests.FailWhenCancelled(Second, new IOException("task")));
            await Coroutine.Yield();
            group.Cancel();
            throw new IOException("body");
        }));
        Assert.Equal(["task", "body"], exception.InnerExceptions.Select(inner => inner.Message));
        ended.Cancel();
        Assert.False(ended.IsCancelling);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);
    });

    // gh-155433, with both orders
    [Fact]
    [CPython("regressions.Tasks.gh-155433")]
    public void Cancel_does_not_swallow_a_request_in_the_same_batch() => LoopTest.Run(async test =>
    {
        foreach (var requestFirst in new[] { true, false })
        {
            foreach (var inJoin in new[] { true, false })
            {
                TaskGroup running = null!;
                var task = Coroutine.Start(Body());
                test.Loop.CallLater(Second, () =>
                {
                    if (requestFirst)
                    {
                        task.Cancel("request");
                    }

                    running.Cancel();
                    if (!requestFirst)
                    {
                        task.Cancel("request");
                    }
                });
                await Assert.ThrowsAsync<CancelledException>(async () => await task);
                Assert.Equal(1, task.CancelRequests);

                async Coroutine Body()
                {
                    await TaskGroup.Run(async Coroutine (group) =>
                    {
                        running = group;
                        _ = group.CreateTask(Coroutine.Sleep(Hour));
                        await Coroutine.Sleep(inJoin ? TimeSpan.Zero : Hour);
                    });
                    Assert.Fail("Not reached.");
                }
            }
        }
    });
}
