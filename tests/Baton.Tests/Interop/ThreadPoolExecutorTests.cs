namespace Baton.Tests.Interop;

public class ThreadPoolExecutorTests
{
    [Fact]
    public void No_more_runs_at_once_than_the_limit_allows_and_the_rest_waits_in_order() => LoopTest.OnThread(() =>
    {
        using var executor = new ThreadPoolExecutor(3, "limited");
        using var release = new ManualResetEvent(false);
        using var running = new CountdownEvent(3);
        var log = new List<int>();
        for (var i = 0; i < 3; i++)
        {
            executor.Execute(
                _ =>
                {
                    running.Signal();
                    LoopTest.Await(release);
                },
                null);
        }

        LoopTest.Await(running.WaitHandle);
        for (var i = 0; i < 100; i++)
        {
            executor.Execute(number => Locked(log, list => list.Add((int)number!)), i);
        }

        Assert.Equal(3, executor.RunningCount);
        Assert.Equal(100, executor.QueuedCount);
        Assert.Equal(3, executor.ThreadCount);
        Assert.Equal(3, executor.MaximumConcurrency);
        Assert.Equal("Executor 'limited'", executor.ToString());
        release.Set();
        executor.Dispose();
        Assert.Equal(Enumerable.Range(0, 100), log.Order());
        Assert.Equal(0, executor.RunningCount);
        Assert.Equal(0, executor.ThreadCount);
    });

    [Fact]
    public void With_a_limit_of_one_the_order_is_strict() => LoopTest.OnThread(() =>
    {
        var log = new List<int>();
        using (var executor = new ThreadPoolExecutor(1))
        {
            for (var i = 0; i < 1000; i++)
            {
                executor.Execute(number => log.Add((int)number!), i);
            }
        }

        Assert.Equal(Enumerable.Range(0, 1000), log);
    });

    [Fact]
    public void Threads_start_on_demand_and_are_used_again() => LoopTest.OnThread(() =>
    {
        using var executor = new ThreadPoolExecutor(8, "lazy");
        Assert.Equal(0, executor.ThreadCount);
        for (var i = 0; i < 50; i++)
        {
            using var done = new ManualResetEvent(false);
            executor.Execute(signal => ((EventWaitHandle)signal!).Set(), done);
            LoopTest.Await(done);
            SpinWait.SpinUntil(() => executor.RunningCount == 0, TimeSpan.FromSeconds(60));
        }

        Assert.Equal(1, executor.ThreadCount);
    });

    [Fact]
    public void Threads_are_background_threads_with_names() => LoopTest.OnThread(() =>
    {
        using var executor = new ThreadPoolExecutor(2, "named");
        Thread? thread = null;
        using var done = new ManualResetEvent(false);
        executor.Execute(
            _ =>
            {
                thread = Thread.CurrentThread;
                done.Set();
            },
            null);
        LoopTest.Await(done);
        Assert.Equal("named-1", thread!.Name);
        Assert.True(thread.IsBackground);
        Assert.False(thread.IsThreadPoolThread);
    });

    [Fact]
    public void The_default_limit_is_that_of_Python() => LoopTest.OnThread(() =>
    {
        using var executor = new ThreadPoolExecutor();
        Assert.Equal(Math.Min(32, Environment.ProcessorCount + 4), executor.MaximumConcurrency);
        Assert.Equal(ThreadPoolExecutor.DefaultMaximumConcurrency, executor.MaximumConcurrency);
        Assert.Equal("executor", executor.Name);
        Assert.Throws<ArgumentOutOfRangeException>(() => new ThreadPoolExecutor(0));
        Assert.Throws<ArgumentException>(() => new ThreadPoolExecutor(1, ""));
        Assert.Throws<ArgumentNullException>(() => executor.Execute(null!, null));
    });

