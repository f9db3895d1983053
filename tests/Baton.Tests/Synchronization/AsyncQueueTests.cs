using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

/// <summary>What holds for every flavour of queue, and the order of each.</summary>
public class AsyncQueueTests
{
    public enum Flavour
    {
        Fifo,
        Lifo,
        Priority,
    }

    public static TheoryData<Flavour> Flavours => [.. Enum.GetValues<Flavour>()];

    internal static AsyncQueue<int> Create(Flavour flavour, int maxSize = 0) => flavour switch
    {
        Flavour.Fifo => new AsyncQueue<int>(maxSize),
        Flavour.Lifo => new AsyncLifoQueue<int>(maxSize),
        _ => new AsyncPriorityQueue<int>(maxSize),
    };

    [Theory]
    [InlineData(Flavour.Fifo, "1 3 2")]
    [InlineData(Flavour.Lifo, "2 3 1")]
    [InlineData(Flavour.Priority, "1 2 3")]
    [CPython("test_queues.QueueBasicTests.test_order")]
    [CPython("test_queues.LifoQueueTests.test_order")]
    [CPython("test_queues.PriorityQueueTests.test_order")]
    public void Items_come_out_in_the_order_of_the_flavour(Flavour flavour, string expected) => LoopTest.Run(async () =>
    {
        var queue = Create(flavour);
        foreach (var item in new[] { 1, 3, 2 })
        {
            await queue.PutAsync(item);
        }

        Assert.Equal(expected, $"{await queue.GetAsync()} {await queue.GetAsync()} {await queue.GetAsync()}");
    });

    [Fact]
    public void Equal_priorities_come_out_first_come_first() => LoopTest.Run(() =>
    {
        var queue = new AsyncPriorityQueue<string>(comparer: Comparer<string>.Create((left, right) => left.Length - right.Length));
        foreach (var item in new[] { "bb1", "a1", "bb2", "a2", "c", "a3", "bb3" })
        {
            queue.PutNoWait(item);
        }

        Assert.Equal(["c", "a1", "a2", "a3", "bb1", "bb2", "bb3"], Enumerable.Range(0, 7).Select(_ => queue.GetNoWait()));
        return default;
    });

    [Fact]
    public void Many_items_come_out_by_priority_and_then_first_come_first() => LoopTest.Run(() =>
    {
        var random = new Random(1);
        var queue = new AsyncPriorityQueue<(int Priority, int Number)>(
            comparer: Comparer<(int Priority, int Number)>.Create((left, right) => left.Priority - right.Priority));
        var expected = new List<(int Priority, int Number)>();
        for (var i = 0; i < 3000; i++)
        {
            var item = (random.Next(20), i);
            queue.PutNoWait(item);
            expected.Add(item);
            if (i % 3 == 2)
            {
                // OrderBy keeps the order of equal ones.
                Assert.Equal(expected.OrderBy(entry => entry.Priority).First(), queue.GetNoWait());
                expected.Remove(expected.OrderBy(entry => entry.Priority).First());
            }
        }

        foreach (var item in expected.OrderBy(entry => entry.Priority))
        {
            Assert.Equal(item, queue.GetNoWait());
        }

        return default;
    });

