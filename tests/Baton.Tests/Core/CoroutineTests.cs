using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Coroutines among themselves: when they run, and what becomes of results and exceptions.</summary>
public class CoroutineTests
{
    [Fact]
    public void Nothing_runs_until_the_coroutine_is_awaited() => LoopTest.Run(async () =>
    {
        var log = new List<string>();
        var coroutine = Body(log);
        await Coroutine.Yield();
        Assert.Empty(log);
        await coroutine;
        Assert.Equal(["ran"], log);

        static async Coroutine Body(List<string> log) => log.Add("ran");
    });

    [Fact]
    public void An_awaited_coroutine_runs_at_once_inside_the_current_task() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var current = LoopTask.Current;
        test.Loop.CallSoon(() => log.Add("callback"));
        await Body();
        Assert.Equal(["body"], log);
        Assert.Same(current, LoopTask.Current);
        await Coroutine.Yield();

        async Coroutine Body()
        {
            Assert.Same(current, LoopTask.Current);
            log.Add("body");
        }
    });

    [Fact]
    public void A_coroutine_that_nobody_awaits_is_harmless() => LoopTest.Run(async () =>
    {
        for (var i = 0; i < 100; i++)
        {
            _ = Fail();
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        await Coroutine.Yield();

        static async Coroutine Fail() => throw new IOException();
    });

    [Fact]
    public void The_default_coroutine_has_completed() => LoopTest.Run(async test =>
    {
        await default(Coroutine);
        Assert.Equal(0, await default(Coroutine<int>));
        await test.Loop.CreateTask(default(Coroutine));
        Assert.Null(await test.Loop.CreateTask(default(Coroutine<string>)));
    });

    [Fact]
    public void Results_and_values_of_every_size_come_back() => LoopTest.Run(async () =>
    {
        Assert.Equal(1, await Value(1, suspend: false));
        Assert.Equal("two", await Value("two", suspend: true));
        Assert.Equal((3L, 4L, 5L, "six"), await Value((3L, 4L, 5L, "six"), suspend: true));
        Assert.Null(await Value<object?>(null, suspend: false));
        Assert.Equal(7, await Coroutine.FromResult(7));

        static async Coroutine<T> Value<T>(T value, bool suspend)
        {
            if (suspend)
            {
                await Coroutine.Yield();
            }

            return value;
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void An_exception_reaches_the_awaiter_with_the_stack_of_all_that_it_passed(bool suspend) => LoopTest.Run(async () =>
    {
        var exception = await Assert.ThrowsAsync<IOException>(async () => await Outer());
        Assert.Contains(nameof(Inner), exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(Middle), exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(Outer), exception.StackTrace, StringComparison.Ordinal);

        async Coroutine Outer() => await Middle();

        async Coroutine<int> Middle()
        {
            await Inner();
            return 1;
        }

        async Coroutine Inner()
        {
            if (suspend)
            {
                await Coroutine.Yield();
            }

            throw new IOException();
        }
    });

    [Fact]
    public void Finally_blocks_run_and_exceptions_can_be_caught_and_replaced() => LoopTest.Run(async () =>
    {
        var log = new List<string>();
        try
        {
            await Outer();
        }
        catch (InvalidOperationException exception)
        {
            log.Add($"caught {exception.InnerException!.Message}");
        }

        Assert.Equal(["finally", "caught first"], log);

        async Coroutine Outer()
        {
            try
            {
                await Coroutine.FromException(new IOException("first"));
            }
            catch (IOException exception)
            {
                await Coroutine.Yield();
                throw new InvalidOperationException("second", exception);
            }
            finally
            {
                await Coroutine.Yield();
                log.Add("finally");
            }
        }
    });

    [Fact]
    [CPython("test_pep492.CoroutineTests.test_double_await")]
    public void A_coroutine_can_be_used_once() => LoopTest.Run(async test =>
    {
        var awaited = Coroutine.FromResult(1);
        await awaited;
        await AssertReused(async () => await awaited);
        AssertReusedNow(() => test.Loop.CreateTask(awaited));

        var started = Coroutine.FromResult(2);
        var task = test.Loop.CreateTask(started);
        await AssertReused(async () => await started);
        AssertReusedNow(() => Coroutine.Start(started));
        Assert.Equal(2, await task);
        await AssertReused(async () => await started);

        var withoutResult = Nothing();
        await withoutResult;
        await AssertReused(async () => await withoutResult);

        var suspended = Coroutine.Sleep(TimeSpan.FromSeconds(1));
        var sleeper = test.Loop.CreateTask(suspended);
        await Coroutine.Yield();
        await AssertReused(async () => await suspended);
        await sleeper;

        // The pooled object behind it serves another coroutine by now; the old value must not reach that.
        var fresh = Coroutine.FromResult(3);
        await AssertReused(async () => await awaited);
        Assert.Equal(3, await fresh);

        static async Coroutine Nothing() => await Coroutine.Yield();

        static async Coroutine AssertReused(Func<Task> body) =>
            Assert.Contains(
                "already awaited", (await Assert.ThrowsAsync<InvalidOperationException>(body)).Message, StringComparison.Ordinal);

        static void AssertReusedNow(Action body) =>
            Assert.Contains("already awaited", Assert.Throws<InvalidOperationException>(body).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void Two_cannot_await_one_coroutine_at_a_time() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var coroutine = Await();
        var first = test.Loop.CreateTask(Awaits());
        var second = test.Loop.CreateTask(Awaits());
        await Coroutine.Yield();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await second);
        future.SetResult();
        await first;

        async Coroutine Awaits() => await coroutine;

        async Coroutine Await() => await future;
    });

    [Fact]
    public void Blocking_on_a_coroutine_that_has_not_ended_throws() => LoopTest.Run(async () =>
    {
        var sleep = Coroutine.Sleep(TimeSpan.FromSeconds(1)).GetAwaiter();
        Assert.Contains("Await", Assert.Throws<InvalidOperationException>(sleep.GetResult).Message, StringComparison.Ordinal);
        await default(Coroutine);
    });

    [Fact]
    public void Tasks_start_in_the_next_iteration_in_the_order_of_creation() => LoopTest.Run(async test =>
    {
        var log = new List<int>();
        var tasks = Enumerable.Range(0, 100).Select(i => test.Loop.CreateTask(Body(i))).ToList();
        Assert.Empty(log);
        await Coroutine.Yield();
        Assert.Equal(Enumerable.Range(0, 100), log);
        Assert.All(tasks, task => Assert.True(task.IsDone));

        async Coroutine Body(int number) => log.Add(number);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_coroutine")]
    [CPython("test_tasks.BaseTaskTests.test_bare_create_task")]
    [CPython("test_tasks.BaseTaskTests.test_bare_create_named_task")]
    public void Start_makes_a_task_of_the_current_loop() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Coroutine.FromResult(1), "named");
        Assert.Same(test.Loop, task.Loop);
        Assert.Equal("named", task.Name);
        Assert.Equal(1, await task);
        await Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_coroutine")]
    public void Start_needs_a_running_loop() => LoopTest.On(test =>
    {
        var coroutine = Coroutine.Sleep(TimeSpan.Zero, "ok");
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Start(coroutine));
        Assert.Contains("EventLoop.Run", exception.Message, StringComparison.Ordinal);
        Assert.Empty(test.Loop.AllTasks());

        // The coroutine is as good as new: a loop can make it a task, and so can code that it runs, for later.
        var task = test.Loop.CreateTask(coroutine);
        Assert.Same(test.Loop, task.Loop);
        test.Loop.RunUntilComplete(task);
        Assert.Equal("ok", task.GetResult());
        task = test.Loop.RunUntilComplete(Make());
        Assert.Same(test.Loop, task.Loop);
        Assert.False(task.IsDone);
        test.Loop.RunUntilComplete(task);
        Assert.Equal("ok", task.GetResult());

        static async Coroutine<LoopTask<string>> Make()
        {
            await Coroutine.Yield();
            return Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero, "ok"));
        }
    });

    [Fact]
    public void Yield_makes_exactly_one_trip() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        test.Loop.CallSoon(() =>
        {
            log.Add("first");
            test.Loop.CallSoon(() => log.Add("second"));
        });
        await Coroutine.Yield();
        log.Add("yielded");
        await Coroutine.Yield();
        Assert.Equal(["first", "yielded", "second"], log);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_sleep_of_zero_or_less_makes_exactly_one_trip_and_sets_no_timer(int seconds) => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        test.Loop.CallSoon(() =>
        {
            log.Add("first");
            Assert.Equal(0, test.Loop.TimerCount);
            test.Loop.CallSoon(() => log.Add("second"));
        });
        await Coroutine.Sleep(TimeSpan.FromSeconds(seconds));
        log.Add("slept");
        await Coroutine.Yield();
        Assert.Equal(["first", "slept", "second"], log);
    });

    [Fact]
    public void A_sleep_lasts_its_time() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1500));
        Assert.Equal(1_500_000_000, test.Loop.Time - start);
        await Coroutine.Sleep(TimeSpan.FromTicks(1));
        Assert.Equal(1_500_000_100, test.Loop.Time - start);
    });

    [Theory]
    [InlineData(-1)]
    [InlineData(long.MaxValue)]
    public void A_sleep_without_end_sets_no_timer_and_ends_when_cancelled(long ticks) => LoopTest.Run(async test =>
    {
        var delay = ticks < 0 ? Timeout.InfiniteTimeSpan : TimeSpan.FromTicks(ticks);
        var task = test.Loop.CreateTask(Coroutine.Sleep(delay));
        await Coroutine.Yield();
        Assert.Equal(0, test.Loop.TimerCount);
        test.Clock.Advance(TimeSpan.FromDays(100_000));
        await Coroutine.Sleep(TimeSpan.FromDays(1));
        Assert.False(task.IsDone);
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
    });

    [Fact]
    public void Sleepers_wake_by_deadline() => LoopTest.Run(async test =>
    {
        var log = new List<int>();
        var tasks = new[] { 3, 1, 2, 1 }.Select(seconds => test.Loop.CreateTask(Sleep(seconds))).ToList();
        foreach (var task in tasks)
        {
            await task;
        }

        Assert.Equal([1, 1, 2, 3], log);

        async Coroutine Sleep(int seconds)
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(seconds));
            log.Add(seconds);
        }
    });

    [Fact]
    public void A_sleep_can_be_a_task_of_its_own() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        await test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromSeconds(2)));
        await test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.Zero));
        Assert.Equal(2_000_000_000, test.Loop.Time - start);
        var endless = test.Loop.CreateTask(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        await Coroutine.Yield();
        endless.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await endless);
    });

    [Fact]
    public void Coroutines_may_be_made_on_one_thread_and_run_on_another() => LoopTest.On(test =>
    {
        Coroutine<int> coroutine = default;
        using (LoopTest.StartThread(() => coroutine = Body(20)))
        {
        }

        Assert.Equal(21, test.Loop.RunUntilComplete(coroutine));

        static async Coroutine<int> Body(int value)
        {
            await Coroutine.Yield();
            return value + 1;
        }
    });

    [Fact]
    public void Generic_methods_methods_of_structs_and_many_locals_work() => LoopTest.Run(async () =>
    {
        Assert.Equal("ab", await new Pair<string>("a", "b").Join());
        Assert.Equal(10, await Sum(1, 2, 3, 4));

        static async Coroutine<int> Sum(int a, int b, int c, int d)
        {
            await Coroutine.Yield();
            var e = a + b;
            await Coroutine.Yield();
            var f = c + d;
            await Coroutine.Yield();
            return e + f;
        }
    });

    [Fact]
    public void What_a_coroutine_held_is_free_once_it_has_ended() => LoopTest.Run(async () =>
    {
        var reference = await Hold();
        await Coroutine.Yield();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(reference.TryGetTarget(out _));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Coroutine<WeakReference<object>> Hold()
        {
            var target = new object();
            await Coroutine.Yield();
            await Use(target);
            return new WeakReference<object>(target);
        }

        static async Coroutine Use(object target)
        {
            await Coroutine.Yield();
            GC.KeepAlive(target);
        }
    });

    private readonly struct Pair<T>(T first, T second)
    {
        public async Coroutine<string> Join()
        {
            var self = this;
            await Coroutine.Yield();
            return $"{self.First}{self.Second}";
        }

        private T First => first;

        private T Second => second;
    }
}
