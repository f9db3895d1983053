using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>Whatever a coroutine awaits, it comes back to its loop's thread, through the ready queue.</summary>
public class ForeignAwaitTests
{
    public static TheoryData<string, Func<Task>> Tasks => new()
    {
        { "Task.Yield", async () => await Task.Yield() },
        { "Task.Delay", () => Task.Delay(1) },
        { "Task.Run", () => Task.Run(() => { }) },
        { "completed", () => Task.CompletedTask },
        { "TaskCompletionSource, inline", () => CompleteElsewhere(TaskCreationOptions.None) },
        { "TaskCompletionSource, asynchronous", () => CompleteElsewhere(TaskCreationOptions.RunContinuationsAsynchronously) },
    };

    [Theory]
    [MemberData(nameof(Tasks))]
    public void A_coroutine_comes_back_from_a_task(string name, Func<Task> make) => LoopTest.Run(async test =>
    {
        var task = LoopTask.Current;
        Check();
        await make();
        Check();
        await make().ConfigureAwait(false);
        Check();
        await make().ConfigureAwait(ConfigureAwaitOptions.ForceYielding | ConfigureAwaitOptions.SuppressThrowing);
        Check();
        await new ValueTask(make());
        Check();
        await new ValueTask(make()).ConfigureAwait(false);
        Check();
        await new ValueTask<int>(Value());
        Check();
        await Task.WhenAll(make(), make());
        Check();
        await Task.WhenAny(make(), make());
        Check();
        await Plain();
        Check();
        await Coroutine.Yield();

        async Task<int> Value()
        {
            await make();
            Check();
            return 1;
        }

        async Task Plain()
        {
            await make();
            Check();
            await make().ConfigureAwait(false);
            await make().ConfigureAwait(false);
        }

        void Check()
        {
            Assert.True(test.Loop.IsOnLoopThread, name);
            Assert.Same(task, LoopTask.Current);
            Assert.Same(test.Loop, EventLoop.Current);
            Assert.NotNull(SynchronizationContext.Current);
        }
    });

