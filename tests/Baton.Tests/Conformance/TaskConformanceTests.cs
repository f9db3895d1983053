using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Making tasks, what they end with, and which of them is the current one: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskConformanceTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_class")]
    public void A_task_belongs_to_the_loop_that_made_it() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult("ok"));
        test.Loop.RunUntilComplete(task);
        Assert.True(task.IsDone);
        Assert.Equal("ok", task.GetResult());
        Assert.Same(test.Loop, task.Loop);

        using var other = Other();
        var elsewhere = other.CreateTask(Coroutine.FromResult("also ok"));
        Assert.Same(other, elsewhere.Loop);
        test.RunIterations(2);
        Assert.False(elsewhere.IsDone);
        other.RunUntilComplete(elsewhere);
        Assert.Equal("also ok", elsewhere.GetResult());
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_other_loop_future")]
    public void A_task_that_awaits_another_loops_future_fails_and_says_why() => LoopTest.On(test =>
    {
        using var other = Other();
        var future = other.CreateFuture();
        var task = test.Loop.CreateTask(Await());
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(task));
        Assert.StartsWith(
            "Future (pending) belongs to another event loop than the code that awaits it", exception.Message, StringComparison.Ordinal);
        Assert.True(task.IsFailed);
        Assert.False(future.IsDone);

        // Outside of any loop there is only one to speak of.
        exception = Assert.Throws<InvalidOperationException>(() => _ = future.GetAwaiter().IsCompleted);
        Assert.Contains("its event loop is not running", exception.Message, StringComparison.Ordinal);

        async Coroutine Await() => await future;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_future")]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_error_msg")]
    public void A_future_is_taken_as_it_is_and_another_loops_is_refused() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<string>();
        future.SetResult("ko");
        test.Loop.RunUntilComplete(future);
        test.Loop.RunUntilComplete(TakenAsItIs(future));
        AssertRefusedElsewhere(future);
        AssertRefusedElsewhere(test.Loop.CreateFuture());
        Assert.Equal("ko", future.GetResult());
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_task")]
    public void A_task_is_taken_as_it_is_and_another_loops_is_refused() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult("ok"));
        AssertRefusedElsewhere(task);
        test.Loop.RunUntilComplete(TakenAsItIs(task));
        Assert.Equal("ok", task.GetResult());
        AssertRefusedElsewhere(task);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_awaitable")]
    [CPython("test_tasks.BaseTaskTests.test_ensure_future_task_awaitable")]
    public void Whatever_can_be_awaited_can_be_made_a_task_by_a_coroutine_that_awaits_it() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Await(new Wrapper(Coroutine.FromResult("at once"))));
        var suspended = Coroutine.Start(Await(new Wrapper(Coroutine.Sleep(TimeSpan.FromSeconds(1), "later"))));
        await Coroutine.Yield();
        Assert.True(task.IsDone);
        Assert.False(suspended.IsDone);
        Assert.EndsWith(".Await", suspended.GetAwaitStack().Frames[0].Method, StringComparison.Ordinal);
        Assert.Equal("at once", task.GetResult());
        Assert.Equal("later", await suspended);
        Assert.Equal(TimeSpan.FromSeconds(1), test.Elapsed);

        static async Coroutine<string> Await(Wrapper wrapper) => await wrapper;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_create_task_with_asynclike_function")]
    public void A_task_runs_code_of_other_libraries_that_only_looks_like_an_awaitable() => LoopTest.Run(async () =>
    {
        for (var i = 0; i < 2; i++)
        {
            var task = Coroutine.Start(Await(new Lookalike(42)));
            Assert.Equal(42, await task);
        }

        static async Coroutine<int> Await(Lookalike lookalike) => await lookalike;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_create_task_with_async_function")]
    [CPython("test_tasks.BaseTaskTests.test_coroutine_non_gen_function")]
    public void Every_call_of_an_async_method_is_a_coroutine_that_a_task_or_the_loop_can_run() => LoopTest.On(test =>
    {
        var calls = 0;
        var first = test.Loop.CreateTask(Call());
        var second = test.Loop.CreateTask(Call());
        Assert.NotSame(first, second);
        Assert.Equal(0, calls);
        test.Loop.RunUntilComplete(first);
        test.Loop.RunUntilComplete(second);
        Assert.Equal(["1", "2"], [first.GetResult(), second.GetResult()]);
        Assert.Equal("3", test.Loop.RunUntilComplete(Call()));

        async Coroutine<string> Call() => $"{++calls}";
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_coroutine_non_gen_function_return_future")]
    public void A_future_that_a_coroutine_returns_is_a_result_like_any_other() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<string>();
        var returns = test.Loop.CreateTask(Return());
        var completes = test.Loop.CreateTask(Complete());
        test.Loop.RunUntilComplete(returns);
        Assert.Same(future, returns.GetResult());
        Assert.True(completes.IsDone);
        Assert.Null(completes.GetException());
        Assert.Equal("test", future.GetResult());

        // The task does not wait for it.
        var pending = test.Loop.CreateFuture<string>();
        future = pending;
        Assert.Same(pending, test.Loop.RunUntilComplete(Return()));
        Assert.False(pending.IsDone);

        async Coroutine<Future<string>> Return() => future;

        async Coroutine Complete() => future.SetResult("test");
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_basics")]
    public void A_coroutine_adds_up_what_it_awaits() => LoopTest.On(test =>
    {
        Assert.Equal(1042, test.Loop.RunUntilComplete(Outer()));

        static async Coroutine<int> Outer()
        {
            var small = await Inner(42);
            var large = await Inner(1000);
            return small + large;
        }

        static async Coroutine<int> Inner(int value) => value;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_step_result_future")]
    public void A_task_waits_for_a_future_of_a_kind_of_its_own_and_gets_the_very_result() => LoopTest.On(test =>
    {
        var future = new OwnFuture(test.Loop);
        object? result = null;
        var task = test.Loop.CreateTask(Body());
        test.RunIterations(1);
        Assert.Equal(AwaitState.Suspended, task.GetAwaitStack().State);
        Assert.Equal("Own (pending)", task.GetAwaitStack().WaitsFor);
        var expected = new object();
        future.SetResult(expected);
        Assert.Null(result);
        test.RunIterations(1);
        Assert.Same(expected, result);
        Assert.True(task.IsDone);
        Assert.Null(task.GetException());

        async Coroutine Body() => result = await future;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_current_task")]
    public void The_current_task_is_the_main_task_while_it_runs_and_none_before_and_after() => LoopTest.On(test =>
    {
        Assert.Null(LoopTask.Current);
        LoopTask? task = null;
        task = test.Loop.CreateTask(Body());
        test.Loop.RunUntilComplete(task);
        Assert.Null(LoopTask.Current);

        async Coroutine Body()
        {
            Assert.Same(task, LoopTask.Current);
            await Coroutine.Yield();
            Assert.Same(task, LoopTask.Current);
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_current_task_with_interleaving_tasks")]
    public void Tasks_that_wake_each_other_are_each_the_current_one_in_their_turn() => LoopTest.On(test =>
    {
        var first = test.Loop.CreateFuture();
        var second = test.Loop.CreateFuture();
        var tasks = new LoopTask[2];
        var steps = new List<int>();
        tasks[0] = test.Loop.CreateTask(Waits());
        tasks[1] = test.Loop.CreateTask(Wakes());
        test.Loop.RunUntilComplete(tasks[0]);
        test.Loop.RunUntilComplete(tasks[1]);
        Assert.Equal([0, 1, 0, 1], steps);
        Assert.Null(LoopTask.Current);

        async Coroutine Waits()
        {
            Note();
            await first;
            Note();
            second.SetResult();
        }

        async Coroutine Wakes()
        {
            Note();
            first.SetResult();
            await second;
            Note();
        }

        void Note() => steps.Add(Array.IndexOf(tasks, LoopTask.Current));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_exception_traceback")]
    public void The_exception_of_a_failed_task_knows_where_it_was_thrown() => LoopTest.Run(async () =>
    {
        var task = Coroutine.Start(Divide(0));
        await Coroutine.Yield();
        Assert.True(task.IsDone);
        var exception = Assert.IsType<DivideByZeroException>(task.GetException());
        Assert.Contains(nameof(Divide), exception.StackTrace, StringComparison.Ordinal);

        static async Coroutine<int> Divide(int divisor) => 1 / divisor;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_exception_chaining_after_await_with_context_cycle")]
    public void A_task_may_throw_the_very_exception_that_its_awaiter_is_handling() => LoopTest.Run(async () =>
    {
        try
        {
            throw new KeyNotFoundException("a");
        }
        catch (KeyNotFoundException handled)
        {
            var thrown = await Assert.ThrowsAsync<KeyNotFoundException>(async () => await Coroutine.Start(Rethrow(handled)));
            Assert.Same(handled, thrown);
            Assert.Null(thrown.InnerException);
            Assert.Contains(nameof(Rethrow), thrown.ToString(), StringComparison.Ordinal);
        }

        static async Coroutine Rethrow(Exception exception) => throw exception;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_stop_while_run_in_complete")]
    public void A_loop_that_is_stopped_before_the_main_task_ends_says_so_and_the_task_can_be_ended_later() => LoopTest.On(test =>
    {
        var rounds = 0;
        var task = test.Loop.CreateTask(Body());
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(task));
        Assert.Contains("stopped before", exception.Message, StringComparison.Ordinal);
        Assert.False(task.IsDone);
        Assert.Equal(2, rounds);
        Assert.Equal(TimeSpan.FromMilliseconds(200), test.Elapsed);

        task.Cancel();
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.Equal(2, rounds);

        async Coroutine Body()
        {
            while (rounds < 10)
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(100));
                if (++rounds == 2)
                {
                    test.Loop.Stop();
                }
            }
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [CPython("test_tasks.BaseTaskTests.test_eager_start_true")]
    [CPython("test_tasks.BaseTaskTests.test_eager_start_false")]
    public void An_eager_task_has_run_under_its_own_name_when_the_call_returns_and_another_has_not(bool eager) => LoopTest.Run(async test =>
    {
        string? name = null;
        var task = test.Loop.CreateTask(Body(), "example", eager);
        Assert.Equal(eager, task.IsDone);
        Assert.Equal(eager ? "example" : null, name);
        await task;
        Assert.Equal("example", name);

        async Coroutine Body() => name = LoopTask.Current!.Name;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_sleep")]
    public void Sleeps_add_up_and_the_last_one_brings_the_result() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Body(TimeSpan.FromMilliseconds(100), "yes"));
        test.Loop.RunUntilComplete(task);
        Assert.True(task.IsDone);
        Assert.Equal("yes", task.GetResult());
        Assert.Equal(TimeSpan.FromMilliseconds(100), test.Elapsed);

        static async Coroutine<string> Body(TimeSpan delay, string result)
        {
            await Coroutine.Sleep(delay / 2);
            return await Coroutine.Sleep(delay / 2, result);
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_del_collect")]
    public void Results_that_force_a_collection_when_they_go_do_no_harm_to_tasks() => LoopTest.On(test =>
    {
        Collector.Gone = 0;
        MakeAndDrop(test.Loop);
        for (var i = 0; i < 10 && Volatile.Read(ref Collector.Gone) < 100; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            test.Loop.RunUntilComplete(Coroutine.Sleep(TimeSpan.Zero));
        }

        Assert.Equal(100, Volatile.Read(ref Collector.Gone));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void MakeAndDrop(EventLoop loop) => loop.RunUntilComplete(Gather());

        static async Coroutine Gather() =>
            Assert.Equal(100, (await Coroutine.Gather(Enumerable.Range(0, 100).Select(_ => Coroutine.Start(Make())))).Length);

        static async Coroutine<Collector> Make() => new();
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_proper_refcounts")]
    public void A_task_that_did_not_come_about_keeps_neither_its_coroutine_nor_its_context() => LoopTest.On(test =>
    {
        var references = Try(test.Loop);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.All(references, reference => Assert.False(reference.IsAlive));
        Assert.Empty(test.Loop.AllTasks());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static List<WeakReference> Try(EventLoop loop)
        {
            var references = new List<WeakReference>();
            var local = new AsyncLocal<object>();
            for (var i = 0; i < 5; i++)
            {
                ExecutionContext.Run(ExecutionContext.Capture()!, _ =>
                {
                    var ofCoroutine = new object();
                    var ofContext = new object();
                    local.Value = ofContext;
                    references.Add(new WeakReference(ofCoroutine));
                    references.Add(new WeakReference(ofContext));
                    Assert.Throws<InvalidOperationException>(() => _ = loop.CreateTask(Hold(ofCoroutine), scope: new CancelScope()));
                }, null);
            }

            return references;
        }

        static async Coroutine Hold(object target)
        {
            await Coroutine.Sleep(Hour);
            GC.KeepAlive(target);
        }
    });

    private static async Coroutine TakenAsItIs(Future future)
    {
        var (done, _) = await Coroutine.Wait([future]);
        Assert.Same(future, done[0]);
        Assert.Same(future, Coroutine.Shield(future));
        await foreach (var completed in Coroutine.AsCompleted([future]))
        {
            Assert.Same(future, completed);
        }
    }

    private static void AssertRefusedElsewhere(Future future)
    {
        using var other = Other();
        var exception = Assert.Throws<InvalidOperationException>(() => other.RunUntilComplete(future));
        Assert.Contains("belongs to another event loop", exception.Message, StringComparison.Ordinal);
        other.RunUntilComplete(Body());

        async Coroutine Body()
        {
            exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Shield(future));
            Assert.Contains("belongs to event loop 'test', and this is event loop 'other'", exception.Message, StringComparison.Ordinal);
        }
    }

    private static EventLoop Other() => new(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });

    /// <summary>An object that can be awaited because what is within can.</summary>
    private sealed class Wrapper(Coroutine<string> coroutine)
    {
        public CoroutineAwaiter<string> GetAwaiter() => coroutine.GetAwaiter();
    }

    /// <summary>What the compiler takes for an awaitable, and Baton has never heard of.</summary>
    private sealed class Lookalike(int result) : INotifyCompletion
    {
        public bool IsCompleted => false;

        public Lookalike GetAwaiter() => this;

        public int GetResult() => result;

        public void OnCompleted(Action continuation) => continuation();
    }

    private sealed class OwnFuture(EventLoop loop) : Future<object>(loop)
    {
        protected override string Label => "Own";
    }

    private sealed class Collector
    {
        internal static int Gone;

        ~Collector()
        {
            GC.Collect(0);
            Interlocked.Increment(ref Gone);
        }
    }
}
