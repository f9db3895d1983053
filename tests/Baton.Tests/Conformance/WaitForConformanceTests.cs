namespace Baton.Tests.Conformance;

/// <summary><c>Coroutine.WaitFor</c> for what will not be cancelled, and with shields.</summary>
public class WaitForConformanceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_asyncio_wait_for_cancelled")]
    public void Cancelling_who_waits_waits_for_what_ignores_the_cancellation() => LoopTest.Run(async test =>
    {
        var exited = false;
        var waiter = Coroutine.Start(Coroutine.WaitFor(IgnoreFor(2 * Second, () => exited = true), 4 * Second));
        await Coroutine.Yield();
        waiter.Cancel();
        await Coroutine.Wait([waiter]);
        Assert.True(exited);
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_asyncio_wait_for_timeout")]
    public void When_the_time_is_over_what_ignores_that_is_waited_for() => LoopTest.Run(async test =>
    {
        var exited = false;
        await Coroutine.WaitFor(IgnoreFor(2 * Second, () => exited = true), Second);
        Assert.True(exited);
        Assert.Equal(2 * Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    [Theory]
    [InlineData(-1)]
    [InlineData(60_000)]
    [CPython("test_waitfor.AsyncioWaitForTest.test_cancel_blocking_wait_for")]
    [CPython("test_waitfor.AsyncioWaitForTest.test_cancel_wait_for")]
    public void Cancelling_who_waits_cancels_the_task_that_is_waited_for(int milliseconds) => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Block());
        var waiter = Coroutine.Start(Coroutine.WaitFor(task, TimeSpan.FromMilliseconds(milliseconds)));
        test.Loop.CallSoon(() => waiter.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.True(task.IsCancelled && waiter.IsCancelled);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
        Assert.Equal(0, test.Loop.TimerCount);

        async Coroutine Block() => await test.Loop.CreateFuture();
    });

    [Fact]
    [CPython("test_waitfor.AsyncioWaitForTest.test_wait_for_issue86296")]
    [CPython("regressions.Tasks.gh-86296")]
    public void A_request_in_the_iteration_in_which_the_awaited_task_ends_is_not_swallowed() => LoopTest.Run(async test =>
    {
        var reachedEnd = false;
        var inner = Coroutine.Start(Coroutine.FromResult("done"));
        var task = Coroutine.Start(Body());
        Assert.False(task.IsDone);
        await Coroutine.Yield();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal("done", await inner);
        Assert.False(reachedEnd);

        async Coroutine Body()
        {
            await Coroutine.WaitFor(inner, 100 * Second);
            await Coroutine.Sleep(Second);
            reachedEnd = true;
        }
    });

    [Fact]
    [CPython("test_waitfor.WaitForShieldTests.test_zero_timeout")]
    public void With_no_time_a_shield_is_cancelled_and_what_it_shields_runs() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Coroutine.Sleep(Second, "done"));
        var shield = Coroutine.Shield(task);
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(shield, TimeSpan.Zero));
        Assert.True(shield.IsCancelled);
        Assert.False(task.IsDone);
        Assert.Equal("done", await task);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    [CPython("test_waitfor.WaitForShieldTests.test_none_timeout")]
    public void Without_a_limit_a_shield_is_just_awaited() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Coroutine.Sleep(Hour, "done"));
        Assert.Equal("done", await Coroutine.WaitFor(Coroutine.Shield(task), Timeout.InfiniteTimeSpan));
        Assert.Equal("done", task.GetResult());
    });

    [Fact]
    [CPython("test_waitfor.WaitForShieldTests.test_shielded_timeout")]
    public void When_the_time_is_over_what_is_shielded_runs_on() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Coroutine.Sleep(2 * Second, "done"));
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Coroutine.Shield(task), Second));
        Assert.Equal(Second, test.Elapsed);
        Assert.False(task.IsDone);
        Assert.Equal("done", await task);
    });

    /// <summary>Takes its time, whatever comes.</summary>
    private static async Coroutine IgnoreFor(TimeSpan time, Action exit)
    {
        var loop = EventLoop.Current;
        var end = loop.Time + (long)time.TotalNanoseconds;
        while (loop.Time < end)
        {
            try
            {
                await Coroutine.Sleep(TimeSpan.FromTicks((end - loop.Time) / 100));
            }
            catch (CancelledException)
            {
            }
        }

        exit();
    }
}
