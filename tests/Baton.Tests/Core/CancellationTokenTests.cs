namespace Baton.Tests.Core;

/// <summary><see cref="LoopTask.CancellationToken"/>, and what other people's cancellation exceptions mean.</summary>
public class CancellationTokenTests
{
    [Fact]
    public void The_token_is_cancelled_with_the_task() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        var token = task.CancellationToken;
        Assert.True(token.CanBeCanceled);
        Assert.False(token.IsCancellationRequested);
        Assert.Equal(token, task.CancellationToken);
        await Coroutine.Yield();
        task.Cancel();
        Assert.True(token.IsCancellationRequested);
        await AssertCancelled(task);
    });

    [Fact]
    public void A_token_asked_for_after_the_request_is_cancelled_already() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        task.Cancel();
        Assert.True(task.CancellationToken.IsCancellationRequested);
        await AssertCancelled(task);
    });

    [Fact]
    public void A_token_asked_for_after_the_end_tells_how_the_task_ended() => LoopTest.Run(async test =>
    {
        var cancelled = test.Loop.CreateTask(Coroutine.FromException(new CancelledException()));
        var succeeded = test.Loop.CreateTask(Coroutine.FromResult(1));
        await succeeded;
        await AssertCancelled(cancelled);
        Assert.True(cancelled.CancellationToken.IsCancellationRequested);
        Assert.False(succeeded.CancellationToken.IsCancellationRequested);
    });

    [Fact]
    public void After_the_last_request_was_taken_back_there_is_a_fresh_token() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        await task;

        static async Coroutine Body()
        {
            var self = LoopTask.Current!;
            var token = self.CancellationToken;
            self.Cancel();
            self.Cancel();
            self.Uncancel();
            Assert.True(self.CancellationToken.IsCancellationRequested);
            self.Uncancel();
            Assert.False(self.CancellationToken.IsCancellationRequested);
            Assert.True(token.IsCancellationRequested);
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_callback_of_the_token_that_throws_is_reported_and_the_cancellation_goes_on() => LoopTest.Run(async test =>
    {
        var ran = false;
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan), "t");
        task.CancellationToken.Register(() => ran = true);
        task.CancellationToken.Register(() => throw new IOException());
        await Coroutine.Yield();
        Assert.True(task.Cancel());
        await AssertCancelled(task);
        Assert.True(ran);
        var report = test.TakeReport();
        Assert.Contains("'t'", report.Message, StringComparison.Ordinal);
        Assert.IsType<IOException>(Assert.IsType<AggregateException>(report.Exception).InnerException);
    });

    [Fact]
    public void A_callback_of_the_token_may_cancel_again() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        var other = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        task.CancellationToken.Register(() =>
        {
            task.Cancel();
            other.Cancel();
        });
        await Coroutine.Yield();
        task.Cancel();
        Assert.Equal(2, task.CancelRequests);
        await AssertCancelled(task);
        await AssertCancelled(other);
    });

    [Fact]
    public void A_foreign_wait_that_was_given_the_token_ends_the_task_as_cancelled() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel();
        await AssertCancelled(task);

        static async Coroutine Body() => await Task.Delay(Timeout.InfiniteTimeSpan, LoopTask.Current!.CancellationToken);
    });

    [Fact]
    public void A_foreign_cancellation_is_a_cancellation_to_all_who_look_at_the_task() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        var awaiting = test.Loop.CreateTask(Await());
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();
        await Coroutine.Yield();
        await Coroutine.Yield();
        await AssertCancelled(awaiting);
        var exception = Assert.Throws<CancelledException>(task.GetResult);
        Assert.Throws<CancelledException>(() => task.GetException());
        Assert.True(exception.InnerException is null or OperationCanceledException);

        static async Coroutine Body()
        {
            // Not even the token: only the fact that somebody asked makes this a cancellation.
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                throw new OperationCanceledException("a library's");
            }
        }

        async Coroutine Await() => await task;
    });

    [Fact]
    public void The_first_look_at_a_foreign_cancellation_has_the_original_as_its_cause() => LoopTest.Run(async test =>
    {
        var original = new OperationCanceledException("a library's", new CancellationToken(true));
        var task = test.Loop.CreateTask(Coroutine.FromException(original));
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Same(original, exception.InnerException);
        Assert.True(task.IsCancelled);
    });

    [Fact]
    public void A_foreign_cancellation_for_which_nobody_asked_is_a_failure() => LoopTest.Run(async test =>
    {
        var original = new OperationCanceledException("nobody asked");
        var task = test.Loop.CreateTask(Coroutine.FromException(original));
        var exception = await Assert.ThrowsAsync<OperationCanceledException>(async () => await task);
        Assert.Same(original, exception);
        Assert.True(task.IsFailed);
        Assert.False(task.IsCancelled);
    });

    [Fact]
    public void A_foreign_cancellation_by_a_token_that_was_cancelled_counts() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        await source.CancelAsync();
        await AssertCancelled(task);

        async Coroutine Body() => await Task.Delay(Timeout.InfiniteTimeSpan, source.Token);
    });

    [Fact]
    public void A_time_out_dressed_up_as_a_cancellation_is_a_failure() => LoopTest.Run(async test =>
    {
        // As HttpClient throws it.
        var original = new TaskCanceledException("timed out", new TimeoutException(), new CancellationToken(true));
        var task = test.Loop.CreateTask(Coroutine.FromException(original));
        Assert.Same(original, await Assert.ThrowsAsync<TaskCanceledException>(async () => await task));
        Assert.True(task.IsFailed);
    });

    [Fact]
    public void The_token_is_cancelled_before_what_the_task_waits_for() => LoopTest.Run(async test =>
    {
        var seen = false;
        LoopTask? task = null;
        var operation = new TestOperation(test.Loop)
        {
            OnCancel = (self, message) =>
            {
                seen = task!.CancellationToken.IsCancellationRequested;
                return TestOperation.EndAtOnce(self, message);
            },
        };
        task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        task.Cancel();
        Assert.True(seen);
        await AssertCancelled(task);

        async Coroutine Body()
        {
            _ = LoopTask.Current!.CancellationToken;
            await operation.Start();
        }
    });

    private static async Coroutine AssertCancelled(LoopTask task)
    {
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
    }
}
