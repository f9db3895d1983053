namespace Baton.Tests.Tasks;

/// <summary>Groups that supervise, and the report of a group that waits for too long.</summary>
public class TaskGroupOptionsTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void A_supervisor_lets_the_others_go_on_and_throws_the_failures_at_the_end() => LoopTest.Run(async test =>
    {
        LoopTask other = null!;
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException("first")));
                _ = group.CreateTask(TaskGroupTests.Fail(2 * Second, new IOException("second")));
                other = group.CreateTask(Coroutine.Sleep(4 * Second));
                await Coroutine.Sleep(3 * Second);
                Assert.False(group.IsCancelling);
                Assert.Equal(1, group.Count);
            },
            new TaskGroupOptions { Supervise = true }));
        Assert.Equal(["first", "second"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.False(other.IsCancelled);
        Assert.Equal(4 * Second, test.Elapsed);
    });

    [Fact]
    public void A_supervisors_handler_gets_each_failure_as_it_comes_and_nothing_is_thrown() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException("first")), "a");
                _ = group.CreateTask(TaskGroupTests.Fail(2 * Second, new IOException("second")), "b");
                await Coroutine.Yield();
            },
            new TaskGroupOptions
            {
                Supervise = true,
                TaskFailed = (task, exception) => log.Add($"{task.Name} {exception.Message} {test.Elapsed.TotalSeconds}"),
            });
        Assert.Equal(["a first 1", "b second 2"], log);
    });

    [Fact]
    public void A_handler_can_start_the_task_again_and_can_end_the_group() => LoopTest.Run(async test =>
    {
        var failures = 0;
        TaskGroup running = null!;
        await TaskGroup.Run(
            async Coroutine (group) =>
            {
                running = group;
                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
                _ = group.CreateTask(Coroutine.Sleep(Hour));
                await Coroutine.Yield();
            },
            new TaskGroupOptions { Supervise = true, TaskFailed = Restart });
        Assert.Equal(3, failures);
        Assert.Equal(3 * Second, test.Elapsed);

        void Restart(LoopTask task, Exception exception)
        {
            if (++failures < 3)
            {
                _ = running.CreateTask(TaskGroupTests.Fail(Second, exception));
            }
            else
            {
                running.Cancel();
            }
        }
    });

    [Fact]
    public void A_handler_that_throws_fails_the_group_with_both_exceptions() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException("task")));
                _ = group.CreateTask(TaskGroupTests.Logged("other", log));
                await Coroutine.Sleep(Hour);
            },
            new TaskGroupOptions { Supervise = true, TaskFailed = static (_, _) => throw new InvalidDataException("handler") }));
        Assert.Equal(["task", "handler"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.Single(log);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void The_body_of_a_supervisor_that_fails_cancels_the_tasks() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException("task")));
                _ = group.CreateTask(TaskGroupTests.Logged("other", log));
                await Coroutine.Sleep(2 * Second);
                throw new IOException("body");
            },
            new TaskGroupOptions { Supervise = true }));
        Assert.Equal(["task", "body"], exception.InnerExceptions.Select(inner => inner.Message));
        Assert.Single(log);
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Fact]
    public void A_supervisor_that_is_cancelled_cancels_its_tasks() => LoopTest.Run(async test =>
    {
        LoopTask child = null!;
        Assert.False(await CancelScope.Run(
            async Coroutine (scope) => await TaskGroup.Run(
                async Coroutine (group) =>
                {
                    child = group.CreateTask(Coroutine.Sleep(Hour));
                    await Coroutine.Yield();
                },
                new TaskGroupOptions { Supervise = true }),
            timeout: Second));
        Assert.True(child.IsCancelled);
    });

    [Theory]
    [InlineData("cancel in body")]
    [InlineData("cancel in join")]
    [InlineData("failure in body")]
    [InlineData("failure in join")]
    [InlineData("body fails")]
    [InlineData("request in body")]
    [InlineData("request in join")]
    public void A_group_that_waits_for_a_task_that_swallows_says_so_again_and_again(string why) => LoopTest.Run(async test =>
    {
        var times = new List<TimeSpan>();
        var reports = new List<LoopExceptionContext>();
        var handler = test.Loop.ExceptionHandler;
        test.Loop.ExceptionHandler = (_, report) =>
        {
            times.Add(test.Elapsed);
            reports.Add(report);
        };
        TaskGroup running = null!;
        var task = Coroutine.Start(TaskGroup.Run(
            async Coroutine (group) =>
            {
                running = group;
                _ = group.CreateTask(Stuck(), "stuck");
                if (why.StartsWith("failure", StringComparison.Ordinal))
                {
                    _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
                }

                if (why.EndsWith("body", StringComparison.Ordinal))
                {
                    await Coroutine.Sleep(Hour);
                }
                else if (why == "body fails")
                {
                    await Coroutine.Sleep(Second);
                    throw new IOException();
                }
            },
            new TaskGroupOptions { Name = "workers" }));
        test.Loop.CallLater(Second, () =>
        {
            if (why.StartsWith("cancel", StringComparison.Ordinal))
            {
                running.Cancel();
            }
            else if (why.StartsWith("request", StringComparison.Ordinal))
            {
                task.Cancel();
            }
        });
        await CancelScope.Run(async Coroutine (_) =>
        {
            try
            {
                await task;
            }
            catch (Exception exception) when (exception is AggregateException or CancelledException)
            {
            }
        });
        test.Loop.ExceptionHandler = handler;
        Assert.Equal([11 * Second, 31 * Second, 71 * Second], times);
        Assert.All(reports, report => Assert.Same(running, report.Source));
        Assert.All(reports, report => Assert.Same(task, report.Future));
        Assert.StartsWith("TaskGroup 'workers' has waited 10 s for 1 of its tasks", reports[0].Message, StringComparison.Ordinal);
        Assert.Contains("Task 'stuck' (cancelling), which waits for Coroutine.Sleep", reports[0].Message, StringComparison.Ordinal);
        Assert.Contains("has waited 30 s", reports[1].Message, StringComparison.Ordinal);
        Assert.Equal(101 * Second, test.Elapsed);
        Assert.Equal(0, test.Loop.TimerCount);

        static async Coroutine Stuck()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                await Coroutine.Sleep(100 * Second);
            }
        }
    });

    [Fact]
    public void A_failure_handler_without_supervision_is_an_error() => LoopTest.Run(async test =>
    {
        var options = new TaskGroupOptions { TaskFailed = (_, _) => { } };
        var exception = await Assert.ThrowsAsync<ArgumentException>(async () => await TaskGroup.Run(_ => default, options));
        Assert.Contains("Supervise", exception.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_report_names_a_few_tasks_and_where_each_is_suspended() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var operation = new TestOperation(test.Loop);
        await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(Swallow(async () => await future), "waiter");
                _ = group.CreateTask(Swallow(async () => _ = await operation.Start()), "operator");
                _ = group.CreateTask(Swallow(async () => await Task.WhenAll(Plain(), Plain())), "both");
                for (var i = 0; i < 4; i++)
                {
                    _ = group.CreateTask(Swallow(() => Coroutine.Sleep(2 * Second)), $"sleeper {i}");
                }

                test.Loop.CallLater(2 * Second, () =>
                {
                    future.SetResult();
                    operation.Succeed();
                });
                await Coroutine.Yield();
                group.Cancel();
            },
            new TaskGroupOptions { ReportStuckAfter = Second });
        var message = test.TakeReport().Message;
        Assert.Contains("for 7 of its tasks", message, StringComparison.Ordinal);
        Assert.Contains("Task 'both' (cancelling), which waits for ", message, StringComparison.Ordinal);
        Assert.Contains("Task 'operator' (cancelling), which waits for TestOperation", message, StringComparison.Ordinal);
        Assert.Contains("Task 'waiter' (cancelling), which waits for Future (pending)", message, StringComparison.Ordinal);
        Assert.EndsWith("; and others", message, StringComparison.Ordinal);

        static async Task Plain() => await Coroutine.Sleep(2 * Second);

        static async Coroutine Swallow(Func<Coroutine> then)
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
            }

            await then();
        }
    });

    [Fact]
    public void A_group_that_was_not_cancelled_may_wait_for_ever_and_one_may_be_told_to_be_silent() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) => _ = group.CreateTask(Coroutine.Sleep(Hour)));
        await TaskGroup.Run(
            async Coroutine (group) =>
            {
                _ = group.CreateTask(CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Hour), shield: true));
                await Coroutine.Yield();
                group.Cancel();
            },
            new TaskGroupOptions { ReportStuckAfter = Timeout.InfiniteTimeSpan });
        Assert.Equal(2 * Hour, test.Elapsed);
    });
}
