using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary>Groups that end well or fail. In comments: the tests of asyncio to which they correspond.</summary>
public class TaskGroupTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // 01, 02, 04
    [Fact]
    public void A_group_waits_for_its_tasks_and_their_results_can_be_had() => LoopTest.Run(async test =>
    {
        LoopTask<int> first = null!;
        LoopTask<string> second = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            first = group.CreateTask(After(2 * Second, 42));
            Assert.Equal(1, group.Count);
            Assert.False(first.IsDone);
            await Coroutine.Sleep(Second);
            second = group.CreateTask(After(5 * Second, "abc"), "second");
            Assert.Equal([first, second], group.GetTasks());
            Assert.False(group.IsCancelling);
        });
        Assert.Equal((42, "abc"), (first.GetResult(), second.GetResult()));
        Assert.Equal(6 * Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    [Fact]
    public void A_group_returns_what_its_body_returns_once_the_tasks_have_ended() => LoopTest.Run(async test =>
    {
        var result = await TaskGroup.Run(async Coroutine<int> (group) =>
        {
            var task = group.CreateTask(After(Second, 1));
            _ = group.CreateTask(After(2 * Second, 1));
            return 41 + await task;
        });
        Assert.Equal(42, result);
        Assert.Equal(2 * Second, test.Elapsed);
        Assert.Equal(5, await TaskGroup.Run(static async Coroutine<int> (_) => await Coroutine.FromResult(5)));
    });

    [Fact]
    public void An_empty_group_ends_without_a_trip() => LoopTest.Run(async test =>
    {
        var ran = false;
        test.Loop.CallSoon(() => ran = true);
        await TaskGroup.Run(static async Coroutine (_) => await Coroutine.FromResult(1));
        Assert.False(ran);
        await Coroutine.Yield();
    });

    // 03, cancel_children_on_child_error
    [Fact]
    public void The_failure_of_a_task_cancels_the_others_and_the_body() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        LoopTask other = null!;
        LoopTask failing = null!;
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            failing = group.CreateTask(Fail(Second, new IOException("a")), "failing");
            other = group.CreateTask(Logged("other", log));
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                Assert.True(group.IsCancelling);
                log.Add("body");
            }
        }, new TaskGroupOptions { Name = "pipeline" }));
        Assert.Equal("a", Assert.IsType<IOException>(Assert.Single(exception.InnerExceptions)).Message);
        Assert.Contains("TaskGroup 'pipeline'", exception.Message, StringComparison.Ordinal);
        Assert.Equal(["body", "other: Task 'failing' (failed) of TaskGroup 'pipeline' has failed."], log.Order());
        Assert.True(other.IsCancelled && failing.IsFailed);
        Assert.Equal(Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    // 07 - 10
    [Fact]
    public void The_failure_of_a_task_while_the_group_waits_cancels_the_others() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Fail(Second, new IOException()));
            _ = group.CreateTask(Logged("other", log));
            await Coroutine.Yield();
        }));
        Assert.IsType<IOException>(Assert.Single(exception.InnerExceptions));
        Assert.Single(log);
        Assert.Equal(Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second); // nothing is left to be thrown
    });

    // 12, error in the clean-up of a task that was cancelled
    [Fact]
    public void What_fails_while_it_is_being_cancelled_is_thrown_as_well() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Fail(Second, new IOException("first")));
            _ = group.CreateTask(FailWhenCancelled(Second, new IOException("second")));
            _ = group.CreateTask(FailWhenCancelled(2 * Second, new IOException("third")));
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(["first", "second", "third"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.Equal(3 * Second, test.Elapsed);
    });

    // 11, 13: a body that fails
    [Fact]
    public void The_failure_of_the_body_cancels_the_tasks_and_is_thrown_with_theirs() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(FailWhenCancelled(Second, new IOException("task")));
            _ = group.CreateTask(Logged("other", log));
            await Coroutine.Yield();
            throw new IOException("body");
        }));
        Assert.Equal(["task", "body"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.Single(log);
        Assert.Equal(Second, test.Elapsed);
    });

    // 23: nothing was started; 15
    [Fact]
    public void A_body_that_fails_alone_fails_the_group() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(
            async () => await TaskGroup.Run(static Coroutine (_) => throw new IOException("not async")));
        Assert.Equal("not async", Assert.Single(exception.InnerExceptions).Message);
        await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(static async Coroutine<int> (_) =>
        {
            await Coroutine.Yield();
            throw new IOException("body");
        }));
    });

    // 24: a body that fails after it was cancelled by a failure
    [Fact]
    public void A_body_that_fails_on_its_way_out_is_thrown_behind_the_task() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Fail(Second, new IOException("task")));
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                await Coroutine.Sleep(Second);
                throw new InvalidDataException("body");
            }
        }));
        Assert.Equal(["task", "body"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    // 20a, 17: a body that swallows
    [Fact]
    public void A_body_that_swallows_the_cancellation_ends_in_its_own_time() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Fail(Second, new IOException("task")));
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
            }

            Assert.Equal(1, LoopTask.Current!.CancelRequests);
            await Coroutine.Sleep(2 * Second);
        }));
        Assert.Single(exception.InnerExceptions);
        Assert.Equal(3 * Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    // 22
    [Fact]
    public void A_task_that_was_cancelled_by_itself_is_no_failure() => LoopTest.Run(async test =>
    {
        LoopTask cancelled = null!;
        LoopTask other = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            cancelled = group.CreateTask(Coroutine.Sleep(Hour));
            other = group.CreateTask(Coroutine.Sleep(2 * Second));
            _ = group.CreateTask(ThrowCancelled());
            await Coroutine.Sleep(Second);
            cancelled.Cancel();
        });
        Assert.True(cancelled.IsCancelled);
        Assert.False(other.IsCancelled);
        Assert.Equal(2 * Second, test.Elapsed);

        static async Coroutine ThrowCancelled()
        {
            await Coroutine.Yield();
            throw new CancelledException("own");
        }
    });

    [Fact]
    public void The_time_out_of_another_library_is_a_failure() => LoopTest.Run(async test =>
    {
        var timeOut = new TaskCanceledException("time-out", new TimeoutException());
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Fail(Second, timeOut));
            await Coroutine.Sleep(Hour);
        }));
        Assert.Same(timeOut, Assert.Single(exception.InnerExceptions));
        exception = await Assert.ThrowsAsync<AggregateException>(
            async () => await TaskGroup.Run(async Coroutine (_) => await Fail(Second, timeOut)));
        Assert.Same(timeOut, Assert.Single(exception.InnerExceptions));
    });

    // no_create_task_after_failure, coro_closed_when_tg_closed, finished
    [Fact]
    public void No_task_can_be_made_while_the_group_cancels_or_when_it_has_ended_and_the_coroutine_is_closed() => LoopTest.Run(async test =>
    {
        TaskGroup ended = null!;
        await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            ended = group;
            _ = group.CreateTask(Fail(TimeSpan.Zero, new IOException()));
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                await AssertRefuses(group, "is cancelling its tasks");
                throw;
            }
        }));
        await AssertRefuses(ended, "has ended");

        static async Task AssertRefuses(TaskGroup group, string message)
        {
            var coroutine = Coroutine.Sleep(Second);
            Assert.Contains(
                message, Assert.Throws<InvalidOperationException>(() => group.CreateTask(coroutine)).Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => coroutine.GetAwaiter());
            var typed = After(Second, 1);
            Assert.Throws<InvalidOperationException>(() => group.CreateTask(typed));
            Assert.Throws<InvalidOperationException>(() => typed.GetAwaiter());
            await Assert.ThrowsAsync<InvalidOperationException>(
                async () => await group.StartAsync(static (StartStatus _) => throw new IOException("Called.")));
        }
    });

    [Fact]
    public void Tasks_can_make_tasks_while_the_group_waits() => LoopTest.Run(async test =>
    {
        var ended = 0;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Tree(group, 6));
            await Coroutine.Yield();
        });
        Assert.Equal(127, ended);
        Assert.Equal(7 * Second, test.Elapsed);

        async Coroutine Tree(TaskGroup group, int depth)
        {
            await Coroutine.Sleep(Second);
            for (var i = 0; depth > 0 && i < 2; i++)
            {
                _ = group.CreateTask(Tree(group, depth - 1));
            }

            ended++;
        }
    });

    [Fact]
    public void A_task_can_be_made_when_the_last_one_has_ended_and_the_group_has_not_noticed() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var task = group.CreateTask(Coroutine.Sleep(Second));
            task.AddDoneCallback(_ => group.CreateTask(Coroutine.Sleep(Second)));
            await Coroutine.Yield();
        });
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Fact]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_taskgroup_without_parent_task")]
    public void A_group_outside_of_a_task_throws() => LoopTest.On(test =>
    {
        Task? outcome = null;
        test.Loop.CallSoon(() => outcome = Outside());
        test.RunIterations(1);
        Assert.Contains(
            "outside of a task",
            Assert.IsType<InvalidOperationException>(outcome!.Exception!.InnerException).Message,
            StringComparison.Ordinal);

        static async Task Outside() => await TaskGroup.Run(static async Coroutine (_) => await Coroutine.Yield());
    });

    // task_name, name
    [Fact]
    public void Tasks_and_groups_have_names() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            Assert.Equal("yolo", group.CreateTask(Coroutine.Sleep(Second), "yolo").Name);
            Assert.Equal("typed", group.CreateTask(After(Second, 1), "typed").Name);
            Assert.StartsWith("Task-", group.CreateTask(Coroutine.Sleep(Second)).Name, StringComparison.Ordinal);
            Assert.Null(group.Name);
            Assert.Equal("TaskGroup", group.ToString());
            await Coroutine.Yield();
        });
        await TaskGroup.Run(
            async Coroutine (group) => Assert.Equal("TaskGroup 'net'", group.ToString()), new TaskGroupOptions { Name = "net" });
    });

    // task_context
    [Fact]
    public void A_task_gets_the_execution_context_of_where_it_is_made() => LoopTest.Run(async test =>
    {
        var local = new AsyncLocal<int> { Value = 1 };
        await TaskGroup.Run(async Coroutine (group) =>
        {
            local.Value = 2;
            var task = group.CreateTask(Read());
            local.Value = 3;
            Assert.Equal(2, await task);
            Assert.Equal(3, local.Value);
        });

        async Coroutine<int> Read()
        {
            await Coroutine.Yield();
            return local.Value;
        }
    });

    // eager variants; gh-128550
    [Fact]
    [CPython("regressions.Tasks.gh-128550")]
    public void An_eager_task_runs_its_first_step_at_once() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var done = group.CreateTask(Coroutine.FromResult(7), eager: true);
            Assert.Equal(7, done.GetResult());
            var ran = false;
            _ = group.CreateTask(Body(), eager: true);
            Assert.True(ran);
            await Coroutine.Yield();
            Assert.Equal(1, group.Count);

            async Coroutine Body()
            {
                ran = true;
                await Coroutine.Sleep(Second);
            }
        });
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    [CPython("regressions.Tasks.gh-128550")]
    public void An_eager_task_that_fails_at_once_cancels_the_group() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Coroutine.FromException(new IOException()), eager: true);
            Assert.False(group.IsCancelling); // told by a callback, like every end of a task
            await Coroutine.Sleep(Hour);
        }));
        Assert.Single(exception.InnerExceptions);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    // exceptions in callbacks
    [Fact]
    public void An_exception_in_a_callback_of_a_task_is_reported_and_does_not_disturb_the_group() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            group.CreateTask(Coroutine.Sleep(Second)).AddDoneCallback(_ => throw new IOException("callback"));
            await Coroutine.Yield();
        });
        Assert.Equal("callback", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_group_of_a_hundred_thousand_tasks_ends_and_is_cancelled() => LoopTest.Run(async test =>
    {
        const int Count = 100_000;
        var ended = 0;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < Count; i++)
            {
                _ = group.CreateTask(Body());
            }

            Assert.Equal(Count, group.Count);
            await Coroutine.Yield();
        });
        Assert.Equal(Count, ended);

        var cancelled = 0;
        await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            for (var i = 0; i < Count; i++)
            {
                group.CreateTask(Body()).AddDoneCallback(task => cancelled += task.IsCancelled ? 1 : 0);
            }

            await Coroutine.Yield();
            throw new IOException();
        }));
        Assert.Equal((Count, Count), (ended, cancelled));

        async Coroutine Body()
        {
            await Coroutine.Sleep(Second);
            ended++;
        }
    });

    internal static async Coroutine<T> After<T>(TimeSpan delay, T result)
    {
        await Coroutine.Sleep(delay);
        return result;
    }

    internal static async Coroutine Fail(TimeSpan delay, Exception exception)
    {
        await Coroutine.Sleep(delay);
        throw exception;
    }

    internal static async Coroutine FailWhenCancelled(TimeSpan cleanup, Exception exception)
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            await Coroutine.Sleep(cleanup);
            throw exception;
        }
    }

    internal static async Coroutine Logged(string name, List<string> log)
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException exception)
        {
            log.Add($"{name}: {exception.Message}");
            throw;
        }
    }
}