    [Fact]
    public void Failures_and_cancellations_of_tasks_are_thrown() => LoopTest.Run(async () =>
    {
        await Assert.ThrowsAsync<IOException>(async () => await Outer(Task.FromException(new IOException())));
        await Assert.ThrowsAsync<IOException>(async () => await Outer(Task.Run(() => throw new IOException())));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Outer(Task.FromCanceled(new CancellationToken(true))));

        static async Coroutine Outer(Task task) => await task;
    });

    [Fact]
    public void A_task_that_is_completed_already_costs_no_trip() => LoopTest.Run(async test =>
    {
        var ran = false;
        test.Loop.CallSoon(() => ran = true);
        await Task.CompletedTask;
        await new ValueTask<int>(3);
        await Task.CompletedTask.ConfigureAwait(false);
        Assert.False(ran);
        await Coroutine.Yield();
    });

    [Fact]
    public void Task_Yield_makes_exactly_one_trip() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        test.Loop.CallSoon(() =>
        {
            log.Add("first");
            test.Loop.CallSoon(() => log.Add("second"));
        });
        await Task.Yield();
        log.Add("yielded");
        await Coroutine.Yield();
        Assert.Equal(["first", "yielded", "second"], log);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_coroutine_never_resumes_inside_the_SetResult_of_another_task(bool continueOnContext) => LoopTest.Run(async test =>
    {
        var source = new TaskCompletionSource();
        var log = new List<string>();
        var waiter = test.Loop.CreateTask(Wait());
        await Coroutine.Yield();
        log.Add("before");
        source.SetResult();
        log.Add("after");
        await waiter;
        Assert.Equal(["before", "after", "resumed"], log);

        async Coroutine Wait()
        {
            await source.Task.ConfigureAwait(continueOnContext);
            log.Add("resumed");
            Assert.True(test.Loop.IsOnLoopThread);
        }
    });

    [Fact]
    public void A_coroutine_never_resumes_inside_the_SetResult_of_its_own_task() => LoopTest.Run(async test =>
    {
        var source = new TaskCompletionSource();
        var log = new List<string>();
        var current = LoopTask.Current;
        await Task.WhenAll(Plain(), Set());
        Assert.Equal(["set", "after", "resumed"], log);

        async Task Plain() => await Wait();

        async Coroutine Wait()
        {
            await source.Task;
            Assert.Same(current, LoopTask.Current);
            log.Add("resumed");
        }

        async Task Set()
        {
            await Coroutine.Yield();
            log.Add("set");
            source.SetResult();
            log.Add("after");
        }
    });

    [Fact]
    [CPython(
        "test_futures.DuckTests.test_wrap_future",
        Improvement = "Whatever has an awaiter is awaited as it is: nothing has to be recognised as a future, or wrapped.")]
    [CPython(
        "test_futures.DuckTests.test_ensure_future",
        Improvement = "Whatever has an awaiter is awaited as it is: nothing has to be recognised as a future, or wrapped.")]
    public void Custom_awaiters_of_every_kind_work() => LoopTest.Run(async test =>
    {
        foreach (var run in new Func<Action, Task>[]
        {
            continuation => Task.Run(continuation),
            continuation =>
            {
                continuation();
                return Task.CompletedTask;
            },
            continuation =>
            {
                test.Loop.CallSoon(continuation);
                return Task.CompletedTask;
            },
            continuation =>
            {
                test.Loop.CallSoonThreadSafe(continuation);
                return Task.CompletedTask;
            },
            continuation =>
            {
                SynchronizationContext.Current!.Post(static state => ((Action)state!)(), continuation);
                return Task.CompletedTask;
            },
        })
        {
            await Use(new NotifyAwaitable(run), run);
            Assert.Equal("critical", await new CriticalAwaitable(run));
            Check();
            await Use(new ClassAwaitable(run), run);
        }

        async Coroutine Use(object awaitable, Func<Action, Task> run)
        {
            switch (awaitable)
            {
                case NotifyAwaitable notify:
                    Assert.Equal("notify", await notify);
                    break;
                case ClassAwaitable @class:
                    Assert.Equal("class", await @class);
                    break;
            }

            Check();
            Assert.NotNull(run);
        }

        void Check()
        {
            Assert.True(test.Loop.IsOnLoopThread);
            Assert.NotNull(LoopTask.Current);
        }
    });

    [Fact]
    public void An_awaiter_that_continues_inside_OnCompleted_costs_one_trip_and_no_stack() => LoopTest.Run(async test =>
    {
        Func<Action, Task> run = static continuation =>
        {
            continuation();
            return Task.CompletedTask;
        };
        var others = 0;
        test.Loop.CallSoon(() => others++);
        await new CriticalAwaitable(run);
        Assert.Equal(1, others);
        for (var i = 0; i < 100_000; i++)
        {
            await new CriticalAwaitable(run);
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void An_awaiter_that_continues_twice_gets_an_exception_the_second_time(bool onLoop) => LoopTest.Run(async test =>
    {
        Exception? second = null;
        var resumed = 0;
        await new CriticalAwaitable(continuation =>
        {
            if (onLoop)
            {
                Twice();
            }
            else
            {
                using var thread = LoopTest.StartThread(Twice);
            }

            return Task.CompletedTask;

            void Twice()
            {
                continuation();
                second = Record.Exception(continuation);
            }
        });
        resumed++;
        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.Equal(1, resumed);
        Assert.Contains("second time", Assert.IsType<InvalidOperationException>(second).Message, StringComparison.Ordinal);
        Assert.True(test.Loop.IsRunning);
    });

    [Fact]
    public void What_a_custom_awaiter_does_besides_when_posting_is_done() => LoopTest.Run(async () =>
    {
        var posted = 0;
        await new CriticalAwaitable(continuation =>
        {
            SynchronizationContext.Current!.Post(
                state =>
                {
                    posted++;
                    ((Action)state!)();
                },
                continuation);
            return Task.CompletedTask;
        });
        Assert.Equal(1, posted);
    });

    [Fact]
    public void An_awaiter_that_throws_fails_the_coroutine() => LoopTest.Run(async () =>
    {
        await Assert.ThrowsAsync<IOException>(async () => await Await());
        await Coroutine.Yield();

        static async Coroutine Await() => await new CriticalAwaitable(_ => throw new IOException());
    });

    [Fact]
    public void A_task_that_completes_after_its_loop_was_closed_harms_nobody() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var source = new TaskCompletionSource();
        foreach (var coroutine in new[] { Direct(), WithoutContext(), ThroughPlain(), Coroutine.FromTask(source.Task) })
        {
            test.Loop.CreateTask(coroutine);
        }

        test.RunIterations(3);
        test.Loop.Dispose();
        Assert.Equal(4, test.TakeReports().Count);
        using (LoopTest.StartThread(source.SetResult))
        {
        }

        async Coroutine Direct() => await source.Task;

        async Coroutine WithoutContext() => await source.Task.ConfigureAwait(false);

        async Coroutine ThroughPlain() => await Plain();

        async Task Plain() => await source.Task;
    });

    [Fact]
    public void Plain_code_that_left_the_loop_cannot_await_a_coroutine_there_and_is_told_so() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(async () => await Plain());
        Assert.Contains("RunCoroutineThreadSafe", exception.Message, StringComparison.Ordinal);
        Assert.True(test.Loop.IsOnLoopThread);

        static async Task Plain()
        {
            await Task.Run(() => { }).ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            await Coroutine.Sleep(TimeSpan.Zero);
        }
    });

    [Fact]
    public void Plain_code_outside_of_a_task_may_await_coroutines_and_futures() => LoopTest.On(test =>
    {
        var log = new List<string>();
        var future = test.Loop.CreateFuture<int>();
        Task? task = null;
        test.Loop.CallSoon(() => task = Plain());
        test.Loop.CallLater(TimeSpan.FromSeconds(2), () => future.SetResult(2));
        test.Loop.CallLater(TimeSpan.FromSeconds(3), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.True(task!.IsCompletedSuccessfully, task.Exception?.ToString());
        Assert.Equal(["slept", "2", "3"], log);

        async Task Plain()
        {
            await Sleep();
            Check("slept");
            Check((await future).ToString());
            await Coroutine.Yield();
            Check((await Coroutine.FromResult(3)).ToString());
        }

        async Coroutine Sleep()
        {
            Assert.Null(LoopTask.Current);
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            Assert.Null(LoopTask.Current);
        }

        void Check(string entry)
        {
            Assert.True(test.Loop.IsOnLoopThread);
            Assert.Null(LoopTask.Current);
            log.Add(entry);
        }
    });

    private static Task CompleteElsewhere(TaskCreationOptions options)
    {
        var source = new TaskCompletionSource(options);
        new Thread(source.SetResult) { IsBackground = true }.Start();
        return source.Task;
    }

    private readonly struct NotifyAwaitable(Func<Action, Task> run) : INotifyCompletion
    {
        public bool IsCompleted => false;

        public NotifyAwaitable GetAwaiter() => this;

        public string GetResult() => "notify";

        public void OnCompleted(Action continuation) => run(continuation);
    }

    private readonly struct CriticalAwaitable(Func<Action, Task> run) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public CriticalAwaitable GetAwaiter() => this;

        public string GetResult() => "critical";

        public void OnCompleted(Action continuation) => throw new NotSupportedException();

        public void UnsafeOnCompleted(Action continuation) => run(continuation);
    }

    private sealed class ClassAwaitable(Func<Action, Task> run) : ICriticalNotifyCompletion
    {
        public bool IsCompleted => false;

        public ClassAwaitable GetAwaiter() => this;

        public string GetResult() => "class";

        public void OnCompleted(Action continuation) => throw new NotSupportedException();

        public void UnsafeOnCompleted(Action continuation) => run(continuation);
    }
}
