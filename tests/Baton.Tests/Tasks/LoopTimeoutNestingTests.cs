using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary>
/// Time-outs within others, beside requests to the task, and around groups. In comments: the tests of asyncio to which they correspond.
/// </summary>
public class LoopTimeoutNestingTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    // nested_timeouts
    [Fact]
    public void Of_nested_time_outs_each_is_thrown_at_its_own_edge() => LoopTest.Run(async test =>
    {
        foreach (var (outer, inner) in new[] { (1, 2), (2, 1) })
        {
            LoopTimeout first = null!;
            LoopTimeout second = null!;
            var innerThrew = false;
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(outer * Second, async Coroutine (t) =>
            {
                first = t;
                try
                {
                    await LoopTimeout.Run(inner * Second, async Coroutine (t) =>
                    {
                        second = t;
                        await Coroutine.Sleep(Hour);
                    });
                }
                catch (TimeoutException)
                {
                    innerThrew = true;
                }

                await Coroutine.Sleep(Hour);
            }));
            Assert.Equal(inner < outer, innerThrew);
            Assert.Equal(inner < outer, second.IsExpired);
            Assert.True(first.IsExpired);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
        }
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_nested_timeouts")]
    public void Of_nested_time_outs_that_are_due_in_the_same_iteration_the_outer_is_thrown() => LoopTest.Run(async test =>
    {
        foreach (var (outer, inner) in new[] { (1, 1), (0, 0) })
        {
            LoopTimeout first = null!;
            LoopTimeout second = null!;
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(outer * Second, async Coroutine (t) =>
            {
                first = t;
                await Assert.ThrowsAsync<CancelledException>(async () => await LoopTimeout.Run(inner * Second, async Coroutine (t) =>
                {
                    second = t;
                    await Coroutine.Sleep(Hour);
                }));
                throw new CancelledException();
            }));
            Assert.True(first.IsExpired && second.IsExpired);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            await Coroutine.Yield();
        }
    });

    // nested_timeouts_loop_busy
    [Fact]
    public void Nested_time_outs_that_pass_while_the_loop_is_busy_are_both_expired_and_the_outer_is_thrown() => LoopTest.Run(async test =>
    {
        LoopTimeout first = null!;
        LoopTimeout second = null!;
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(2 * Second, async Coroutine (t) =>
        {
            first = t;
            await LoopTimeout.Run(Second, async Coroutine (t) =>
            {
                second = t;
                test.Clock.Advance(3 * Second);
                await Coroutine.Sleep(Hour);
            });
        }));
        Assert.IsType<CancelledException>(exception.InnerException); // and not the inner time-out
        Assert.True(first.IsExpired && second.IsExpired);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    // nested_timeout_in_finally
    [Fact]
    public void A_time_out_in_the_clean_up_after_another_is_thrown_by_itself() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour)));
            }
        }));
        Assert.IsType<CancelledException>(exception.InnerException);
        Assert.Equal(2 * Second, test.Elapsed);
    });

    // timeout_after_cancellation, cancel_in_timeout_after_cancellation
    [Fact]
    public void A_task_that_has_swallowed_a_request_can_be_timed_out_and_cancelled_again() => LoopTest.Run(async test =>
    {
        var self = LoopTask.Current!;
        self.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour)));
        Assert.Equal(1, self.CancelRequests);
        test.Loop.CallLater(Second, () => self.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await LoopTimeout.Run(2 * Second, static () => Coroutine.Sleep(Hour)));
        Assert.Equal(2, self.CancelRequests);
        self.Uncancel();
        self.Uncancel();
    });

    [Fact]
    [CPython("regressions.Tasks.gh-134471")]
    public void A_request_that_is_pending_at_the_entry_is_not_swallowed() => LoopTest.Run(async test =>
    {
        foreach (var time in new[] { TimeSpan.Zero, -Second, Second })
        {
            foreach (var requests in new[] { 1, 2 })
            {
                var task = Coroutine.Start(Body());
                await Assert.ThrowsAsync<CancelledException>(async () => await task);
                Assert.Equal(requests, task.CancelRequests);

                async Coroutine Body()
                {
                    for (var i = 0; i < requests; i++)
                    {
                        LoopTask.Current!.Cancel();
                    }

                    await LoopTimeout.Run(time, static async Coroutine () =>
                    {
                        await Coroutine.Sleep(TimeSpan.Zero);
                        await Coroutine.Sleep(TimeSpan.Zero);
                    });
                }
            }
        }
    });

    [Fact]
    public void A_request_and_a_time_out_in_the_same_batch_end_as_cancelled_in_either_order() => LoopTest.Run(async test =>
    {
        foreach (var requestFirst in new[] { true, false })
        {
            LoopTimeout timeout = null!;
            LoopTask task = null!;
            if (requestFirst)
            {
                test.Loop.CallLater(Second, () => task.Cancel("request"));
            }

            task = test.Loop.CreateTask(Body(), eager: true);
            if (!requestFirst)
            {
                test.Loop.CallLater(Second, () => task.Cancel("request"));
            }

            await Assert.ThrowsAsync<CancelledException>(async () => await task);
            Assert.Equal(1, task.CancelRequests);
            Assert.True(timeout.IsExpired);

            async Coroutine Body() => await LoopTimeout.Run(Second, async Coroutine (t) =>
            {
                timeout = t;
                await Coroutine.Sleep(Hour);
            });
        }
    });

    // taskgroup
    [Fact]
    public void A_time_out_around_a_group_ends_its_tasks_and_one_in_a_task_fails_the_group() => LoopTest.Run(async test =>
    {
        LoopTask task = null!;
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () => await TaskGroup.Run(async Coroutine (group) =>
        {
            task = group.CreateTask(Coroutine.Sleep(Hour));
            await Coroutine.Yield();
        })));
        Assert.True(task.IsCancelled);
        Assert.Equal(Second, test.Elapsed);

        var exception = await Assert.ThrowsAsync<AggregateException>(async () => await TaskGroup.Run(async Coroutine (group) =>
        {
            task = group.CreateTask(Coroutine.Sleep(Hour));
            _ = group.CreateTask(LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour)));
            await Coroutine.Sleep(Hour);
        }));
        Assert.IsType<TimeoutException>(Assert.Single(exception.InnerExceptions));
        Assert.True(task.IsCancelled);
        Assert.Equal(2 * Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    [Fact]
    public void A_failure_and_a_time_out_around_the_group_in_the_same_batch_keep_the_count() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<AggregateException>(async () => await LoopTimeout.Run(Second, async Coroutine () => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(TaskGroupTests.Fail(Second, new IOException()));
            await Coroutine.Sleep(Hour);
        })));
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);
    });
}
