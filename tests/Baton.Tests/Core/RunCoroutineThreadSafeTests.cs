using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Coroutines that other threads have a loop run.</summary>
public class RunCoroutineThreadSafeTests
{
    [Fact]
    [CPython("test_tasks.RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe")]
    public void The_result_comes_back_to_the_calling_thread() => WithLoop((loop, _) =>
    {
        Assert.Equal(7, loop.RunCoroutineThreadSafe(Add(3, 4)).GetAwaiter().GetResult());
        loop.RunCoroutineThreadSafe(Coroutine.Sleep(TimeSpan.FromSeconds(1))).GetAwaiter().GetResult();

        static async Coroutine<int> Add(int a, int b)
        {
            Assert.NotNull(LoopTask.Current);
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            return a + b;
        }
    });

    [Fact]
    [CPython("test_tasks.RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_with_exception")]
    public void The_exception_comes_back_and_counts_as_retrieved() => WithLoop((loop, _) =>
    {
        var task = loop.RunCoroutineThreadSafe(Coroutine.FromException(new IOException("there")));
        Assert.Equal("there", Assert.Throws<IOException>(() => task.GetAwaiter().GetResult()).Message);
        Assert.True(task.IsFaulted);
    });

    [Fact]
    public void The_exception_keeps_its_stack() => WithLoop((loop, _) =>
    {
        var exception = Assert.Throws<IOException>(() => loop.RunCoroutineThreadSafe(Outer()).GetAwaiter().GetResult());
        Assert.Contains(nameof(Inner), exception.StackTrace, StringComparison.Ordinal);
        Assert.Contains(nameof(Outer), exception.StackTrace, StringComparison.Ordinal);

        static async Coroutine Outer() => await Inner();

        static async Coroutine Inner()
        {
            await Coroutine.Yield();
            throw new IOException();
        }
    });

    [Fact]
    public void A_library_s_cancellation_that_nobody_asked_for_comes_back_as_a_failure() => WithLoop((loop, _) =>
    {
        var task = loop.RunCoroutineThreadSafe(Coroutine.FromException(new TaskCanceledException("timed out", new TimeoutException())));
        Assert.IsType<TimeoutException>(Assert.Throws<TaskCanceledException>(() => task.GetAwaiter().GetResult()).InnerException);
        Assert.True(task.IsFaulted);
    });

    [Fact]
    public void A_caller_that_waits_no_longer_cancels_by_the_token() => WithLoop((loop, _) =>
    {
        // The equivalent of future.result(timeout) followed by future.cancel().
        using var source = new CancellationTokenSource();
        var task = loop.RunCoroutineThreadSafe(Coroutine.Sleep(Timeout.InfiniteTimeSpan), source.Token);
        Assert.Throws<TimeoutException>(() => task.WaitAsync(TimeSpan.FromMilliseconds(1)).GetAwaiter().GetResult());
        source.Cancel();
        Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
    });

    [Fact]
    public void A_token_that_is_cancelled_at_the_end_or_after_it_does_no_harm() => WithLoop((loop, _) =>
    {
        for (var i = 0; i < 200; i++)
        {
            using var source = new CancellationTokenSource();
            var task = loop.RunCoroutineThreadSafe(Once(), source.Token);
            if (i % 2 == 0)
            {
                task.GetAwaiter().GetResult();
            }

            source.Cancel();
            try
            {
                Assert.Equal(1, task.GetAwaiter().GetResult());
            }
            catch (OperationCanceledException)
            {
                Assert.True(task.IsCanceled);
            }
        }

        static async Coroutine<int> Once()
        {
            await Coroutine.Yield();
            return 1;
        }
    });

