namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>EventTests</c> pin down, besides what the tests of <see cref="AsyncEvent"/> do.</summary>
public class EventConformanceTests
{
    [Fact]
    [CPython("test_locks.EventTests.test_repr")]
    public void ToString_says_whether_the_event_is_set_and_how_many_wait() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        Assert.Equal("AsyncEvent (unset, 0 waiting)", signal.ToString());
        var waiter = test.Loop.CreateTask(Wait(signal));
        await Coroutine.Yield();
        Assert.Equal("AsyncEvent (unset, 1 waiting)", signal.ToString());
        signal.Set();
        Assert.Equal("AsyncEvent (set)", signal.ToString());
        await waiter;
    });

    [Fact]
    [CPython("test_locks.EventTests.test_wait")]
    public void A_task_that_comes_when_the_event_was_just_set_does_not_wait_for_those_who_did() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        Assert.False(signal.IsSet);
        var log = new List<int>();
        var first = test.Loop.CreateTask(Wait(1));
        var second = test.Loop.CreateTask(Wait(2));
        await Coroutine.Yield();
        Assert.Empty(log);

        var third = test.Loop.CreateTask(Wait(3)); // its first step is queued before the event wakes the others
        signal.Set();
        await Coroutine.Yield();
        Assert.Equal([3, 1, 2], log);
        Assert.True(first.IsDone && second.IsDone && third.IsDone);

        async Coroutine Wait(int number)
        {
            await signal.WaitAsync();
            log.Add(number);
        }
    });

    [Fact]
    [CPython("test_locks.EventTests.test_clear_with_waiters")]
    public void Setting_and_clearing_it_again_and_again_wakes_a_waiter_once() => LoopTest.Run(async test =>
    {
        var signal = new AsyncEvent();
        var woken = 0;
        var task = test.Loop.CreateTask(WaitAndCount());
        await Coroutine.Yield();
        Assert.Equal(1, signal.WaiterCount);

        signal.Set();
        signal.Clear();
        Assert.False(signal.IsSet);
        signal.Set();
        signal.Set();
        Assert.Equal(0, woken);
        Assert.Equal(0, signal.WaiterCount); // Nobody is waiting any more, though the task has not run.

        await Coroutine.Yield();
        Assert.Equal(1, woken);
        Assert.True(task.IsDone);
        Assert.True(signal.IsSet);

        async Coroutine WaitAndCount()
        {
            await signal.WaitAsync();
            woken++;
        }
    });

    private static async Coroutine Wait(AsyncEvent signal) => await signal.WaitAsync();
}
