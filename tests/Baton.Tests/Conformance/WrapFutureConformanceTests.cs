namespace Baton.Tests.Conformance;

/// <summary>
/// Of CPython's <c>BaseFutureTests</c>, those about waiting for what is done elsewhere: a thread pool's future there, a <see cref="Task"/>
/// here.
/// </summary>
public class WrapFutureConformanceTests
{
    [Fact]
    [CPython("test_futures.BaseFutureTests.test_wrap_future")]
    [CPython("test_futures.BaseFutureTests.test_wrap_future_use_running_loop")]
    public void The_result_of_work_on_another_thread_comes_back_to_the_loop_that_runs() => LoopTest.Run(async test =>
    {
        var task = LoopTask.Current;
        using var gate = new ManualResetEvent(false);
        var work = new TaskCompletionSource<(string, int)>(TaskCreationOptions.RunContinuationsAsynchronously);
        using var thread = LoopTest.StartThread(() =>
        {
            LoopTest.Await(gate);
            work.SetResult(("oi", Environment.CurrentManagedThreadId));
        });
        test.Loop.CallSoon(() => gate.Set());
        var (result, threadId) = await Coroutine.FromTask(work.Task);
        Assert.Equal("oi", result);
        Assert.NotEqual(Environment.CurrentManagedThreadId, threadId);
        Assert.Same(test.Loop, EventLoop.Current);
        Assert.Same(task, LoopTask.Current);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_wrap_future_future")]
    public void What_is_a_future_already_is_waited_for_as_it_is() => LoopTest.Run(async test =>
    {
        Future future = test.Loop.CreateFuture<int>();
        test.Loop.CallSoon(() => ((Future<int>)future).SetResult(1));
        var (done, pending) = await Coroutine.Wait([future]);
        Assert.Same(future, Assert.Single(done));
        Assert.Empty(pending);
        Assert.Same(future, Coroutine.Shield(future));
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_wrap_future_without_loop")]
    public void Without_a_loop_nothing_can_wait() => LoopTest.OnThread(() =>
    {
        var source = new TaskCompletionSource<int>();
        var exception = Assert.Throws<InvalidOperationException>(() => Plain().GetAwaiter().GetResult());
        Assert.Contains("runs no event loop", exception.Message, StringComparison.Ordinal);

        async Task<int> Plain() => await Coroutine.FromTask(source.Task);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_wrap_future_cancel")]
    public void Cancelling_who_waits_cancels_the_work_that_has_its_token() => LoopTest.Run(async test =>
    {
        Task? work = null;
        var waits = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();
        Assert.False(work!.IsCompleted);
        Assert.True(waits.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await waits);
        Assert.True(work.IsCanceled);
        Assert.True(waits.IsCancelled);

        async Coroutine Wait()
        {
            work = Task.Delay(Timeout.InfiniteTimeSpan, LoopTask.Current!.CancellationToken);
            await Coroutine.FromTask(work);
        }
    });

    [Theory]
    [CPython(
        "test_futures.BaseFutureTests.test_wrap_future_cancel2",
        Improvement = "A result that was there before the cancellation is delivered; the cancellation holds for the next suspension.")]
    [InlineData(false)]
    [InlineData(true)]
    public void What_had_ended_before_the_cancellation_is_delivered_first(bool fails) => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var source = new TaskCompletionSource<int>();
        var waits = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();
        if (fails)
        {
            source.SetException(new IOException("broken"));
        }
        else
        {
            source.SetResult(42);
        }

        Assert.True(waits.Cancel("too late"));
        Assert.Equal("too late", (await Assert.ThrowsAsync<CancelledException>(async () => await waits)).Message);
        Assert.Equal([fails ? "broken" : "42"], log);
        Assert.False(source.Task.IsCanceled);

        async Coroutine Wait()
        {
            try
            {
                log.Add($"{await Coroutine.FromTask(source.Task)}");
            }
            catch (IOException exception)
            {
                log.Add(exception.Message);
            }

            await Coroutine.Yield();
            log.Add("went on");
        }
    });

    [Theory]
    [CPython("test_futures.BaseFutureTests.test_copy_state")]
    [InlineData("there and back")]
    [InlineData("shielded")]
    public void How_something_ended_is_passed_on(string how) => LoopTest.Run(async test =>
    {
        Assert.Equal(10, await Pass(Return(10)));
        Assert.Equal(10, await Pass(Coroutine.FromResult(10)));

        // With the stack of where it was thrown, once.
        var exception = await Assert.ThrowsAsync<IOException>(async () => await Pass(Fail()));
        Assert.Equal("failed", exception.Message);
        Assert.Equal(2, exception.StackTrace!.Split($".{nameof(ThrowIt)}(").Length);

        if (how == "shielded")
        {
            var shield = Coroutine.Shield(Cancelled());
            await Assert.ThrowsAsync<CancelledException>(async () => await shield);
            Assert.True(shield.IsCancelled);
        }
        else
        {
            // Of the BCL's type where it comes by way of the BCL.
            var task = test.Loop.RunCoroutineThreadSafe(Cancelled());
            await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Coroutine.FromTask(task));
            Assert.True(task.IsCanceled);
        }

        async Coroutine<int> Pass(Coroutine<int> coroutine) => how == "shielded"
            ? await Coroutine.Shield(coroutine)
            : await Coroutine.FromTask(test.Loop.RunCoroutineThreadSafe(coroutine));

        static async Coroutine<int> Return(int value)
        {
            await Coroutine.Yield();
            return value;
        }

        static async Coroutine<int> Fail()
        {
            await Coroutine.Yield();
            return ThrowIt();
        }

        static async Coroutine<int> Cancelled()
        {
            LoopTask.Current!.Cancel();
            await Coroutine.Yield();
            return 1;
        }
    });

    private static int ThrowIt() => throw new IOException("failed");
}
