namespace Baton.Tests;

public class CoreAllocationTests
{
    private const int Operations = 10_000;

    // The body itself may allocate once, which is accounted for below; never once for each operation.
    private const double Nothing = 0;

    // A task, and its synchronization context.
    private const int TaskSize = 160;

    [Fact]
    public void A_switch_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void An_await_of_a_coroutine_that_completes_at_once_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Complete(i);
        }
    });

    [Fact]
    public void A_chain_that_suspends_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Chain(10);
        }
    });

    [Fact]
    public void A_sleep_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Sleep(TimeSpan.FromTicks(1));
        }
    }, operations: 500); // Each is a real wait.

    [Fact]
    public void A_sleep_of_zero_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Sleep(TimeSpan.Zero);
        }
    });

    [Fact]
    public void A_timer_that_is_cancelled_allocates_nothing() => AssertAllocates(Nothing, static count =>
    {
        var loop = EventLoop.Current;
        for (var i = 0; i < count; i++)
        {
            loop.CallLater(TimeSpan.FromHours(1), static _ => { }, null).Cancel();
        }

        return default;
    });

    [Fact]
    public void A_timer_that_fires_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        var loop = EventLoop.Current;
        for (var i = 0; i < count; i++)
        {
            loop.CallAt(loop.Time, static _ => { }, null);
            await Coroutine.Yield();
        }

        // The last ones are still due when the loop has skipped a poll.
        while (loop.TimerCount > 0)
        {
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_callback_with_a_state_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        var loop = EventLoop.Current;
        for (var i = 0; i < count; i++)
        {
            loop.CallSoon(static _ => { }, loop);
            if (i % 100 == 99)
            {
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void An_await_of_a_future_allocates_nothing_beyond_the_future() => AssertAllocates(80, static async count =>
    {
        var loop = EventLoop.Current;
        for (var i = 0; i < count; i++)
        {
            var future = loop.CreateFuture<int>();
            loop.CallSoon(static state => ((Future<int>)state!).SetResult(1), future);
            await future;
        }
    });

    [Fact]
    public void A_task_allocates_nothing_beyond_itself() => AssertAllocates(TaskSize, static async count =>
    {
        for (var i = 0; i < count; i++)
        {
            await Coroutine.Start(Complete(i));
        }
    });

    [Fact]
    public void An_operation_of_ones_own_allocates_nothing() => AssertAllocates(Nothing, static async count =>
    {
        var operation = new Trip(EventLoop.Current);
        for (var i = 0; i < count; i++)
        {
            await operation.Once();
        }
    });

    [Fact]
    public void An_AsyncLocal_that_does_not_change_costs_no_allocation() => AssertAllocates(Nothing, static async count =>
    {
        var local = new AsyncLocal<int> { Value = 1 };
        for (var i = 0; i < count; i++)
        {
            await Chain(2);
            if (local.Value != 1)
            {
                throw new InvalidOperationException("The value was lost.");
            }
        }
    });

    [Fact]
    public void A_million_tasks_that_sleep_take_at_most_400_bytes_each()
    {
        const int count = 1_000_000;
        var clock = new VirtualClock();
        var bytes = EventLoop.Run(
            async () =>
            {
                var loop = EventLoop.Current;
                var before = GC.GetTotalMemory(forceFullCollection: true);
                for (var i = 0; i < count; i++)
                {
                    _ = Coroutine.Start(SleepAnHour());
                }

                await Coroutine.Yield();
                Assert.Equal(count, loop.TimerCount);
                var after = GC.GetTotalMemory(forceFullCollection: true);

                clock.Advance(TimeSpan.FromHours(2));
                while (loop.TaskCount > 1)
                {
                    await Coroutine.Yield();
                }

                return (after - before) / (double)count;
            },
            new EventLoopOptions { Clock = clock });
        Assert.InRange(bytes, 1, 400);

        static async Coroutine SleepAnHour() => await Coroutine.Sleep(TimeSpan.FromHours(1));
    }

    private static void AssertAllocates(double bytes, Func<int, Coroutine> body, int operations = Operations) =>
        Assert.InRange(Allocation.PerOperation(operations, body), 0, bytes + (200.0 / operations));

#pragma warning disable CS1998 // Completing without an await is the point.
    private static async Coroutine<int> Complete(int value) => value;
#pragma warning restore CS1998

    private static async Coroutine<int> Chain(int depth)
    {
        if (depth > 0)
        {
            return await Chain(depth - 1) + 1;
        }

        await Coroutine.Yield();
        return 0;
    }

    private sealed class Trip(EventLoop loop) : LoopOperation(loop)
    {
        public ValueTask Once()
        {
            Begin();
            Loop.CallSoon(static state => ((Trip)state!).Complete(), this);
            return new ValueTask(this, Token);
        }

        protected override bool RequestCancel(string? message) => false;

        protected override void OnResultTaken()
        {
        }
    }
}
