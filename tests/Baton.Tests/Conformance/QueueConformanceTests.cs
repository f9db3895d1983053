namespace Baton.Tests.Conformance;

/// <summary>
/// What CPython's <c>QueueBasicTests</c> and <c>QueueGetTests</c> pin down, besides what <see cref="AsyncQueue{T}"/>'s own tests do.
/// </summary>
public class QueueConformanceTests
{
    [Fact]
    [CPython("test_queues.QueueBasicTests.test_repr")]
    [CPython("test_queues.QueueBasicTests.test_str")]
    public void ToString_says_what_is_in_the_queue_and_how_many_wait() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        Assert.StartsWith("AsyncQueue (", queue.ToString(), StringComparison.Ordinal);
        var getter = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        Assert.Contains("1 getting", queue.ToString(), StringComparison.Ordinal);
        queue.PutNoWait(0);
        Assert.Equal(0, await getter);
        Assert.Contains("0 getting", queue.ToString(), StringComparison.Ordinal);

        queue.PutNoWait(1);
        var putter = test.Loop.CreateTask(Put(queue, 2));
        await Coroutine.Yield();
        Assert.Contains("1 of 1 items", queue.ToString(), StringComparison.Ordinal);
        Assert.Contains("1 putting", queue.ToString(), StringComparison.Ordinal);
        queue.GetNoWait();
        await putter;
        Assert.Contains("1 of 1 items", queue.ToString(), StringComparison.Ordinal);
        Assert.Contains("0 putting", queue.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_queues.QueueBasicTests.test_empty")]
    public void A_queue_is_empty_until_something_is_put_in_and_when_that_is_taken_out() => LoopTest.Run(async () =>
    {
        var queue = new AsyncQueue<int>();
        Assert.True(queue.IsEmpty);
        await queue.PutAsync(1);
        Assert.False(queue.IsEmpty);
        Assert.Equal(1, await queue.GetAsync());
        Assert.True(queue.IsEmpty);
    });

    [Fact]
    [CPython("test_queues.QueueBasicTests.test_full")]
    public void A_queue_is_full_when_it_holds_as_many_as_it_may() => LoopTest.Run(async () =>
    {
        Assert.False(new AsyncQueue<int>().IsFull);
        var queue = new AsyncQueue<int>(1);
        Assert.False(queue.IsFull);
        await queue.PutAsync(1);
        Assert.True(queue.IsFull);
    });

    [Fact]
    [CPython("test_queues.QueueBasicTests.test_maxsize")]
    public void A_task_that_puts_more_than_there_is_room_for_goes_on_when_there_is() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(2);
        var put = new List<int>();
        Assert.Equal(2, queue.MaxSize);
        var task = test.Loop.CreateTask(PutThree());
        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.Equal([0, 1], put);
        Assert.Equal(0, await queue.GetAsync());
        await Coroutine.Yield();
        Assert.Equal([0, 1, 2], put);
        Assert.Equal(1, await queue.GetAsync());
        Assert.Equal(2, await queue.GetAsync());
        Assert.True(task.IsDone);

        async Coroutine PutThree()
        {
            for (var i = 0; i < 3; i++)
            {
                await queue.PutAsync(i);
                put.Add(i);
            }
        }
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_blocking_get")]
    [CPython("test_queues.QueueGetTests.test_nonblocking_get")]
    [CPython("test_queues.QueuePutTests.test_nonblocking_put")]
    [CPython("test_queues.QueuePutTests.test_blocking_put")]
    public void What_is_there_is_taken_at_once_and_where_there_is_room_it_is_put_at_once() => LoopTest.Run(async () =>
    {
        var queue = new AsyncQueue<int>();
        queue.PutNoWait(1);
        Assert.Equal(1, queue.GetNoWait());
        queue.PutNoWait(2);
        var get = queue.GetAsync();
        Assert.True(get.IsCompletedSuccessfully);
        Assert.Equal(2, await get);
        var put = queue.PutAsync(3);
        Assert.True(put.IsCompletedSuccessfully);
        await put;
        Assert.Equal(3, await queue.GetAsync());
        Assert.True(queue.IsEmpty);
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_nonblocking_get_exception")]
    [CPython("test_queues.QueuePutTests.test_nonblocking_put_exception")]
    public void What_cannot_be_done_at_once_throws_also_where_no_loop_runs()
    {
        var queue = new AsyncQueue<int>(1);
        Assert.Throws<QueueEmptyException>(() => queue.GetNoWait());
        queue.PutNoWait(1);
        Assert.Throws<QueueFullException>(() => queue.PutNoWait(2));
        Assert.Equal(1, queue.GetNoWait());
    }

    [Fact]
    [CPython("test_queues.QueueGetTests.test_get_with_putters")]
    public void Getting_from_a_full_queue_lets_the_one_go_on_who_waits_for_room() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        await queue.PutAsync(1);
        var putter = test.Loop.CreateTask(Put(queue, 2));
        await Coroutine.Yield();
        Assert.Equal(1, queue.PutterCount);
        Assert.Equal(1, await queue.GetAsync());
        Assert.Equal(0, queue.PutterCount);
        await Coroutine.Yield();
        putter.GetResult();
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_blocking_get_wait")]
    public void A_task_that_gets_from_an_empty_queue_waits_until_something_is_put_in() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        var started = new AsyncEvent();
        var isFinished = false;
        var task = test.Loop.CreateTask(GetOne());
        await started.WaitAsync();
        Assert.False(isFinished);
        test.Loop.CallLater(TimeSpan.FromMilliseconds(10), () => queue.PutNoWait(1));
        Assert.Equal(1, await task);
        Assert.True(isFinished);
        Assert.Equal(TimeSpan.FromMilliseconds(10), test.Elapsed);

        async Coroutine<int> GetOne()
        {
            started.Set();
            var item = await queue.GetAsync();
            isFinished = true;
            return item;
        }
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_get_cancelled_race")]
    public void An_item_goes_to_the_next_task_when_the_first_was_cancelled() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<string>();
        var first = test.Loop.CreateTask(Get(queue));
        var second = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        first.Cancel();
        await Coroutine.Yield();
        Assert.True(first.IsCancelled);
        await queue.PutAsync("a");
        await Coroutine.Yield();
        Assert.Equal("a", second.GetResult());
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_get_with_waiting_putters")]
    public void Items_of_tasks_that_wait_for_room_come_in_their_order() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<string>(1);
        var first = test.Loop.CreateTask(Put(queue, "a"));
        var second = test.Loop.CreateTask(Put(queue, "b"));
        Assert.Equal("a", await queue.GetAsync());
        Assert.Equal("b", await queue.GetAsync());
        await first;
        await second;
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_why_are_getters_waiting")]
    public void A_producer_and_a_consumer_of_a_queue_for_one_item_both_come_to_their_end() => LoopTest.Run(async () =>
    {
        const int count = 5;
        var queue = new AsyncQueue<int>(1);
        var received = new List<int>();
        await TaskGroup.Run(group =>
        {
            _ = group.CreateTask(Produce());
            _ = group.CreateTask(Consume());
            return default;
        });
        Assert.Equal(Enumerable.Range(0, count), received);
        Assert.True(queue is { IsEmpty: true, GetterCount: 0, PutterCount: 0 });

        async Coroutine Produce()
        {
            for (var i = 0; i < count; i++)
            {
                await queue.PutAsync(i);
            }
        }

        async Coroutine Consume()
        {
            for (var i = 0; i < count; i++)
            {
                received.Add(await queue.GetAsync());
            }
        }
    });

    [Fact]
    [CPython("test_queues.QueueGetTests.test_cancelled_getters_not_being_held_in_self_getters")]
    public void A_task_that_waited_too_long_for_an_item_is_not_counted_any_more() => LoopTest.Run(async () =>
    {
        var queue = new AsyncQueue<int>(5);
        await Assert.ThrowsAsync<TimeoutException>(async () => await Coroutine.WaitFor(Get(queue), TimeSpan.FromSeconds(0.1)));
        Assert.Equal(0, queue.GetterCount);
        queue.PutNoWait(1);
        Assert.Equal(1, queue.Count);
    });

    private static async Coroutine<T> Get<T>(AsyncQueue<T> queue) => await queue.GetAsync();

    private static async Coroutine Put<T>(AsyncQueue<T> queue, T item) => await queue.PutAsync(item);
}
