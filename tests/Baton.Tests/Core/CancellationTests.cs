using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>asyncio's rules of cancellation, one by one, with Baton's deliberate differences.</summary>
public class CancellationTests
{
    [Fact]
    public void Cancel_of_a_task_that_is_done_returns_false_and_changes_nothing() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        await task;
        Assert.False(task.Cancel());
        Assert.Equal(0, task.CancelRequests);
        Assert.False(task.IsCancelled);
        Assert.Equal(1, task.GetResult());
    });

    [Fact]
    public void Cancel_counts_every_request() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        for (var i = 1; i <= 3; i++)
        {
            Assert.True(task.Cancel());
            Assert.Equal(i, task.CancelRequests);
        }

        await AssertCancelled(task);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_cancel_waiter_future")]
    public void Cancel_reaches_the_awaited_future_first_and_arrives_when_that_is_done() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Await(future));
        await Coroutine.Yield();
        Assert.True(task.Cancel("why"));
        Assert.True(future.IsCancelled);
        Assert.False(task.IsDone);
        await AssertCancelled(task, "why");
    });

    [Fact]
    public void One_cancel_throws_at_most_once_and_a_task_that_catches_it_goes_on() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel();
        Assert.Equal(7, await task);
        Assert.False(task.IsCancelled);
        Assert.Equal(["cancelled", "went on"], log);

        async Coroutine<int> Body()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                log.Add("cancelled");
            }

            await Coroutine.Yield();
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            await Coroutine.Sleep(TimeSpan.Zero);
            log.Add("went on");
            return 7;
        }
    });

    [Fact]
    public void Repeated_cancels_are_each_delivered() => LoopTest.Run(async test =>
    {
        var caught = 0;
        var task = test.Loop.CreateTask(Body());
        for (var i = 0; i < 5; i++)
        {
            await Coroutine.Yield();
            await Coroutine.Yield();
            task.Cancel();
        }

        await task;
        Assert.Equal(5, caught);

        async Coroutine Body()
        {
            while (caught < 5)
            {
                try
                {
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                catch (CancelledException)
                {
                    caught++;
                }
            }
        }
    });

    public static TheoryData<string, Func<EventLoop, Coroutine>> Waits => new()
    {
        { "sleep", _ => Coroutine.Sleep(Timeout.InfiniteTimeSpan) },
        { "future", async loop => await loop.CreateFuture() },
        { "task", async loop => await loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan)) },
        { "operation", async loop => await new TestOperation(loop) { OnCancel = TestOperation.EndAtOnce }.Start() },
        { "plain method", async loop => await Plain(loop.CreateFuture()) },
        { "yield", async _ => await Coroutine.Yield() },
        { "sleep of zero", async _ => await Coroutine.Sleep(TimeSpan.Zero) },
    };

    [Theory]
    [MemberData(nameof(Waits))]
    public void Several_cancels_before_the_task_runs_again_throw_once(string name, Func<EventLoop, Coroutine> wait) =>
        LoopTest.Run(async test =>
        {
            var caught = 0;
            var task = test.Loop.CreateTask(Body());
            await Coroutine.Yield();
            task.Cancel();
            task.Cancel();
            task.Cancel();
            await task;
            Assert.Equal(1, caught);
            Assert.Equal(3, task.CancelRequests);
            Assert.NotEmpty(name);

            async Coroutine Body()
            {
                try
                {
                    await wait(test.Loop);
                }
                catch (CancelledException)
                {
                    caught++;
                }

                await Coroutine.Yield();
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            }
        });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_cancel_message_getter")]
    public void Cancelled_before_its_first_step_the_body_never_runs() => LoopTest.Run(async test =>
    {
        var ran = false;
        var task = test.Loop.CreateTask(Body());
        Assert.True(task.Cancel("early"));
        Assert.False(task.IsDone);
        await AssertCancelled(task, "early");
        Assert.False(ran);

        var sleep = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)));
        sleep.Cancel();
        await AssertCancelled(sleep);
        var nothing = test.Loop.CreateTask(default(Coroutine));
        nothing.Cancel();
        await AssertCancelled(nothing);

#pragma warning disable CS1998
        async Coroutine Body() => ran = true;
