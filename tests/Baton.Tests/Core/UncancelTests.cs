namespace Baton.Tests.Core;

/// <summary><see cref="LoopTask.Uncancel"/>: taking a request to cancel back.</summary>
public class UncancelTests
{
    [Fact]
    public void Uncancel_counts_down_and_never_below_zero() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        Assert.Equal(0, task.Uncancel());
        task.Cancel();
        task.Cancel();
        Assert.Equal(1, task.Uncancel());
        Assert.Equal(0, task.Uncancel());
        Assert.Equal(0, task.Uncancel());
        Assert.Equal(0, task.CancelRequests);
        await AssertCancelled(task);
    });

    [Fact]
    public void Uncancel_to_zero_drops_a_cancellation_that_was_not_delivered() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        Assert.Equal(1, await task);

        static async Coroutine<int> Body()
        {
            var self = LoopTask.Current!;
            self.Cancel();
            self.Cancel();
            self.Uncancel();
            self.Uncancel();
            await Coroutine.Yield();
            return 1;
        }
    });

    [Fact]
    public void Uncancel_to_more_than_zero_keeps_it() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Body());
        await AssertCancelled(task);

        static async Coroutine Body()
        {
            var self = LoopTask.Current!;
            self.Cancel();
            self.Cancel();
            self.Uncancel();
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void Uncancel_before_the_first_step_lets_the_body_run() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        task.Cancel();
        task.Uncancel();
        Assert.Equal(1, await task);
    });

    private static async Coroutine AssertCancelled(LoopTask task)
    {
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
    }
}
