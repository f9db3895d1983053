namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary><c>Coroutine.Wait</c>: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskWaitConformanceTests
{
    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait")]
    public void Waiting_for_what_is_done_already_takes_no_time() => LoopTest.On(test =>
    {
        var tasks = new[] { Start(test, 100), Start(test, 150) };
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(42, test.Loop.RunUntilComplete(Body()));
            Assert.Equal(TimeSpan.FromMilliseconds(150), test.Elapsed);
        }

        async Coroutine<int> Body()
        {
            var (done, pending) = await Coroutine.Wait(tasks.Reverse());
            Assert.Equal(tasks.Reverse(), done);
            Assert.Empty(pending);
            return 42;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_duplicate_coroutines")]
    public void A_task_that_stands_there_twice_is_returned_once_beside_the_others() => LoopTest.On(test =>
    {
        var ham = test.Loop.CreateTask(Coroutine.FromResult("ham"));
        var spam = test.Loop.CreateTask(Coroutine.FromResult("spam"));
        var (done, pending) = test.Loop.RunUntilComplete(Wait([ham, ham, spam]));
        Assert.Empty(pending);
        Assert.Equal([ham, spam], done);
        Assert.Equal(["ham", "spam"], [ham.GetResult(), spam.GetResult()]);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_first_completed")]
    public void It_ends_with_the_first_that_is_done_and_leaves_the_other_alone() => LoopTest.On(test =>
    {
        var slow = Start(test, 10_000);
        var fast = Start(test, 100);
        var (done, pending) = test.Loop.RunUntilComplete(Wait([fast, slow], null, ReturnWhen.FirstCompleted));
        Assert.Same(fast, Assert.Single(done));
        Assert.Same(slow, Assert.Single(pending));
        Assert.False(slow.IsDone);
        Assert.True(fast.IsDone);
        fast.GetResult();
        Assert.Equal(TimeSpan.FromMilliseconds(100), test.Elapsed);
        test.Loop.RunUntilComplete(Wait([slow, fast]));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_really_done")]
    public void What_ends_before_the_waiting_task_runs_again_is_done_as_well() => LoopTest.On(test =>
    {
        var first = test.Loop.CreateTask(Turns(1));
        var second = test.Loop.CreateTask(Turns(2));
        var (done, pending) = test.Loop.RunUntilComplete(Wait([second, first], null, ReturnWhen.FirstCompleted));
        Assert.Equal([second, first], done);
        Assert.Empty(pending);
        first.GetResult();
        second.GetResult();

        static async Coroutine Turns(int count)
        {
            for (var i = 0; i < count; i++)
            {
                await Coroutine.Yield();
            }
        }
    });

    [Theory]
    [InlineData(0)]
    [InlineData(10)]
    [CPython("test_tasks.BaseTaskTests.test_wait_first_exception")]
    [CPython("test_tasks.BaseTaskTests.test_wait_first_exception_in_wait")]
    public void It_ends_with_the_first_failure_be_that_at_once_or_later(int milliseconds) => LoopTest.On(test =>
    {
        var slow = Start(test, 10_000);
        var failing = test.Loop.CreateTask(Fail());
        var (done, pending) = test.Loop.RunUntilComplete(Wait([failing, slow], null, ReturnWhen.FirstException));
        Assert.Same(failing, Assert.Single(done));
        Assert.Same(slow, Assert.Single(pending));
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), test.Elapsed);
        Assert.IsType<DivideByZeroException>(failing.GetException());
        test.Loop.RunUntilComplete(Wait([slow, failing]));

        async Coroutine Fail()
        {
            if (milliseconds > 0)
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
            }

            throw new DivideByZeroException();
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_with_exception")]
    public void A_task_that_fails_is_done_like_one_that_does_not() => LoopTest.On(test =>
    {
        var tasks = new[] { Start(test, 100), test.Loop.CreateTask(Fail()) };
        for (var i = 0; i < 2; i++)
        {
            var (done, pending) = test.Loop.RunUntilComplete(Wait([tasks[1], tasks[0]]));
            Assert.Equal(2, done.Count);
            Assert.Empty(pending);
            Assert.Same(tasks[1], Assert.Single(done, task => task.GetException() is not null));
            Assert.Equal(TimeSpan.FromMilliseconds(150), test.Elapsed);
        }

        static async Coroutine Fail()
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(150));
            throw new DivideByZeroException("really");
        }
    });

    [Theory]
    [InlineData(110)]
    [InlineData(100)]
    [CPython("test_tasks.BaseTaskTests.test_wait_with_timeout")]
    [CPython("test_tasks.BaseTaskTests.test_wait_concurrent_complete")]
    public void What_is_done_by_the_time_limit_or_just_at_it_is_done_and_the_rest_is_pending(int limit) => LoopTest.On(test =>
    {
        var fast = Start(test, 100);
        var slow = Start(test, 150);
        var (done, pending) = test.Loop.RunUntilComplete(Wait([slow, fast], TimeSpan.FromMilliseconds(limit)));
        Assert.Same(fast, Assert.Single(done));
        Assert.Same(slow, Assert.Single(pending));
        Assert.Equal(TimeSpan.FromMilliseconds(limit), test.Elapsed);
        test.Loop.RunUntilComplete(Wait([fast, slow]));
        Assert.Equal(TimeSpan.FromMilliseconds(150), test.Elapsed);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_with_iterator_of_tasks")]
    public void The_tasks_may_come_out_of_an_iterator() => LoopTest.On(test =>
    {
        var tasks = new[] { Start(test, 100), Start(test, 150) };
        var (done, pending) = test.Loop.RunUntilComplete(Wait(Iterate()));
        Assert.Equal(tasks, done);
        Assert.Empty(pending);
        Assert.Equal(TimeSpan.FromMilliseconds(150), test.Elapsed);

        IEnumerable<LoopTask> Iterate()
        {
            foreach (var task in tasks)
            {
                yield return task;
            }
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_generator")]
    public void An_iterator_that_makes_the_tasks_is_asked_once() => LoopTest.Run(async () =>
    {
        var made = 0;
        var (done, pending) = await Coroutine.Wait(Make(), returnWhen: ReturnWhen.AllCompleted);
        Assert.Equal(10, made);
        Assert.Equal(Enumerable.Range(0, 10), done.Select(task => task.GetResult()));
        Assert.Empty(pending);

        IEnumerable<LoopTask<int>> Make()
        {
            for (var i = 0; i < 10; i++)
            {
                made++;
                yield return Coroutine.Start(Coroutine.FromResult(i));
            }
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_yield_wait_does_not_shield_cancel")]
    public void Cancelling_who_waits_leaves_what_it_waits_for_running() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var log = new List<string>();
        LoopTask? inner = null;
        var outer = test.Loop.CreateTask(Outer());
        test.RunIterations(2);
        outer.Cancel();
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(outer));
        Assert.False(inner!.IsDone);
        Assert.Equal(0, inner.CancelRequests);
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal(["inner"], log);

        async Coroutine Inner()
        {
            await future;
            log.Add("inner");
        }

        async Coroutine Outer()
        {
            inner = Coroutine.Start(Inner());
            await Coroutine.Wait([inner]);
            log.Add("outer");
        }
    });

    private static LoopTask Start(LoopTest test, int milliseconds) =>
        test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds)));

    /// <summary>The wait in a coroutine, because it needs a loop that runs from the start.</summary>
    private static async Coroutine<(IReadOnlyList<LoopTask> Done, IReadOnlyList<LoopTask> Pending)> Wait(
        IEnumerable<LoopTask> tasks,
        TimeSpan? timeout = null,
        ReturnWhen returnWhen = ReturnWhen.AllCompleted) => await Coroutine.Wait(tasks, timeout, returnWhen);
}
