namespace Baton.Tests.Conformance;

/// <summary><c>Coroutine.AsCompleted</c>: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskAsCompletedConformanceTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed")]
    public void The_values_come_as_they_are_ready() => LoopTest.Run(async test =>
    {
        var completed = new List<char>();
        var results = await Results(Coroutine.AsCompleted([Sleeper(10, 'b'), Sleeper(150, 'c'), Sleeper(10, 'a')]));
        Assert.Equal(['b', 'a', 'c'], results);
        Assert.Equal(TimeSpan.FromMilliseconds(150), test.Elapsed);

        async Coroutine<char> Sleeper(int milliseconds, char name)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
            completed.Add(name);
            if (completed is ['b', 'a'])
            {
                // The third is due when the first two are looked at, and still comes last.
                test.Clock.Advance(TimeSpan.FromMilliseconds(140));
            }

            return name;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_same_tasks_in_as_out")]
    public void Tasks_are_yielded_themselves_and_coroutines_as_the_tasks_that_they_become() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Coroutine.Start(Coroutine.FromResult('a')), Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero, 'b')) };
        var yielded = new List<LoopTask<char>>();
        await foreach (var task in Coroutine.AsCompleted(tasks))
        {
            yielded.Add(task);
        }

        Assert.Equal(tasks, yielded);

        yielded.Clear();
        await foreach (var task in Coroutine.AsCompleted([Coroutine.FromResult('c'), Coroutine.FromResult('d')]))
        {
            yielded.Add(task);
        }

        Assert.Equal(['c', 'd'], yielded.Select(task => task.GetResult()));
        Assert.Equal(2, yielded.Distinct().Count());
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_with_timeout")]
    public void The_time_that_the_loop_body_takes_counts_towards_the_limit() => LoopTest.Run(async test =>
    {
        var tasks = new[] { After(100, 'a'), After(150, 'b') }.Select(coroutine => Coroutine.Start(coroutine)).ToArray();
        var results = new List<char>();
        await Assert.ThrowsAsync<TimeoutException>(async () =>
        {
            await foreach (var task in Coroutine.AsCompleted(tasks, TimeSpan.FromMilliseconds(120)))
            {
                results.Add(await task);
                test.Clock.Advance(TimeSpan.FromMilliseconds(20));
            }
        });
        Assert.Equal(['a'], results);
        Assert.Equal(TimeSpan.FromMilliseconds(120), test.Elapsed);
        Assert.False(tasks[1].IsDone);
        Assert.Equal('b', await tasks[1]);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_with_unused_timeout")]
    public void A_limit_that_is_not_reached_changes_nothing_and_leaves_no_timer() => LoopTest.Run(async test =>
    {
        Assert.Equal(['a'], await Results(Coroutine.AsCompleted([After(10, 'a')], TimeSpan.FromSeconds(1))));
        Assert.Equal(TimeSpan.FromMilliseconds(10), test.Elapsed);
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_resume_iterator", Improvement =
        "It goes on where its enumerator is kept. An `await foreach` that is left lets go of what is still to come, and of its time limit.")]
    public void An_enumerator_that_was_put_aside_goes_on_where_it_was() => LoopTest.Run(async () =>
    {
        var results = new List<int>();
        var sequence = Coroutine.AsCompleted(Enumerable.Range(0, 4).Select(i => Coroutine.Sleep(TimeSpan.Zero, i)));
        await using var enumerator = sequence.GetAsyncEnumerator();
        while (results.Count < 2 && await enumerator.MoveNextAsync())
        {
            results.Add(await enumerator.Current);
        }

        Assert.Equal(2, results.Count);
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        while (await enumerator.MoveNextAsync())
        {
            results.Add(await enumerator.Current);
        }

        Assert.Equal([0, 1, 2, 3], results);

        var tasks = Enumerable.Range(1, 4).Select(i => Coroutine.Start(Coroutine.Sleep(TimeSpan.FromSeconds(i), i))).ToList();
        var left = Coroutine.AsCompleted(tasks, Hour);
        await foreach (var task in left)
        {
            Assert.Same(tasks[0], task);
            Assert.Equal(4, EventLoop.Current.TimerCount);
            break;
        }

        Assert.Equal(3, EventLoop.Current.TimerCount);
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(async () => await Results(left));
        Assert.Contains("can be enumerated once", exception.Message, StringComparison.Ordinal);
        Assert.Equal(new[] { 1, 2, 3, 4 }, await Coroutine.Gather(tasks));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_reverse_wait", Improvement =
        "What it yields is done, and is the task itself, not a stand-in whose result depends on the order in which they are awaited.")]
    public void What_it_yields_may_be_awaited_in_any_order() => LoopTest.Run(async test =>
    {
        var tasks = new List<LoopTask<char>>();
        await foreach (var task in Coroutine.AsCompleted([After(100, 'b'), After(50, 'a')]))
        {
            Assert.Equal(TimeSpan.FromMilliseconds(50 * (tasks.Count + 1)), test.Elapsed);
            Assert.True(task.IsDone);
            tasks.Add(task);
        }

        Assert.Equal('b', await tasks[1]);
        Assert.Equal('a', await tasks[0]);
        Assert.Equal(TimeSpan.FromMilliseconds(100), test.Elapsed);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_concurrent")]
    public void What_it_has_yielded_can_be_waited_for_together() => LoopTest.Run(async test =>
    {
        var tasks = new List<LoopTask<char>>();
        await foreach (var task in Coroutine.AsCompleted([After(50, 'a'), After(50, 'b')]))
        {
            tasks.Add(task);
        }

        Assert.Equal(2, tasks.Count);
        var (done, pending) = await Coroutine.Wait(tasks.Select(task => Coroutine.Start(Await(task))));
        Assert.Empty(pending);
        Assert.Equal(['a', 'b'], done.Select(task => task.GetResult()).Order());
        Assert.Equal(TimeSpan.FromMilliseconds(50), test.Elapsed);

        static async Coroutine<char> Await(LoopTask<char> task) => await task;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_duplicate_coroutines", Improvement =
        "A coroutine runs once, so one that stands there twice is a mistake that is found at once. A task that does is yielded once.")]
    public void A_task_that_stands_there_twice_is_yielded_once_and_a_coroutine_may_not() => LoopTest.Run(async test =>
    {
        var ham = Coroutine.Start(After(0, 'h'));
        Assert.Equal(['h', 's'], await Results(Coroutine.AsCompleted([ham, ham, Coroutine.Start(After(0, 's'))])));

        var twice = After(0, 't');
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.AsCompleted([twice, twice]));
        Assert.Contains("already", exception.Message, StringComparison.Ordinal);
        await test.Drain();
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_coroutine_without_loop")]
    public void Without_a_loop_that_runs_it_throws_and_does_not_touch_the_coroutine() => LoopTest.On(test =>
    {
        var coroutine = After(1, 'a');
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.AsCompleted([coroutine]));
        Assert.Contains("EventLoop.Run", exception.Message, StringComparison.Ordinal);
        Assert.Equal('a', test.Loop.RunUntilComplete(coroutine));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_as_completed_coroutine_use_running_loop")]
    public void Coroutines_become_tasks_of_the_loop_that_runs() => LoopTest.Run(async test =>
    {
        var count = 0;
        await foreach (var task in Coroutine.AsCompleted([Coroutine.FromResult(42)], Hour))
        {
            count++;
            Assert.Same(test.Loop, task.Loop);
            Assert.Equal(42, await task);
        }

        Assert.Equal(1, count);
    });

    private static async Coroutine<List<T>> Results<T>(IAsyncEnumerable<LoopTask<T>> tasks)
    {
        var results = new List<T>();
        await foreach (var task in tasks)
        {
            results.Add(await task);
        }

        return results;
    }

    private static Coroutine<char> After(int milliseconds, char result) => Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds), result);
}
