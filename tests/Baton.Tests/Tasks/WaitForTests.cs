using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary><c>Coroutine.WaitFor</c>.</summary>
public class WaitForTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(10);

    [Fact]
    public void What_ends_in_time_returns_its_result() => LoopTest.Run(async test =>
    {
        Assert.Equal(1, await Coroutine.WaitFor(Coroutine.Sleep(TimeSpan.FromMilliseconds(1), 1), Soon));
        Assert.Equal(1, await Coroutine.WaitFor(Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(1), 1)), Soon));
        Assert.Equal(1, await Coroutine.WaitFor((IAwaitable<int>)Coroutine.Sleep(TimeSpan.FromMilliseconds(1), 1), Soon));
        await Coroutine.WaitFor(Coroutine.Sleep(TimeSpan.FromMilliseconds(1)), Soon);
        await Coroutine.WaitFor(Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(1))), Soon);
        Assert.Equal(0, test.Loop.TimerCount);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for")]
    public void What_does_not_end_in_time_is_cancelled() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var wasCancelled = false;
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Work(), Soon));
        Assert.Contains("did not end within 00:00:00.01", exception.Message, StringComparison.Ordinal);
        Assert.IsType<CancelledException>(exception.InnerException);
        Assert.True(wasCancelled);
        Assert.Equal(10_000_000, test.Loop.Time - start);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);

        var task = Coroutine.Start(Coroutine.Sleep(Hour, 1));
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(task, Soon));
        Assert.True(task.IsCancelled);
        var future = test.Loop.CreateFuture();
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(future, Soon));
        Assert.True(future.IsCancelled);
        await Coroutine.Yield();

        async Coroutine Work()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                wasCancelled = true;
                throw;
            }
        }
    });

    [Fact]
    public void A_coroutine_runs_in_the_same_task() => LoopTest.Run(async test =>
    {
        var task = LoopTask.Current;
        Assert.Same(task, await Coroutine.WaitFor(Current(), Soon));

        static async Coroutine<LoopTask?> Current()
        {
            await Coroutine.Yield();
            return LoopTask.Current;
        }
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_blocking")]
    public void Without_a_limit_it_is_just_an_await() => LoopTest.Run(async test =>
    {
        Assert.Equal(1, await Coroutine.WaitFor(Coroutine.Sleep(Hour, 1), Timeout.InfiniteTimeSpan));
        await Coroutine.WaitFor(Coroutine.Sleep(Hour), Timeout.InfiniteTimeSpan);
        Assert.Equal(1, await Coroutine.WaitFor(Coroutine.Start(Coroutine.Sleep(Hour, 1)), Timeout.InfiniteTimeSpan));
        await Coroutine.WaitFor(Coroutine.Start(Coroutine.Sleep(Hour)), Timeout.InfiniteTimeSpan);
        await Assert.ThrowsAsync<IOException>(
            async () => await Coroutine.WaitFor(Coroutine.FromException(new IOException()), Timeout.InfiniteTimeSpan));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-10)]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_timeout_less_then_0_or_0_coroutine_do_not_started")]
    public void With_no_time_a_coroutine_does_not_start(int milliseconds) => LoopTest.Run(async test =>
    {
        var hasRun = false;
        var timeout = TimeSpan.FromMilliseconds(milliseconds);
        var coroutine = Run();
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(coroutine, timeout));
        Assert.Contains("00:00:00", exception.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(RunPlain(), timeout));
        test.Loop.TaskFactory = LoopTaskFactory.Eager;
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Run(), timeout));
        test.Loop.TaskFactory = null;
        Assert.False(hasRun);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await coroutine);

#pragma warning disable CS1998
        async Coroutine<int> Run()
        {
            hasRun = true;
            return 1;
        }

        async Coroutine RunPlain() => hasRun = true;
