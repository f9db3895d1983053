using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary><c>Coroutine.Shield</c>.</summary>
public class ShieldTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_result")]
    public void The_result_passes_through() => LoopTest.Run(async test =>
    {
        Assert.Equal(1, await Coroutine.Shield(Value()));
        Assert.Equal(1, await Coroutine.Shield(Coroutine.Start(Value())));
        var future = test.Loop.CreateFuture<int>();
        var shield = Coroutine.Shield(future);
        Assert.NotSame(future, shield);
        future.SetResult(2);
        Assert.Equal(2, await shield);
        await Coroutine.Shield(Coroutine.Sleep(TimeSpan.FromMilliseconds(1)));
        await Coroutine.Shield((Future)Coroutine.Start(Value()));

        static async Coroutine<int> Value()
        {
            await Coroutine.Yield();
            return 1;
        }
    });

    [Fact]
    public void The_exception_passes_through() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var shield = Coroutine.Shield(future);
        future.SetException(new IOException("inner"));
        var exception = await Assert.ThrowsAsync<IOException>(async () => await shield);
        Assert.Equal("inner", exception.Message);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_shortcut")]
    public void What_is_done_needs_no_shield() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        future.SetResult(1);
        Assert.Same(future, Coroutine.Shield(future));
        var plain = test.Loop.CreateFuture();
        plain.SetResult();
        Assert.Same(plain, Coroutine.Shield(plain));
        var task = Coroutine.Start(Coroutine.FromResult(3));
        await task;
        var shield = Coroutine.Shield(task);
        Assert.True(shield.IsDone);
        Assert.Equal(3, await shield);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_cancel_inner")]
    public void Where_the_inner_one_is_cancelled_so_is_the_outer() => LoopTest.Run(async test =>
    {
        var inner = Coroutine.Start(Coroutine.Sleep(Hour, 1));
        var shield = Coroutine.Shield(inner);
        await Coroutine.Yield();
        inner.Cancel("inner");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await shield);
        Assert.Equal("inner", exception.Message);
        Assert.True(shield.IsCancelled);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);

        var future = test.Loop.CreateFuture();
        var ofFuture = Coroutine.Shield(future);
        await Coroutine.Yield();
        future.Cancel();
        Assert.False(ofFuture.IsDone);
        await Coroutine.Yield();
        Assert.True(ofFuture.IsCancelled);
    });

    [Fact]
    public void Cancelling_the_outer_leaves_the_inner_running() => LoopTest.Run(async test =>
    {
        var inner = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(5), 1));
        var shield = Coroutine.Shield(inner);
        await Coroutine.Yield();
        Assert.True(shield.Cancel("outer"));
        Assert.True(shield.IsCancelled);
        Assert.Equal(0, inner.CancelRequests);
        await Assert.ThrowsAsync<CancelledException>(async () => await shield);
        Assert.Equal(1, await inner);
        Assert.False(shield.Cancel());
    });

    [Fact]
    public void Cancelling_who_awaits_it_leaves_the_inner_running() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture<int>();
        var outer = Coroutine.Start(Await(Coroutine.Shield(inner)));
        await Coroutine.Yield();
        outer.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await outer);
        Assert.True(outer.IsCancelled);
        Assert.False(inner.IsDone);
        inner.SetResult(1);
        await Coroutine.Yield();
    });

    [Fact]
    public void When_the_inner_has_ended_in_the_same_batch_its_result_is_delivered_and_the_request_holds() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture<int>();
        var got = 0;
        var outer = Coroutine.Start(Body());
        await Coroutine.Yield();
        inner.SetResult(1);
        outer.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await outer);
        Assert.Equal(1, got);

        async Coroutine Body()
        {
            got = await Coroutine.Shield(inner);
            await Coroutine.Sleep(Hour);
        }
    });

    [Fact]
    public void When_the_inner_has_failed_in_the_same_batch_its_failure_is_delivered() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture<int>();
        var shield = Coroutine.Shield(inner);
        inner.SetException(new IOException());
        Assert.False(shield.Cancel());
        await Assert.ThrowsAsync<IOException>(async () => await shield);
    });

    [Fact]
    public void When_the_inner_was_cancelled_in_the_same_batch_the_outer_is() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture<int>();
        var outer = Coroutine.Start(Await(Coroutine.Shield(inner)));
        await Coroutine.Yield();
        inner.Cancel();
        outer.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await outer);
    });

    [Fact]
    public void A_failure_after_the_outer_was_cancelled_is_reported() => LoopTest.Run(async test =>
    {
        var inner = Coroutine.Start(Fail());
        var shield = Coroutine.Shield(inner);
        await Coroutine.Yield();
        shield.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
        await Coroutine.Yield();
        var report = test.TakeReport();
        Assert.Equal("IOException exception in shielded future", report.Message);
        Assert.Equal("inner", report.Exception!.Message);
        Assert.Same(inner, report.Future);
    });

    [Fact]
    public void A_failure_behind_many_cancelled_shields_is_reported_once() => LoopTest.Run(async test =>
    {
        var inner = Coroutine.Start(Fail());
        for (var i = 0; i < 3; i++)
        {
            Coroutine.Shield(inner).Cancel();
        }

        await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
        await Coroutine.Yield();
        Assert.Equal("inner", test.TakeReport().Exception!.Message);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_cancel_outer_result")]
    public void A_result_or_cancellation_after_the_outer_was_cancelled_concerns_nobody() => LoopTest.Run(async test =>
    {
        var inner = new[] { test.Loop.CreateFuture<int>(), test.Loop.CreateFuture<int>() };
        var shields = inner.Select(future => Coroutine.Shield(future)).ToList();
        await Coroutine.Yield();
        Assert.All(shields, shield => Assert.True(shield.Cancel()));
        await Coroutine.Yield();
        inner[0].SetResult(1);
        inner[1].Cancel();
        await Coroutine.Yield();
        Assert.All(shields, shield => Assert.True(shield.IsCancelled));
        Assert.Empty(test.TakeReports());
    });

    [Fact]
    public void A_shield_that_nobody_awaits_reports_the_failure_in_the_end() => LoopTest.On(test =>
    {
        test.Loop.RunUntilComplete(Body());
        test.Loop.Dispose();
        Assert.Equal("inner", test.TakeReport().Exception!.Message);

        static async Coroutine Body()
        {
            _ = Coroutine.Shield(Fail());
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
        }
    });

    [Fact]
    public void A_shield_that_is_cancelled_before_the_inner_starts_lets_it_run() => LoopTest.Run(async test =>
    {
        var hasRun = false;
        var shield = Coroutine.Shield(Run());
        shield.Cancel();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
        Assert.True(hasRun);

#pragma warning disable CS1998
        async Coroutine Run() => hasRun = true;
#pragma warning restore CS1998
    });

    [Fact]
    public void A_shielded_gather_goes_on() => LoopTest.Run(async test =>
    {
        var children = new[] { 2, 1 }.Select(i => Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(i), 3 - i))).ToList();
        var gather = Coroutine.Gather(children);
        var shield = Coroutine.Shield(gather);
        await Coroutine.Yield();
        shield.Cancel();
        Assert.True(shield.IsCancelled);
        Assert.Equal(new[] { 1, 2 }, await gather);
    });

    [Fact]
    public void A_gather_of_shields_ends_as_cancelled_and_what_they_shield_goes_on() => LoopTest.Run(async test =>
    {
        var children = new[] { test.Loop.CreateFuture<int>(), test.Loop.CreateFuture<int>() };
        var gather = Coroutine.Gather(children.Select(child => Coroutine.Shield(child)));
        Assert.True(gather.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await gather);
        Assert.All(children, child => Assert.False(child.IsDone));
    });

    [Fact]
    public void A_timeout_leaves_the_shielded_one_running() => LoopTest.Run(async test =>
    {
        var inner = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(50), 1));
        await Assert.ThrowsAsync<TimeoutException>(
            async () => await Coroutine.WaitFor(Coroutine.Shield(inner), TimeSpan.FromMilliseconds(5)));
        Assert.Equal(1, await inner);
    });

    [Fact]
    public void The_loop_keeps_the_inner_task() => LoopTest.Run(async test =>
    {
        var hasEnded = false;
        Abandon();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
        Assert.True(hasEnded);

        void Abandon() => Coroutine.Shield(Work()).Cancel();

        async Coroutine Work()
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(3));
            hasEnded = true;
        }
    });

    [Fact]
    public void Ten_thousand_nested_shields_are_no_problem() => LoopTest.OnThread(
        () =>
        {
            using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
            loop.RunUntilComplete(Main());

            async Coroutine Main()
            {
                var inner = loop.CreateFuture<int>();
                var shield = (Future<int>)inner;
                for (var i = 0; i < 10_000; i++)
                {
                    shield = Coroutine.Shield(shield);
                }

                inner.SetResult(4);
                Assert.Equal(4, await shield);
            }
        },
        256 * 1024);

    [Fact]
    public void It_needs_a_loop_that_runs_and_a_future_of_it() => LoopTest.Run(async test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Shield(other.CreateFuture<int>()));
        Assert.Contains("'other'", exception.Message, StringComparison.Ordinal);
        Assert.Contains(
            "'other'",
            Assert.Throws<InvalidOperationException>(() => Coroutine.Shield(other.CreateFuture())).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentNullException>(() => Coroutine.Shield((Future)null!));
        Assert.Throws<ArgumentNullException>(() => Coroutine.Shield((LoopTask<int>)null!));
        await Coroutine.Yield();
        LoopTest.OnThread(() => Assert.Throws<InvalidOperationException>(() => Coroutine.Shield(Coroutine.Sleep(Hour))));
    });

    [Fact]
    public void It_says_what_it_shields() => LoopTest.Run(async test =>
    {
        var shield = Coroutine.Shield(Coroutine.Start(Coroutine.Sleep(TimeSpan.FromMilliseconds(1), 1), "inner"));
        Assert.Equal("Shield [Task 'inner' (pending)] (pending)", shield.ToString());
        shield.Cancel();
        Assert.Equal("Shield [Task 'inner' (pending)] (cancelled)", shield.ToString());
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(9));
    });

    private static async Coroutine Await(Future future) => await future;

    private static async Coroutine<int> Fail()
    {
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        throw new IOException("inner");
    }
}