#pragma warning restore CS1998
    });

    [Fact]
    public void Cancelled_after_the_awaited_future_is_done_the_value_is_delivered_and_the_next_suspension_throws() =>
        LoopTest.Run(async test =>
        {
            // asyncio loses the value here.
            var future = test.Loop.CreateFuture<int>();
            var log = new List<string>();
            var task = test.Loop.CreateTask(Body());
            await Coroutine.Yield();
            future.SetResult(5);
            task.Cancel("late");
            await AssertCancelled(task, "late");
            Assert.Equal(["value 5", "suspending"], log);

            async Coroutine Body()
            {
                log.Add($"value {await future}");
                await Coroutine.FromResult(1); // No suspension.
                await Task.CompletedTask;
                log.Add("suspending");
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                log.Add("never");
            }
        });

    [Fact]
    public void Cancelled_while_the_failure_of_the_awaited_future_is_on_its_way_the_failure_is_delivered() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        future.SetException(new IOException());
        task.Cancel();
        await AssertCancelled(task);

        async Coroutine Body()
        {
            await Assert.ThrowsAsync<IOException>(async () => await future);
            await Coroutine.Yield();
            Assert.Fail("The cancellation was lost.");
        }
    });

    [Fact]
    public void A_task_that_cancels_itself_and_never_suspends_again_ends_cancelled_and_its_result_is_dropped() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        await AssertCancelled(task, "self");

#pragma warning disable CS1998
        static async Coroutine<int> Body()
        {
            Assert.True(LoopTask.Current!.Cancel("self"));
            return 1;
        }
#pragma warning restore CS1998
    });

    [Fact]
    public void A_task_that_cancels_itself_and_fails_without_suspending_ends_failed() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        await Assert.ThrowsAsync<IOException>(async () => await task);
        Assert.False(task.IsCancelled);

#pragma warning disable CS1998
        static async Coroutine Body()
        {
            LoopTask.Current!.Cancel();
            throw new IOException();
        }
