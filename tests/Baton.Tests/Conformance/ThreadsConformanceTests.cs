using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's tests of calls from other threads, and of free threading, pin down and our other tests do not.</summary>
public class ThreadsConformanceTests
{
    private const int Threads = 4;

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon_threadsafe")]
    public void What_another_thread_posted_runs_before_what_the_loops_thread_queues_after_it() => LoopTest.On(test =>
    {
        var results = new List<object?>();
        LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(results.Add, "hello")).Join();
        test.Loop.CallSoon(results.Add, "world");
        test.Loop.CreateTask(Run("task"));
        LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(results.Add, "posted")).Join();
        test.Loop.CreateTask(Run("another task"));
        test.RunIterations(1);
        Assert.Equal(["hello", "world", "task", "posted", "another task"], results);

#pragma warning disable CS1998
        async Coroutine Run(string name) => results.Add(name);
#pragma warning restore CS1998
    });

    [Fact]
    public void What_another_thread_posts_during_a_batch_runs_before_what_the_batch_queues_after_it() => LoopTest.On(test =>
    {
        var results = new List<object?>();
        test.Loop.CallSoon(() =>
        {
            test.Loop.CallSoon(results.Add, 1);
            LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(results.Add, 2)).Join();
            test.Loop.CallSoon(results.Add, 3);
        });
        test.RunIterations(1);
        Assert.Empty(results);
        test.RunIterations(1);
        Assert.Equal([1, 2, 3], results);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon_threadsafe_same_thread")]
    public void A_thread_safe_call_before_the_run_keeps_its_place_before_a_later_callback() => LoopTest.On(test =>
    {
        var results = new List<object?>();
        test.Loop.CallSoonThreadSafe(results.Add, "hello");
        test.Loop.CallSoon(results.Add, "world");
        test.RunIterations(1);
        Assert.Equal(["hello", "world"], results);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon_threadsafe_handle_block_check_cancelled",
        Improvement =
            "Says at once that the callback is not pending any more; the thread that asks is not blocked until the callback has ended.")]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon_threadsafe_handle_block_cancellation",
        Improvement = "Does nothing once the callback has started; the thread that cancels is not blocked until the callback has ended, so nothing can deadlock.")]
    public void A_handle_answers_other_threads_at_once_while_its_callback_runs() => LoopTest.On(test =>
    {
        var log = new List<string>();
        using var started = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() =>
        {
            var handle = test.Loop.CallSoonThreadSafe(() =>
            {
                started.Set();
                LoopTest.Await(release);
                log.Add("ran to its end");
                test.Loop.Stop();
            });
            LoopTest.Await(started);
            Assert.False(handle.IsPending);
            handle.Cancel();
            Assert.Empty(log);
            release.Set();
        });
        test.Loop.RunForever();
        thread.Join();
        Assert.Equal(["ran to its end"], log);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon_threadsafe_handle_cancel_same_thread")]
    public void A_posted_callback_that_cancels_itself_runs_to_its_end() => LoopTest.On(test =>
    {
        var results = new List<string>();
        var handle = new TaskCompletionSource<Handle>();
        using var thread = LoopTest.StartThread(() => handle.SetResult(test.Loop.CallSoonThreadSafe(() =>
        {
            handle.Task.Result.Cancel();
            results.Add("hello");
            test.Loop.Stop();
        })));
        test.Loop.RunForever();
        Assert.Equal(["hello"], results);
        Assert.False(handle.Task.Result.IsPending);
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_run_in_executor_cancel")]
    public void An_abandoned_function_tells_a_loop_that_was_closed_nothing() => LoopTest.On(test =>
    {
        var executor = new ManualExecutor();
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        test.Loop.DefaultExecutor = executor;
        var future = test.Loop.RunInExecutor(() =>
        {
            running.Set();
            LoopTest.Await(release);
            return 1;
        });
        using var thread = executor.Start();
        LoopTest.Await(running);
        Assert.True(future.Cancel());
        test.Loop.CallSoon(() => release.Set());
        test.Loop.RunUntilComplete(test.Loop.ShutdownDefaultExecutor(Timeout.InfiniteTimeSpan));
        var wakes = test.Driver.Wakes;
        test.Loop.Dispose();
        thread.Join();
        Assert.True(future.IsCancelled);
        Assert.Equal(wakes, test.Driver.Wakes);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_free_threading.TestFreeThreading.test_all_tasks_race")]
    public void Loops_on_several_threads_each_know_exactly_their_own_tasks(bool eager)
    {
        var threads = Enumerable.Range(0, Threads).Select(_ => LoopTest.StartThread(() => LoopTest.Run(async test =>
        {
            test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
            var future = test.Loop.CreateFuture();
            await TaskGroup.Run(async group =>
            {
                var tasks = Enumerable.Range(0, 100).Select(_ => group.CreateTask(Wait(future))).ToList();
                await Coroutine.Yield();
                var all = test.Loop.AllTasks();
                Assert.Equal([LoopTask.Current!, .. tasks], all);
                Assert.All(all, task => Assert.Same(test.Loop, task.Loop));
                Assert.All(all, task => Assert.False(task.IsDone));
                future.SetResult();
            });
        }))).ToList();
        threads.ForEach(thread => thread.Join());

        static async Coroutine Wait(Future future) => await future;
    }

    [Fact]
    [CPython("test_free_threading.TestFreeThreading.test_all_tasks_different_thread",
        Improvement = "Only the loop's own thread looks at its tasks, so there is no race to lose: another thread has the loop look, by Invoke, and is refused otherwise.")]
    public void Another_thread_has_the_loop_list_its_tasks_and_misses_none() => LoopBeside.Run(loop =>
    {
        var made = new List<LoopTask>();
        var maker = loop.RunCoroutineThreadSafe(Make());
        var threads = Enumerable.Range(0, Threads).Select(_ => LoopTest.StartThread(() =>
        {
            Assert.Throws<InvalidOperationException>(() => { loop.AllTasks(); });
            for (var i = 0; i < 100; i++)
            {
                var (known, all) = loop.Invoke(() => (made.ToList(), loop.AllTasks()));
                Assert.Empty(known.Except(all));
            }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        maker.GetAwaiter().GetResult();
        Assert.Equal(1000, loop.Invoke(loop.AllTasks).Count);
        loop.RunCoroutineThreadSafe(End()).GetAwaiter().GetResult();

        async Coroutine Make()
        {
            for (var i = 0; i < 1000; i++)
            {
                made.Add(Coroutine.Start(Coroutine.Sleep(Timeout.InfiniteTimeSpan)));
                await Coroutine.Yield();
            }
        }

        async Coroutine End()
        {
            made.ForEach(task => task.Cancel());
            await Coroutine.Wait(made);
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_free_threading.TestFreeThreading.test_task_different_thread_finalized")]
    public void A_task_is_collected_although_the_thread_of_its_loop_has_ended(bool eager)
    {
        var reference = Make(eager);
        for (var i = 0; i < 5 && reference.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(reference.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Make(bool eager)
        {
            WeakReference? reference = null;
            LoopTest.On(test =>
            {
                test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
                test.Loop.RunUntilComplete(Refer());
            });
            return reference!;

            async Coroutine Refer()
            {
                await Coroutine.Yield();
                reference = new WeakReference(LoopTask.Current);
            }
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_free_threading.TestFreeThreading.test_run_coroutine_threadsafe")]
    public void Many_threads_of_an_executor_have_the_loop_run_a_coroutine_each(bool eager) => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
        using var executor = new ThreadPoolExecutor(10);
        var results = new List<int>();
        await TaskGroup.Run(async group =>
        {
            for (var i = 0; i < 10; i++)
            {
                _ = group.CreateTask(Coroutine.ToThread(Call, executor));
            }

            await Coroutine.Yield();
        });
        Assert.Equal(Enumerable.Repeat(42, 10), results);

        void Call()
        {
            var result = test.Loop.RunCoroutineThreadSafe(Coroutine.Sleep(TimeSpan.FromSeconds(0.1), 42)).GetAwaiter().GetResult();
            lock (results)
            {
                results.Add(result);
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_free_threading.TestFreeThreading.test_run_coroutine_threadsafe_exception")]
    public void Many_threads_of_an_executor_get_the_exception_of_their_coroutine_each(bool eager) => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
        using var executor = new ThreadPoolExecutor(10);
        var outcomes = await Coroutine.GatherOutcomes(Enumerable.Range(0, 10).Select(i => Coroutine.ToThread(() => Call(i), executor)));
        Assert.Equal(
            Enumerable.Range(0, 10).Select(i => $"failure {i}"),
            outcomes.Select(outcome => Assert.IsType<IOException>(outcome.Exception).Message));

        int Call(int number) => test.Loop.RunCoroutineThreadSafe(Fail(number)).GetAwaiter().GetResult();

        static async Coroutine<int> Fail(int number)
        {
            await Coroutine.Yield();
            throw new IOException($"failure {number}");
        }
    });

    [Fact]
    [CPython("test_threads.ToThreadTests.test_to_thread_args_kwargs")]
    public void A_lambda_takes_arguments_of_every_kind_to_the_other_thread() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor();
        var calls = new List<(string Text, bool Something, int Optional)>();
        await Coroutine.ToThread(() => Function("test", something: true), executor);
        Assert.Equal([("test", true, 7)], calls);

        void Function(string text, int optional = 7, bool something = false) => calls.Add((text, something, optional));
    });
}
