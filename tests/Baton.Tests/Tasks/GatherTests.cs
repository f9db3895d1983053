using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>The results and failures of <c>Coroutine.Gather</c>, and how its overloads read.</summary>
public class GatherTests
{
    [Fact]
    public void Results_come_in_the_order_of_the_arguments_whatever_the_order_of_completion() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        int[] results = await Coroutine.Gather(Enumerable.Range(0, 5).Select(i => After(10 - i, i)));
        Assert.Equal([0, 1, 2, 3, 4], results);
        Assert.Equal(10_000_000, test.Loop.Time - start);
    });

    [Fact]
    public void Things_of_different_types_make_a_tuple() => LoopTest.Run(async test =>
    {
        var (number, text) = await Coroutine.Gather(After(2, 1), After(1, "one"));
        Assert.Equal((1, "one"), (number, text));
        Assert.Equal((1, 'a', 2.0), await Coroutine.Gather(After(2, 1), After(1, 'a'), After(3, 2.0)));
        Assert.Equal((1, 'a', 2.0, 3L), await Coroutine.Gather(After(2, 1), After(1, 'a'), After(3, 2.0), After(0, 3L)));
        Assert.Equal(
            (1, 'a', 2.0, 3L, "x"), await Coroutine.Gather(After(2, 1), After(1, 'a'), After(3, 2.0), After(0, 3L), After(0, "x")));
        Assert.Equal(
            (1, 'a', 2.0, 3L, "x", true),
            await Coroutine.Gather(After(2, 1), After(1, 'a'), After(3, 2.0), After(0, 3L), After(0, "x"), After(1, true)));
    });

    [Fact]
    public void Coroutines_tasks_and_futures_can_be_mixed() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(After(2, 1));
        var future = test.Loop.CreateFuture<string>();
        test.Loop.CallLater(TimeSpan.FromMilliseconds(3), () => future.SetResult("one"));
        Assert.Equal((1, "one", 'a'), await Coroutine.Gather(task, future, After(1, 'a')));
        Assert.Equal((1, "one"), await Coroutine.Gather(task, future));
        Assert.Equal((1, 2, 3, 4), await Coroutine.Gather(task, After(1, 2), After(1, 3), After(1, 4)));
        Assert.Equal((1, 2, 3, 4, 5), await Coroutine.Gather(task, After(1, 2), After(1, 3), After(1, 4), After(1, 5)));
        Assert.Equal((1, 2, 3, 4, 5, 6), await Coroutine.Gather(task, After(1, 2), After(1, 3), After(1, 4), After(1, 5), After(1, 6)));
        int[] several = await Coroutine.Gather<int>(task, After(1, 2), task);
        Assert.Equal([1, 2, 1], several);
        int[] list = await Coroutine.Gather(new List<IAwaitable<int>> { task, After(1, 2) });
        Assert.Equal([1, 2], list);
        await Coroutine.Gather(task, future, Coroutine.Sleep(TimeSpan.Zero));
    });

    [Fact]
    public void Every_kind_of_sequence_will_do() => LoopTest.Run(async test =>
    {
        int[] some = await Coroutine.Gather(After(1, 1));
        Assert.Equal([1], some);
        some = await Coroutine.Gather(After(1, 1), After(1, 2), After(1, 3), After(1, 4), After(1, 5), After(1, 6), After(1, 7));
        Assert.Equal([1, 2, 3, 4, 5, 6, 7], some);
        some = await Coroutine.Gather([After(1, 1), After(1, 2)]);
        Assert.Equal([1, 2], some);
        some = await Coroutine.Gather(new List<Coroutine<int>> { After(1, 1), After(1, 2) });
        Assert.Equal([1, 2], some);
        some = await Coroutine.Gather(new[] { After(1, 1), After(1, 2) });
        Assert.Equal([1, 2], some);
        some = await Coroutine.Gather(new[] { Coroutine.Start(After(1, 1)), Coroutine.Start(After(1, 2)) });
        Assert.Equal([1, 2], some);
        some = await Coroutine.Gather(new List<LoopTask<int>> { Coroutine.Start(After(1, 1)), Coroutine.Start(After(1, 2)) });
        Assert.Equal([1, 2], some);
        some = await Coroutine.Gather(Coroutine.Start(After(1, 1)));
        Assert.Equal([1], some);
        some = await Coroutine.Gather(new List<Future<int>> { Coroutine.Shield(After(1, 1)), Coroutine.Shield(After(1, 2)) });
        Assert.Equal([1, 2], some);

        var count = 0;
        await Coroutine.Gather(Count(), Count());
        await Coroutine.Gather(new List<Coroutine> { Count(), Count() });
        await Coroutine.Gather([Count(), Count()]);
        await Coroutine.Gather(Coroutine.Start(Count()), Count());
        await Coroutine.Gather(new List<LoopTask> { Coroutine.Start(Count()), Coroutine.Start(Count()) });
        await Coroutine.Gather(new[] { Coroutine.Start(Count()), Coroutine.Start(Count()) });
        Assert.Equal(12, count);

        async Coroutine Count() => count++;
    });

    [Fact]
    public void Of_nothing_it_is_done_at_once() => LoopTest.Run(async test =>
    {
        var none = Coroutine.Gather(new List<Coroutine<int>>());
        Assert.True(none.IsDone);
        Assert.Empty(await none);
        Assert.True(Coroutine.Gather(Enumerable.Empty<Coroutine>()).IsDone);
        Assert.True(Coroutine.Gather(Enumerable.Empty<LoopTask<int>>()).IsDone);
        Assert.True(Coroutine.Gather().IsDone);
        Assert.False(none.Cancel());
    });

    [Fact]
    public void The_children_start_in_the_order_of_the_arguments_and_in_the_next_iteration() => LoopTest.Run(async test =>
    {
        var log = new List<int>();
        var gather = Coroutine.Gather(Enumerable.Range(0, 4).Select(Log));
        Assert.Empty(log);
        await gather;
        Assert.Equal([0, 1, 2, 3], log);

        async Coroutine Log(int number) => log.Add(number);
    });

    [Fact]
    public void Of_futures_that_are_done_it_is_done_at_once() => LoopTest.Run(async test =>
    {
        var done = test.Loop.CreateFuture<int>();
        done.SetResult(1);
        Assert.Equal((1, 1), Coroutine.Gather(done, done).GetResult());
        var failed = test.Loop.CreateFuture<int>();
        failed.SetException(new IOException());
        Assert.Throws<IOException>(() => Coroutine.Gather(done, failed).GetResult());
    });

    [Fact]
    public void It_can_be_awaited_many_times() => LoopTest.Run(async test =>
    {
        var gather = Coroutine.Gather(After(1, 1), After(2, 2));
        var other = Coroutine.Start(Await(gather));
        Assert.Equal((1, 2), await gather);
        Assert.Equal((1, 2), await gather);
        Assert.Equal((1, 2), await other);

        static async Coroutine<(int, int)> Await(Future<(int, int)> gather) => await gather;
    });

    [Fact]
    public void A_future_may_stand_among_the_arguments_several_times() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var other = test.Loop.CreateFuture<int>();
        var gather = Coroutine.Gather(new[] { future, other, future, future });
        other.SetResult(2);
        future.SetResult(1);
        int[] results = await gather;
        Assert.Equal([1, 2, 1, 1], results);

        var failing = test.Loop.CreateFuture<int>();
        var failed = Coroutine.Gather(new[] { failing, failing });
        failing.SetException(new IOException());
        await Assert.ThrowsAsync<IOException>(async () => await failed);
    });

    [Fact]
    public void A_coroutine_that_stands_there_twice_is_an_error_and_nothing_of_it_runs() => LoopTest.Run(async test =>
    {
        var hasRun = false;
        var coroutine = Run();
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Gather(coroutine, coroutine));
        Assert.Contains("once", exception.Message, StringComparison.Ordinal);
        await test.Drain();
        Assert.False(hasRun);

        async Coroutine<int> Run()
        {
            hasRun = true;
            return 1;
        }
    });

    [Fact]
    public void The_first_failure_ends_it_at_once_and_the_others_go_on() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var ended = 0;
        var gather = Coroutine.Gather(Work(3), FailAfter(1, "first"), Work(5));
        var exception = await Assert.ThrowsAsync<IOException>(async () => await gather);
        Assert.Equal("first", exception.Message);
        Assert.Equal(1_000_000, test.Loop.Time - start);
        Assert.True(gather.IsFailed);
        Assert.Equal(0, ended);
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
        Assert.Equal(2, ended);

        async Coroutine Work(int milliseconds)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
            ended++;
        }
    });

    [Fact]
    public void The_exception_has_the_stack_of_where_it_was_thrown() => LoopTest.Run(async test =>
    {
        var exception = await Assert.ThrowsAsync<IOException>(async () => await Coroutine.Gather(FailAfter(1, "first")));
        Assert.Contains(nameof(FailAfter), exception.StackTrace, StringComparison.Ordinal);
    });

    [Fact]
    public void A_later_failure_of_a_coroutine_is_reported() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<IOException>(
            async () => await Coroutine.Gather(FailAfter(1, "first"), FailAfter(2, "second"), FailAfter(2, "third")));
        Assert.Empty(test.TakeReports());
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
        var reports = test.TakeReports();
        Assert.Equal(["second", "third"], reports.Select(report => report.Exception!.Message));
        Assert.All(
            reports, report => Assert.Contains("after the gather that had started it was over", report.Message, StringComparison.Ordinal));
        Assert.All(reports, report => Assert.True(report.Future!.IsFailed));
    });

    [Fact]
    public void A_second_failure_in_the_same_batch_is_reported() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.Gather(FailAfter(0, "first"), FailAfter(0, "second")));
        Assert.Equal("second", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_later_failure_of_a_task_that_was_passed_stays_with_the_task() => LoopTest.Run(async test =>
    {
        var second = Coroutine.Start(FailAfter(2, "second"));
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.Gather(FailAfter(1, "first"), second));
        var exception = await Assert.ThrowsAsync<IOException>(async () => await second);
        Assert.Equal("second", exception.Message);
    });

    [Fact]
    public void A_later_failure_of_a_task_that_was_passed_is_reported_where_nobody_looks_at_it() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Body());
        test.Loop.Dispose();
        Assert.Equal("second", test.TakeReport().Exception!.Message);

        static async Coroutine Body()
        {
            var second = Coroutine.Start(FailAfter(2, "second"));
            await Assert.ThrowsAsync<IOException>(async () => await Coroutine.Gather(FailAfter(1, "first"), second));
            await Coroutine.Wait([second]);
        }
    });

    [Fact]
    public void The_failure_of_a_gather_that_nobody_awaits_is_reported() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Body());
        test.Loop.Dispose();
        Assert.Contains("Gather of 2 (failed) was never retrieved", test.TakeReport().Message, StringComparison.Ordinal);

        static async Coroutine Body()
        {
            _ = Coroutine.Gather(FailAfter(1, "first"), FailAfter(0, null));
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
        }
    });

    [Fact]
    public void A_child_that_is_cancelled_is_a_cancelled_exception_but_the_gather_is_not_cancelled() => LoopTest.Run(async test =>
    {
        var child = Coroutine.Start(After(10, 1));
        var other = Coroutine.Start(After(20, 1));
        var gather = Coroutine.Gather(child, other);
        await Coroutine.Yield();
        child.Cancel("just this one");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal("just this one", exception.Message);
        Assert.False(gather.IsCancelled);
        Assert.IsType<CancelledException>(gather.GetException());
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        Assert.False(other.IsDone);
        Assert.Equal(1, await other);
    });

    [Fact]
    public void Outcomes_hold_results_failures_and_cancellations() => LoopTest.Run(async test =>
    {
        var cancelled = Coroutine.Start(After(10, 1));
        var outcomes = Coroutine.GatherOutcomes(
            new List<IAwaitable<int>> { After(3, 1), Failing(), cancelled, Coroutine.Start(After(1, 4)) });
        await Coroutine.Yield();
        cancelled.Cancel("no more");
        var ended = await outcomes;
        Assert.Equal([true, false, false, true], ended.Select(outcome => outcome.IsSuccess));
        Assert.Equal([false, true, false, false], ended.Select(outcome => outcome.IsFailed));
        Assert.Equal([false, false, true, false], ended.Select(outcome => outcome.IsCancelled));
        Assert.Equal([1, 0, 0, 4], ended.Select(outcome => outcome.GetResultOrDefault()));
        Assert.Equal(["1", "failed: IOException: no luck", "cancelled: no more", "4"], ended.Select(outcome => outcome.ToString()));
        Assert.Equal(1, ended[0].GetResult());
        Assert.Same(ended[1].Exception, Assert.Throws<IOException>(() => ended[1].GetResult()));
        Assert.Throws<CancelledException>(() => ended[2].GetResult());

        static async Coroutine<int> Failing()
        {
            await Coroutine.Yield();
            throw new IOException("no luck");
        }
    });

    [Fact]
    public void Outcomes_come_in_every_form() => LoopTest.Run(async test =>
    {
        Outcome<int>[] numbers = await Coroutine.GatherOutcomes(new List<Coroutine<int>> { After(1, 1), After(1, 2) });
        Assert.Equal([1, 2], numbers.Select(number => number.GetResult()));
        numbers = await Coroutine.GatherOutcomes([After(1, 1), After(1, 2)]);
        Assert.Equal([1, 2], numbers.Select(number => number.GetResult()));
        numbers = await Coroutine.GatherOutcomes(new[] { Coroutine.Start(After(1, 1)) });
        Assert.Equal([1], numbers.Select(number => number.GetResult()));
        numbers = await Coroutine.GatherOutcomes<int>(After(1, 1), Coroutine.Start(After(1, 2)), After(1, 3));
        Assert.Equal([1, 2, 3], numbers.Select(number => number.GetResult()));
        var (number, text) = await Coroutine.GatherOutcomes(After(1, 1), After(1, "one"));
        Assert.Equal((1, "one"), (number.GetResult(), text.GetResult()));
        (number, text) = await Coroutine.GatherOutcomes(Coroutine.Start(After(1, 1)), After(1, "one"));
        Assert.Equal((1, "one"), (number.GetResult(), text.GetResult()));
        var three = await Coroutine.GatherOutcomes(After(1, 1), After(1, 2), After(1, 3));
        Assert.Equal((1, 2, 3), (three.Item1.GetResult(), three.Item2.GetResult(), three.Item3.GetResult()));
        var four = await Coroutine.GatherOutcomes(After(1, 1), After(1, 2), After(1, 3), After(1, 4));
        Assert.Equal(4, four.Item4.GetResult());
        var five = await Coroutine.GatherOutcomes(After(1, 1), After(1, 2), After(1, 3), After(1, 4), After(1, 5));
        Assert.Equal(5, five.Item5.GetResult());
        var six = await Coroutine.GatherOutcomes(After(1, 1), After(1, 2), After(1, 3), After(1, 4), After(1, 5), After(1, 6));
        Assert.Equal(6, six.Item6.GetResult());

        Outcome[] none = await Coroutine.GatherOutcomes(FailAfter(1, "no luck"), FailAfter(1, null));
        Assert.Equal(["failed: IOException: no luck", "done"], none.Select(outcome => outcome.ToString()));
        Assert.Throws<IOException>(none[0].GetResult);
        none[1].GetResult();
        none = await Coroutine.GatherOutcomes(new List<Coroutine> { FailAfter(1, null) });
        Assert.True(Assert.Single(none).IsSuccess);
        none = await Coroutine.GatherOutcomes(new List<LoopTask> { Coroutine.Start(FailAfter(1, null)) });
        Assert.True(Assert.Single(none).IsSuccess);
        none = await Coroutine.GatherOutcomes(Coroutine.Start(FailAfter(1, null)), FailAfter(1, null));
        Assert.Equal(2, none.Length);
        Assert.Empty(await Coroutine.GatherOutcomes());
    });

    [Fact]
    public void A_future_of_another_loop_is_an_error_and_what_was_started_is_cancelled() => LoopTest.Run(async test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });
        var foreign = other.CreateFuture<int>();
        var hasRun = false;
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Gather(Run(), foreign, Run()));
        Assert.Contains("belongs to event loop 'other', and this is event loop 'test'", exception.Message, StringComparison.Ordinal);
        exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Gather(new List<IAwaitable<int>> { Run(), foreign }));
        Assert.Contains("belongs to event loop 'other'", exception.Message, StringComparison.Ordinal);
        await test.Drain();
        Assert.False(hasRun);

        async Coroutine<int> Run()
        {
            hasRun = true;
            return 1;
        }
    });

    [Fact]
    [CPython("test_tasks.CoroutineGatherTests.test_issue46672")]
    public void A_sequence_that_throws_has_what_was_started_cancelled() => LoopTest.Run(async test =>
    {
        var hasRun = false;
        Assert.Throws<IOException>(() => Coroutine.Gather(Broken()));
        Assert.Throws<IOException>(() => Coroutine.Gather(Broken().Select(coroutine => (IAwaitable)coroutine)));
        Assert.Throws<ArgumentNullException>(() => Coroutine.Gather((IEnumerable<Coroutine>)null!));
        Assert.Throws<ArgumentNullException>(() => Coroutine.Gather(new LoopTask[] { null! }));
        await test.Drain();
        Assert.False(hasRun);

        IEnumerable<Coroutine> Broken()
        {
            yield return Run();
            throw new IOException();
        }

        async Coroutine Run() => hasRun = true;
    });

    [Fact]
    public void It_needs_a_loop_that_runs() => LoopTest.On(test =>
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Gather(After(1, 1), After(1, 2)));
        Assert.Contains("No event loop runs on this thread", exception.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void It_says_what_it_is() => LoopTest.Run(async test =>
    {
        var gather = Coroutine.Gather(After(1, 1), After(2, 2));
        Assert.Equal("Gather of 2 (pending)", gather.ToString());
        gather.Cancel();
        Assert.Equal("Gather of 2 (cancelling)", gather.ToString());
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal("Gather of 2 (failed)", gather.ToString());
        Assert.Equal("Gather of 0 (done)", Coroutine.Gather().ToString());
    });

    [Fact]
    public void A_hundred_thousand_children_are_no_problem() => LoopTest.Run(async test =>
    {
        var results = await Coroutine.Gather(Enumerable.Range(0, 100_000).Select(i => After(i % 7, i)));
        Assert.Equal(Enumerable.Range(0, 100_000), results);
    });

    [Fact]
    public void Ten_thousand_nested_gathers_are_no_problem() => LoopTest.OnThread(
        () => EventLoop.Run(
            async Coroutine () =>
            {
                var gather = Coroutine.Gather(After(1, 1));
                for (var i = 0; i < 10_000; i++)
                {
                    gather = Nest(gather);
                }

                Assert.Equal(new[] { 1 }, await gather);
                Assert.Equal(1, await Recurse(10_000));

                static Future<int[]> Nest(Future<int[]> inner) => Coroutine.Gather(Await(inner));

                static async Coroutine<int> Await(Future<int[]> inner) => (await inner)[0];

                static async Coroutine<int> Recurse(int depth) => depth == 0 ? 1 : (await Coroutine.Gather(Recurse(depth - 1)))[0];
            },
            new EventLoopOptions { Driver = new VirtualDriver(), HandleSignals = false }),
        256 * 1024);

    [Fact]
    public void With_eager_tasks_that_do_not_wait_it_is_done_at_once() => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = LoopTaskFactory.Eager;
        var gather = Coroutine.Gather(Now(1), Now(2));
        Assert.True(gather.IsDone);
        Assert.Equal((1, 2), await gather);
        var mixed = Coroutine.Gather(Now(1), After(1, 2), Now(3));
        Assert.False(mixed.IsDone);
        Assert.Equal((1, 2, 3), await mixed);
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.Gather(
            Coroutine.FromException(new IOException("first")),
            Coroutine.FromException(new IOException("second"))));
        Assert.Equal("second", test.TakeReport().Exception!.Message);
        test.Loop.TaskFactory = null;

        static async Coroutine<int> Now(int value) => value;
    });

    [Fact]
    public void A_callback_of_the_gather_that_throws_harms_nobody() => LoopTest.Run(async test =>
    {
        var gather = Coroutine.Gather(After(1, 1), After(2, 2));
        gather.AddDoneCallback(static _ => throw new IOException("in callback"));
        Assert.Equal((1, 2), await gather);
        Assert.Equal("in callback", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void Completing_it_from_outside_ends_it_and_the_children_go_on() => LoopTest.Run(async test =>
    {
        var gather = Coroutine.Gather([After(1, 1), After(2, 2)]);
        gather.SetResult([7]);
        Assert.Equal(new[] { 7 }, await gather);
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5));
    });

    private static async Coroutine<T> After<T>(int milliseconds, T value)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        return value;
    }

    private static async Coroutine FailAfter(int milliseconds, string? message)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        if (message is not null)
        {
            throw new IOException(message);
        }
    }
}
