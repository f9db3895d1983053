namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Cancelling tasks: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskCancelConformanceTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel")]
    public void A_task_that_sleeps_ends_at_once_when_it_is_cancelled_and_cannot_be_cancelled_again() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Hour, 12));
        test.Loop.CallSoon(() => task.Cancel());
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        AssertCancelled(task);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_sleep_cancel")]
    public void The_timer_of_a_sleep_that_is_cancelled_goes_with_it() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Hour, "slept"));
        test.RunIterations(1);
        Assert.Equal(1, test.Loop.TimerCount);
        task.Cancel();
        test.RunIterations(1);
        Assert.Equal(0, test.Loop.TimerCount);
        test.RunIterations(1);
        AssertCancelled(task);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_cancel_sleeping_task")]
    public void A_timer_can_cancel_a_task_that_sleeps_and_who_awaits_it_can_catch_that() => LoopTest.On(test =>
    {
        Assert.Equal("cancelled", test.Loop.RunUntilComplete(Body()));
        Assert.Equal(TimeSpan.FromMilliseconds(100), test.Elapsed);

        async Coroutine<string> Body()
        {
            var sleeper = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromSeconds(5000)));
            test.Loop.CallLater(TimeSpan.FromMilliseconds(100), () => sleeper.Cancel());
            try
            {
                await sleeper;
            }
            catch (CancelledException)
            {
                Assert.Equal(0, LoopTask.Current!.CancelRequests);
                return "cancelled";
            }

            return "slept on";
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_yield")]
    public void A_task_that_has_only_given_up_its_turn_is_cancelled_too() => LoopTest.On(test =>
    {
        var rounds = 0;
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        Assert.Equal(1, rounds);
        Assert.True(task.Cancel());
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        AssertCancelled(task);
        Assert.Equal(1, rounds);

        async Coroutine<int> Body()
        {
            rounds++;
            await Coroutine.Yield();
            rounds++;
            await Coroutine.Yield();
            return 12;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_inner_future")]
    public void Where_the_awaited_future_is_cancelled_so_is_the_task() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Await(future));
        test.RunIterations(1);
        future.Cancel();
        Assert.False(task.IsDone);
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.True(future.IsCancelled);
        AssertCancelled(task);
        Assert.Equal(0, task.CancelRequests);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_both_task_and_inner_future")]
    public void A_task_that_is_cancelled_with_what_it_awaits_is_told_once() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var caught = 0;
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        future.Cancel();
        Assert.True(task.Cancel());
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.True(future.IsCancelled);
        AssertCancelled(task);
        Assert.Equal(1, caught);

        async Coroutine<int> Body()
        {
            try
            {
                await future;
            }
            catch (CancelledException)
            {
                caught++;
                throw;
            }

            return 12;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_task_catching")]
    public void A_task_that_catches_its_cancellation_ends_with_what_it_returns() => LoopTest.On(test =>
    {
        var first = test.Loop.CreateFuture();
        var second = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        first.SetResult();
        test.RunIterations(1);
        task.Cancel();
        Assert.True(second.IsCancelled);
        test.Loop.RunUntilComplete(task);
        Assert.Equal(42, task.GetResult());
        Assert.False(task.IsCancelled);
        Assert.False(first.IsCancelled);

        async Coroutine<int> Body()
        {
            await first;
            try
            {
                await second;
            }
            catch (CancelledException)
            {
                return 42;
            }

            return 0;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_task_ignoring")]
    public void A_task_that_ignores_its_cancellation_waits_on_undisturbed() => LoopTest.On(test =>
    {
        var first = test.Loop.CreateFuture();
        var second = test.Loop.CreateFuture();
        var third = test.Loop.CreateFuture<int>();
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        first.SetResult();
        test.RunIterations(1);
        task.Cancel();
        Assert.True(second.IsCancelled);
        test.RunIterations(2);
        Assert.Equal("Future<T> (pending)", task.GetAwaitStack().WaitsFor);
        third.SetResult(42);
        test.Loop.RunUntilComplete(task);
        Assert.Equal(42, task.GetResult());
        Assert.False(third.IsCancelled);
        Assert.False(task.IsCancelled);

        async Coroutine<int> Body()
        {
            await first;
            try
            {
                await second;
            }
            catch (CancelledException)
            {
            }

            return await third;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_current_task")]
    public void A_task_that_cancels_itself_does_not_sleep() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Body());
        Assert.False(task.IsCancelled);
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        AssertCancelled(task);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);

        static async Coroutine<int> Body()
        {
            LoopTask.Current!.Cancel();
            Assert.False(LoopTask.Current.IsCancelled);
            await Coroutine.Sleep(Hour);
            return 12;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_at_end")]
    public void A_task_that_cancels_itself_and_returns_is_cancelled() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Body());
        Assert.False(task.IsCancelled);
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        AssertCancelled(task);

        static async Coroutine<int> Body()
        {
            LoopTask.Current!.Cancel();
            return 12;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_awaited_task")]
    public void A_task_that_cancels_itself_and_then_awaits_another_cancels_that_one() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        LoopTask? nested = null;
        var task = test.Loop.CreateTask(Body());
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        AssertCancelled(task);
        AssertCancelled(nested!);
        Assert.True(future.IsCancelled);

        async Coroutine Body()
        {
            nested = Coroutine.Start(Await(future));
            await Coroutine.Yield();
            LoopTask.Current!.Cancel();
            await nested;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_yield_future_passes_cancel")]
    public void A_cancellation_goes_through_the_coroutines_from_the_innermost_which_may_catch_it() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var log = new List<string>();
        var task = test.Loop.CreateTask(Outer());
        test.RunIterations(1);
        task.Cancel();
        test.Loop.RunUntilComplete(task);
        Assert.Equal(["inner", "outer"], log);
        Assert.True(future.IsCancelled);
        Assert.False(task.IsCancelled);

        async Coroutine Inner()
        {
            try
            {
                await future;
                log.Add("went on");
            }
            catch (CancelledException)
            {
                log.Add("inner");
                throw;
            }
        }

        async Coroutine Outer()
        {
            try
            {
                await Inner();
                log.Add("went on");
            }
            catch (CancelledException)
            {
                log.Add("outer");
            }
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_baseexception_during_cancel", Improvement =
        "No exception of a task's ends the loop: the task fails with it, and who awaits it gets it.")]
    public void An_exception_that_a_task_throws_instead_of_its_cancellation_is_what_it_ends_with() => LoopTest.On(test =>
    {
        var thrown = new InsufficientMemoryException("as bad as it gets");
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        task.Cancel();
        Assert.False(task.IsDone);
        test.RunIterations(2);
        Assert.True(task.IsDone);
        Assert.False(task.IsCancelled);
        Assert.Same(thrown, task.GetException());

        async Coroutine Body()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                throw thrown;
            }
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_tb_logger_not_called_after_cancel", Improvement =
        "Cancelling a task that has failed already is no look at its failure, which is reported like any other that nobody has seen.")]
    public void Cancelling_a_task_that_has_failed_does_not_hide_the_failure() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Body());
        Assert.Empty(test.TakeReports());
        test.Loop.Dispose();
        Assert.Equal("unseen", test.TakeReport().Exception!.Message);

        static async Coroutine Body()
        {
            var task = Coroutine.Start(Coroutine.FromException(new IOException("unseen")));
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(50));
            Assert.False(task.Cancel());
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_cancel_gather_1")]
    public void A_gather_whose_children_are_done_refuses_to_be_cancelled_and_keeps_the_result() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var gather = test.Loop.RunUntilComplete(Make());
        test.RunIterations(1);
        bool? accepted = null;

        // Comes after the child in the queue, and before the gather hears of it.
        future.AddDoneCallback(_ => accepted = gather.Cancel());
        future.SetResult(42);
        test.Loop.RunUntilComplete(gather);
        Assert.False(accepted);
        Assert.False(gather.IsCancelled);
        Assert.Equal([42], gather.GetResult());

        async Coroutine<Future<int[]>> Make() => Coroutine.Gather(Child());

        async Coroutine<int> Child() => await future;
    });

    [Theory]
    [InlineData(null)]
    [InlineData("my message")]
    [CPython("test_tasks.BaseTaskTests.test_cancel_gather_2")]
    public void A_cancellation_ends_a_task_that_waits_for_gathers_of_outcomes(string? message) => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Rounds());
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(220));
        Assert.True(task.Cancel(message));
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(message ?? new CancelledException().Message, exception.Message);
        Assert.Null(exception.InnerException);
        Assert.True(task.IsCancelled);
        Assert.Equal(TimeSpan.FromMilliseconds(220), test.Elapsed);

        static async Coroutine Rounds()
        {
            for (var i = 0; i < 20; i++)
            {
                await Coroutine.GatherOutcomes(Coroutine.Sleep(TimeSpan.FromMilliseconds(50)));
            }
        }
    });

    private static async Coroutine Await(Future future) => await future;

    private static void AssertCancelled(LoopTask task)
    {
        Assert.True(task.IsDone);
        Assert.True(task.IsCancelled);
        Assert.False(task.Cancel());
    }
}
