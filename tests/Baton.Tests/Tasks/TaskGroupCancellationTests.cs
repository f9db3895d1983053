using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary>Groups whose parent is cancelled, at every point. In comments: the tests of asyncio to which they correspond.</summary>
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
    public void A_cancellation_from_outside_ends_the_tasks_and_goes_on(Source source, Place place, bool tasksTakeTime) =>
        LoopTest.Run(async test =>
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
    [CPython("regressions.Tasks.gh-116720")]
    [CPython("regressions.Tasks.gh-155433")]
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
    [CPython("regressions.Tasks.gh-116720")]
    public void A_failure_in_the_same_batch_is_thrown_and_the_cancellation_at_the_next_suspension(Source source) =>
        LoopTest.Run(async test =>
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
    public void A_time_out_that_gives_way_to_a_failure_is_still_due_in_its_own_branch_of_parallel_code() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = static (_, _) => true };
        await Task.WhenAll(TimedOut(), Other());
        Assert.Equal(0, operation.CancelRequests);

        async Task TimedOut() => await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(TaskGroupTests.FailWhenCancelled(TimeSpan.Zero, new IOException()));
                await Coroutine.Yield();
            }));
            await Coroutine.Sleep(Hour);
        }));

        async Task Other()
        {
            test.Loop.CallLater(2 * Second, () => operation.Succeed());
            await operation.Start();
        }
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
    public void A_cancellation_that_is_thrown_once_around_a_scope_and_a_group_is_not_thrown_in_the_groups_tasks() =>
        LoopTest.Run(async test =>
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
