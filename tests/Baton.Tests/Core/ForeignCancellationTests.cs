namespace Baton.Tests.Core;

public class ForeignCancellationTests
{
    [Fact]
    public void A_task_that_ends_by_a_foreign_operation_that_obeyed_its_token_throws_the_loops_exception() => LoopTest.Run(async () =>
    {
        var task = Coroutine.Start(WaitForTokenAsync());
        await Coroutine.Yield();

        task.Cancel();

        var first = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);
        Assert.IsType<TaskCanceledException>(first.InnerException);
        Assert.Throws<CancelledException>(task.GetResult);

        static async Coroutine WaitForTokenAsync() =>
            await Task.Delay(System.Threading.Timeout.Infinite, LoopTask.Current!.CancellationToken);
    });
}
