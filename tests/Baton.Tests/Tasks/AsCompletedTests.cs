namespace Baton.Tests.Tasks;

/// <summary><c>Coroutine.AsCompleted</c>.</summary>
public class AsCompletedTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void It_yields_tasks_in_the_order_of_completion() => LoopTest.Run(async test =>
    {
        var results = new List<int>();
        await foreach (var task in Coroutine.AsCompleted(new[] { After(3), After(1), After(2) }))
        {
            Assert.True(task.IsDone);
            results.Add(await task);
        }

        Assert.Equal([1, 2, 3], results);
        var count = 0;
        await foreach (var task in Coroutine.AsCompleted(new[] { Coroutine.Sleep(TimeSpan.Zero), Coroutine.Sleep(TimeSpan.Zero) }))
        {
            Assert.True(task.IsDone);
            count++;
        }

        Assert.Equal(2, count);
    });

    [Fact]
    public void The_tasks_that_it_yields_are_those_that_it_was_given() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Coroutine.Start(After(2)), Coroutine.Start(After(1)) };
        var yielded = new List<LoopTask<int>>();
        await foreach (var task in Coroutine.AsCompleted(tasks))
        {
            yielded.Add(task);
        }

        Assert.Equal([tasks[1], tasks[0]], yielded);
    });

    [Fact]
    public void Coroutines_start_at_once_and_not_only_when_it_is_enumerated() => LoopTest.Run(async test =>
    {
        var sequence = Coroutine.AsCompleted(new[] { After(2), After(1) });
        Assert.Equal(3, test.Loop.TaskCount);
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        Assert.Equal(1, test.Loop.TaskCount);
        Assert.Equal([1, 2], await Results(sequence));
    });

    [Fact]
    public void Failures_and_cancellations_stay_in_their_tasks() => LoopTest.Run(async test =>
    {
        var cancelled = Coroutine.Start(After(9));
        var failing = Coroutine.Start(Fail());
        var log = new List<string>();
        cancelled.Cancel();
        var tasks = new[] { Coroutine.Start(After(3)), Coroutine.Start(Coroutine.FromResult(0)), failing, cancelled };
        await foreach (var task in Coroutine.AsCompleted(tasks))
        {
            log.Add(
                task.IsCancelled ? "cancelled" : task.GetException() is { } exception ? exception.GetType().Name : $"{task.GetResult()}");
        }

        Assert.Equal(["cancelled", "0", "IOException", "3"], log);

        static async Coroutine<int> Fail()
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
            throw new IOException();
        }
    });

    [Fact]
    public void Duplicates_are_yielded_once() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(After(1));
        Assert.Equal([1], await Results(Coroutine.AsCompleted(new[] { task, task, task })));
    });

    [Fact]
    public void Of_nothing_it_is_empty() => LoopTest.Run(async test =>
    {
        Assert.Empty(await Results(Coroutine.AsCompleted(Array.Empty<LoopTask<int>>(), Hour)));
        Assert.Empty(await Results(Coroutine.AsCompleted(Array.Empty<Coroutine<int>>())));
    });

    [Fact]
    public void After_the_timeout_it_yields_what_is_done_and_throws() => LoopTest.Run(async test =>
    {
        var slow = Coroutine.Start(After(50));
        var tasks = new[] { Coroutine.Start(After(1)), slow, Coroutine.Start(After(2)) };
        var start = test.Loop.Time;
        var results = new List<int>();
        var exception = await Assert.ThrowsAsync<TimeoutException>(async () =>
        {
            await foreach (var task in Coroutine.AsCompleted(tasks, TimeSpan.FromMilliseconds(10)))
            {
                results.Add(await task);
            }
        });
        Assert.Contains("1 tasks or futures were not done within 00:00:00.01", exception.Message, StringComparison.Ordinal);
        Assert.Equal([1, 2], results);
        Assert.Equal(10_000_000, test.Loop.Time - start);
        Assert.Equal(50, await slow);
    });

    [Fact]
    public void The_time_runs_from_the_call_and_what_was_done_before_its_end_comes_first() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var sequence = Coroutine.AsCompleted(new[] { Coroutine.Shield(After(1)), future }, TimeSpan.FromMilliseconds(10));
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(20));
        future.SetResult(2);
        await Coroutine.Yield();
        var enumerator = sequence.GetAsyncEnumerator();
        Assert.True(await enumerator.MoveNextAsync());
        Assert.Equal(1, await enumerator.Current);
        for (var i = 0; i < 2; i++)
        {
            await Assert.ThrowsAsync<TimeoutException>(async () => await enumerator.MoveNextAsync());
            Assert.Throws<InvalidOperationException>(() => _ = enumerator.Current);
        }

        await enumerator.DisposeAsync();
        Assert.False(await enumerator.MoveNextAsync());
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-7)]
    public void With_no_time_it_throws_in_the_next_iteration(int milliseconds) => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await Results(Coroutine.AsCompleted(new[] { future }, TimeSpan.FromMilliseconds(milliseconds))));
    });

    [Fact]
    public void The_timer_is_removed_on_every_path() => LoopTest.Run(async test =>
    {
        await Results(Coroutine.AsCompleted(new[] { After(1) }, Hour));
        Assert.Equal(0, test.Loop.TimerCount);

        var future = test.Loop.CreateFuture<int>();
        await foreach (var task in Coroutine.AsCompleted(new[] { Coroutine.Shield(After(1)), future }, Hour))
        {
            break;
        }

        Assert.Equal(0, test.Loop.TimerCount);

        _ = Coroutine.AsCompleted(new[] { After(1) }, Hour); // nobody enumerates it
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(3));
        Assert.Equal(0, test.Loop.TimerCount);

        Assert.Empty(await Results(Coroutine.AsCompleted(Array.Empty<LoopTask<int>>(), Hour)));
        await Results(Coroutine.AsCompleted(new[] { After(1) }, Timeout.InfiniteTimeSpan));
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void Leaving_early_leaves_the_tasks_running() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Coroutine.Start(After(1)), Coroutine.Start(After(5)) };
        await foreach (var task in Coroutine.AsCompleted(tasks, Hour))
        {
            Assert.Same(tasks[0], task);
            break;
        }

        Assert.False(tasks[1].IsDone);
        Assert.Equal(0, tasks[1].CancelRequests);
        Assert.Equal(5, await tasks[1]);
    });

    [Fact]
    public void What_ended_at_the_same_moment_comes_in_the_order_of_its_end() => LoopTest.Run(async test =>
    {
        var futures = Enumerable.Range(0, 4).Select(_ => test.Loop.CreateFuture<int>()).ToArray();
        var results = Coroutine.Start(Results(Coroutine.AsCompleted(futures)));
        await Coroutine.Yield();
        foreach (var i in new[] { 2, 0, 3, 1 })
        {
            futures[i].SetResult(i);
        }

        Assert.Equal(new[] { 2, 0, 3, 1 }, await results);
    });

    [Fact]
    public void Cancelling_the_task_ends_the_wait_and_the_enumeration_can_go_on() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var enumerator = Coroutine.AsCompleted(new[] { future }).GetAsyncEnumerator();
        var waiter = Coroutine.Start(Next());
        await Coroutine.Yield();
        waiter.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal("enough", exception.Message);
        Assert.False(future.IsDone);
        future.SetResult(1);
        Assert.True(await enumerator.MoveNextAsync());
        Assert.Same(future, enumerator.Current);
        Assert.False(await enumerator.MoveNextAsync());
        await enumerator.DisposeAsync();

        async Coroutine Next() => await enumerator.MoveNextAsync();
    });

    [Fact]
    public void Cancelling_the_task_when_an_element_is_there_delivers_the_element_first() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var got = 0;
        var waiter = Coroutine.Start(Body());
        await Coroutine.Yield();
        future.SetResult(1);
        await Coroutine.Yield(); // the callback has run, the waiter not yet
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal(1, got);

        async Coroutine Body()
        {
            await foreach (var task in Coroutine.AsCompleted(new[] { future, test.Loop.CreateFuture<int>() }))
            {
                got = await task;
            }
        }
    });

    [Fact]
    public void A_token_ends_the_wait() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        test.Loop.CallLater(TimeSpan.FromMilliseconds(3), source.Cancel);
        var slow = Coroutine.Start(After(9));
        var exception = await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var task in Coroutine.AsCompleted(new[] { slow }, Hour).WithCancellation(source.Token))
            {
                Assert.Fail("Nothing is done yet.");
            }
        });
        Assert.Equal(source.Token, exception.CancellationToken);
        Assert.Equal(9, await slow);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var task in Coroutine.AsCompleted(new[] { slow }).WithCancellation(source.Token))
            {
                Assert.Fail("The token is cancelled.");
            }
        });
    });

    [Fact]
    public void A_token_can_be_cancelled_on_another_thread() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        var enumerator = Coroutine.AsCompleted(new[] { test.Loop.CreateFuture<int>() }).GetAsyncEnumerator(source.Token);
        var next = enumerator.MoveNextAsync();
        using var thread = LoopTest.StartThread(source.Cancel);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await next);
        await enumerator.DisposeAsync();
    });

    [Fact]
    public void It_can_be_enumerated_once_and_waited_for_once_at_a_time() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var sequence = Coroutine.AsCompleted(new[] { future });
        var enumerator = sequence.GetAsyncEnumerator();
        Assert.Contains(
            "once", Assert.Throws<InvalidOperationException>(() => sequence.GetAsyncEnumerator()).Message, StringComparison.Ordinal);
        var next = enumerator.MoveNextAsync();
        Assert.Throws<InvalidOperationException>(() => _ = enumerator.MoveNextAsync());
        var exception = Assert.Throws<InvalidOperationException>(() => _ = enumerator.DisposeAsync());
        Assert.Contains("still being waited for", exception.Message, StringComparison.Ordinal);
        future.SetResult(1);
        Assert.True(await next);
        await enumerator.DisposeAsync();
        await enumerator.DisposeAsync();
    });

    [Fact]
    public void Wrong_arguments_are_refused_and_nothing_is_left() => LoopTest.Run(async test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.AsCompleted([other.CreateFuture()]));
        Assert.Contains("'other'", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Coroutine.AsCompleted((IEnumerable<Coroutine>)null!));
        Assert.Throws<ArgumentNullException>(() => Coroutine.AsCompleted((IEnumerable<Coroutine<int>>)null!));
        Assert.Throws<ArgumentNullException>(() => Coroutine.AsCompleted((IEnumerable<LoopTask>)null!));
        var coroutine = After(1);
        Assert.Throws<InvalidOperationException>(() => Coroutine.AsCompleted(new[] { coroutine, coroutine }));
        await test.Drain();
        LoopTest.OnThread(() => Assert.Throws<InvalidOperationException>(() => Coroutine.AsCompleted(Array.Empty<Coroutine>())));
    });

    [Fact]
    public void Many_that_are_done_do_not_starve_the_others() => LoopTest.Run(async test =>
    {
        var futures = Enumerable.Range(0, 1000).Select(_ => test.Loop.CreateFuture<int>()).ToArray();
        foreach (var future in futures)
        {
            future.SetResult(1);
        }

        var sequence = Coroutine.AsCompleted(futures);
        await Coroutine.Yield();
        var others = 0;
        var ticker = Coroutine.Start(Tick());
        Assert.Equal(1000, (await Results(sequence)).Count);
        Assert.InRange(others, 5, 1000);
        ticker.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await ticker);

        async Coroutine Tick()
        {
            while (true)
            {
                others++;
                await Coroutine.Yield();
            }
        }
    });

    [Fact]
    public void A_hundred_thousand_are_no_problem() => LoopTest.Run(async test =>
    {
        var results = await Results(Coroutine.AsCompleted(Enumerable.Range(0, 100_000).Select(i => After(i % 5)), Hour));
        Assert.Equal(100_000, results.Count);
        Assert.Equal(results.Order(), results);
    });

    private static async Coroutine<List<int>> Results(IAsyncEnumerable<Future> sequence)
    {
        var results = new List<int>();
        await foreach (var future in sequence)
        {
            results.Add(future is LoopTask<int> task ? await task : await (Future<int>)future);
        }

        return results;
    }

    private static Coroutine<int> After(int milliseconds) => Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds), milliseconds);
}
