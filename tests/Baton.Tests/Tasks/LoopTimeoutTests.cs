using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary>Time-outs. In comments: the tests of asyncio to which they correspond.</summary>
public class LoopTimeoutTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_basic")]
    [CPython("test_timeouts.TimeoutTests.test_waiter_cancelled")]
    [CPython("test_timeouts.TimeoutTests.test_repr_active")]
    [CPython("test_timeouts.TimeoutTests.test_repr_expired")]
    public void A_block_that_takes_too_long_is_cancelled_and_the_time_out_thrown() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        var cancelled = false;
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            Assert.Equal(test.Loop.Time + 1_000_000_000, t.When);
            Assert.False(t.IsExpired);
            Assert.Equal($"LoopTimeout (active, due at {t.When} ns)", t.ToString());
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                cancelled = true;
                Assert.True(t.IsExpired);
                Assert.Equal("LoopTimeout (expiring)", t.ToString());
                Assert.Equal(1, LoopTask.Current!.CancelRequests);
                throw;
            }
        }));
        Assert.True(cancelled && timeout.IsExpired);
        Assert.IsType<CancelledException>(exception.InnerException);
        Assert.Equal("LoopTimeout (expired)", timeout.ToString());
        Assert.Equal(Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_at_basic")]
    public void A_block_that_goes_on_after_its_deadline_is_cancelled() => LoopTest.Run(async test =>
    {
        var deadline = test.Loop.Time + 2_000_000_000;
        LoopTimeout timeout = null!;
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.RunAt(deadline, async Coroutine (t) =>
        {
            timeout = t;
            Assert.Equal(deadline, t.When);
            await Coroutine.Sleep(Hour);
        }));
        Assert.True(timeout.IsExpired);
        Assert.Equal(deadline, timeout.When);
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.RunAt<int>(test.Loop.Time + 1_000_000_000, async Coroutine<int> (_) =>
        {
            await Coroutine.Sleep(Hour);
            return 1;
        }));
        Assert.Equal(3 * Second, test.Elapsed);
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_not_called")]
    [CPython("test_timeouts.TimeoutTests.test_repr_finished")]
    public void A_block_that_ends_in_time_gives_its_result_and_leaves_no_timer() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        Assert.Equal(7, await LoopTimeout.Run(Second, async Coroutine<int> (t) =>
        {
            timeout = t;
            await Coroutine.Sleep(Second / 2);
            return 7;
        }));
        Assert.False(timeout.IsExpired);
        Assert.True(timeout.When > test.Loop.Time);
        Assert.Equal("LoopTimeout (finished)", timeout.ToString());
        Assert.Equal(0, test.Loop.TimerCount);
        Assert.Equal(8, await LoopTimeout.Run(Second, static () => Coroutine.FromResult(8)));
        Assert.Equal(9, await LoopTimeout.RunAt(test.Loop.Time, static _ => Coroutine.FromResult(9)));
        await LoopTimeout.Run(Second, static async Coroutine () => await Coroutine.Yield());
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_disabled")]
    [CPython("test_timeouts.TimeoutTests.test_timeout_at_disabled")]
    [CPython("test_timeouts.TimeoutTests.test_repr_disabled")]
    public void A_block_without_a_limit_is_not_cancelled() => LoopTest.Run(async test =>
    {
        await LoopTimeout.Run(Timeout.InfiniteTimeSpan, async Coroutine (timeout) => await Check(timeout));
        LoopTimeout last = null!;
        await LoopTimeout.RunAt(null, async Coroutine (timeout) =>
        {
            last = timeout;
            await Check(timeout);
        });
        Assert.False(last.IsExpired);
        Assert.Null(last.When);
        Assert.Equal(2 * Hour, test.Elapsed);

        async Coroutine Check(LoopTimeout timeout)
        {
            Assert.Null(timeout.When);
            Assert.Equal("LoopTimeout (active, without a deadline)", timeout.ToString());
            Assert.Equal(0, test.Loop.TimerCount);
            await Coroutine.Sleep(Hour);
            Assert.False(timeout.IsExpired);
        }
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_zero")]
    [CPython("test_timeouts.TimeoutTests.test_timeout_zero_sleep_zero")]
    [CPython("test_timeouts.TimeoutTests.test_timeout_in_the_past_sleep_zero")]
    public void A_deadline_that_is_past_cancels_at_the_first_suspension_whatever_that_is() => LoopTest.Run(async test =>
    {
        Func<Coroutine>[] waits =
        [
            () => Coroutine.Sleep(Hour),
            () => Coroutine.Sleep(TimeSpan.Zero),
            async () => await Coroutine.Yield(),
            async () => await test.Loop.CreateFuture(),
        ];
        foreach (var wait in waits)
        {
            foreach (var time in new[] { TimeSpan.Zero, -Second, TimeSpan.MinValue })
            {
                await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(time, wait));
                LoopTimeout timeout = null!;
                await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(time, async Coroutine (t) =>
                {
                    timeout = t;
                    await wait();
                }));
                Assert.True(timeout.IsExpired);
                Assert.InRange(timeout.When!.Value, long.MinValue, test.Loop.Time);
                Assert.Equal(time == TimeSpan.Zero, timeout.When == test.Loop.Time);
            }

            foreach (var when in new[] { test.Loop.Time, 0, long.MinValue })
            {
                await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.RunAt(when, async Coroutine (_) => await wait()));
            }
        }

        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    public void A_block_that_never_waits_is_not_timed_out() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        await LoopTimeout.Run(TimeSpan.Zero, async Coroutine (t) => timeout = t);
        Assert.False(timeout.IsExpired);
        await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            test.Clock.Advance(2 * Second); // busy
        });
        Assert.False(timeout.IsExpired);
        Assert.Equal("LoopTimeout (finished)", timeout.ToString());
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_foreign_exception_passed")]
    [CPython("test_timeouts.TimeoutTests.test_foreign_exception_on_timeout")]
    public void Another_exception_passes_also_where_the_time_is_over() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<IOException>(
            async () => await LoopTimeout.Run(Second, static async Coroutine () => throw new IOException()));
        LoopTimeout timeout = null!;
        await Assert.ThrowsAsync<IOException>(async () => await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            throw new IOException();
        }));
        Assert.False(timeout.IsExpired);
        Assert.Equal(0, test.Loop.TimerCount);
        await Assert.ThrowsAsync<IOException>(async () => await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                throw new IOException();
            }
        }));
        Assert.True(timeout.IsExpired);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Sleep(Second);
    });

    // foreign_cancel_doesnt_timeout_if_not_expired
    [Fact]
    public void A_cancellation_of_something_else_is_no_time_out() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<CancelledException>(
            async () => await LoopTimeout.Run(Second, static async Coroutine () => throw new CancelledException()));
        var future = test.Loop.CreateFuture();
        future.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await LoopTimeout.Run(Second, async Coroutine () => await future));
        await Coroutine.Yield();
    });

    // outer_task_is_not_cancelled
    [Fact]
    public void A_task_that_was_timed_out_is_not_cancelled() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Body());
        await Assert.ThrowsAsync<TimeoutException>(async () => await task);
        Assert.True(task.IsFailed && !task.IsCancelled);

        static async Coroutine Body() => await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour));
    });

    [Fact]
    public void A_block_that_swallows_the_cancellation_goes_on_and_is_not_interrupted_again() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
            }

            await Coroutine.Sleep(Hour);
        });
        Assert.True(timeout.IsExpired);
        Assert.Equal(Second + Hour, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    // reschedule
    [Fact]
    public void A_time_out_can_be_rescheduled_while_it_is_active() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine (timeout) =>
        {
            timeout.Reschedule(3 * Second);
            await Coroutine.Sleep(2 * Second);
            timeout.RescheduleAt(timeout.When + 1_000_000_000);
            timeout.RescheduleAt(null);
            Assert.Null(timeout.When);
            Assert.Equal(0, test.Loop.TimerCount);
            await Coroutine.Sleep(3 * Second);
            timeout.Reschedule(Timeout.InfiniteTimeSpan);
            timeout.Reschedule(null);
            timeout.Reschedule(Second);
            Assert.Equal(test.Loop.Time + 1_000_000_000, timeout.When);
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(6 * Second, test.Elapsed);
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Hour, async Coroutine (timeout) =>
        {
            timeout.Reschedule(TimeSpan.Zero);
            timeout.Reschedule(-Second);
            await Coroutine.Yield();
        }));
        Assert.Equal(6 * Second, test.Elapsed);
    });

    // expired, expiring, finished: not_entered, already_entered and double_enter cannot be written with Run
    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_finished")]
    [CPython("test_timeouts.TimeoutTests.test_timeout_expired")]
    [CPython("test_timeouts.TimeoutTests.test_timeout_expiring")]
    public void A_time_out_that_has_expired_or_ended_cannot_be_rescheduled() => LoopTest.Run(async test =>
    {
        LoopTimeout timeout = null!;
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine (t) =>
        {
            timeout = t;
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                AssertRefuses(t, "expiring");
            }
        }));
        AssertRefuses(timeout, "expired");
        await LoopTimeout.Run(Second, async Coroutine (t) => timeout = t);
        AssertRefuses(timeout, "finished");

        static void AssertRefuses(LoopTimeout timeout, string state)
        {
            Assert.Contains(
                state, Assert.Throws<InvalidOperationException>(() => timeout.Reschedule(Second)).Message, StringComparison.Ordinal);
            Assert.Contains(
                state, Assert.Throws<InvalidOperationException>(() => timeout.RescheduleAt(null)).Message, StringComparison.Ordinal);
        }
    });

    [Fact]
    [CPython("test_timeouts.TimeoutTests.test_timeout_without_task")]
    public void A_time_out_outside_of_a_task_throws() => LoopTest.On(test =>
    {
        Task? outcome = null;
        test.Loop.CallSoon(() => outcome = Outside());
        test.RunIterations(1);
        Assert.Contains(
            "outside of a task",
            Assert.IsType<InvalidOperationException>(outcome!.Exception!.InnerException).Message,
            StringComparison.Ordinal);

        static async Task Outside() => await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Second));
    });

    [Fact]
    public void What_obeys_the_token_is_timed_out_and_a_time_out_of_its_own_is_not_taken_for_ours() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<TimeoutException>(async () =>
            await LoopTimeout.Run(
                Second, static async Coroutine () => await Task.Delay(Timeout.Infinite, LoopTask.Current!.CancellationToken)));
        Assert.Equal(Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        Assert.False(LoopTask.Current.CancellationToken.IsCancellationRequested);

        await Assert.ThrowsAsync<TaskCanceledException>(async () => await LoopTimeout.Run(Second, static async Coroutine () =>
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                throw new TaskCanceledException("the client's own", new TimeoutException());
            }
        }));
        await Assert.ThrowsAsync<TaskCanceledException>(
            async () => await LoopTimeout.Run(Second, static async Coroutine () => throw new TaskCanceledException()));
        Assert.Equal(0, LoopTask.Current.CancelRequests);
        await Coroutine.Sleep(Second);
    });

    [Fact]
    public void What_refuses_to_be_cancelled_is_waited_for_and_the_next_suspension_throws() => LoopTest.Run(async test =>
    {
        foreach (var accepts in new[] { false, true })
        {
            var operation = new TestOperation(test.Loop) { OnCancel = (_, _) => accepts };
            test.Loop.CallLater(2 * Second, () => operation.Succeed(5));
            var value = 0;
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
            {
                value = await operation.Start();
                await Coroutine.Sleep(Hour);
            }));
            Assert.Equal(5, value);

            // And where there is no further suspension, the value is the result.
            test.Loop.CallLater(2 * Second, () => operation.Succeed(6));
            Assert.Equal(6, await LoopTimeout.Run(Second, async Coroutine<int> () => await operation.Start()));
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            await Coroutine.Yield();
        }

        Assert.Equal(8 * Second, test.Elapsed);
    });

    [Fact]
    public void What_accepts_and_ends_later_is_waited_for() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop)
        {
            OnCancel = (self, message) =>
            {
                test.Loop.CallLater(Second, () => self.Fail(new CancelledException(message)));
                return true;
            },
        };
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await LoopTimeout.Run(Second, async Coroutine () => _ = await operation.Start()));
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Fact]
    public void A_value_that_was_there_before_the_deadline_is_delivered_and_the_next_suspension_throws() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var value = 0;
        test.Loop.CallLater(Second, () => future.SetResult(5));
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            value = await future;
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(5, value);
        Assert.Equal(Second, test.Elapsed);
    });
}
