using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

public class AsyncEventTests
{
    [Fact]
    [CPython("test_locks.EventTests.test_wait_on_set")]
    [CPython("test_locks.EventTests.test_clear")]
    public void Waiting_for_a_set_event_does_not_suspend() => LoopTest.Run(async () =>
    {
        var signal = new AsyncEvent();
        Assert.False(signal.IsSet);
        signal.Set();
        Assert.True(signal.IsSet);
        Assert.True(signal.WaitAsync().IsCompletedSuccessfully);
        signal.Clear();
        Assert.False(signal.IsSet);
        await new AsyncEvent(isSet: true).WaitAsync();
    });

    [Fact]
    public void Set_wakes_all_in_the_order_in_which_they_came() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        var log = new List<int>();
        for (var i = 0; i < 4; i++)
        {
            _ = test.Loop.CreateTask(Wait(i));
        }

        await Coroutine.Yield();
        Assert.Equal(4, signal.WaiterCount);
        Assert.Equal("AsyncEvent (unset, 4 waiting)", signal.ToString());
        signal.Set();
        signal.Set();
        Assert.Empty(log);
        Assert.Equal("AsyncEvent (set)", signal.ToString());
        await test.Drain();
        Assert.Equal([0, 1, 2, 3], log);

        async Coroutine Wait(int number)
        {
            await signal.WaitAsync();
            log.Add(number);
        }
    });

    [Fact]
    public void Who_was_woken_goes_on_even_if_the_event_is_cleared_at_once() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        var first = test.Loop.CreateTask(Wait(signal));
        await Coroutine.Yield();
        signal.Set();
        signal.Clear();
        var second = test.Loop.CreateTask(Wait(signal));
        await first;
        await Coroutine.Yield();
        Assert.False(second.IsDone);
        signal.Set();
        await second;
    });

    [Fact]
    [CPython("test_locks.EventTests.test_wait_cancel")]
    public void A_waiter_that_is_cancelled_leaves_the_others() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        var first = test.Loop.CreateTask(Wait(signal));
        var second = test.Loop.CreateTask(Wait(signal));
        await Coroutine.Yield();
        first.Cancel("why");
        Assert.Equal(1, signal.WaiterCount);
        signal.Set();
        await second;
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await first)).Message);
    });

    [Fact]
    public void A_cancel_after_Set_arrives_at_the_next_suspension() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        var isWoken = false;
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        signal.Set();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(isWoken);

        async Coroutine Body()
        {
            await signal.WaitAsync();
            isWoken = true;
            await Coroutine.Yield();
            Assert.Fail("The task was cancelled.");
        }
    });

    private static async Coroutine Wait(AsyncEvent signal) => await signal.WaitAsync();
}
