using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary><c>Coroutine.Wait</c>.</summary>
public class WaitTests
{
    [Fact]
    public void It_waits_for_all_and_returns_them_in_the_order_of_the_arguments() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Start(3), Start(1), Start(2) };
        var start = test.Loop.Time;
        var (done, pending) = await Coroutine.Wait(tasks);
        Assert.Equal(tasks, done);
        Assert.Empty(pending);
        Assert.Equal(3_000_000, test.Loop.Time - start);
        Assert.Equal(3, done[0].GetResult());
    });

    [Fact]
    public void Until_the_first_is_done() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Start(3), Start(1), Start(2) };
        var (done, pending) = await Coroutine.Wait(tasks, returnWhen: ReturnWhen.FirstCompleted);
        Assert.Equal([tasks[1]], done);
        Assert.Equal([tasks[0], tasks[2]], pending);
        (done, pending) = await Coroutine.Wait(pending);
        Assert.Equal(2, done.Count);
    });

    [Fact]
    public void Whatever_is_really_done_counts_as_done() => LoopTest.Run(async test =>
    {
        // Both end in the same batch, one before the wait notices the other.
        var tasks = new[] { Start(1), Start(1), Start(9) };
        var (done, pending) = await Coroutine.Wait(tasks, returnWhen: ReturnWhen.FirstCompleted);
        Assert.Equal([tasks[0], tasks[1]], done);
        await pending[0];
    });

    [Fact]
    public void Until_the_first_failure() => LoopTest.Run(async test =>
    {
        var failing = Coroutine.Start(Fail(2));
        var tasks = new LoopTask[] { Start(1), failing, Start(3) };
        var (done, pending) = await Coroutine.Wait(tasks, returnWhen: ReturnWhen.FirstException);
        Assert.Equal([tasks[0], failing], done);
        Assert.Equal([tasks[2]], pending);
        Assert.IsType<IOException>(failing.GetException());
        await pending[0];
    });

    [Fact]
    public void Being_cancelled_is_not_a_failure() => LoopTest.Run(async test =>
    {
        var cancelled = Start(9);
        var tasks = new[] { cancelled, Start(3) };
        await Coroutine.Yield();
        cancelled.Cancel();
        var (done, pending) = await Coroutine.Wait(tasks, returnWhen: ReturnWhen.FirstException);
        Assert.Equal(tasks, done);
        Assert.Empty(pending);

        cancelled = Start(9);
        cancelled.Cancel();
        (done, pending) = await Coroutine.Wait([cancelled, Start(3)], returnWhen: ReturnWhen.FirstCompleted);
        Assert.Equal([cancelled], done);
        await pending[0];
    });

    [Theory]
    [InlineData(ReturnWhen.AllCompleted)]
    [InlineData(ReturnWhen.FirstCompleted)]
    [InlineData(ReturnWhen.FirstException)]
    public void Of_what_is_done_already_it_returns_soon(ReturnWhen returnWhen) => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        var (done, pending) = await Coroutine.Wait([future], returnWhen: returnWhen);
        Assert.Equal([future], done);
        Assert.Empty(pending);
    });

    [Fact]
    public void A_failure_is_neither_thrown_nor_counted_as_seen() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Body());
        test.Loop.Dispose();
        Assert.IsType<IOException>(test.TakeReport().Exception);

        static async Coroutine Body()
        {
            var (done, _) = await Coroutine.Wait([Coroutine.Start(Fail(1))], returnWhen: ReturnWhen.FirstException);
            Assert.True(done[0].IsFailed);
        }
    });

    [Fact]
    public void After_the_timeout_the_others_are_pending_and_go_on() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Start(1), Start(10) };
        var start = test.Loop.Time;
        var (done, pending) = await Coroutine.Wait(tasks, TimeSpan.FromMilliseconds(4));
        Assert.Equal(4_000_000, test.Loop.Time - start);
        Assert.Equal([tasks[0]], done);
        Assert.Equal([tasks[1]], pending);
        Assert.Equal(0, tasks[1].CancelRequests);
        Assert.Equal(10, await tasks[1]);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-5)]
    public void A_timeout_of_nothing_returns_what_is_done(int milliseconds) => LoopTest.Run(async test =>
    {
        var ended = test.Loop.CreateFuture();
        ended.SetResult();
        var future = test.Loop.CreateFuture();
        var start = test.Loop.Time;
        var (done, pending) = await Coroutine.Wait([ended, future], TimeSpan.FromMilliseconds(milliseconds));
        Assert.Equal([ended], done);
        Assert.Equal([future], pending);
        Assert.Equal(start, test.Loop.Time);
    });

    [Fact]
    public void The_timer_is_removed_when_all_are_done_before() => LoopTest.Run(async test =>
    {
        await Coroutine.Wait([Start(1)], TimeSpan.FromHours(1));
        Assert.Equal(0, test.Loop.TimerCount);
        await Coroutine.Wait([Start(1)], Timeout.InfiniteTimeSpan);
    });

    [Fact]
    public void Each_is_returned_once() => LoopTest.Run(async test =>
    {
        var task = Start(1);
        var (done, pending) = await Coroutine.Wait(Twice());
        Assert.Equal([task], done);
        Assert.Empty(pending);

        IEnumerable<LoopTask> Twice()
        {
            yield return task;
            yield return task;
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_wait_errors")]
    [CPython("test_tasks.BaseTaskTests.test_wait_invalid_args")]
    public void Wrong_arguments_are_refused() => LoopTest.Run(async test =>
    {
        var exception = Assert.Throws<ArgumentException>(() => _ = Coroutine.Wait(new List<LoopTask>()));
        Assert.Contains("no task or future", exception.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => _ = Coroutine.Wait((IEnumerable<LoopTask>)null!));
        Assert.Throws<ArgumentNullException>(() => _ = Coroutine.Wait(new LoopTask[] { null! }));
        var task = Start(1);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ = Coroutine.Wait([task], returnWhen: (ReturnWhen)7));
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });
        Assert.Contains(
            "'other'",
            Assert.Throws<InvalidOperationException>(() => Coroutine.Wait([other.CreateFuture()])).Message,
            StringComparison.Ordinal);
        await task;
    });

    [Fact]
    public void Cancelling_who_waits_ends_the_wait_and_nothing_else() => LoopTest.Run(async test =>
    {
        var tasks = new[] { Start(5), Start(7) };
        var waiter = Coroutine.Start(Wait(tasks));
        await Coroutine.Yield();
        await Coroutine.Yield();
        waiter.Cancel("enough");
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal(2, test.Loop.TimerCount); // the sleeps of the two
        Assert.All(tasks, task => Assert.Equal(0, task.CancelRequests));
        Assert.Equal((5, 7), await Coroutine.Gather(tasks[0], tasks[1]));
    });

    [Fact]
    public void Cancelling_who_waits_before_it_starts_touches_nothing() => LoopTest.Run(async test =>
    {
        var task = Start(1);
        var waiter = Coroutine.Start(Wait([task]));
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal(1, await task);
    });

    [Fact]
    public void Cancelling_who_waits_when_the_wait_is_over_delivers_the_result_first() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var got = 0;
        var waiter = Coroutine.Start(Body());
        await Coroutine.Yield();
        future.SetResult();
        await Coroutine.Yield(); // the callback has run, the waiter not yet
        waiter.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await waiter);
        Assert.Equal(1, got);

        async Coroutine Body()
        {
            var (done, _) = await Coroutine.Wait([future]);
            got = done.Count;
            await Coroutine.Sleep(TimeSpan.FromHours(1));
        }
    });

    [Fact]
    public void A_hundred_thousand_are_no_problem_and_leave_no_callbacks() => LoopTest.Run(async test =>
    {
        var first = Start(1);
        var futures = Enumerable.Range(0, 100_000).Select(_ => (Future)test.Loop.CreateFuture()).Prepend(first).ToList();
        for (var i = 0; i < 3; i++)
        {
            var (done, pending) = await Coroutine.Wait(futures, returnWhen: ReturnWhen.FirstCompleted);
            _ = Assert.Single(done);
            Assert.Equal(100_000, pending.Count);
        }
    });

    private static LoopTask<int> Start(int milliseconds) =>
        Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds), milliseconds));

    private static async Coroutine Fail(int milliseconds)
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
        throw new IOException();
    }

    private static async Coroutine Wait(LoopTask<int>[] tasks) => await Coroutine.Wait(tasks, TimeSpan.FromHours(1));
}
