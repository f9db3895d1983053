namespace Baton.Tests;

/// <summary>What waiting for each other costs in memory: nothing, once the waiters are there.</summary>
public class SynchronizationAllocationTests
{
    private const int Operations = 10_000;

    private static readonly object Item = new();

    [Fact]
    public void A_free_lock_allocates_nothing() => AssertAllocatesNothing(new AsyncLock(), static async (mutex, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            using (await mutex.AcquireAsync())
            {
            }
        }
    });

    [Fact]
    public void A_lock_that_is_handed_over_allocates_nothing() => AssertAllocatesNothing(new AsyncLock(), static async (mutex, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            using (await mutex.AcquireAsync())
            {
                await Coroutine.Yield();
            }
        }
    }, tasks: 10);

    [Fact]
    public void A_semaphore_allocates_nothing() => AssertAllocatesNothing(new AsyncSemaphore(2), static async (semaphore, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            using (await semaphore.AcquireAsync())
            {
            }
        }
    });

    [Fact]
    public void A_semaphore_that_is_waited_for_allocates_nothing() =>
        AssertAllocatesNothing(new AsyncSemaphore(2), static async (semaphore, count) =>
        {
            for (var i = 0; i < count; i++)
            {
                using (await semaphore.AcquireAsync())
                {
                    await Coroutine.Yield();
                }
            }
        }, tasks: 10);

    [Fact]
    public void An_event_allocates_nothing() => AssertAllocatesNothing(new AsyncEvent(), static async (signal, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            EventLoop.Current.CallSoon(static state => ((AsyncEvent)state!).Set(), signal);
            await signal.WaitAsync();
            await signal.WaitAsync();
            signal.Clear();
        }
    });

    [Fact]
    public void A_condition_allocates_nothing() => AssertAllocatesNothing(new AsyncCondition(), static async (condition, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            using (await condition.AcquireAsync())
            {
                condition.Notify();
                if (i < count - 1 && condition.WaiterCount < 4)
                {
                    await condition.WaitAsync();
                }
            }
        }

        // Nobody is left waiting when the last one has come so far.
        using (await condition.AcquireAsync())
        {
            condition.NotifyAll();
        }
    }, tasks: 5);

    [Fact]
    public void A_barrier_allocates_nothing() => AssertAllocatesNothing(new AsyncBarrier(3), static async (barrier, count) =>
    {
        for (var i = 0; i < count; i++)
        {
            await barrier.WaitAsync();
        }
    }, tasks: 3);

    [Fact]
    public void A_queue_that_has_items_allocates_nothing() => AssertAllocatesNothing(new AsyncQueue<object>(), PutAndGet);

    [Fact]
    public void A_stack_that_has_items_allocates_nothing() =>
        AssertAllocatesNothing<AsyncQueue<object>>(new AsyncLifoQueue<object>(), PutAndGet);

    [Fact]
    public void A_priority_queue_that_has_items_allocates_nothing() =>
        AssertAllocatesNothing(new AsyncPriorityQueue<int>(), static async (queue, count) =>
        {
            for (var i = 0; i < count; i++)
            {
                await queue.PutAsync(i);
                await queue.GetAsync();
            }
        });

    [Fact]
    public void A_queue_that_is_waited_for_at_both_ends_allocates_nothing() =>
        AssertAllocatesNothing(new Ends(), static async (ends, count) =>
        {
            // Tasks take turns at being producers, so that as many items go in as come out.
            var isProducer = ends.Next % 2 == 0;
            ends.Next++;
            for (var i = 0; i < count; i++)
            {
                if (isProducer)
                {
                    await ends.Queue.PutAsync(Item);
                }
                else
                {
                    await ends.Queue.GetAsync();
                    ends.Queue.TaskDone();
                }
            }
        }, tasks: 4);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(16)]
    public void A_channel_allocates_nothing(int capacity) =>
        AssertAllocatesNothing(new Ends { Channel = AsyncChannel.Create<object>(capacity) }, static async (ends, count) =>
        {
            var isProducer = ends.Next % 2 == 0;
            ends.Next++;
            for (var i = 0; i < count; i++)
            {
                if (isProducer)
                {
                    await ends.Channel.Sender.SendAsync(Item);
                }
                else
                {
                    await ends.Channel.Receiver.ReceiveAsync();
                }
            }
        }, tasks: 4);

    private static async Coroutine PutAndGet(AsyncQueue<object> queue, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await queue.PutAsync(Item);
            await queue.GetAsync();
        }
    }

    /// <summary>Runs the body in a number of tasks at once, which share a primitive. The tasks themselves do allocate.</summary>
    private static void AssertAllocatesNothing<T>(T primitive, Func<T, int, Coroutine> body, int tasks = 1)
    {
        const int taskSize = 400;
        var bytes = Allocation.PerOperation(Operations, async count =>
        {
            if (tasks == 1)
            {
                await body(primitive, count);
                return;
            }

            for (var i = 0; i < tasks; i++)
            {
                _ = Coroutine.Start(body(primitive, count));
            }

            while (EventLoop.Current.TaskCount > 1)
            {
                await Coroutine.Yield();
            }
        });
        Assert.InRange(bytes, 0, ((tasks * taskSize) + 400.0) / Operations);
    }

    private sealed class Ends
    {
        public AsyncQueue<object> Queue { get; } = new(1);

        public (ChannelSender<object> Sender, ChannelReceiver<object> Receiver) Channel { get; init; }

        public int Next { get; set; }
    }
}
