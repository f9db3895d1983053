using Baton.Tests.Conformance;

namespace Baton.Tests.Synchronization;

/// <summary>The loop to which each of the primitives belongs, and the budget that each respects.</summary>
public class LoopBindingTests
{
    /// <summary>
    /// Each makes a primitive: what uses it without waiting, what uses it so that it waits, and what then lets that go on.
    /// </summary>
    public static TheoryData<string, Func<Primitive>> Primitives => new()
    {
        { "lock", () => Lock(new AsyncLock()) },
        { "event", () => Event(new AsyncEvent()) },
        { "condition", () => Condition(new AsyncCondition()) },
        { "semaphore", () => Semaphore(new AsyncSemaphore(1)) },
        { "barrier", () => Barrier(new AsyncBarrier(2)) },
        { "queue, getting", () => QueueGet(new AsyncQueue<int>()) },
        { "queue, putting", () => QueuePut(new AsyncQueue<int>(1)) },
        { "channel", () => Channel(AsyncChannel.Create<int>(1)) },
    };

    /// <summary>Each does something, again and again, that never has to wait.</summary>
    public static TheoryData<string, Func<Func<ValueTask>>> ReadyOperations => new()
    {
        { "lock", () => Repeat(new AsyncLock(), async mutex => (await mutex.AcquireAsync()).Dispose()) },
        { "event", () => Repeat(new AsyncEvent(true), async signal => await signal.WaitAsync()) },
        { "semaphore", () => Repeat(new AsyncSemaphore(1), async semaphore => (await semaphore.AcquireAsync()).Dispose()) },
        { "barrier", () => Repeat(new AsyncBarrier(1), async barrier => Assert.Equal(0, await barrier.WaitAsync())) },
        { "join", () => Repeat(new AsyncQueue<int>(), async queue => await queue.JoinAsync()) },
        { "put and get", () => Repeat(new AsyncQueue<int>(), async queue =>
            {
                await queue.PutAsync(1);
                Assert.Equal(1, await queue.GetAsync());
            }) },
        { "put and enumerate", () => Repeat(new AsyncQueue<int>(), async queue =>
            {
                queue.PutNoWait(1);
                await foreach (var item in queue)
                {
                    break;
                }
            }) },
        { "send and receive", () => Repeat(AsyncChannel.Create<int>(1), async halves =>
            {
                await halves.Sender.SendAsync(1);
                Assert.Equal(1, await halves.Receiver.ReceiveAsync());
            }) },
    };

    [Theory]
    [MemberData(nameof(Primitives))]
    public void It_can_be_made_and_looked_at_before_any_loop_runs(string name, Func<Primitive> make)
    {
        var primitive = make();
        Assert.NotEqual("", primitive.Subject.ToString());
        primitive.Use();
        LoopTest.Run(test => UseOn(test, primitive));
        Assert.NotEqual("", name);
    }

    [Theory]
    [MemberData(nameof(Primitives))]
    public void It_goes_to_the_next_loop_when_its_own_has_closed_and_nobody_waits(string name, Func<Primitive> make)
    {
        var primitive = make();
        for (var i = 0; i < 3; i++)
        {
            LoopTest.Run(test => UseOn(test, primitive));
        }

        Assert.NotEqual("", name);
    }

    [Theory]
    [MemberData(nameof(Primitives))]
    [CPython("test_locks.ConditionTests.test_ambiguous_loops")]
    public void It_cannot_be_used_on_another_loop_while_its_own_is_open(string name, Func<Primitive> make) => LoopTest.On(test =>
    {
        var primitive = make();
        test.Loop.RunUntilComplete(UseOn(test, primitive));
        LoopTest.OnThread(() => LoopTest.Run(async () =>
        {
            var failure = Assert.Throws<InvalidOperationException>(() => WaitInVain(primitive));
            Assert.Contains("belongs to event loop 'test'", failure.Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(primitive.Use);
            await Coroutine.Yield();
        }));

        // Between two runs, the thread of the loop may use what does not wait.
        primitive.Use();
        test.Loop.RunUntilComplete(UseOn(test, primitive));
        Assert.NotEqual("", name);
    });

    [Theory]
    [MemberData(nameof(Primitives))]
    public void It_cannot_be_used_from_another_thread(string name, Func<Primitive> make) => LoopTest.Run(async test =>
    {
        var primitive = make();
        await UseOn(test, primitive);
        LoopTest.OnThread(() =>
        {
            var failure = Assert.Throws<InvalidOperationException>(primitive.Use);
            Assert.Contains("CallSoonThreadSafe", failure.Message, StringComparison.Ordinal);
            Assert.Contains("runs none", failure.Message, StringComparison.Ordinal);
            Assert.Throws<InvalidOperationException>(() => WaitInVain(primitive));
        });
        await UseOn(test, primitive);
        Assert.NotEqual("", name);
    });

    [Theory]
    [MemberData(nameof(Primitives))]
    public void It_is_lost_when_its_loop_closes_while_somebody_waits(string name, Func<Primitive> make)
    {
        var primitive = make();
        LoopTest.On(test =>
        {
            test.AllowLeftovers = true;
            primitive.Use();
            _ = test.Loop.CreateTask(Wait());
            test.RunIterations(2);
            test.Loop.Dispose();
            Assert.Single(test.TakeReports());
        });
        LoopTest.Run(async () =>
        {
            var failure = Assert.Throws<InvalidOperationException>(() => WaitInVain(primitive));
            Assert.Contains("was closed", failure.Message, StringComparison.Ordinal);
            await Coroutine.Yield();
        });
        Assert.NotEqual("", name);

        async Coroutine Wait() => await primitive.Wait();
    }

    [Theory]
    [MemberData(nameof(ReadyOperations))]
    public void A_task_that_never_has_to_wait_lets_others_run(string name, Func<Func<ValueTask>> make) => LoopTest.Run(async test =>
    {
        const int operations = 1_000_000 / 8;
        var operation = make();
        var trips = 0;
        var isDone = false;
        var other = test.Loop.CreateTask(Count());
        for (var i = 0; i < operations; i++)
        {
            await operation();
        }

        isDone = true;
        await other;
        Assert.InRange(trips, operations / 128, operations / 32);
        Assert.NotEqual("", name);

        async Coroutine Count()
        {
            while (!isDone)
            {
                trips++;
                await Coroutine.Yield();
            }
        }
    });

    [Theory]
    [MemberData(nameof(ReadyOperations))]
    public void A_trip_for_fairness_loses_nothing_and_the_next_is_told(string name, Func<Func<ValueTask>> make) => LoopTest.Run(async test =>
    {
        var operation = make();
        var count = 0;
        var countAtCancel = 0;
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        Assert.InRange(count, 1, 200);
        countAtCancel = count;
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);

        // The one that made the trip has its result, and so have those after it until the next would have to make one.
        Assert.InRange(count, countAtCancel + 1, countAtCancel + 129);
        Assert.NotEqual("", name);

        async Coroutine Body()
        {
            for (; count < 500; count++)
            {
                await operation();
            }

            await Coroutine.Yield();
        }
    });