#pragma warning restore CS1998
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-10)]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_timeout_less_then_0_or_0_future_done")]
    public void With_no_time_what_is_done_returns_as_it_did(int milliseconds) => LoopTest.Run(async test =>
    {
        var timeout = TimeSpan.FromMilliseconds(milliseconds);
        var future = test.Loop.CreateFuture<int>();
        future.SetResult(1);
        Assert.Equal(1, await Coroutine.WaitFor(future, timeout));
        await Coroutine.WaitFor((Future)future, timeout);
        var failed = test.Loop.CreateFuture();
        failed.SetException(new IOException());
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.WaitFor(failed, timeout));
        var cancelled = test.Loop.CreateFuture();
        cancelled.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.WaitFor(cancelled, timeout));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-10)]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_timeout_less_then_0_or_0")]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_waits_for_task_cancellation_w_timeout_0")]
    public void With_no_time_a_task_is_cancelled_and_waited_for(int milliseconds) => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var task = Coroutine.Start(CleanUp(5));
        await Coroutine.Yield();
        var exception = await Assert.ThrowsAsync<TimeoutException>(
            async () => await Coroutine.WaitFor(task, TimeSpan.FromMilliseconds(milliseconds)));
        Assert.IsType<CancelledException>(exception.InnerException);
        Assert.True(task.IsCancelled);
        Assert.Equal(5_000_000, test.Loop.Time - start);
    });

    [Fact]
    public void With_no_time_a_task_that_suppresses_the_cancellation_returns_its_result() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Suppress());
        await Coroutine.Yield();
        Assert.Equal(7, await Coroutine.WaitFor(task, TimeSpan.Zero));
    });

    [Fact]
    public void With_no_time_the_wait_for_a_task_that_cleans_up_can_be_cancelled() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(CleanUp(1000));
        await Coroutine.Yield();
        var waiter = Coroutine.Start(Coroutine.WaitFor(task, TimeSpan.Zero));
        await Coroutine.Yield();
        Assert.Equal(1, task.CancelRequests);
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.False(task.IsDone);
        Assert.Equal(1, task.CancelRequests);
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_waits_for_task_cancellation")]
    public void It_waits_until_what_was_cancelled_has_really_ended() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(CleanUp(200), Soon));
        Assert.Equal(210_000_000, test.Loop.Time - start);
        var task = Coroutine.Start(CleanUp(200));
        start = test.Loop.Time;
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(task, Soon));
        Assert.IsType<CancelledException>(exception.InnerException);
        Assert.True(task.IsCancelled);
        Assert.Equal(210_000_000, test.Loop.Time - start);
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_reraises_exception_during_cancellation")]
    public void Another_exception_during_the_cancellation_is_thrown() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.WaitFor(FailWhenCancelled(), Soon));
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.WaitFor(Coroutine.Start(FailWhenCancelled()), Soon));

        static async Coroutine FailWhenCancelled()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                throw new IOException();
            }
        }
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_cancel_suppressed")]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_cancellation_race_condition")]
    public void What_suppresses_the_cancellation_returns_its_result() => LoopTest.Run(async test =>
    {
        Assert.Equal(7, await Coroutine.WaitFor(Suppress(), Soon));
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        Assert.Equal(7, await Coroutine.WaitFor(Coroutine.Start(Suppress()), Soon));
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_race_condition")]
    public void A_result_of_the_same_moment_is_not_lost() => LoopTest.Run(async test =>
    {
        // The future is done in the batch in which the time is over, before and after the timer.
        foreach (var delay in new[] { 9, 10, 11 })
        {
            var future = test.Loop.CreateFuture<int>();
            test.Loop.CallLater(TimeSpan.FromMilliseconds(delay), () => future.TrySetResult(1));
            var waiter = Coroutine.WaitFor(future, Soon);
            if (delay <= 10)
            {
                Assert.Equal(1, await waiter);
            }
            else
            {
                await Assert.ThrowsAsync<TimeoutException>(async () => await waiter);
            }

            Assert.Equal(0, LoopTask.Current!.CancelRequests);
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        }
    });

    [Fact]
    public void A_coroutine_that_blocks_the_loop_beyond_the_time_and_returns_keeps_its_result() => LoopTest.Run(async test =>
    {
        Assert.Equal(1, await Coroutine.WaitFor(Block(), Soon));
        await Coroutine.Yield();

        async Coroutine<int> Block()
        {
            await Coroutine.Yield();
            test.Clock.Advance(TimeSpan.FromMilliseconds(50));
            return 1;
        }
    });

    [Fact]
    public void Cancelling_the_task_cancels_what_is_waited_for_and_is_no_timeout() => LoopTest.Run(async test =>
    {
        var inner = Coroutine.Start(Coroutine.Sleep(Hour, 1));
        var waiter = Coroutine.Start(Coroutine.WaitFor(inner, Soon));
        await Coroutine.Yield();
        waiter.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal("enough", exception.Message);
        Assert.True(waiter.IsCancelled);
        Assert.True(inner.IsCancelled);
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void Cancelling_the_task_before_it_starts_starts_nothing() => LoopTest.Run(async test =>
    {
        var waiter = Coroutine.Start(Coroutine.WaitFor(Coroutine.Sleep(Hour, 1), Soon));
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    [CPython("regressions.Tasks.gh-81839")]
    public void Cancelling_the_task_when_the_result_is_there_delivers_the_result_first() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture<int>();
        var got = 0;
        var waiter = Coroutine.Start(Body());
        await Coroutine.Yield();
        inner.SetResult(1);
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal(1, got);

        async Coroutine Body()
        {
            got = await Coroutine.WaitFor(inner, Soon);
            await Coroutine.Yield();
            Assert.Fail("The cancellation holds for the next suspension.");
        }
    });

    [Fact]
    public void A_cancellation_while_the_time_is_over_and_it_cleans_up_is_not_lost() => LoopTest.Run(async test =>
    {
        var waiter = Coroutine.Start(Coroutine.WaitFor(CleanUp(1000), Soon));
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(20));
        Assert.Equal(1, waiter.CancelRequests);
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.True(waiter.IsCancelled);
    });

    [Fact]
    [CPython("regressions.Tasks.gh-86296")]
    public void A_cancellation_and_the_timeout_at_the_same_moment_are_a_cancellation() => LoopTest.Run(async test =>
    {
        foreach (var cancelFirst in new[] { true, false })
        {
            LoopTask? waiter = null;
            if (cancelFirst)
            {
                test.Loop.CallLater(Soon, () => waiter!.Cancel());
            }

            waiter = test.Loop.CreateTask(Coroutine.WaitFor(Coroutine.Sleep(Hour), Soon), eager: true);
            if (!cancelFirst)
            {
                test.Loop.CallLater(Soon, () => waiter.Cancel());
            }

            await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
            Assert.True(waiter.IsCancelled);
        }
    });

    [Fact]
    public void Nested_waits_each_keep_their_own_time() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var exception = await Assert.ThrowsAsync<TimeoutException>(
            async () => await Coroutine.WaitFor(Coroutine.WaitFor(Coroutine.Sleep(Hour), TimeSpan.FromMilliseconds(20)), Soon));
        Assert.Equal(10_000_000, test.Loop.Time - start);
        Assert.Contains("00:00:00.01", exception.Message, StringComparison.Ordinal);
        exception = await Assert.ThrowsAsync<TimeoutException>(
            async () => await Coroutine.WaitFor(Coroutine.WaitFor(Coroutine.Sleep(Hour), Soon), TimeSpan.FromMilliseconds(20)));
        Assert.Contains("00:00:00.01", exception.Message, StringComparison.Ordinal);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        Assert.Equal(0, test.Loop.TimerCount);
        await Coroutine.Yield();
    });

    [Fact]
    public void It_is_awaited_in_a_task() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<Exception?>();
        test.Loop.CallSoon(async () =>
        {
            try
            {
                await Coroutine.WaitFor(Coroutine.Sleep(Hour), Soon);
            }
            catch (InvalidOperationException exception)
            {
                future.SetResult(exception);
            }
        });
        Assert.Contains("outside of a task", (await future)!.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_future_of_another_loop_is_an_error() => LoopTest.Run(async test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Coroutine.WaitFor(other.CreateFuture(), TimeSpan.Zero));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Coroutine.WaitFor(other.CreateFuture(), Soon));
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await Coroutine.WaitFor(other.CreateFuture<int>(), Soon));
        Assert.Throws<ArgumentNullException>(() => Coroutine.WaitFor((Future)null!, Soon));
        Assert.Throws<ArgumentNullException>(() => Coroutine.WaitFor((LoopTask<int>)null!, Soon));
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void A_foreign_operation_that_obeys_the_token_of_the_task_times_out_too() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Foreign(), Soon));
        await Coroutine.Yield();
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        Assert.False(LoopTask.Current.CancellationToken.IsCancellationRequested);

        static async Coroutine Foreign() =>
            await Task.Delay(System.Threading.Timeout.InfiniteTimeSpan, LoopTask.Current!.CancellationToken);
    });

    private static async Coroutine CleanUp(int milliseconds)
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        finally
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        }
    }

    private static async Coroutine<int> Suppress()
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            await Coroutine.Yield();
        }

        return 7;
    }
}
