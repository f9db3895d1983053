namespace Baton.Tests.Conformance;

/// <summary>
/// CPython's <c>GatherTestsBase</c>, which it runs over futures and over coroutines that await them, and <c>FutureGatherTests</c>.
/// </summary>
public class FutureGatherConformanceTests
{
    [Theory]
    [CPython("test_tasks.GatherTestsBase.test_success")]
    [InlineData(false)]
    [InlineData(true)]
    public void It_is_done_with_the_last_and_has_the_results_in_the_order_of_the_arguments(bool coroutines) => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 3);
        var called = new List<Future>();
        var gather = Coroutine.Gather(Wrap(futures, coroutines));
        gather.AddDoneCallback(called.Add);
        futures[1].SetResult(1);
        futures[0].SetResult(2);
        await Settle();
        Assert.Empty(called);
        Assert.False(gather.IsDone);
        futures[2].SetResult(3);
        await Settle();
        Assert.Same(gather, Assert.Single(called));
        Assert.Equal([2, 1, 3], gather.GetResult());
    });

    [Theory]
    [CPython("test_tasks.GatherTestsBase.test_result_exception_success")]
    [InlineData(false)]
    [InlineData(true)]
    public void Outcomes_that_are_all_results_come_with_the_last(bool coroutines) => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 3);
        var called = new List<Future>();
        var gather = Coroutine.GatherOutcomes(Wrap(futures, coroutines));
        gather.AddDoneCallback(called.Add);
        futures[1].SetResult(1);
        futures[0].SetResult(2);
        await Settle();
        Assert.Empty(called);
        Assert.False(gather.IsDone);
        futures[2].SetResult(3);
        await Settle();
        Assert.Same(gather, Assert.Single(called));
        Assert.All(gather.GetResult(), outcome => Assert.True(outcome.IsSuccess));
        Assert.Equal([2, 1, 3], gather.GetResult().Select(outcome => outcome.GetResult()));
    });

    [Theory]
    [CPython("test_tasks.GatherTestsBase.test_one_exception")]
    [InlineData(false)]
    [InlineData(true)]
    public void The_first_exception_ends_it_and_what_comes_after_changes_nothing(bool coroutines) => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 5);
        var called = new List<Future>();
        var failure = new DivideByZeroException();
        var gather = Coroutine.Gather(Wrap(futures, coroutines));
        gather.AddDoneCallback(called.Add);
        futures[0].SetResult(1);
        futures[1].SetException(failure);
        await Settle();
        Assert.Same(gather, Assert.Single(called));
        Assert.Same(failure, gather.GetException());

        futures[2].SetResult(3);
        futures[3].Cancel();
        futures[4].SetException(new IOException("late"));
        await Settle();
        Assert.Same(failure, gather.GetException());
        Assert.Equal([gather], called);

        // Of the coroutine that failed late nobody else could hear.
        Assert.Equal("late", coroutines ? test.TakeReport().Exception!.Message : futures[4].GetException()!.Message);
    });

    [Theory]
    [CPython("test_tasks.GatherTestsBase.test_return_exceptions")]
    [InlineData(false)]
    [InlineData(true)]
    public void Outcomes_hold_the_exceptions_and_come_with_the_last(bool coroutines) => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 4);
        var called = new List<Future>();
        var (first, second) = (new DivideByZeroException(), new IOException());
        var gather = Coroutine.GatherOutcomes(Wrap(futures, coroutines));
        gather.AddDoneCallback(called.Add);
        futures[1].SetResult(1);
        futures[2].SetException(first);
        futures[0].SetResult(3);
        await Settle();
        Assert.False(gather.IsDone);
        futures[3].SetException(second);
        await Settle();
        Assert.Same(gather, Assert.Single(called));
        var outcomes = gather.GetResult();
        Assert.Equal([3, 1], outcomes.Take(2).Select(outcome => outcome.GetResult()));
        Assert.Same(first, outcomes[2].Exception);
        Assert.Same(second, outcomes[3].Exception);
    });

    [Fact]
    [CPython("test_tasks.FutureGatherTests.test_constructor_empty_sequence_without_loop")]
    public void Of_nothing_it_needs_a_loop_too() => LoopTest.OnThread(() =>
    {
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Gather());
        Assert.Contains("No event loop runs on this thread", exception.Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => Coroutine.Gather(new List<Future<int>>()));
        Assert.Throws<InvalidOperationException>(() => Coroutine.GatherOutcomes());
    });

    [Fact]
    [CPython("test_tasks.FutureGatherTests.test_constructor_empty_sequence_use_running_loop")]
    public void Of_nothing_it_is_a_future_of_the_loop_that_runs_and_has_an_empty_result() => LoopTest.On(test =>
    {
        var gather = test.Loop.RunUntilComplete(Make());
        Assert.Same(test.Loop, gather.Loop);
        Assert.True(gather.IsDone);
        Assert.Empty(gather.GetResult());

        static async Coroutine<Future<int[]>> Make()
        {
            await Coroutine.Yield();
            return Coroutine.Gather(new List<Future<int>>());
        }
    });

    [Fact]
    [CPython("test_tasks.FutureGatherTests.test_constructor_heterogenous_futures")]
    public void Futures_of_two_loops_cannot_be_gathered() => LoopTest.Run(async test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        Future[] futures = [test.Loop.CreateFuture(), other.CreateFuture()];
        Assert.Throws<InvalidOperationException>(() => Coroutine.Gather(futures));
        Assert.Throws<InvalidOperationException>(() => Coroutine.GatherOutcomes(futures));
        Assert.All(futures, future => Assert.False(future.IsDone));
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_tasks.FutureGatherTests.test_constructor_homogenous_futures")]
    public void The_same_futures_can_be_gathered_again() => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 3);
        var gathers = new[] { Coroutine.Gather(futures), Coroutine.Gather(futures) };
        await Settle();
        Assert.All(gathers, gather => Assert.Same(test.Loop, gather.Loop));
        Assert.All(gathers, gather => Assert.False(gather.IsDone));
        for (var i = 0; i < 3; i++)
        {
            futures[i].SetResult(i);
        }

        foreach (var gather in gathers)
        {
            Assert.Equal(new[] { 0, 1, 2 }, await gather);
        }
    });

    [Fact]
    [CPython("test_tasks.FutureGatherTests.test_one_cancellation")]
    public void The_first_that_is_cancelled_makes_it_fail_and_what_comes_after_changes_nothing() => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 5);
        var called = new List<Future>();
        var gather = Coroutine.Gather(futures);
        gather.AddDoneCallback(called.Add);
        futures[0].SetResult(1);
        futures[1].Cancel("not this one");
        await Settle();
        Assert.Same(gather, Assert.Single(called));
        Assert.False(gather.IsCancelled);
        Assert.Equal("not this one", Assert.IsType<CancelledException>(gather.GetException()).Message);

        futures[2].SetResult(3);
        futures[3].Cancel();
        futures[4].SetException(new IOException());
        Assert.IsType<IOException>(futures[4].GetException());
        await Settle();
        Assert.Equal([gather], called);
        Assert.Equal("not this one", gather.GetException()!.Message);
    });

    [Fact]
    [CPython("test_tasks.FutureGatherTests.test_result_exception_one_cancellation")]
    public void Outcomes_hold_the_cancellations_among_results_and_failures() => LoopTest.Run(async test =>
    {
        var futures = Futures(test, 6);
        var called = new List<Future>();
        var (first, second) = (new DivideByZeroException(), new IOException());
        var gather = Coroutine.GatherOutcomes(futures);
        gather.AddDoneCallback(called.Add);
        futures[0].SetResult(1);
        futures[1].SetException(first);
        futures[2].Cancel();
        await Settle();
        Assert.False(gather.IsDone);
        futures[3].SetResult(3);
        futures[4].Cancel();
        futures[5].SetException(second);
        var outcomes = await gather;
        Assert.Equal([1, 0, 0, 3, 0, 0], outcomes.Select(outcome => outcome.GetResultOrDefault()));
        Assert.Equal([false, false, true, false, true, false], outcomes.Select(outcome => outcome.IsCancelled));
        Assert.Same(first, outcomes[1].Exception);
        Assert.Same(second, outcomes[5].Exception);
        Assert.Same(gather, Assert.Single(called));
    });

    private static Future<int>[] Futures(LoopTest test, int count) =>
        [.. Enumerable.Range(0, count).Select(_ => test.Loop.CreateFuture<int>())];

    private static IEnumerable<IAwaitable<int>> Wrap(IEnumerable<Future<int>> futures, bool coroutines) =>
        futures.Select(future => coroutines ? Await(future) : (IAwaitable<int>)future);

    private static async Coroutine<int> Await(Future<int> future) => await future;

    /// <summary>Lets everything run that is queued, and what that queues.</summary>
    private static async Coroutine Settle()
    {
        for (var i = 0; i < 5; i++)
        {
            await Coroutine.Yield();
        }
    }
}
