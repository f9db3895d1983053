namespace Baton.Tests.Tasks;

/// <summary>Cancelling a gather, and what awaits it, at every point of its life.</summary>
public class GatherCancellationTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void Cancelling_it_cancels_every_child_and_it_ends_as_failed() => LoopTest.Run(async test =>
    {
        var children = Sleepers(3);
        var gather = Coroutine.Gather(children);
        await Coroutine.Yield();
        Assert.True(gather.Cancel("enough"));
        Assert.False(gather.IsDone);
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal("enough", exception.Message);
        Assert.False(gather.IsCancelled);
        Assert.All(children, child => Assert.True(child.IsCancelled));
        Assert.False(gather.Cancel());
    });

    [Fact]
    public void Cancelling_who_awaits_it_cancels_every_child() => LoopTest.Run(async test =>
    {
        var children = Sleepers(3);
        var outer = Coroutine.Start(Await(Coroutine.Gather(children)));
        await Coroutine.Yield();
        await Coroutine.Yield();
        outer.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await outer);
        Assert.Equal("enough", exception.Message);
        Assert.True(outer.IsCancelled);
        Assert.All(children, child => Assert.True(child.IsCancelled));
    });

    [Fact]
    public void Before_the_children_start_they_never_run() => LoopTest.Run(async test =>
    {
        var started = 0;
        var gather = Coroutine.Gather(Work(), Work());
        Assert.True(gather.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal(0, started);

        async Coroutine Work()
        {
            started++;
            await Coroutine.Sleep(Hour);
        }
    });

    [Fact]
    public void When_a_child_has_ended_in_the_same_batch_the_others_are_cancelled() => LoopTest.Run(async test =>
    {
        var first = test.Loop.CreateFuture<int>();
        var second = test.Loop.CreateFuture<int>();
        var gather = Coroutine.Gather(first, second);
        first.SetResult(1);
        Assert.True(gather.Cancel());
        Assert.True(second.IsCancelled);
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
    });

    [Fact]
    public void When_all_have_ended_in_the_same_batch_the_result_is_delivered_and_the_request_holds() => LoopTest.Run(async test =>
    {
        var first = test.Loop.CreateFuture<int>();
        var second = test.Loop.CreateFuture<int>();
        var gather = Coroutine.Gather(first, second);
        var results = (0, 0);
        var outer = Coroutine.Start(Body());
        await Coroutine.Yield();
        first.SetResult(1);
        second.SetResult(2);
        Assert.False(gather.Cancel());
        Assert.True(outer.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await outer);
        Assert.Equal((1, 2), results);

        async Coroutine Body()
        {
            results = await gather;
            await Coroutine.Yield();
            Assert.Fail("The cancellation holds for the next suspension.");
        }
    });

    [Fact]
    public void After_completion_there_is_nothing_to_cancel() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var gather = Coroutine.Gather(future, future);
        future.SetResult(1);
        Assert.Equal((1, 1), await gather);
        Assert.False(gather.Cancel());
    });

    [Fact]
    public void It_ends_with_the_first_child_that_ends_as_cancelled_while_others_still_clean_up() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var cleanedUp = false;
        var gather = Coroutine.Gather(CleanUp(), Coroutine.Sleep(Hour));
        await Coroutine.Yield();
        gather.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal(start, test.Loop.Time);
        Assert.False(cleanedUp);
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(300));
        Assert.True(cleanedUp);

        async Coroutine CleanUp()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(200));
                cleanedUp = true;
            }
        }
    });

    [Fact]
    public void With_outcomes_it_ends_when_all_have_ended() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var gather = Coroutine.GatherOutcomes(CleanUp(), Coroutine.Sleep(Hour));
        await Coroutine.Yield();
        Assert.True(gather.Cancel("enough"));
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal("enough", exception.Message);
        Assert.Equal(200_000_000, test.Loop.Time - start);
        Assert.False(gather.IsCancelled);

        static async Coroutine CleanUp()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(200));
            }
        }
    });

    [Fact]
    public void Children_that_go_on_all_the_same_do_not_change_that_it_was_cancelled() => LoopTest.Run(async test =>
    {
        var gather = Coroutine.Gather(Stubborn(), Stubborn());
        await Coroutine.Yield();
        gather.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.Equal("enough", exception.Message);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_failure_while_it_is_being_cancelled_is_not_lost(bool outcomes) => LoopTest.Run(async test =>
    {
        Future gather = outcomes
            ? Coroutine.GatherOutcomes(Coroutine.Sleep(Hour), FailWhenCancelled())
            : Coroutine.Gather(Coroutine.Sleep(Hour), FailWhenCancelled());
        await Coroutine.Yield();
        gather.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        await test.Drain();
        Assert.Equal("in clean-up", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_failure_that_comes_first_while_it_is_being_cancelled_is_its_own() => LoopTest.Run(async test =>
    {
        var gather = Coroutine.Gather(FailWhenCancelled(), Coroutine.Sleep(Hour));
        await Coroutine.Yield();
        gather.Cancel();
        await Assert.ThrowsAsync<IOException>(async () => await gather);
    });

    [Fact]
    public void A_gather_that_was_cancelled_and_that_nobody_awaits_is_not_reported() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Body());
        test.Loop.Dispose();

        static async Coroutine Body()
        {
            Coroutine.Gather(Coroutine.Sleep(Hour), Coroutine.Sleep(Hour)).Cancel();
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        }
    });

    [Fact]
    public void A_child_that_stands_there_several_times_is_cancelled_once() => LoopTest.Run(async test =>
    {
        var child = Coroutine.Start(Stubborn());
        var gather = Coroutine.Gather(new LoopTask[] { child, child, child });
        await Coroutine.Yield();
        gather.Cancel();
        Assert.Equal(1, child.CancelRequests);
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);

        // The same by way of a gather that is a child twice.
        child = Coroutine.Start(Stubborn());
        var inner = Coroutine.Gather(new LoopTask[] { child });
        gather = Coroutine.Gather(new Future[] { inner, inner, child });
        await Coroutine.Yield();
        gather.Cancel();
        Assert.Equal(1, child.CancelRequests);
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
    });

    [Fact]
    public void Cancelling_reaches_through_gathers_of_gathers() => LoopTest.Run(async test =>
    {
        var children = Sleepers(4);
        var inner = Coroutine.Gather(children.Take(2));
        var done = test.Loop.CreateFuture();
        done.SetResult();
        var outer = Coroutine.Gather(new Future[] { inner, children[2], Coroutine.Gather(new[] { done }), children[3] });
        await Coroutine.Yield();
        var task = Coroutine.Start(Await(outer));
        await Coroutine.Yield();
        task.Cancel("all of it");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal("all of it", exception.Message);
        Assert.All(children, child => Assert.True(child.IsCancelled));
        Assert.False(inner.IsCancelled);
    });

    [Fact]
    public void A_gather_whose_children_are_all_done_does_not_accept_a_cancellation() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var inner = Coroutine.Gather(new[] { future });
        var outer = Coroutine.Gather(new[] { inner });
        future.SetResult();
        Assert.False(outer.Cancel());
        await outer;
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Ten_thousand_nested_gathers_can_be_cancelled(bool asTasks) => LoopTest.OnThread(
        () =>
        {
            using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
            loop.RunUntilComplete(Main());
            Assert.Equal(0, loop.TaskCount);

            async Coroutine Main()
            {
                var leaf = Coroutine.Start(Coroutine.Sleep(Hour));
                Future gather = Coroutine.Gather(new[] { leaf });
                for (var i = 0; i < 10_000; i++)
                {
                    gather = asTasks ? Coroutine.Gather(Await(gather)) : Coroutine.Gather(new[] { gather });
                }

                await Coroutine.Yield();
                await Coroutine.Yield();
                Assert.True(gather.Cancel("deep down"));
                var exception = await Assert.ThrowsAsync<CancelledException>(async () => await gather);
                Assert.Equal("deep down", exception.Message);
                Assert.True(leaf.IsCancelled);
            }
        },
        256 * 1024);

    [Fact]
    public void A_ring_of_a_task_and_its_gather_can_be_cancelled() => LoopTest.Run(async test =>
    {
        Future? gather = null;
        var task = Coroutine.Start(AwaitRing());
        gather = Coroutine.Gather(new[] { task });
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();

        // Nothing in the ring can end by itself: the gather waits for the task, and the task for the gather.
        Assert.False(task.IsDone);
        ((Future<bool>)gather).SetResult(true);
        await test.Drain();
        Assert.True(task.IsDone);

        async Coroutine AwaitRing() => await gather!;
    });

    [Fact]
    public void Cancelling_a_child_from_a_callback_of_another_is_fine() => LoopTest.Run(async test =>
    {
        var children = Sleepers(2);
        children[0].AddDoneCallback(_ => children[1].Cancel());
        var gather = Coroutine.GatherOutcomes(children);
        await Coroutine.Yield();
        children[0].Cancel();
        Assert.All(await gather, outcome => Assert.True(outcome.IsCancelled));
    });

    private static LoopTask[] Sleepers(int count) => [.. Enumerable.Range(0, count).Select(_ => Coroutine.Start(Coroutine.Sleep(Hour)))];

    private static async Coroutine Await(Future future) => await future;

    private static async Coroutine Stubborn()
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            await Coroutine.Yield();
        }
    }

    private static async Coroutine FailWhenCancelled()
    {
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            throw new IOException("in clean-up");
        }
    }
}
