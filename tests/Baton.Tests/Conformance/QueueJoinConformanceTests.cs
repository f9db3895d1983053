using Baton.Tests.Synchronization;
using Flavour = Baton.Tests.Synchronization.AsyncQueueTests.Flavour;

namespace Baton.Tests.Conformance;

/// <summary>What CPython's tests of joining queues, and of shutting them down, pin down, for each flavour.</summary>
public class QueueJoinConformanceTests
{
    public static TheoryData<Flavour> Flavours => AsyncQueueTests.Flavours;

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueJoinTestMixin.test_task_done_underflow")]
    public void More_is_not_done_than_was_put_in(Flavour flavour)
    {
        var queue = AsyncQueueTests.Create(flavour);
        Assert.Throws<InvalidOperationException>(queue.TaskDone);
        queue.PutNoWait(1);
        queue.TaskDone();
        Assert.Throws<InvalidOperationException>(queue.TaskDone);
    }

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueJoinTestMixin.test_task_done")]
    public void Join_ends_when_workers_are_done_with_every_item(Flavour flavour) => LoopTest.Run(async () =>
    {
        var queue = AsyncQueueTests.Create(flavour);
        for (var i = 0; i < 100; i++)
        {
            queue.PutNoWait(i);
        }

        var sum = 0;
        var isRunning = true;
        await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Work());
            _ = group.CreateTask(Work());
            await queue.JoinAsync();
            Assert.Equal(Enumerable.Range(0, 100).Sum(), sum);
            isRunning = false;
            queue.PutNoWait(0);
            queue.PutNoWait(0);
        });

        async Coroutine Work()
        {
            while (isRunning)
            {
                sum += await queue.GetAsync();
                queue.TaskDone();
            }
        }
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueJoinTestMixin.test_join_empty_queue")]
    public void Joining_a_queue_that_nothing_was_put_into_does_not_wait(Flavour flavour) => LoopTest.Run(async () =>
    {
        var queue = AsyncQueueTests.Create(flavour);
        for (var i = 0; i < 2; i++)
        {
            var join = queue.JoinAsync();
            Assert.True(join.IsCompletedSuccessfully);
            await join;
        }
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueJoinTestMixin.test_format")]
    [CPython("test_queues._QueueShutdownTestMixin.test_format")]
    public void ToString_says_how_many_items_are_not_done_and_whether_it_is_shut_down(Flavour flavour)
    {
        var queue = AsyncQueueTests.Create(flavour);
        Assert.Contains("(0 items, 0 unfinished,", queue.ToString(), StringComparison.Ordinal);
        queue.PutNoWait(1);
        queue.PutNoWait(2);
        queue.GetNoWait();
        Assert.Contains("(1 items, 2 unfinished,", queue.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("shut down", queue.ToString(), StringComparison.Ordinal);
        queue.Shutdown();
        Assert.EndsWith(", shut down)", queue.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueShutdownTestMixin.test_shutdown_empty")]
    public void An_empty_queue_that_is_shut_down_refuses_those_who_wait_and_those_who_come(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = AsyncQueueTests.Create(flavour);
        var getter = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        queue.Shutdown();
        Assert.Equal(0, queue.Count);
        await queue.JoinAsync();
        await Coroutine.Yield();
        Assert.True(getter.IsDone);
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await getter);
        await CheckRefuses(queue);
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueShutdownTestMixin.test_shutdown_nonempty")]
    public void What_is_in_a_queue_that_is_shut_down_is_got_and_waited_for(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = AsyncQueueTests.Create(flavour, 1);
        queue.PutNoWait(1);
        var join = test.Loop.CreateTask(Join(queue));
        var putter = test.Loop.CreateTask(Put(queue, 2));
        await Coroutine.Yield();
        Assert.False(putter.IsDone);
        queue.Shutdown();
        Assert.Equal(1, queue.Count);
        await Coroutine.Yield();
        Assert.True(putter.IsDone);
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await putter);
        Assert.Equal(1, await queue.GetAsync());
        await Coroutine.Yield();
        Assert.False(join.IsDone);
        await CheckRefuses(queue);

        queue.TaskDone();
        await Coroutine.Yield();
        join.GetResult();
        Assert.Throws<InvalidOperationException>(queue.TaskDone); // What was refused is not counted.
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueShutdownTestMixin.test_shutdown_immediate")]
    public void What_an_immediate_shutdown_drops_is_done(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = AsyncQueueTests.Create(flavour);
        queue.PutNoWait(1);
        var join = test.Loop.CreateTask(Join(queue));
        await Coroutine.Yield();
        Assert.False(join.IsDone);
        queue.Shutdown(immediate: true);
        Assert.Equal(0, queue.Count);
        await Coroutine.Yield();
        join.GetResult();
        await CheckRefuses(queue);
        Assert.Throws<InvalidOperationException>(queue.TaskDone);
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    [CPython("test_queues._QueueShutdownTestMixin.test_shutdown_immediate_with_unfinished")]
    public void What_was_got_before_an_immediate_shutdown_is_still_waited_for(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = AsyncQueueTests.Create(flavour);
        queue.PutNoWait(1);
        queue.PutNoWait(1);
        var join = test.Loop.CreateTask(Join(queue));
        Assert.Equal(1, await queue.GetAsync());
        queue.Shutdown(immediate: true);
        Assert.Equal(0, queue.Count);
        await Coroutine.Yield();
        Assert.False(join.IsDone);
        await CheckRefuses(queue);

        queue.TaskDone();
        Assert.Throws<InvalidOperationException>(queue.TaskDone);
        await Coroutine.Yield();
        join.GetResult();
    });

    private static async Coroutine CheckRefuses(AsyncQueue<int> queue)
    {
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await queue.PutAsync(1));
        Assert.Throws<QueueShutDownException>(() => queue.PutNoWait(1));
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await queue.GetAsync());
        Assert.Throws<QueueShutDownException>(() => queue.GetNoWait());
    }

    private static async Coroutine<int> Get(AsyncQueue<int> queue) => await queue.GetAsync();

    private static async Coroutine Put(AsyncQueue<int> queue, int item) => await queue.PutAsync(item);

    private static async Coroutine Join(AsyncQueue<int> queue) => await queue.JoinAsync();
}