#pragma warning restore CS1998
    });

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_task_that_cancels_itself_is_told_at_its_next_suspension(string name, Func<EventLoop, Coroutine> wait) =>
        LoopTest.Run(async test =>
        {
            var task = test.Loop.CreateTask(Body());
            await AssertCancelled(task, "self");
            foreach (var other in test.Loop.AllTasks().Where(other => other != LoopTask.Current))
            {
                await AssertCancelled(other);
            }

            async Coroutine Body()
            {
                LoopTask.Current!.Cancel("self");
                await wait(test.Loop);
                Assert.Fail(name);
            }
        });

    [Fact]
    public void Cancel_runs_down_a_chain_of_tasks_to_the_innermost_wait() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var inner = test.Loop.CreateTask(Await(future));
        var middle = test.Loop.CreateTask(Await(inner));
        var outer = test.Loop.CreateTask(Await(middle));
        await Coroutine.Yield();
        Assert.True(outer.Cancel("deep"));
        Assert.True(future.IsCancelled);
        Assert.Equal([1, 1, 1], new[] { outer, middle, inner }.Select(task => task.CancelRequests));
        await AssertCancelled(outer, "deep");
        Assert.True(middle.IsCancelled && inner.IsCancelled);
    });

    [Fact]
    public void Where_the_inner_task_suppresses_the_cancellation_the_outer_sees_its_result() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateTask(Stubborn());
        var outer = test.Loop.CreateTask(Outer());
        await Coroutine.Yield();
        outer.Cancel();
        Assert.Equal("inner went on, outer went on", await outer);
        Assert.Equal(1, outer.CancelRequests);

        async Coroutine<string> Outer()
        {
            var result = await inner;
            await Coroutine.Yield();
            return $"{result}, outer went on";
        }

        static async Coroutine<string> Stubborn()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            }

            return "inner went on";
        }
    });

    [Fact]
    public void An_inner_task_that_cleans_up_can_be_cancelled_again_through_the_outer() => LoopTest.Run(async test =>
    {
        var caught = 0;
        var inner = test.Loop.CreateTask(Stubborn());
        var outer = test.Loop.CreateTask(Await(inner));
        await Coroutine.Yield();
        outer.Cancel();
        await Coroutine.Yield();
        outer.Cancel();
        await AssertCancelled(outer);
        Assert.Equal(2, caught);
        Assert.Equal(2, inner.CancelRequests);

        async Coroutine Stubborn()
        {
            while (true)
            {
                try
                {
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                catch (CancelledException) when (++caught < 2)
                {
                }
            }
        }
    });

    [Fact]
    public void IsCancelled_only_after_the_coroutine_has_ended_and_cancelling_shows_in_between() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(CleanUp(), "t");
        await Coroutine.Yield();
        Assert.Contains("pending", task.ToString(), StringComparison.Ordinal);
        task.Cancel();
        await Coroutine.Yield();
        Assert.False(task.IsCancelled || task.IsDone);
        Assert.Contains("cancelling", task.ToString(), StringComparison.Ordinal);
        await AssertCancelled(task);
        Assert.Contains("cancelled", task.ToString(), StringComparison.Ordinal);

        static async Coroutine CleanUp()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            }
        }
    });

    [Fact]
    public void The_first_to_look_gets_the_exception_that_ended_the_task_and_later_ones_a_fresh_one() => LoopTest.Run(async test =>
    {
        CancelledException? thrown = null;
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel("message");
        await Coroutine.Yield();
        var first = Assert.Throws<CancelledException>(task.GetResult);
        var second = Assert.Throws<CancelledException>(task.GetResult);
        Assert.Same(thrown, first);
        Assert.NotSame(first, second);
        Assert.Equal("message", first.Message);
        Assert.Equal("message", second.Message);
        Assert.Contains(nameof(Body), first.StackTrace, StringComparison.Ordinal);

        async Coroutine Body()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException exception)
            {
                thrown = exception;
                throw;
            }
        }
    });

    [Fact]
    public void Without_a_message_there_is_a_standard_one() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        task.Cancel();
        await AssertCancelled(task, new CancelledException().Message);
    });

    [Fact]
    public void CancelledException_is_the_kind_of_exception_that_NET_code_expects() =>
        Assert.IsType<OperationCanceledException>(new CancelledException(), exactMatch: false);

    [Fact]
    public void All_that_await_a_cancelled_task_get_the_exception_and_end_cancelled_unless_they_catch_it() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        var first = test.Loop.CreateTask(Await(inner));
        var second = test.Loop.CreateTask(Await(inner));
        var third = test.Loop.CreateTask(Catch());
        await Coroutine.Yield();
        inner.Cancel();
        await AssertCancelled(first);
        await AssertCancelled(second);
        Assert.True(await third);
        Assert.Equal([0, 0, 0], new[] { first, second, third }.Select(task => task.CancelRequests));

        async Coroutine<bool> Catch()
        {
            try
            {
                await inner;
                return false;
            }
            catch (CancelledException)
            {
                return true;
            }
        }
    });

    [Fact]
    public void Cancelling_one_of_several_awaiters_cancels_what_all_await() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var first = test.Loop.CreateTask(Await(future));
        var second = test.Loop.CreateTask(Await(future));
        await Coroutine.Yield();
        first.Cancel();
        await AssertCancelled(second);
        await AssertCancelled(first);
        Assert.Equal(0, second.CancelRequests);
    });

    [Fact]
    public void A_CancelledException_that_escapes_ends_the_task_as_cancelled_though_nobody_asked() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromException(new CancelledException("own")));
        await AssertCancelled(task, "own");
    });

    [Fact]
    public void Cancelling_during_the_clean_up_of_a_cancel_interrupts_it() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel("one");
        await Coroutine.Yield();
        task.Cancel("two");
        await AssertCancelled(task, "two");
        Assert.Equal(["clean up"], log);

        async Coroutine Body()
        {
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            finally
            {
                log.Add("clean up");
                await Coroutine.Sleep(TimeSpan.FromHours(1));
                log.Add("never");
            }
        }
    });

    [Fact]
    public void A_ring_of_tasks_that_await_one_another_can_be_cancelled_without_harm() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        LoopTask? second = null;
        var first = test.Loop.CreateTask(First());
        second = test.Loop.CreateTask(Await(first));
        test.RunIterations(2);
        Assert.True(first.Cancel());
        Assert.Equal([1, 1], new[] { first, second }.Select(task => task.CancelRequests));
        test.RunIterations(2);
        test.Loop.Dispose();
        Assert.Equal(2, test.TakeReports().Count);

        async Coroutine First() => await second!;
    });

    private static async Coroutine Await(Future future) => await future;

    private static async Task Plain(Future future) => await future;

    private static async Coroutine AssertCancelled(LoopTask task, string? message = null)
    {
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
        Assert.False(task.IsFailed);
        Assert.Null(exception.InnerException);
        if (message is not null)
        {
            Assert.Equal(message, exception.Message);
        }
    }
}