    [Fact]
    public void Disposing_refuses_more_and_waits_for_what_was_taken() => LoopTest.OnThread(() =>
    {
        var executor = new ThreadPoolExecutor(1, "closing");
        using var running = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var done = 0;
        executor.Execute(
            _ =>
            {
                running.Set();
                LoopTest.Await(release);
                done++;
            },
            null);
        executor.Execute(_ => done++, null);
        LoopTest.Await(running);
        var end = executor.Shutdown();
        Assert.True(executor.IsShutDown);
        Assert.False(end.IsCompleted);
        var refusal = Assert.Throws<InvalidOperationException>(() => executor.Execute(_ => { }, null));
        Assert.Contains("'closing' has been shut down", refusal.Message, StringComparison.Ordinal);
        using (var disposing = LoopTest.StartThread(executor.Dispose))
        {
            release.Set();
        }

        Assert.Equal(2, done);
        Assert.True(end.Wait(TimeSpan.FromSeconds(60)));
        executor.Dispose();
    });

    [Fact]
    public void DisposeAsync_waits_without_blocking() => LoopTest.Run(async test =>
    {
        var executor = new ThreadPoolExecutor();
        using var release = new ManualResetEvent(false);
        var future = test.Loop.RunInExecutor(() => LoopTest.Await(release), executor);
        test.Loop.CallSoon(() => release.Set());
        await executor.DisposeAsync();
        await future;
        await executor.DisposeAsync();
    });

    [Fact]
    public void An_executor_that_never_ran_anything_ends_at_once() => LoopTest.OnThread(() =>
    {
        Assert.True(new ThreadPoolExecutor().Shutdown().IsCompleted);
        new ThreadPoolExecutor().Dispose();
    });

    [Fact]
    public void It_cannot_be_disposed_of_on_its_own_thread() => LoopTest.Run(async test =>
    {
        using var executor = new ThreadPoolExecutor(1, "own");
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await test.Loop.RunInExecutor(executor.Dispose, executor));
        Assert.Contains("own threads", exception.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<InvalidOperationException>(
            async () => await test.Loop.RunInExecutor(() => { _ = executor.DisposeAsync(); }, executor));
        Assert.False(executor.IsShutDown);
        await test.Loop.RunInExecutor(() => { executor.Shutdown(); }, executor);
        Assert.True(executor.IsShutDown);
    });

    [Fact]
    public void Work_does_not_find_what_other_work_left_behind() => LoopTest.OnThread(() =>
    {
        var local = new AsyncLocal<int>();
        var seen = -1;
        SynchronizationContext? context = null;
        using (var executor = new ThreadPoolExecutor(1))
        {
            executor.Execute(
                _ =>
                {
                    local.Value = 1;
                    SynchronizationContext.SetSynchronizationContext(new SynchronizationContext());
                },
                null);
            executor.Execute(
                _ =>
                {
                    seen = local.Value;
                    context = SynchronizationContext.Current;
                },
                null);
        }

        Assert.Equal(0, seen);
        Assert.Null(context);
    });

    [Fact]
    public void Many_threads_hand_over_work_while_it_shuts_down() => LoopTest.OnThread(() =>
    {
        for (var round = 0; round < 50; round++)
        {
            var executor = new ThreadPoolExecutor(2);
            var taken = 0;
            var done = 0;
            using var start = new Barrier(4);
            var threads = Enumerable.Range(0, 3).Select(_ => LoopTest.StartThread(() =>
            {
                start.SignalAndWait();
                for (var i = 0; i < 200; i++)
                {
                    try
                    {
                        executor.Execute(_ => Interlocked.Increment(ref done), null);
                        Interlocked.Increment(ref taken);
                    }
                    catch (InvalidOperationException)
                    {
                        break;
                    }
                }
            })).ToList();
            start.SignalAndWait();
            executor.Dispose();
            threads.ForEach(thread => thread.Join());
            Assert.Equal(taken, done);
        }
    });

    private static void Locked(List<int> list, Action<List<int>> action)
    {
        lock (list)
        {
            action(list);
        }
    }
}