    [Fact]
    public void A_cancellation_from_another_thread_runs_in_no_task() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        LoopTask? seen = LoopTask.Current;
        SynchronizationContext? context = null;
        var call = test.Loop.RunCoroutineThreadSafe(Wait(), source.Token);
        await LoopTest.Settle();
        LoopTest.StartThread(source.Cancel).Join();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await call);
        Assert.Null(seen);
        Assert.NotNull(context);

        async Coroutine Wait()
        {
            LoopTask.Current!.CancellationToken.Register(() =>
            {
                seen = LoopTask.Current;
                context = SynchronizationContext.Current;
            });
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void Continuations_do_not_run_on_the_loop() => WithLoop((loop, _) =>
    {
        var task = loop.RunCoroutineThreadSafe(Coroutine.Sleep(TimeSpan.FromSeconds(1)));
        var onLoop = task.ContinueWith(
            _ => loop.IsOnLoopThread, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        Assert.False(onLoop.GetAwaiter().GetResult());
    });

    [Fact]
    public void The_token_cancels_the_task_on_the_loop() => WithLoop((loop, _) =>
    {
        using var source = new CancellationTokenSource();
        using var suspended = new ManualResetEvent(false);
        var cancelled = false;
        var task = loop.RunCoroutineThreadSafe(Body(), source.Token);
        LoopTest.Await(suspended);
        source.Cancel();
        var exception = Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.True(task.IsCanceled);
        Assert.True(cancelled);

        async Coroutine<int> Body()
        {
            try
            {
                suspended.Set();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
                cancelled = true;
                throw;
            }

            return 1;
        }
    });

    [Fact]
    public void A_token_that_is_cancelled_already_keeps_the_body_from_running() => WithLoop((loop, _) =>
    {
        var ran = false;
        var task = loop.RunCoroutineThreadSafe(Body(), new CancellationToken(true));
        Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
        Assert.False(ran);

        async Coroutine<int> Body()
        {
            ran = true;
            return 1;
        }
    });

    [Fact]
    public void A_coroutine_that_ends_in_spite_of_the_token_delivers_its_result() => WithLoop((loop, _) =>
    {
        using var source = new CancellationTokenSource();
        using var suspended = new ManualResetEvent(false);
        var task = loop.RunCoroutineThreadSafe(Body(), source.Token);
        LoopTest.Await(suspended);
        source.Cancel();
        Assert.Equal(1, task.GetAwaiter().GetResult());

        async Coroutine<int> Body()
        {
            try
            {
                suspended.Set();
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException)
            {
            }

            return 1;
        }
    });

    [Fact]
    [CPython("test_tasks.RunCoroutineThreadsafeTests.test_run_coroutine_threadsafe_task_cancelled")]
    public void A_cancellation_on_the_loop_comes_back() => WithLoop((loop, _) =>
    {
        var task = loop.RunCoroutineThreadSafe(Body());
        Assert.ThrowsAny<OperationCanceledException>(() => task.GetAwaiter().GetResult());
        Assert.True(task.IsCanceled);

        static async Coroutine Body()
        {
            LoopTask.Current!.Cancel();
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_coroutine_can_be_handed_over_once() => WithLoop((loop, _) =>
    {
        var coroutine = Coroutine.FromResult(1);
        Assert.Equal(1, loop.RunCoroutineThreadSafe(coroutine).GetAwaiter().GetResult());
        var again = loop.RunCoroutineThreadSafe(coroutine);
        Assert.Contains(
            "already awaited",
            Assert.Throws<InvalidOperationException>(() => again.GetAwaiter().GetResult()).Message,
            StringComparison.Ordinal);
    });

    [Fact]
    public void Many_threads_have_many_coroutines_run() => WithLoop((loop, _) =>
    {
        var sum = 0L;
        var threads = Enumerable.Range(0, 4).Select(_ => LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 1000; i++)
            {
                Interlocked.Add(ref sum, loop.RunCoroutineThreadSafe(Twice(i)).GetAwaiter().GetResult());
            }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        Assert.Equal(4 * 999_000, sum);

        static async Coroutine<int> Twice(int value)
        {
            await Coroutine.Yield();
            return 2 * value;
        }
    });

    [Fact]
    public void From_the_loop_itself_it_runs_soon() => LoopTest.Run(async test =>
    {
        var task = test.Loop.RunCoroutineThreadSafe(Coroutine.FromResult(5));
        Assert.False(task.IsCompleted);
        Assert.Equal(5, await task);
    });

    [Fact]
    public void A_call_that_was_not_started_when_the_loop_closed_fails() => LoopTest.On(test =>
    {
        var task = test.Loop.RunCoroutineThreadSafe(Coroutine.FromResult(1));
        test.Loop.Dispose();
        Assert.Contains(
            "closed", Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult()).Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_call_that_has_not_ended_when_the_loop_closes_fails() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var task = test.Loop.RunCoroutineThreadSafe(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
        test.RunIterations(3);
        Assert.False(task.IsCompleted);
        test.Loop.Dispose();
        Assert.Contains(
            "closed", Assert.Throws<InvalidOperationException>(() => task.GetAwaiter().GetResult()).Message, StringComparison.Ordinal);
        test.TakeReport();
    });

    [Fact]
    public void Run_cancels_what_other_threads_had_started() => LoopTest.OnThread(() =>
    {
        Task? task = null;
        EventLoop.Run(
            async () =>
            {
                task = EventLoop.Current.RunCoroutineThreadSafe(Coroutine.Sleep(Timeout.InfiniteTimeSpan));
                await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            },
            new EventLoopOptions { Driver = new VirtualDriver(), HandleSignals = false });
        Assert.ThrowsAny<OperationCanceledException>(() => task!.GetAwaiter().GetResult());
    });

    [Fact]
    public void Send_runs_on_the_loop_and_returns_when_it_has_run() => WithLoop((loop, context) =>
    {
        var ran = false;
        context.Send(_ => ran = loop.IsOnLoopThread, null);
        Assert.True(ran);
        Assert.Throws<IOException>(() => context.Send(_ => throw new IOException(), null));
    });

    [Fact]
    public void Post_runs_on_the_loop_in_order() => WithLoop((loop, context) =>
    {
        var log = new List<int>();
        for (var i = 0; i < 100; i++)
        {
            var number = i;
            context.Post(
                _ =>
                {
                    Assert.True(loop.IsOnLoopThread);
                    Assert.Same(context, SynchronizationContext.Current);
                    log.Add(number);
                },
                null);
        }

        context.Send(_ => { }, null);
        Assert.Equal(Enumerable.Range(0, 100), log);
        Assert.Same(context, context.CreateCopy());
    });

    [Fact]
    public void On_the_loop_Send_runs_at_once_and_Post_later() => LoopTest.Run(async test =>
    {
        var context = SynchronizationContext.Current!;
        var current = LoopTask.Current;
        var log = new List<string>();
        context.Post(
            _ =>
            {
                Assert.Same(current, LoopTask.Current);
                log.Add("posted");
            },
            null);
        context.Send(_ => log.Add("sent"), null);
        Assert.Equal(["sent"], log);
        await Coroutine.Yield();
        Assert.Equal(["sent", "posted"], log);
        Assert.Throws<ArgumentNullException>(() => context.Post(null!, null));
        Assert.Throws<ArgumentNullException>(() => context.Send(null!, null));
        context.Post(_ => throw new IOException("posted"), null);
        await Coroutine.Yield();
        Assert.Equal("posted", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_context_of_a_closed_loop_drops_posts_and_refuses_to_send() => LoopTest.On(test =>
    {
        SynchronizationContext? context = null;
        test.Loop.CallSoon(() => context = SynchronizationContext.Current);
        test.RunIterations(1);
        test.Loop.Dispose();
        using (LoopTest.StartThread(() =>
        {
            context!.Post(_ => Assert.Fail("It ran."), null);
            Assert.Throws<InvalidOperationException>(() => context.Send(_ => Assert.Fail("It ran."), null));
        }))
        {
        }
    });

    [Fact]
    public void A_Send_that_waits_when_the_loop_closes_does_not_wait_for_ever() => LoopTest.On(test =>
    {
        SynchronizationContext? context = null;
        test.Loop.CallSoon(() => context = SynchronizationContext.Current);
        test.RunIterations(1);
        using var started = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() =>
        {
            started.Set();
            Assert.Throws<InvalidOperationException>(() => context!.Send(_ => Assert.Fail("It ran."), null));
        });
        LoopTest.Await(started);
        test.Loop.Dispose();
    });

    /// <summary>Runs a test beside a loop that runs on another thread.</summary>
    private static void WithLoop(Action<EventLoop, SynchronizationContext> body) => LoopTest.OnThread(() =>
    {
        EventLoop? loop = null;
        SynchronizationContext? context = null;
        var reports = new List<LoopExceptionContext>();
        using var ready = new ManualResetEvent(false);
        using var thread = LoopTest.StartThread(() =>
        {
            using var made = new EventLoop(
                new EventLoopOptions { Driver = new VirtualDriver(), ExceptionHandler = (_, report) => reports.Add(report) });
            loop = made;
            made.CallSoon(() =>
            {
                context = SynchronizationContext.Current;
                ready.Set();
            });
            made.RunForever();
            Assert.Equal(0, made.TaskCount);
        });
        LoopTest.Await(ready);
        try
        {
            body(loop!, context!);
        }
        finally
        {
            loop!.CallSoonThreadSafe(loop.Stop);
        }

        thread.Join();
        Assert.Empty(reports);
    });
}