    [Fact]
    public void Waiting_needs_a_loop_that_runs()
    {
        var mutex = new AsyncLock();
        Assert.Contains(
            "No event loop runs",
            Assert.Throws<InvalidOperationException>(() => WaitInVain(mutex.AcquireAsync)).Message,
            StringComparison.Ordinal);
        Assert.False(mutex.IsLocked);

        static void WaitInVain(Func<ValueTask<Releaser>> wait) => wait().GetAwaiter().GetResult();
    }

    /// <summary>For waits that fail at once: some throw, some return what throws.</summary>
    private static void WaitInVain(Primitive primitive) => primitive.Wait().GetAwaiter().GetResult();

    private static async Coroutine UseOn(LoopTest test, Primitive primitive)
    {
        primitive.Use();
        var task = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();
        Assert.False(task.IsDone);
        primitive.Wake();
        await task;
        primitive.Use();

        async Coroutine Wait() => await primitive.Wait();
    }

    private static Func<ValueTask> Repeat<T>(T primitive, Func<T, ValueTask> operation) => () => operation(primitive);

    private static Primitive Lock(AsyncLock mutex) => new(
        mutex,
        () =>
        {
            Assert.True(mutex.TryAcquire());
            mutex.Release();
        },
        async () =>
        {
            // Held by the one who waits, to keep the tests short.
            mutex.TryAcquire();
            (await mutex.AcquireAsync()).Dispose();
        },
        mutex.Release);

    private static Primitive Event(AsyncEvent signal) => new(
        signal,
        signal.Clear,
        signal.WaitAsync,
        signal.Set);

    private static Primitive Condition(AsyncCondition condition) => new(
        condition,
        () =>
        {
            Assert.True(condition.TryAcquire());
            condition.Notify();
            condition.Release();
        },
        async () =>
        {
            condition.TryAcquire();
            await condition.WaitAsync();
            condition.Release();
        },
        () =>
        {
            Assert.True(condition.TryAcquire());
            condition.Notify();
            condition.Release();
        });

    private static Primitive Semaphore(AsyncSemaphore semaphore) => new(
        semaphore,
        () =>
        {
            Assert.True(semaphore.TryAcquire());
            semaphore.Release();
        },
        async () =>
        {
            semaphore.TryAcquire();
            (await semaphore.AcquireAsync()).Dispose();
        },
        semaphore.Release);

    private static Primitive Barrier(AsyncBarrier barrier) => new(
        barrier,
        barrier.Reset,
        async () => await barrier.WaitAsync(),
        () => Assert.True(barrier.WaitAsync().IsCompleted));

    private static Primitive QueueGet(AsyncQueue<int> queue) => new(
        queue,
        () =>
        {
            queue.PutNoWait(1);
            Assert.Equal(1, queue.GetNoWait());
        },
        async () => await queue.GetAsync(),
        () => queue.PutNoWait(1));

    private static Primitive QueuePut(AsyncQueue<int> queue) => new(
        queue,
        () =>
        {
            while (queue.TryGet(out _))
            {
            }

            queue.PutNoWait(1);
        },
        () => queue.PutAsync(1),
        () => queue.GetNoWait());

    private static Primitive Channel((ChannelSender<int> Sender, ChannelReceiver<int> Receiver) halves) => new(
        halves.Sender,
        () =>
        {
            Assert.True(halves.Sender.TrySend(1));
            Assert.True(halves.Receiver.TryReceive(out _));
        },
        async () => await halves.Receiver.ReceiveAsync(),
        () => halves.Sender.TrySend(1));

    public sealed record Primitive(object Subject, Action Use, Func<ValueTask> Wait, Action Wake);
}