    [Fact]
    public void A_comparison_that_throws_leaves_the_queue_as_it_was() => LoopTest.Run(async test =>
    {
        var queue = new AsyncPriorityQueue<(int Priority, Version? Job)>(
            maxSize: 3, Comparer<(int Priority, Version? Job)>.Create((left, right) =>
                left.Priority != right.Priority ? left.Priority - right.Priority : throw new NotSupportedException()));
        queue.PutNoWait((1, null));
        Assert.Throws<NotSupportedException>(() => queue.PutNoWait((1, null)));
        await Assert.ThrowsAsync<NotSupportedException>(async () => await queue.PutAsync((1, null)));
        Assert.Equal(1, queue.Count);
        queue.PutNoWait((3, null));
        queue.PutNoWait((2, null));

        // Whoever waits to put such an item gets the exception, and who waits behind it the room.
        var bad = test.Loop.CreateTask(Put(2));
        var good = test.Loop.CreateTask(Put(4));
        await Coroutine.Yield();
        Assert.Equal(1, queue.GetNoWait().Priority);
        await good;
        await Assert.ThrowsAsync<NotSupportedException>(async () => await bad);
        Assert.Equal([2, 3, 4], Enumerable.Range(0, 3).Select(_ => queue.GetNoWait().Priority));

        // Two that nobody had compared before: the one who gets is told, again and again.
        queue.PutNoWait((1, null));
        queue.PutNoWait((2, null));
        var both = new AsyncPriorityQueue<int>(
            comparer: Comparer<int>.Create((left, right) => left + right == 5 ? throw new NotSupportedException() : left - right));
        both.PutNoWait(1);
        both.PutNoWait(2);
        both.PutNoWait(3);
        Assert.Throws<NotSupportedException>(() => both.GetNoWait());
        Assert.Throws<NotSupportedException>(() => both.TryGet(out _));
        Assert.Equal(3, both.Count);

        async Coroutine Put(int priority) => await queue.PutAsync((priority, null));
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void Count_size_and_state(Flavour flavour) => LoopTest.Run(async () =>
    {
        var queue = Create(flavour, 2);
        Assert.Equal(2, queue.MaxSize);
        Assert.True(queue is { IsEmpty: true, IsFull: false, Count: 0 });
        Assert.True(queue.TryPut(1));
        Assert.True(queue is { IsEmpty: false, IsFull: false, Count: 1 });
        await queue.PutAsync(2);
        Assert.True(queue is { IsEmpty: false, IsFull: true, Count: 2 });
        Assert.False(queue.TryPut(3));
        Assert.Contains("2 items", Assert.Throws<QueueFullException>(() => queue.PutNoWait(3)).Message, StringComparison.Ordinal);
        queue.GetNoWait();
        Assert.True(queue.TryGet(out _));
        Assert.False(queue.TryGet(out _));
        Assert.Throws<QueueEmptyException>(() => queue.GetNoWait());
        var unbounded = Create(flavour);
        Assert.Equal(0, unbounded.MaxSize);
        for (var i = 0; i < 1000; i++)
        {
            unbounded.PutNoWait(i);
            Assert.False(unbounded.IsFull);
        }
    });

    [Fact]
    public void A_negative_size_is_refused() => Assert.Throws<ArgumentOutOfRangeException>(() => new AsyncQueue<int>(-1));

    [Theory]
    [MemberData(nameof(Flavours))]
    public void Who_gets_from_an_empty_queue_waits_first_come_first(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = Create(flavour);
        var log = new List<(int Task, int Item)>();
        for (var i = 0; i < 3; i++)
        {
            _ = test.Loop.CreateTask(Get(i));
        }

        await Coroutine.Yield();
        Assert.Equal(3, queue.GetterCount);
        queue.PutNoWait(30);
        await queue.PutAsync(20);

        // Both are spoken for: nobody overtakes those who wait. (In asyncio this would get one.)
        Assert.True(queue.IsEmpty);
        Assert.False(queue.TryGet(out _));
        queue.PutNoWait(10);
        await test.Drain();
        Assert.Equal([(0, 30), (1, 20), (2, 10)], log);

        async Coroutine Get(int number) => log.Add((number, await queue.GetAsync()));
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void Who_puts_into_a_full_queue_waits_first_come_first(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = Create(flavour, 1);
        var log = new List<int>();
        await queue.PutAsync(0);
        for (var i = 1; i <= 3; i++)
        {
            _ = test.Loop.CreateTask(Put(i));
        }

        await Coroutine.Yield();
        Assert.Equal(3, queue.PutterCount);
        for (var i = 0; i <= 3; i++)
        {
            Assert.Equal(i, queue.GetNoWait());
            Assert.Equal(i == 3 ? 0 : 1, queue.Count); // The room went to the next at once.
            Assert.Equal(i == 3, queue.TryPut(100));
        }

        await test.Drain();
        Assert.Equal([1, 2, 3], log);

        async Coroutine Put(int item)
        {
            await queue.PutAsync(item);
            log.Add(item);
        }
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void A_getter_that_is_cancelled_takes_nothing(Flavour flavour) => LoopTest.Run(async test =>
    {
        // CPython's test_get_cancelled_race, test_get_cancel_drop_one_pending_reader and its many_pending_readers.
        var queue = Create(flavour);
        var tasks = Enumerable.Range(0, 4).Select(_ => test.Loop.CreateTask(Get(queue))).ToList();
        await Coroutine.Yield();
        tasks[0].Cancel("why");
        tasks[2].Cancel();
        Assert.Equal(2, queue.GetterCount);
        queue.PutNoWait(1);
        queue.PutNoWait(2);
        queue.PutNoWait(3);
        Assert.Equal(1, await tasks[1]);
        Assert.Equal(2, await tasks[3]);
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await tasks[0])).Message);
        await Assert.ThrowsAsync<CancelledException>(async () => await tasks[2]);
        Assert.Equal(3, queue.GetNoWait());
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void A_getter_cancelled_after_the_hand_over_has_its_item(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = Create(flavour);
        var received = 0;
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        queue.PutNoWait(7);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(7, received);
        Assert.True(queue.IsEmpty);

        async Coroutine Body()
        {
            received = await queue.GetAsync();
            await Coroutine.Yield();
            Assert.Fail("The task was cancelled.");
        }
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void A_putter_that_is_cancelled_puts_nothing(Flavour flavour) => LoopTest.Run(async test =>
    {
        // CPython's test_put_cancelled, test_put_cancel_drop, test_put_cancelled_race, test_cancelled_puts_not_being_held_in_self_putters.
        var queue = Create(flavour, 1);
        queue.PutNoWait(1);
        var first = test.Loop.CreateTask(Put(queue, 2));
        var second = test.Loop.CreateTask(Put(queue, 3));
        await Coroutine.Yield();
        first.Cancel("why");
        Assert.Equal(1, queue.PutterCount);
        Assert.Equal(1, queue.GetNoWait());
        await second;
        Assert.Equal(3, queue.GetNoWait());
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await first)).Message);
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void A_putter_cancelled_after_it_got_room_has_put_its_item(Flavour flavour) => LoopTest.Run(async test =>
    {
        var queue = Create(flavour, 1);
        var isDone = false;
        queue.PutNoWait(1);
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        queue.GetNoWait();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(isDone);
        Assert.Equal(2, queue.GetNoWait());

        async Coroutine Body()
        {
            await queue.PutAsync(2);
            isDone = true;
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void Join_waits_for_as_many_calls_of_TaskDone_as_items_were_put() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(2);
        await queue.JoinAsync(); // Nothing was put: nothing to wait for.
        var worker = test.Loop.CreateTask(Work());
        for (var i = 0; i < 10; i++)
        {
            await queue.PutAsync(i);
        }

        var joins = Enumerable.Range(0, 2).Select(_ => test.Loop.CreateTask(Join(queue))).ToList();
        await Coroutine.Yield();
        Assert.All(joins, join => Assert.False(join.IsDone));
        await queue.JoinAsync();
        Assert.True(queue.IsEmpty);
        worker.Cancel();
        await test.Drain();
        Assert.All(joins, join => join.GetResult());
        Assert.Throws<InvalidOperationException>(queue.TaskDone);

        async Coroutine Work()
        {
            while (true)
            {
                await queue.GetAsync();
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                queue.TaskDone();
            }
        }
    });

    [Fact]
    public void A_join_can_be_cancelled_and_a_putter_that_waits_does_not_count() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(1);
        queue.PutNoWait(1);
        var putter = test.Loop.CreateTask(Put(queue, 2));
        var join = test.Loop.CreateTask(Join(queue));
        await Coroutine.Yield();
        join.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await join);
        Assert.Contains("1 unfinished", queue.ToString(), StringComparison.Ordinal);
        queue.GetNoWait();
        await putter;
        queue.TaskDone();
        Assert.False(queue.JoinAsync().IsCompleted);
        queue.TaskDone();
        await queue.JoinAsync();
    });

    [Theory]
    [MemberData(nameof(Flavours))]
    public void After_a_shutdown_nothing_more_goes_in_and_what_is_there_comes_out(Flavour flavour) => LoopTest.Run(async test =>
    {
        // CPython's test_shutdown_nonempty.
        var queue = Create(flavour, 2);
        queue.PutNoWait(1);
        queue.PutNoWait(2);
        var putter = test.Loop.CreateTask(Put(queue, 3));
        var join = test.Loop.CreateTask(Join(queue));
        await Coroutine.Yield();
        queue.Shutdown();
        queue.Shutdown();
        Assert.True(queue.IsShutDown);
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await putter);
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await queue.PutAsync(4));
        Assert.Throws<QueueShutDownException>(() => queue.PutNoWait(4));
        Assert.Throws<QueueShutDownException>(() => queue.TryPut(4));
        Assert.Equal(3, await queue.GetAsync() + queue.GetNoWait());
        await Assert.ThrowsAsync<QueueShutDownException>(async () => await queue.GetAsync());
        Assert.Throws<QueueShutDownException>(() => queue.GetNoWait());
        Assert.Throws<QueueShutDownException>(() => queue.TryGet(out _));
        Assert.False(join.IsDone);
        queue.TaskDone();
        queue.TaskDone();
        await join;
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_shutdown_wakes_whoever_waits_for_an_item(bool immediate) => LoopTest.Run(async test =>
    {
        // CPython's test_shutdown_empty.
        var queue = new AsyncQueue<int>();
        var tasks = Enumerable.Range(0, 2).Select(_ => test.Loop.CreateTask(Get(queue))).ToList();
        await Coroutine.Yield();
        queue.Shutdown(immediate);
        foreach (var task in tasks)
        {
            await Assert.ThrowsAsync<QueueShutDownException>(async () => await task);
        }
    });

    [Fact]
    public void A_shutdown_after_a_hand_over_in_the_same_batch_takes_nothing_back() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        var task = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        queue.PutNoWait(1);
        queue.Shutdown(immediate: true);
        Assert.Equal(1, await task);
    });

    [Fact]
    public void An_immediate_shutdown_drops_what_is_there_and_counts_it_as_done() => LoopTest.Run(async test =>
    {
        // CPython's test_shutdown_immediate and test_shutdown_immediate_with_unfinished.
        var queue = new AsyncQueue<int>(3);
        queue.PutNoWait(1);
        queue.PutNoWait(2);
        queue.PutNoWait(3);
        queue.GetNoWait();
        var join = test.Loop.CreateTask(Join(queue));
        await Coroutine.Yield();
        queue.Shutdown(immediate: true);
        Assert.True(queue.IsEmpty);
        await Coroutine.Yield();
        Assert.False(join.IsDone); // One was taken out and is not done.
        queue.TaskDone();
        await join;
        Assert.Throws<InvalidOperationException>(queue.TaskDone);

        // The first shutdown need not be the immediate one.
        var other = new AsyncQueue<int>();
        other.PutNoWait(1);
        other.Shutdown();
        other.Shutdown(immediate: true);
        await other.JoinAsync();
        Assert.True(other.IsEmpty);
    });

    [Fact]
    public void Enumerating_takes_items_until_the_queue_is_shut_down_and_empty() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>(2);
        var producer = test.Loop.CreateTask(Produce());
        var items = new List<int>();
        await foreach (var item in queue)
        {
            items.Add(item);
        }

        Assert.Equal(Enumerable.Range(0, 10), items);
        await foreach (var item in queue)
        {
            Assert.Fail("It is shut down.");
        }

        await producer;

        async Coroutine Produce()
        {
            for (var i = 0; i < 10; i++)
            {
                await queue.PutAsync(i);
                if (i % 3 == 0)
                {
                    await Coroutine.Sleep(TimeSpan.FromSeconds(1));
                }
            }

            queue.Shutdown();
        }
    });

    [Fact]
    public void Enumerating_ends_when_the_task_is_cancelled_and_loses_nothing() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        var items = new List<int>();
        var task = test.Loop.CreateTask(Enumerate());
        await Coroutine.Yield();
        queue.PutNoWait(1);
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        task.Cancel();
        queue.PutNoWait(2);
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal([1], items);
        Assert.Equal(2, queue.GetNoWait());

        async Coroutine Enumerate()
        {
            await foreach (var item in queue)
            {
                items.Add(item);
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Enumerating_ends_when_the_token_is_cancelled(bool onAnotherThread) => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        var queue = new AsyncQueue<int>();
        var items = new List<int>();
        var task = test.Loop.CreateTask(Enumerate());
        for (var i = 0; i < 3; i++)
        {
            await Coroutine.Yield();
            await Coroutine.Yield();
            queue.PutNoWait(i);
        }

        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        if (onAnotherThread)
        {
            LoopTest.OnThread(source.Cancel);
        }
        else
        {
            source.Cancel();
        }

        var failure = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await task);
        Assert.Equal(source.Token, failure.CancellationToken);
        Assert.Equal([0, 1, 2], items);
        queue.PutNoWait(3);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Enumerate());
        Assert.Equal(3, queue.GetNoWait());
        Assert.Equal(0, queue.GetterCount);

        async Coroutine Enumerate()
        {
            await foreach (var item in queue.WithCancellation(source.Token))
            {
                items.Add(item);
            }
        }
    });

    [Fact]
    public void Enumerating_under_a_token_is_cancelled_with_the_task_and_ends_with_the_queue() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        var queue = new AsyncQueue<int>();
        var first = test.Loop.CreateTask(Enumerate());
        var second = test.Loop.CreateTask(Enumerate());
        await Coroutine.Yield();
        first.Cancel();
        queue.PutNoWait(1);
        await Assert.ThrowsAsync<CancelledException>(async () => await first);
        queue.Shutdown();
        Assert.Equal(1, await second);
        source.Cancel();

        async Coroutine<int> Enumerate()
        {
            var count = 0;
            await foreach (var item in queue.WithCancellation(source.Token))
            {
                count++;
            }

            return count;
        }
    });

    [Fact]
    public void ToString_shows_the_state() => LoopTest.Run(async test =>
    {
        var queue = new AsyncQueue<int>();
        Assert.Equal("AsyncQueue (0 items, 0 unfinished, 0 getting, 0 putting)", queue.ToString());
        var getter = test.Loop.CreateTask(Get(queue));
        await Coroutine.Yield();
        Assert.Equal("AsyncQueue (0 items, 0 unfinished, 1 getting, 0 putting)", queue.ToString());
        queue.PutNoWait(1);
        await getter;
        queue.Shutdown();
        Assert.Equal("AsyncQueue (0 items, 1 unfinished, 0 getting, 0 putting, shut down)", queue.ToString());
        Assert.StartsWith("AsyncLifoQueue (0 of 3 items", new AsyncLifoQueue<int>(3).ToString(), StringComparison.Ordinal);
        Assert.StartsWith("AsyncPriorityQueue (0 items", new AsyncPriorityQueue<int>().ToString(), StringComparison.Ordinal);
    });

    private static async Coroutine<int> Get(AsyncQueue<int> queue) => await queue.GetAsync();

    private static async Coroutine Put(AsyncQueue<int> queue, int item) => await queue.PutAsync(item);

    private static async Coroutine Join(AsyncQueue<int> queue) => await queue.JoinAsync();
}
