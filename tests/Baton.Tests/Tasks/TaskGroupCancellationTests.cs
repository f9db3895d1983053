namespace Baton.Tests.Tasks;

/// <summary>Groups whose parent is cancelled, at every point; and groups that are ended by their own Cancel.</summary>
public class TaskGroupCancellationTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public enum Source
    {
        Request,
        TimeOut,
        Scope,
    }

    public enum Place
    {
        BeforeBody,
        InBody,
        InJoin,
    }

    public static TheoryData<Source, Place, bool> Outside()
    {
        var data = new TheoryData<Source, Place, bool>();
        foreach (var source in Enum.GetValues<Source>())
        {
            foreach (var place in Enum.GetValues<Place>())
            {
                data.Add(source, place, false);
                data.Add(source, place, true);
            }
        }

        return data;
    }

    // cancellation, 08 to 11, 18
    [Theory]
    [MemberData(nameof(Outside))]
    public void A_cancellation_from_outside_ends_the_tasks_and_goes_on(Source source, Place place, bool tasksTakeTime) => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var outer = new Outer(source);
        var task = Coroutine.Start(outer.Run(async Coroutine () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Child(group));
            if (place == Place.BeforeBody)
            {
                outer.Cancel("why");
            }

            await Coroutine.Sleep(place == Place.InJoin ? TimeSpan.Zero : Hour);
        })));
        if (place != Place.BeforeBody)
        {
            test.Loop.CallLater(Second, () => outer.Cancel("why"));
        }

        await outer.AssertEnded(task);
        Assert.Equal(["why", "cleaned up"], log);
        Assert.Equal((place == Place.BeforeBody ? TimeSpan.Zero : Second) + (tasksTakeTime ? Second : TimeSpan.Zero), test.Elapsed);

        async Coroutine Child(TaskGroup group)
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException exception)
            {
                log.Add(exception.Message);
                if (tasksTakeTime)
                {
                    await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Second), shield: true);
                }

                log.Add("cleaned up");
                throw;
            }
        }
    });

    // 16, 19, error_and_cancel; the request comes while the group is aborting
    [Theory]
    [InlineData(Source.Request)]
    [InlineData(Source.TimeOut)]
    [InlineData(Source.Scope)]
    public void A_cancellation_from_outside_while_the_group_aborts_is_not_lost(Source source) => LoopTest.Run(async test =>
    {
        foreach (var fails in new[] { true, false })
        {
            foreach (var bodyRuns in new[] { true, false })
            {
                var start = test.Elapsed;
                var outer = new Outer(source);
                var behind = "";
                var task = Coroutine.Start(outer.Run(async Coroutine () =>
                {
                    try
                    {
                        await TaskGroup.Run(async Coroutine (group) =>
                        {
                            _ = group.CreateTask(Stubborn(2 * Second));
                            if (fails)
                            {
                                _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
                            }
                            else
                            {
                                test.Loop.CallLater(Second, () => group.Cancel());
                            }

                            if (bodyRuns)
                            {
                                await Coroutine.Sleep(Hour);
                            }
                        });
                        behind = "ended well";
                    }
                    catch (AggregateException)
                    {
                        behind = "failed";
                    }

                    await Coroutine.Sleep(Second);
                    behind = "went on";
                }));
                test.Loop.CallLater(2 * Second, () => outer.Cancel("why"));
                await outer.AssertEnded(task);
                Assert.Equal(fails ? "failed" : "", behind);
                Assert.Equal(3 * Second, test.Elapsed - start);
            }
        }

        // Goes on for so long after it was cancelled, whatever comes.
        static async Coroutine Stubborn(TimeSpan time)
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(time), shield: true);
            }
        }
    });

    // cancelling_level_preserved, and a failure in the same batch
    [Theory]
    [InlineData(Source.Request)]
    [InlineData(Source.TimeOut)]
    [InlineData(Source.Scope)]
    public void A_failure_in_the_same_batch_is_thrown_and_the_cancellation_at_the_next_suspension(Source source) => LoopTest.Run(async test =>
    {
        foreach (var failureFirst in new[] { true, false })
        {
            foreach (var inJoin in new[] { true, false })
            {
                var outer = new Outer(source);
                var log = new List<string>();
                var failure = test.Loop.CreateFuture();
                var task = Coroutine.Start(outer.Run(async Coroutine () =>
                {
                    try
                    {
                        await TaskGroup.Run(async Coroutine (group) =>
                        {
                            _ = group.CreateTask(Await(failure));
                            _ = group.CreateTask(Coroutine.Sleep(Hour));
                            await Coroutine.Sleep(inJoin ? TimeSpan.Zero : Hour);
                        });
                    }
                    catch (AggregateException exception)
                    {
                        log.Add(Assert.Single(exception.InnerExceptions).Message);
                    }

                    Assert.Equal(source == Source.Scope ? 0 : 1, LoopTask.Current!.CancelRequests);
                    await Coroutine.Sleep(Hour);
                    log.Add("not reached");
                }));
                test.Loop.CallLater(Second, () =>
                {
                    if (failureFirst)
                    {
                        failure.SetException(new IOException("failed"));
                    }

                    outer.Cancel("why");
                    if (!failureFirst)
                    {
                        failure.TrySetException(new IOException("failed"));
                    }
                });
                await outer.AssertEnded(task);
                Assert.Equal(source == Source.Scope && !failureFirst ? [] : ["failed"], log);
            }
        }

        // A scope reaches the task as well, and so the future.
        static async Coroutine Await(Future failure) => await failure;
    });

    [Fact]
    public void A_request_that_was_pending_before_the_group_and_is_turned_into_a_failure_is_due_again() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(Body());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["failed"], log);
        Assert.Equal(1, task.CancelRequests);

        async Coroutine Body()
        {
            LoopTask.Current!.Cancel();
            await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                catch (CancelledException)
                {
                    throw new IOException();
                }
            }));
            log.Add("failed");
            await Coroutine.Yield();
            log.Add("not reached");
        }
    });

    // cancelling_level_preserved
    [Fact]
    public void Requests_that_were_swallowed_before_stay_counted_and_are_not_repeated() => LoopTest.Run(async test =>
    {
        var self = LoopTask.Current!;
        self.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
        await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(1, self.CancelRequests);
        await Coroutine.Sleep(Second);
        await TaskGroup.Run(async Coroutine (group) => group.Cancel());
        Assert.Equal(1, self.CancelRequests);
        await Coroutine.Sleep(Second);
        self.Uncancel();
    });

    [Fact]
    public void Two_requests_throw_once_and_stay_counted() => LoopTest.Run(async test =>
    {
        foreach (var time in new[] { Second, 2 * Second })
        {
            var start = test.Elapsed;
            var task = Coroutine.Start(TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Swallow(Second));
                await Coroutine.Sleep(Hour);
            }));
            test.Loop.CallLater(Second, () => task.Cancel("first"));
            test.Loop.CallLater(time, () => task.Cancel("second"));
            Assert.Equal("first", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
            Assert.Equal(2, task.CancelRequests);
            Assert.Equal(2 * Second, test.Elapsed - start);
        }
    });

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

    [Fact]
    public void A_body_that_obeys_a_token_counts_as_cancelled() => LoopTest.Run(async test =>
    {
        foreach (var source in Enum.GetValues<Source>())
        {
            var outer = new Outer(source);
            var task = Coroutine.Start(outer.Run(async Coroutine () => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Obey());
                await Obey();
            })));
            test.Loop.CallLater(Second, () => outer.Cancel("why"));
            await outer.AssertEnded(task);
        }

        await TaskGroup.Run(async Coroutine (group) =>
        {
            test.Loop.CallLater(Second, () => group.Cancel());
            _ = group.CreateTask(Obey());
            await Obey();
        });

        static async Coroutine Obey() => await Task.Delay(Timeout.Infinite, LoopTask.Current!.CancellationToken);
    });

    [Fact]
    public void A_cancellation_that_is_thrown_once_around_a_scope_and_a_group_is_not_thrown_in_the_groups_tasks() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(2 * Second, async Coroutine () =>
        {
            await CancelScope.Run(async Coroutine (scope) => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Child());
                await Coroutine.Sleep(Second);
                group.Cancel();
            }));
            log.Add("not reached");
        }));
        Assert.Equal(["1", "2", "3", "4", "5"], log);
        Assert.Equal(6 * Second, test.Elapsed);

        async Coroutine Child()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                for (var i = 1; i <= 5; i++)
                {
                    await Coroutine.Sleep(Second);
                    log.Add($"{i}");
                }
            }
        }
    });

    private static async Coroutine Swallow(TimeSpan time)
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            await Coroutine.Sleep(time);
        }
    }

    /// <summary>A cancellation from outside of a group, of one of the kinds that there are.</summary>
    private sealed class Outer(Source source)
    {
        private readonly CancelScope _scope = new() { IsLevelTriggered = source == Source.Scope };
        private LoopTask? _task;

        internal async Coroutine Run(Func<Coroutine> body)
        {
            _task = LoopTask.Current;
            if (source == Source.Request)
            {
                await body();
                return;
            }

            _scope.Enter();
            try
            {
                await body();
                _scope.Exit();
            }
            catch (Exception exception) when (_scope.Exit(exception))
            {
            }
        }

        internal void Cancel(string reason)
        {
            if (source == Source.Request)
            {
                _task!.Cancel(reason);
            }
            else
            {
                _scope.Cancel(reason);
            }
        }

        internal async Coroutine AssertEnded(LoopTask task)
        {
            if (source == Source.Request)
            {
                await Assert.ThrowsAsync<CancelledException>(async () => await task);
                Assert.Equal(1, task.CancelRequests);
            }
            else
            {
                await task;
                Assert.True(_scope.CancelCaught);
                Assert.Equal(0, task.CancelRequests);
            }
        }
    }
}
