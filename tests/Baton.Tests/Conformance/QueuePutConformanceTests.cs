namespace Baton.Tests.Conformance;

/// <summary>What CPython's <c>QueuePutTests</c> pin down, besides what the tests of <see cref="AsyncQueue{T}"/> do.</summary>
public class QueuePutConformanceTests
{
    [Fact]
    [CPython("test_queues.QueuePutTests.test_blocking_put_wait")]
    public void A_task_that_puts_into_a_full_queue_waits_until_something_is_taken_out() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        var started = new AsyncEvent();
        var isFinished = false;
        test.Loop.CallLater(TimeSpan.FromMilliseconds(10), () => queue.GetNoWait());
        var task = test.Loop.CreateTask(PutTwo());
        await started.WaitAsync();
        Assert.False(isFinished);
        await task;
        Assert.True(isFinished);
        Assert.Equal(TimeSpan.FromMilliseconds(10), test.Elapsed);
        Assert.Equal(2, queue.GetNoWait());

        async Coroutine PutTwo()
        {
            started.Set();
            await queue.PutAsync(1);
            await queue.PutAsync(2);
            isFinished = true;
        }
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_get_cancel_drop_one_pending_reader")]
    public void A_reader_cancelled_after_it_was_given_an_item_has_it() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        var reader = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        queue.PutNoWait(1);
        queue.PutNoWait(2);
        reader.Cancel();
        Assert.Equal(1, await reader); // It ends before the cancellation can reach it, so that nothing is dropped.
        Assert.Equal(2, queue.GetNoWait());
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_get_cancel_drop_many_pending_readers", Improvement =
        "The reader that is cancelled has been given the first item before, and keeps it: the others get what was put in later, and nothing is lost.")]
    public void Of_many_readers_the_one_that_is_cancelled_does_not_lose_what_it_was_given() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        var readers = Enumerable.Range(0, 3).Select(_ => test.Loop.CreateTask(Get(queue))).ToList();
        await Coroutine.Yield();
        queue.PutNoWait(1);
        queue.PutNoWait(2);
        readers[0].Cancel();
        Assert.Equal(1, await readers[0]);
        Assert.Equal(2, await readers[1]);
        Assert.False(readers[2].IsDone);
        queue.PutNoWait(3);
        Assert.Equal(3, await readers[2]);
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_put_cancel_drop")]
    public void A_writer_cancelled_when_there_was_room_puts_its_item_once() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        queue.PutNoWait(1);
        var writer = test.Loop.CreateTask(Put(queue, 2));
        await Coroutine.Yield();
        Assert.Equal(1, queue.GetNoWait());
        writer.Cancel();
        await writer; // It ends before the cancellation can reach it, and need not try again.
        Assert.Equal(2, queue.GetNoWait());
        Assert.Equal(0, queue.Count);
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_put_cancelled")]
    public void A_task_that_puts_is_done_when_its_item_has_been_got() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        var task = test.Loop.CreateTask(PutOne());
        Assert.Equal(1, await queue.GetAsync());
        Assert.True(task.IsDone);
        Assert.True(task.GetResult());

        async Coroutine<bool> PutOne()
        {
            await queue.PutAsync(1);
            return true;
        }
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_put_cancelled_race")]
    public void A_writer_that_is_cancelled_behind_another_leaves_that_ones_item() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<string>(1);
        var first = test.Loop.CreateTask(Put(queue, "a"));
        var second = test.Loop.CreateTask(Put(queue, "b"));
        var third = test.Loop.CreateTask(Put(queue, "x"));
        await Coroutine.Yield();
        Assert.True(first.IsDone);
        Assert.False(second.IsDone);
        third.Cancel();
        await Coroutine.Yield();
        Assert.True(third.IsCancelled);
        Assert.Equal("a", queue.GetNoWait());
        await Coroutine.Yield();
        Assert.Equal("b", queue.GetNoWait());
        await second;
        Assert.True(queue.IsEmpty);
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_put_with_waiting_getters")]
    public void What_is_put_goes_to_the_task_that_waits() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<string>();
        var task = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        await queue.PutAsync("a");
        Assert.Equal("a", await task);
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_why_are_putters_waiting")]
    public void Taking_several_items_out_in_one_step_lets_as_many_writers_go_on() => LoopTest.Run(async () =>
    {
        var queue = new AsyncQueue<int>(2);
        await TaskGroup.Run(group =>
        {
            _ = group.CreateTask(Drain());
            for (var i = 0; i < 4; i++)
            {
                _ = group.CreateTask(Put(queue, i));
            }

            return default;
        });
        Assert.Equal(0, queue.PutterCount);
        Assert.Equal(2, queue.GetNoWait());
        Assert.Equal(3, queue.GetNoWait());
        Assert.True(queue.IsEmpty);

        async Coroutine Drain()
        {
            await Coroutine.Yield();
            for (var count = queue.Count; count > 0; count--)
            {
                queue.GetNoWait();
            }
        }
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_cancelled_puts_not_being_held_in_self_putters")]
    public void A_writer_that_is_cancelled_is_not_counted_any_more() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        queue.PutNoWait(1);
        var writer = test.Loop.CreateTask(Put(queue, 2));
        await Coroutine.Yield();
        Assert.Equal(1, queue.PutterCount);
        writer.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await writer);
        Assert.Equal(0, queue.PutterCount);
        Assert.Equal(1, queue.Count);
    });

    [Fact]
    [CPython("test_queues.QueuePutTests.test_cancelled_put_silence_value_error_exception", Improvement =
        "The item went in when the room was made, so that the put is done; the cancellation is told at the next suspension, and nobody puts twice.")]
    public void A_writer_cancelled_after_its_item_went_in_is_told_at_its_next_suspension() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        queue.PutNoWait(1);
        var isPut = false;
        var writer = test.Loop.CreateTask(PutAndYield());
        await Coroutine.Yield();
        queue.GetNoWait();
        writer.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await writer);
        Assert.True(isPut);
        Assert.Equal(0, queue.PutterCount);
        Assert.Equal(2, queue.GetNoWait());

        async Coroutine PutAndYield()
        {
            await queue.PutAsync(2);
            isPut = true;
            await Coroutine.Yield();
            Assert.Fail("The task was cancelled.");
        }
    });

    private static async Coroutine<T> Get<T>(AsyncQueue<T> queue) => await queue.GetAsync();

    private static async Coroutine Put<T>(AsyncQueue<T> queue, T item) => await queue.PutAsync(item);
}
