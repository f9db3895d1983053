namespace Baton.Tests.Tasks;

/// <summary>Tasks that say when they are ready.</summary>
public class TaskGroupStartTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void StartAsync_returns_when_the_task_says_that_it_is_ready_and_the_task_goes_on() => LoopTest.Run(async test =>
    {
        StartStatus<int> typed = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            await group.StartAsync(
                async Coroutine (StartStatus status) =>
                {
                    Assert.Equal("untyped", LoopTask.Current!.Name);
                    await Coroutine.Sleep(Second);
                    Assert.False(status.IsStarted);
                    status.Started();
                    Assert.True(status.IsStarted);
                    await Coroutine.Sleep(5 * Second);
                },
                "untyped");
            Assert.Equal(Second, test.Elapsed);
            var port = await group.StartAsync<int>(async Coroutine (status) =>
            {
                typed = status;
                await Coroutine.Sleep(Second);
                status.Started(8080);
                await Coroutine.Sleep(5 * Second);
            });
            Assert.Equal(8080, port);
            Assert.True(typed.IsStarted);
            Assert.Equal(2 * Second, test.Elapsed);
            Assert.Equal(2, group.Count);
        });
        Assert.Equal(7 * Second, test.Elapsed);
    });

    [Fact]
    public void A_task_that_says_so_at_once_and_one_that_ends_right_after() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            await group.StartAsync(async Coroutine (StartStatus status) => status.Started());
            Assert.Equal(3, await group.StartAsync<int>(async Coroutine (status) => status.Started(3)));
            await Coroutine.Yield();
            Assert.Equal(0, group.Count);
        });
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    public void A_failure_before_the_start_is_thrown_to_whoever_started_it_and_the_group_goes_on() => LoopTest.Run(async test =>
    {
        LoopTask other = null!;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            other = group.CreateTask(Coroutine.Sleep(2 * Second));
            await Assert.ThrowsAsync<IOException>(
                async () => await group.StartAsync(
                    static async Coroutine (StartStatus _) => await TaskGroupTests.Fail(Second, new IOException())));
            await Assert.ThrowsAsync<IOException>(
                async () => await group.StartAsync<int>(static async Coroutine (_) => throw new IOException()));
            await Assert.ThrowsAsync<IOException>(
                async () => await group.StartAsync(static Coroutine (StartStatus _) => throw new IOException("not async")));
            Assert.False(group.IsCancelling);
            Assert.Equal(1, group.Count);
        });
        Assert.False(other.IsCancelled);
    });

    [Fact]
    public void A_task_that_ends_without_a_word_is_an_error_to_whoever_started_it() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var exception = await Assert.ThrowsAsync<InvalidOperationException>(async () =>
                await group.StartAsync(static async Coroutine (StartStatus _) => await Coroutine.Yield(), "silent"));
            Assert.Contains("Task 'silent' (done) ended without saying that it had started", exception.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<InvalidOperationException>(
                async () => await group.StartAsync<int>(static async Coroutine (_) => await Coroutine.Yield()));
        });
    });

    [Fact]
    public void A_task_that_is_cancelled_before_the_start_cancels_the_wait() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            test.Loop.CallLater(Second, () => Assert.Single(group.GetTasks()).Cancel());
            var exception = await Assert.ThrowsAsync<CancelledException>(async () =>
                await group.StartAsync(static async Coroutine (StartStatus _) => await Coroutine.Sleep(Hour), "child"));
            Assert.Contains("Task 'child'", exception.Message, StringComparison.Ordinal);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            Assert.False(group.IsCancelling);
        });
    });

    [Fact]
    public void A_caller_that_is_cancelled_before_the_start_waits_for_the_end_of_the_task() => LoopTest.Run(async test =>
    {
        foreach (var what in new[] { "scope", "time-out", "request", "request twice" })
        {
            var start = test.Elapsed;
            var log = new List<string>();
            await TaskGroup.Run(async Coroutine (group) =>
            {
                var caller = Coroutine.Start(Call(group));
                test.Loop.CallLater(Second, () => Cancel(caller, what));
                test.Loop.CallLater(3 * Second / 2, () =>
                {
                    if (what == "request twice")
                    {
                        caller.Cancel();
                    }
                });
                try
                {
                    await caller;
                }
                catch (Exception exception) when (exception is TimeoutException or CancelledException)
                {
                    Assert.Equal(what == "time-out", exception is TimeoutException);
                }

                Assert.False(group.IsCancelling);
                Assert.Equal(0, group.Count);
            });
            Assert.Equal(["cleaned up", "caller"], log);
            Assert.Equal(2 * Second, test.Elapsed - start);

            async Coroutine Call(TaskGroup group)
            {
                try
                {
                    switch (what)
                    {
                        case "scope":
                            Assert.False(await CancelScope.Run(async Coroutine (_) => await group.StartAsync(Child), timeout: Second));
                            break;
                        case "time-out":
                            await LoopTimeout.Run(Second, async Coroutine () => await group.StartAsync(Child));
                            break;
                        default:
                            await group.StartAsync(Child);
                            break;
                    }
                }
                finally
                {
                    log.Add("caller");
                }
            }

            async Coroutine Child(StartStatus status)
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                finally
                {
                    await Coroutine.Sleep(Second);
                    status.Started(); // nobody waits for that any more
                    Assert.False(status.IsStarted);
                    log.Add("cleaned up");
                }
            }
        }

        static void Cancel(LoopTask caller, string what)
        {
            if (what.StartsWith("request", StringComparison.Ordinal))
            {
                caller.Cancel();
            }
        }
    });

    [Fact]
    public void A_task_that_fails_in_its_clean_up_after_the_caller_was_cancelled_fails_the_group() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            await CancelScope.Run(
                async Coroutine (_) =>
                    await group.StartAsync<int>(async Coroutine (_) => await TaskGroupTests.FailWhenCancelled(Second, new IOException())),
                timeout: Second);
            await Coroutine.Sleep(Hour);
        }));
        Assert.IsType<IOException>(Assert.Single(exception.InnerExceptions));
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Fact]
    public void A_start_in_the_batch_of_the_cancellation_is_delivered_and_the_cancellation_thrown_next() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await TaskGroup.Run(async Coroutine (group) =>
        {
            var caller = Coroutine.Start(Call(group));
            await Assert.ThrowsAsync<CancelledException>(async () => await caller);
            Assert.Equal(1, group.Count);
        });
        Assert.Equal(["started 5", "ended"], log);

        async Coroutine Call(TaskGroup group)
        {
            var self = LoopTask.Current!;
            var value = await group.StartAsync<int>(async Coroutine (status) =>
            {
                status.Started(5);
                self.Cancel();
                await Coroutine.Sleep(Second);
                log.Add("ended");
            });
            log.Add($"started {value}");
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_failure_after_the_start_fails_the_group() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            await group.StartAsync(static async Coroutine (StartStatus status) =>
            {
                status.Started();
                await TaskGroupTests.Fail(Second, new IOException());
            });
            await Coroutine.Sleep(Hour);
        }));
        Assert.IsType<IOException>(Assert.Single(exception.InnerExceptions));
        await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            await group.StartAsync(static async Coroutine (StartStatus status) =>
            {
                status.Started();
                throw new IOException();
            });
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void Started_can_be_called_once() => LoopTest.Run(async test =>
    {
        await TaskGroup.Run(async Coroutine (group) =>
        {
            await group.StartAsync(static async Coroutine (StartStatus status) =>
            {
                status.Started();
                Assert.Throws<InvalidOperationException>(status.Started);
            });
            await group.StartAsync<int>(static async Coroutine (status) =>
            {
                status.Started(1);
                Assert.Throws<InvalidOperationException>(() => status.Started(2));
            });
        });
    });

    [Fact]
    public void A_group_that_aborts_meanwhile_ends_the_task_and_the_caller() => LoopTest.Run(async test =>
    {
        foreach (var fromTask in new[] { true, false })
        {
            var log = new List<string>();
            var start = test.Elapsed;
            var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
                if (fromTask)
                {
                    _ = group.CreateTask(Start(group));
                    await Coroutine.Yield();
                }
                else
                {
                    await Start(group);
                }
            }));
            Assert.Single(exception.InnerExceptions);
            Assert.Equal(["child"], log.Select(line => line[..5]));
            Assert.Equal(Second, test.Elapsed - start);

            async Coroutine Start(TaskGroup group)
            {
                await group.StartAsync(async Coroutine (StartStatus _) => await TaskGroupTests.Logged("child", log));
                log.Add("not reached");
            }
        }
    });

    [Fact]
    public void A_task_of_the_group_can_start_another() => LoopTest.Run(async test =>
    {
        var log = new List<int>();
        await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Child());
            await Coroutine.Yield();

            async Coroutine Child() => log.Add(await group.StartAsync<int>(async Coroutine (status) =>
            {
                await Coroutine.Sleep(Second);
                status.Started(9);
                await Coroutine.Sleep(Second);
            }));
        });
        Assert.Equal([9], log);
        Assert.Equal(2 * Second, test.Elapsed);
    });
}
