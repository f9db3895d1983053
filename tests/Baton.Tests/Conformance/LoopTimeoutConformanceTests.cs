namespace Baton.Tests.Conformance;

/// <summary>Time-outs beside other exceptions, other cancellations and each other.</summary>
public class LoopTimeoutConformanceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_exception_context")]
    public void The_time_out_that_is_thrown_has_the_cancellation_as_its_cause() => LoopTest.Run(async test =>
    {
        CancelledException? met = null;
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            try
            {
                throw new IOException("replaced");
            }
            catch (IOException)
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                catch (CancelledException cancelled)
                {
                    met = cancelled;
                    throw;
                }
            }
        }));
        Assert.Same(met, exception.InnerException);
        Assert.Null(met!.InnerException);
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_foreign_exception_on_timeout_2")]
    public void Another_exception_that_clean_up_throws_passes_with_the_causes_that_it_has() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        var first = new InvalidDataException("on the way out");
        var exception = await Assert.ThrowsAsync<IOException>(async () => await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            await using var outer = new Throwing(cause => new IOException("in the end", cause), first);
            await using var inner = new Throwing(_ => first, null);
            await Coroutine.Sleep(Hour);
        }));
        Assert.Same(first, exception.InnerException);
        Assert.Null(first.InnerException);
        Assert.True(timeout.IsExpired);
        Assert.Equal(Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_foreign_cancel_doesnt_timeout_if_not_expired")]
    public void A_task_that_cancels_itself_before_the_time_is_over_is_not_timed_out() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        var task = Coroutine.Start(LoopTimeout.Run(Hour, async Coroutine (t) =>
        {
            timeout = t;
            LoopTask.Current!.Cancel("by itself");
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal("by itself", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
        Assert.False(timeout.IsExpired);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_outer_task_is_not_cancelled")]
    public void A_task_that_deals_with_a_time_out_ends_well() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Body());
        await task;
        Assert.True(task.IsDone);
        Assert.False(task.IsCancelled || task.IsFailed);
        Assert.Equal(0, task.CancelRequests);

        static async Coroutine Body() =>
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour)));
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_nested_timeouts_concurrent")]
    public void A_time_out_that_passes_while_the_loop_is_busy_within_a_longer_one_is_thrown_through_that() => LoopTest.Run(async test =>
    {
        LoopTimeout longer = null!;
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            await LoopTimeout.Run(Hour, async Coroutine (timeout) =>
            {
                longer = timeout;
                test.Clock.Advance(2 * Second);
                await Coroutine.Sleep(Hour);
            });
            Assert.Fail("Not reached.");
        }));
        Assert.False(longer.IsExpired);
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Theory]
    [InlineData(1)] // only the inner one is due by then
    [InlineData(2)] // both are
    [CPython("test_timeouts.TimeoutTests.test_nested_timeouts_loop_busy")]
    public void A_time_out_interrupts_what_comes_after_an_inner_one_that_passed_while_the_loop_was_busy(int busy) =>
        LoopTest.Run(async test =>
        {
            var log = new List<string>();
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(2 * Second, async Coroutine () =>
            {
                try
                {
                    await LoopTimeout.Run(Second, async Coroutine () =>
                    {
                        test.Clock.Advance(busy * Second);
                        await Coroutine.Sleep(Hour);
                    });
                }
                catch (TimeoutException)
                {
                    log.Add("inner");
                }

                await Coroutine.Sleep(Hour);
            }));
            Assert.Equal(busy == 1 ? ["inner"] : [], log);
            Assert.Equal(2 * Second, test.Elapsed);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
        });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_reschedule")]
    public void A_time_out_can_be_moved_and_lifted_from_outside_and_the_task_still_cancelled() => LoopTest.Run(async test =>
    {
        var entered = test.Loop.CreateFuture<LoopTimeout>();
        var deadline = test.Loop.Time + 10_000_000_000;
        var task = Coroutine.Start(LoopTimeout.RunAt(deadline, async Coroutine (timeout) =>
        {
            entered.SetResult(timeout);
            await Coroutine.Sleep(Hour);
        }));
        var timeout = await entered;
        Assert.Equal(deadline, timeout.When);
        timeout.RescheduleAt(deadline + 20_000_000_000);
        Assert.Equal(deadline + 20_000_000_000, timeout.When);
        await Coroutine.Sleep(11 * Second);
        Assert.False(task.IsDone);
        timeout.RescheduleAt(null);
        Assert.Null(timeout.When);
        await Coroutine.Sleep(30 * Second);
        Assert.False(task.IsDone);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.False(timeout.IsExpired);
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_nested_timeout_in_finally")]
    public void A_time_out_in_the_clean_up_of_another_has_a_cancellation_of_its_own() => LoopTest.Run(async test =>
    {
        TimeoutException? second = null;
        var first = await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                second = await Assert.ThrowsAsync<TimeoutException>(
                    async () => await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour)));
            }
        }));
        Assert.IsType<CancelledException>(first.InnerException);
        Assert.IsType<CancelledException>(second!.InnerException);
        Assert.NotSame(first.InnerException, second.InnerException);
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [CPython("test_timeouts.TimeoutTests.test_timeout_after_cancellation")]
    public void The_clean_up_of_a_task_that_was_cancelled_can_be_timed_out(int seconds) => LoopTest.Run(async test =>
    {
        LoopTask.Current!.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Hour));
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(seconds * Second, static () => Coroutine.Sleep(Hour)));
        Assert.Equal(seconds * Second, test.Elapsed);
        Assert.Equal(1, LoopTask.Current.CancelRequests);
        LoopTask.Current.Uncancel();
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_cancel_in_timeout_after_cancellation")]
    public void A_second_request_in_the_timed_clean_up_after_the_first_is_a_cancellation() => LoopTest.Run(async test =>
    {
        var self = LoopTask.Current!;
        self.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Hour));
        await Assert.ThrowsAsync<CancelledException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            self.Cancel();
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
        Assert.Equal(2, self.CancelRequests);
        self.Uncancel();
        self.Uncancel();
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_taskgroup")]
    public void A_task_that_fails_in_its_clean_up_when_its_group_is_timed_out_is_thrown_in_place_of_the_time_out() =>
        LoopTest.Run(async test =>
        {
            LoopTimeout timeout = null!;
            var failure = await Assert.ThrowsAsync<AggregateException>(async () => await LoopTimeout.Run(Second, async Coroutine (t) =>
            {
                timeout = t;
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    _ = group.CreateTask(TaskGroupConformanceTests.FailWhenCancelled("task"));
                    try
                    {
                        throw new InvalidDataException("body");
                    }
                    catch (InvalidDataException)
                    {
                        await Coroutine.Sleep(Hour);
                    }
                });
            }));
            TaskGroupConformanceTests.AssertFailures(failure, "task");
            Assert.True(timeout.IsExpired);
            Assert.Equal(Second, test.Elapsed);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            await Coroutine.Sleep(Second);
        });

    /// <summary>A resource whose disposal fails.</summary>
    private sealed class Throwing(Func<Exception?, Exception> exception, Exception? cause) : IAsyncDisposable
    {
        public ValueTask DisposeAsync() => throw exception(cause);
    }
}
