namespace Baton.Tests.Conformance;

/// <summary>CPython's <c>RunCoroutineThreadsafeTests</c>, as far as the tests of that method do not ask the same.</summary>
public class RunCoroutineThreadSafeConformanceTests
{
    [Fact]
    [CPython("test_tasks.RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_with_timeout")]
    public void Who_waits_no_longer_cancels_and_no_task_is_left() => LoopBeside.Run(loop =>
    {
        using var source = new CancellationTokenSource();
        var call = loop.RunCoroutineThreadSafe(Forever(), source.Token);
        Assert.Throws<TimeoutException>(() => call.WaitAsync(TimeSpan.Zero).GetAwaiter().GetResult());
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => call.GetAwaiter().GetResult());
        Assert.Equal(1, loop.RunCoroutineThreadSafe(CountTasks()).GetAwaiter().GetResult());

        async Coroutine<int> CountTasks()
        {
            await Coroutine.Yield();
            return loop.TaskCount;
        }
    });

    [Fact]
    [CPython(
        "test_tasks.RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_task_factory_exception",
        Improvement = "The failure of the task factory goes to the caller, and to the caller alone: it is not reported to the exception handler as well.")]
    public void A_task_factory_that_throws_is_told_to_the_thread_that_called() => LoopBeside.Run(loop =>
    {
        var coroutine = Coroutine.FromResult(3);
        loop.Invoke(() => loop.TaskFactory = new BrokenFactory());
        var call = loop.RunCoroutineThreadSafe(coroutine);
        Assert.Equal("no tasks today", Assert.Throws<IOException>(() => call.GetAwaiter().GetResult()).Message);

        // And uses nothing up.
        loop.Invoke(() => loop.TaskFactory = null);
        Assert.Equal(3, loop.RunCoroutineThreadSafe(coroutine).GetAwaiter().GetResult());
    });

    [Fact]
    [CPython("test_tasks.RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_and_cancel")]
    public void Cancelling_from_the_loop_itself_ends_both_the_task_and_what_the_caller_holds() => LoopTest.Run(async test =>
    {
        LoopTask? task = null;
        using var source = new CancellationTokenSource();
        var call = test.Loop.RunCoroutineThreadSafe(Sleep(), source.Token);
        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.False(task!.IsDone);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
        Assert.True(task.IsCancelled);
        Assert.True(call.IsCanceled);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);

        async Coroutine Sleep()
        {
            task = LoopTask.Current;
            await Coroutine.Sleep(TimeSpan.FromSeconds(10));
        }
    });

    private static async Coroutine Forever() => await Coroutine.Sleep(Timeout.InfiniteTimeSpan);

    private sealed class BrokenFactory : LoopTaskFactory
    {
        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope) =>
            throw new IOException("no tasks today");

        public override LoopTask<TResult> Create<TResult>(
            EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope) =>
            throw new IOException("no tasks today");
    }
}
