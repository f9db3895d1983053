using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

public class FutureTests
{
    [Fact]
    [CPython("test_futures.BaseFutureTests.test_initial_state")]
    public void A_new_future_is_pending() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<int>();
        Assert.Same(test.Loop, future.Loop);
        Assert.False(future.IsDone || future.IsCancelled || future.IsFailed);
        Assert.Throws<InvalidStateException>(() => future.GetResult());
        Assert.Throws<InvalidStateException>(() => future.GetException());
        Assert.Contains("pending", future.ToString(), StringComparison.Ordinal);
        future.Cancel();
        Assert.True(future.IsCancelled);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_result")]
    public void A_result_is_final() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<string>();
        Assert.Throws<InvalidStateException>(() => future.GetResult());
        future.SetResult("first");
        Assert.True(future.IsDone);
        Assert.False(future.IsCancelled || future.IsFailed);
        Assert.Equal("first", future.GetResult());
        Assert.Null(future.GetException());
        AssertFinal(future);
        Assert.Throws<InvalidStateException>(() => future.SetResult("second"));
        Assert.False(future.TrySetResult("second"));
        Assert.Equal("first", future.GetResult());
        Assert.Contains("done", future.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_result_without_a_value_is_final() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        future.GetResult();
        Assert.True(future.IsDone);
        AssertFinal(future);
        Assert.Throws<InvalidStateException>(future.SetResult);
        Assert.False(future.TrySetResult());
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_exception")]
    public void A_failure_is_final() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var exception = new IOException();
        Assert.Throws<InvalidStateException>(() => future.GetException());
        future.SetException(exception);
        Assert.True(future.IsDone && future.IsFailed);
        Assert.False(future.IsCancelled);
        Assert.Same(exception, future.GetException());
        Assert.Same(exception, Assert.Throws<IOException>(future.GetResult));
        Assert.Same(exception, Assert.Throws<IOException>(future.GetResult));
        AssertFinal(future);
        Assert.Throws<InvalidStateException>(future.SetResult);
        Assert.False(future.TrySetResult());
        Assert.Contains("failed", future.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_cancel")]
    [CPython("test_futures.BaseFutureTests.test_set_result_unless_cancelled")]
    public void A_cancellation_is_final() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<int>();
        Assert.True(future.Cancel("reason"));
        Assert.True(future.IsDone && future.IsCancelled);
        Assert.False(future.IsFailed);
        Assert.Equal("reason", Assert.Throws<CancelledException>(() => future.GetResult()).Message);
        Assert.Equal("reason", Assert.Throws<CancelledException>(() => future.GetException()).Message);
        AssertFinal(future);
        Assert.Throws<InvalidStateException>(() => future.SetResult(1));
        Assert.False(future.TrySetResult(1));
        Assert.True(future.IsCancelled);
        Assert.Contains("cancelled", future.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void A_future_with_a_result_needs_one() => LoopTest.On(test =>
    {
        Future future = test.Loop.CreateFuture<int>();
        Assert.Throws<InvalidOperationException>(future.SetResult);
        Assert.Throws<InvalidOperationException>(() => future.TrySetResult());
        Assert.False(future.IsDone);
        Assert.Throws<ArgumentNullException>(() => future.SetException(null!));
    });

    [Fact]
    public void An_exception_keeps_the_stack_of_its_first_throw() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        try
        {
            ThrowIt();
        }
        catch (IOException exception)
        {
            future.SetException(exception);
        }

        Assert.Contains(nameof(ThrowIt), Assert.Throws<IOException>(future.GetResult).StackTrace, StringComparison.Ordinal);

        static void ThrowIt() => throw new IOException();
    });

    [Fact]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_callbacks_invoked_on_set_result")]
    public void Done_callbacks_run_from_the_queue_in_the_order_of_registration() => LoopTest.On(test =>
    {
        var log = new List<int>();
        var future = test.Loop.CreateFuture();
        for (var i = 0; i < 5; i++)
        {
            var number = i;
            future.AddDoneCallback(done =>
            {
                Assert.Same(future, done);
                Assert.Null(LoopTask.Current);
                log.Add(number);
            });
        }

        future.SetResult();
        Assert.Empty(log);
        test.RunIterations(1);
        Assert.Equal([0, 1, 2, 3, 4], log);
    });

    [Theory]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_callbacks_invoked_on_set_exception")]
    [InlineData("result")]
    [InlineData("exception")]
    [InlineData("cancel")]
    public void Done_callbacks_run_however_the_future_ends(string how) => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var failure = new IOException();
        var ran = 0;
        future.AddDoneCallback(_ => ran++);
        Assert.True(how switch
        {
            "result" => future.TrySetResult(),
            "exception" => future.TrySetException(failure),
            _ => future.Cancel(),
        });
        Assert.Equal(0, ran);
        test.RunIterations(1);
        Assert.Equal(1, ran);
        test.RunIterations(1);
        Assert.Equal(1, ran);
        if (how == "exception")
        {
            Assert.Same(failure, future.GetException());
        }
    });

    [Fact]
    public void A_callback_added_to_a_future_that_is_done_runs_soon_and_never_at_once() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        var ran = false;
        future.AddDoneCallback(_ => ran = true);
        Assert.False(ran);
        test.RunIterations(1);
        Assert.True(ran);
    });

    [Fact]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_remove_done_callback")]
    public void Removing_a_callback_removes_all_its_registrations_and_counts_them() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var log = new List<string>();
        Action<Future> first = _ => log.Add("first");
        Action<Future> second = _ => log.Add("second");
        Assert.Equal(0, future.RemoveDoneCallback(first));
        future.AddDoneCallback(first);
        Assert.Equal(0, future.RemoveDoneCallback(second));
        Assert.Equal(1, future.RemoveDoneCallback(first));
        future.AddDoneCallback(first);
        future.AddDoneCallback(second);
        Assert.Equal(1, future.RemoveDoneCallback(second));
        Assert.Equal(0, future.RemoveDoneCallback(second));
        future.AddDoneCallback(second);
        for (var i = 0; i < 5; i++)
        {
            future.AddDoneCallback(first);
        }

        Assert.Equal(6, future.RemoveDoneCallback(first));
        Assert.Equal(0, future.RemoveDoneCallback(first));
        future.SetResult();
        Assert.Empty(log);
        Assert.Equal(0, future.RemoveDoneCallback(second)); // Too late: it is in the queue.
        test.RunIterations(1);
        Assert.Equal(["second"], log);
    });

    [Fact]
    public void Removing_a_callback_leaves_those_who_await() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        Action<Future> callback = _ => Assert.Fail("removed");
        future.AddDoneCallback(callback);
        var task = test.Loop.CreateTask(Await(future));
        await Coroutine.Yield();
        Assert.Equal(1, future.RemoveDoneCallback(callback));
        future.SetResult();
        await task;
    });

    [Fact]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_schedule_callbacks_list_mutation_1")]
    public void Callbacks_may_add_and_remove_callbacks() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var log = new List<string>();
        Action<Future> last = _ => log.Add("last");
        future.AddDoneCallback(_ =>
        {
            log.Add("first");
            future.AddDoneCallback(_ => log.Add("added"));
            Assert.Equal(0, future.RemoveDoneCallback(last));
        });
        future.AddDoneCallback(last);
        future.SetResult();
        test.RunIterations(2);
        Assert.Equal(["first", "last", "added"], log);
    });

    [Fact]
    public void A_callback_that_throws_is_reported_and_the_others_run() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var ran = false;
        future.AddDoneCallback(_ => throw new IOException());
        future.AddDoneCallback(_ => ran = true);
        future.SetResult();
        test.RunIterations(1);
        Assert.True(ran);
        var report = test.TakeReport();
        Assert.Contains("done callback", report.Message, StringComparison.Ordinal);
        Assert.IsType<IOException>(report.Exception);
    });

    [Fact]
    public void A_callback_runs_in_the_context_of_its_registration() => LoopTest.On(test =>
    {
        var local = new AsyncLocal<string>();
        var future = test.Loop.CreateFuture();
        string? seen = null;
        local.Value = "registered";
        future.AddDoneCallback(_ => seen = local.Value);
        local.Value = "completed";
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal("registered", seen);
    });

    [Fact]
    public void Those_who_await_and_callbacks_keep_their_order() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var future = test.Loop.CreateFuture<int>();
        var first = test.Loop.CreateTask(Awaits("task 1"));
        await Coroutine.Yield();
        future.AddDoneCallback(_ => log.Add("callback"));
        var plain = Plain();
        var second = test.Loop.CreateTask(Awaits("task 2"));
        await Coroutine.Yield();
        future.SetResult(1);
        Assert.Empty(log);
        await Coroutine.Yield();
        Assert.Equal(["task 1", "callback", "plain", "task 2"], log);
        await first;
        await second;
        await plain;

        async Coroutine Awaits(string name)
        {
            Assert.Equal(1, await future);
            log.Add(name);
        }

        async Task Plain()
        {
            Assert.Equal(1, await future);
            log.Add("plain");
        }
    });

    [Fact]
    public void Code_after_SetResult_runs_before_those_who_await() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Awaits());
        await Coroutine.Yield();
        test.Loop.CallSoon(() => log.Add("queued before"));
        future.SetResult();
        log.Add("after SetResult");
        await task;
        Assert.Equal(["after SetResult", "queued before", "awaiter"], log);

        async Coroutine Awaits()
        {
            await future;
            log.Add("awaiter");
        }
    });

    [Fact]
    public void Awaiting_a_future_that_is_done_does_not_suspend() => LoopTest.Run(async test =>
    {
        var ran = false;
        var future = test.Loop.CreateFuture<int>();
        future.SetResult(3);
        test.Loop.CallSoon(() => ran = true);
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(3, await future);
        }

        Assert.False(ran);
        await Coroutine.Yield();
    });

    [Fact]
    public void A_future_can_be_awaited_by_any_number() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var tasks = Enumerable.Range(0, 1000).Select(_ => test.Loop.CreateTask(Await())).ToList();
        await Coroutine.Yield();
        future.SetResult(8);
        foreach (var task in tasks)
        {
            Assert.Equal(8, await task);
        }

        async Coroutine<int> Await() => await future + await future - await future;
    });

    [Fact]
    public void A_failure_is_thrown_to_each_who_awaits() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var tasks = Enumerable.Range(0, 3).Select(_ => test.Loop.CreateTask(Await(future))).ToList();
        await Coroutine.Yield();
        future.SetException(new IOException());
        foreach (var task in tasks)
        {
            await Assert.ThrowsAsync<IOException>(async () => await task);
        }
    });

    [Fact]
    public void A_future_of_another_loop_cannot_be_awaited() => LoopTest.Run(async test =>
    {
        Future<int>? foreign = null;
        using (LoopTest.StartThread(() =>
        {
            using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
            foreign = other.CreateFuture<int>();
        }))
        {
        }

        var exception = await Assert.ThrowsAsync<InvalidOperationException>(async () => await AwaitInCoroutine());
        Assert.Contains("RunCoroutineThreadSafe", exception.Message, StringComparison.Ordinal);

        using var idle = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        exception = await Assert.ThrowsAsync<InvalidOperationException>(async () => await idle.CreateFuture());
        Assert.Contains("not running", exception.Message, StringComparison.Ordinal);
        await Coroutine.Yield();

        async Coroutine AwaitInCoroutine() => await foreign!;
    });

    [Fact]
    public void A_future_that_is_done_can_be_awaited_forever_without_starving_the_others() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        var stop = false;
        var rounds = 0;
        var greedy = test.Loop.CreateTask(Greedy());
        var other = test.Loop.CreateTask(Other());
        test.Loop.CallLater(TimeSpan.FromMilliseconds(1), () => stop = true);
        await greedy;
        await other;
        Assert.True(rounds > 128);

        async Coroutine Greedy()
        {
            while (!stop)
            {
                await future;
                rounds++;
                test.Clock.Advance(100);
                Assert.True(rounds < 1_000_000, "The others starve.");
            }
        }

        async Coroutine Other()
        {
            while (!stop)
            {
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void A_trip_is_made_after_128_futures_that_are_done() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        await Coroutine.Yield();
        var ran = false;
        test.Loop.CallSoon(() => ran = true);
        for (var i = 0; i < 128; i++)
        {
            await future;
        }

        Assert.False(ran);
        await future;
        Assert.True(ran);
    });

    [Fact]
    public void A_task_that_awaits_only_what_is_done_can_be_cancelled() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        var rounds = 0;
        var task = test.Loop.CreateTask(Greedy());
        await Coroutine.Yield();
        await Coroutine.Yield();
        task.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal("enough", exception.Message);

        async Coroutine Greedy()
        {
            while (true)
            {
                await future;
                Assert.True(++rounds < 100_000, "It cannot be cancelled.");
            }
        }
    });

    private static async Coroutine Await(Future future) => await future;

    private static void AssertFinal(Future future)
    {
        Assert.Throws<InvalidStateException>(() => future.SetException(new IOException()));
        Assert.False(future.TrySetException(new IOException()));
        Assert.False(future.Cancel());
        Assert.True(future.IsDone);
    }
}
