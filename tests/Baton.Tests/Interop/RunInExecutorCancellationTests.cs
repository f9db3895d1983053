using Baton.Tests.Conformance;

namespace Baton.Tests.Interop;

/// <summary>Cancelling a call in an executor at every stage: queued, running, ended but not delivered, delivered.</summary>
public class RunInExecutorCancellationTests
{
    [Fact]
    [CPython("test_futures.BaseFutureTests.test_wrap_future_cancel")]
    public void A_call_that_stands_in_line_never_runs() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(() => Assert.Fail("It ran."), executor);
        Assert.True(future.Cancel("no more"));
        Assert.True(future.IsCancelled);
        Assert.False(future.Cancel());
        executor.RunNext();
        await LoopTest.Settle();
        Assert.Equal("no more", (await Assert.ThrowsAsync<CancelledException>(async () => await future)).Message);
    });

    [Fact]
    public void A_task_that_waits_for_a_call_in_line_ends_at_once_and_the_call_never_runs() => LoopTest.Run(async () =>
    {
        var executor = new ManualExecutor();
        var task = Coroutine.Start(Coroutine.ToThread(() => Assert.Fail("It ran."), executor));
        await Coroutine.Yield();
        Assert.Equal(1, executor.Count);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        executor.RunNext();
    });

    [Fact]
    public void A_function_that_runs_is_left_alone_and_its_result_dropped() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var ended = false;
        var task = Coroutine.Start(Coroutine.ToThread(
            () =>
            {
                running.Set();
                LoopTest.Await(release);
                ended = true;
                return 1;
            },
            executor));
        await Coroutine.Yield();
        using (executor.Start())
        {
            LoopTest.Await(running);
            task.Cancel();
            await Assert.ThrowsAsync<CancelledException>(async () => await task);
            Assert.False(ended);
            release.Set();
        }

        Assert.True(ended);
        await LoopTest.Settle();
    });

    [Fact]
    public void The_failure_of_an_abandoned_function_is_reported_on_the_loop() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var future = test.Loop.RunInExecutor(
            () =>
            {
                running.Set();
                LoopTest.Await(release);
                throw new IOException("too late");
            },
            executor);
        using (executor.Start())
        {
            LoopTest.Await(running);
            Assert.True(future.Cancel());
            release.Set();
        }

        Assert.Empty(test.TakeReports());
        await LoopTest.Settle();
        var report = test.TakeReport();
        Assert.Equal("too late", report.Exception!.Message);
        Assert.Same(future, report.Future);
        Assert.Contains(nameof(The_failure_of_an_abandoned_function_is_reported_on_the_loop), report.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void The_failure_of_an_abandoned_function_is_reported_after_the_loop_has_closed() => LoopTest.On(test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var future = test.Loop.RunInExecutor(
            () =>
            {
                running.Set();
                LoopTest.Await(release);
                throw new IOException("much too late");
            },
            executor);
        using (executor.Start())
        {
            LoopTest.Await(running);
            future.Cancel();
            test.Loop.Dispose();
            release.Set();
        }

        Assert.Equal("much too late", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_function_that_had_ended_delivers_and_the_cancellation_holds_for_the_next_suspension() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        var result = 0;
        var task = Coroutine.Start(Body());
        await Coroutine.Yield();
        executor.RunNext();
        Assert.True(task.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(7, result);

        async Coroutine Body()
        {
            result = await Coroutine.ToThread(() => 7, executor);
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void A_function_that_had_failed_delivers_its_exception() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(() => throw new IOException("before"), executor);
        executor.RunNext();
        Assert.False(future.Cancel());
        Assert.True(future.IsFailed);
        Assert.Equal("before", (await Assert.ThrowsAsync<IOException>(async () => await future)).Message);
        await LoopTest.Settle();
    });

    [Fact]
    public void A_call_that_has_been_delivered_cannot_be_cancelled() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(() => 7, executor);
        executor.RunNext();
        await LoopTest.Settle();
        Assert.True(future.IsDone);
        Assert.False(future.Cancel());
        Assert.Equal(7, await future);
    });

    [Fact]
    public void A_token_tells_the_function_and_its_answer_is_not_reported() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        var task = Coroutine.Start(Coroutine.ToThread(
            token =>
            {
                running.Set();
                LoopTest.Await(token.WaitHandle);
                token.ThrowIfCancellationRequested();
                return 1;
            },
            executor));
        await Coroutine.Yield();
        using (executor.Start())
        {
            LoopTest.Await(running);
            task.Cancel();
            await Assert.ThrowsAsync<CancelledException>(async () => await task);
        }

        await LoopTest.Settle();
    });

    [Fact]
    public void A_token_that_nobody_cancels_is_not_cancelled() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        CancellationToken seen = default;
        Assert.False(await Coroutine.ToThread(token => (seen = token).IsCancellationRequested, executor));
        Assert.True(seen.CanBeCanceled);
        await Coroutine.ToThread(token => { Assert.NotEqual(seen, token); }, executor);
        await test.Loop.RunInExecutor(token => { Assert.False(token.IsCancellationRequested); }, executor);
    });

    [Fact]
    public void Another_failure_than_the_answer_to_the_token_is_reported() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        Action<CancellationToken> function = token =>
        {
            running.Set();
            LoopTest.Await(token.WaitHandle);
            throw new IOException("while it tidied up");
        };
        var future = test.Loop.RunInExecutor(function, executor);
        using (executor.Start())
        {
            LoopTest.Await(running);
            future.Cancel();
        }

        await LoopTest.Settle();
        Assert.Equal("while it tidied up", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_callback_on_the_token_that_throws_is_reported() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var future = test.Loop.RunInExecutor(
            token =>
            {
                token.Register(() => throw new IOException("in the callback"));
                running.Set();
                LoopTest.Await(release);
            },
            executor);
        using (executor.Start())
        {
            LoopTest.Await(running);
            Assert.True(future.Cancel());
            release.Set();
        }

        Assert.IsType<AggregateException>(test.TakeReport().Exception);
        await LoopTest.Settle();
    });

    [Fact]
    public void An_OperationCanceledException_that_nobody_asked_for_is_a_failure() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        var future = test.Loop.RunInExecutor(() => throw new OperationCanceledException("of its own"), executor);
        Assert.Equal("of its own", (await Assert.ThrowsAsync<OperationCanceledException>(async () => await future)).Message);
        Assert.True(future.IsFailed);
        Assert.False(future.IsCancelled);
    });

    [Fact]
    public void A_future_that_somebody_else_completed_keeps_that_result() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(() => 1, executor);
        future.SetResult(2);
        executor.RunNext();
        await LoopTest.Settle();
        Assert.Equal(2, await future);
    });

    [Fact]
    public void Reports_name_the_function() => LoopTest.Run(async test =>
    {
        var executor = new ManualExecutor();
        var future = test.Loop.RunInExecutor(Nothing, executor);
        Assert.Equal("Call of Baton.Tests.Interop.RunInExecutorCancellationTests.Nothing in an executor (pending)", future.ToString());
        executor.RunNext();
        await future;
        Assert.Equal("Call in an executor (done)", future.ToString());
    });

    private static void Nothing()
    {
    }
}
