namespace Baton.Tests.Conformance;

/// <summary>Taking requests back, and the messages and stacks of cancellations: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskUncancelConformanceTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancelling")]
    public void Requests_before_the_first_step_count_and_show() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Hour), "t");
        Assert.Equal(0, task.CancelRequests);
        Assert.Equal("Task 't' (pending)", task.ToString());
        Assert.True(task.Cancel());
        Assert.Equal(1, task.CancelRequests);
        Assert.Equal("Task 't' (cancelling)", task.ToString());
        Assert.True(task.Cancel());
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_uncancel_basic")]
    public void A_task_that_takes_a_request_back_is_as_good_as_new_until_the_next_one() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Body(), "t");
        test.RunIterations(2);

        Assert.True(task.Cancel());
        Assert.Equal("Task 't' (cancelling)", task.ToString());
        Assert.Equal(1, task.CancelRequests);
        Assert.False(task.IsCancelled);
        test.RunIterations(2);

        Assert.Equal("Task 't' (pending)", task.ToString());
        Assert.Equal(0, task.CancelRequests);
        Assert.False(task.IsCancelled);

        Assert.True(task.Cancel());
        Assert.Equal(1, task.CancelRequests);
        Assert.False(task.IsCancelled);
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.True(task.IsCancelled);

        // Too late: it stays cancelled.
        task.Uncancel();
        Assert.True(task.IsCancelled);
        Assert.True(task.IsDone);

        static async Coroutine Body()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                LoopTask.Current!.Uncancel();
                await Coroutine.Sleep(Hour);
            }
        }
    });

    [Theory]
    [InlineData(10_000, 100, true)]
    [InlineData(0, 10_000, false)]
    [CPython("test_tasks.BaseTaskTests.test_uncancel_structured_blocks")]
    public void A_time_out_can_be_built_of_a_timer_a_cancel_and_an_uncancel(int sleep, int timeout, bool expires) => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Body());
        test.Loop.RunUntilComplete(task);
        Assert.Equal((expires, !expires, true), task.GetResult());
        Assert.Equal(0, task.CancelRequests);
        Assert.Equal(TimeSpan.FromMilliseconds(Math.Min(sleep, timeout)), test.Elapsed);

        async Coroutine<(bool TimedOut, bool Finished, bool WentOn)> Body()
        {
            var self = LoopTask.Current!;
            var timedOut = false;
            var finished = false;
            var timer = test.Loop.CallLater(TimeSpan.FromMilliseconds(timeout), () =>
            {
                timedOut = true;
                self.Cancel();
            });
            try
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(sleep));
                finished = true;
            }
            catch (CancelledException) when (timedOut && self.Uncancel() == 0)
            {
            }
            finally
            {
                timer.Cancel();
            }

            // What comes after the block is not cancelled any more.
            await Coroutine.Yield();
            return (timedOut, finished, true);
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_uncancel_resets_must_cancel")]
    public void A_request_that_is_taken_back_before_the_task_runs_again_has_no_effect() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        future.SetResult();
        Assert.True(task.Cancel());
        Assert.Equal(1, task.CancelRequests);
        Assert.Equal(0, task.Uncancel());
        Assert.Equal(0, task.CancelRequests);
        test.Loop.RunUntilComplete(task);
        Assert.Equal(42, task.GetResult());

        async Coroutine<int> Body()
        {
            await future;
            await Coroutine.Yield();
            return 42;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_cancel_message_setter")]
    public void Until_it_is_thrown_the_message_is_that_of_the_last_request() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Hour));
        task.Cancel("a message");
        task.Cancel("a better one");
        Assert.Equal("a better one", Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task)).Message);
    });

    [Theory]
    [InlineData(null, true)]
    [InlineData(null, false)]
    [InlineData("my message", true)]
    [InlineData("my message", false)]
    [CPython("test_tasks.BaseTaskTests.test_cancel_with_message_then_future_result")]
    [CPython("test_tasks.BaseTaskTests.test_cancel_with_message_then_future_exception")]
    public void Who_looks_at_a_cancelled_task_is_cancelled_with_its_message(string? message, bool asksForResult) => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Look(started: true, message, asksForResult));
        var exception = Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.Equal(message ?? new CancelledException().Message, exception.Message);
        Assert.Null(exception.InnerException);
        Assert.True(task.IsCancelled);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [CPython("test_tasks.BaseTaskTests.test_cancel_with_message_before_starting_task")]
    public void The_message_is_kept_for_a_task_that_never_started(bool asksForResult) => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Look(started: false, "my message", asksForResult));
        var exception = Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.Equal("my message", exception.Message);
        Assert.Null(exception.InnerException);
        Assert.True(task.IsCancelled);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancellation_exception_context")]
    public void A_failure_that_a_cancellation_caused_can_say_so() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var exception = Assert.Throws<IOException>(() => test.Loop.RunUntilComplete(Body()));
        Assert.Equal("cancelled", exception.Message);
        var cause = Assert.IsType<CancelledException>(exception.InnerException);
        Assert.Equal("msg", cause.Message);
        Assert.Null(cause.InnerException);

        async Coroutine Body()
        {
            var inner = Coroutine.Start(Inner());
            await future;
            test.Loop.CallSoon(() => inner.Cancel("msg"));
            try
            {
                await inner;
            }
            catch (CancelledException cancelled)
            {
                throw new IOException("cancelled", cancelled);
            }
        }

        async Coroutine Inner()
        {
            future.SetResult();
            await Coroutine.Sleep(Hour);
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [CPython("test_tasks.BaseTaskTests.test_cancel_traceback_for_future_result")]
    public void The_stack_of_a_cancellation_begins_at_the_wait_that_it_interrupted(bool throughCoroutine) => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Awaits());
        var exception = Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.Contains(nameof(Interrupted), exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(Awaits), exception.StackTrace, StringComparison.Ordinal);

        async Coroutine Awaits()
        {
            var inner = Coroutine.Start(throughCoroutine ? Calls() : Interrupted());
            await Coroutine.Yield();
            inner.Cancel();
            await inner;
        }

        static async Coroutine Calls() => await Interrupted();
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [CPython("test_tasks.BaseTaskTests.test_cancel_traceback_for_future_exception")]
    public void So_does_that_of_a_task_which_is_only_looked_at(bool asksForResult) => LoopTest.On(test =>
    {
        var exception = Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(Look(started: true, null, asksForResult)));
        Assert.Contains(nameof(Interrupted), exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(Look), exception.StackTrace, StringComparison.Ordinal);
    });

    private static async Coroutine Look(bool started, string? message, bool asksForResult)
    {
        var task = Coroutine.Start(Interrupted());
        if (started)
        {
            await Coroutine.Yield();
        }

        task.Cancel(message);
        var (done, pending) = await Coroutine.Wait([task]);
        Assert.Same(task, Assert.Single(done));
        Assert.Empty(pending);
        if (asksForResult)
        {
            task.GetResult();
        }
        else
        {
            task.GetException();
        }
    }

    private static async Coroutine Interrupted() => await Coroutine.Sleep(Hour);
}
