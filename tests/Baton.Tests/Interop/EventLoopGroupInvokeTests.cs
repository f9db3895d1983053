namespace Baton.Tests.Interop;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Calls from coroutines of one loop to others.</summary>
public class EventLoopGroupInvokeTests
{
    [Fact]
    public void The_result_comes_back_to_the_loop_of_the_caller() => GroupTest.RunBeside(2, async test =>
    {
        var here = EventLoop.Current;
        var task = LoopTask.Current;
        var local = new AsyncLocal<int> { Value = 7 };
        var name = await test.Group.InvokeAsync(test.Group[1], async loop =>
        {
            Assert.Same(test.Group[1], EventLoop.Current);
            await Coroutine.Yield();
            return $"{loop.Name} {local.Value}";
        });
        Assert.Equal("group-1 7", name);
        Assert.Same(here, EventLoop.Current);
        Assert.Same(task, LoopTask.Current);
        await test.Group.InvokeAsync(async loop => Assert.Same(test.Group[0], loop));
        Assert.Equal("group-1", await test.Group.InvokeAsync(async loop => loop.Name));
    });

    [Fact]
    public void Loops_of_the_group_call_one_another_themselves_and_the_one_beside() => GroupTest.RunBeside(2, async test =>
    {
        var group = test.Group;
        var beside = EventLoop.Current;
        var path = await group.InvokeAsync(group[0], async first =>
            $"{first.Name} {await group.InvokeAsync(group[1], async second =>
                $"{second.Name} {await group.InvokeAsync(group[1], async same => same.Name)} {await group.InvokeAsync(beside, async other => other.Name)}")}");
        Assert.Equal("group-0 group-1 group-1 test", path);
    });

    [Fact]
    public void A_failure_is_thrown_here() => GroupTest.RunBeside(1, async test =>
    {
        var exception = await Assert.ThrowsAsync<IOException>(async () => await test.Group.InvokeAsync(Fail));
        Assert.Equal("there", exception.Message);
        Assert.Contains(nameof(Fail), exception.StackTrace, StringComparison.Ordinal);

        static async Coroutine Fail(EventLoop loop)
        {
            await Coroutine.Yield();
            throw new IOException("there");
        }
    });

    [Fact]
    public void Nothing_happens_before_it_is_awaited() => GroupTest.RunBeside(1, async test =>
    {
        var called = false;
        var call = test.Group.InvokeAsync(async _ => called = true);
        await test.Group.InvokeAsync(async _ => { });
        Assert.False(called);
        Assert.True(await call);
    });

    [Fact]
    public void Cancelling_the_wait_cancels_the_other_task_and_waits_for_it() => GroupTest.RunBeside(1, async test =>
    {
        var cleanedUp = false;
        var started = EventLoop.Current.CreateFuture();
        var call = Coroutine.Start(test.Group.InvokeAsync(async Coroutine (_) =>
        {
            started.Loop.CallSoonThreadSafe(() => started.SetResult());
            try
            {
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            }
            catch (CancelledException exception)
            {
                Assert.Equal("enough", exception.Message);
                await Coroutine.Yield();
                cleanedUp = true;
                throw;
            }
        }));
        await started;
        call.Cancel("enough");
        await NetTest.AssertCancelled(call);
        Assert.True(cleanedUp);
    });

    [Fact]
    public void A_result_that_comes_in_spite_of_the_cancellation_is_delivered() => GroupTest.RunBeside(1, async test =>
    {
        var started = EventLoop.Current.CreateFuture();
        var got = 0;
        var call = Coroutine.Start(Call());
        await started;
        call.Cancel();
        await NetTest.AssertCancelled(call);
        Assert.Equal(7, got);

        async Coroutine Call()
        {
            got = await test.Group.InvokeAsync(async Coroutine<int> (_) =>
            {
                started.Loop.CallSoonThreadSafe(() => started.SetResult());
                try
                {
                    await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
                }
                catch (CancelledException)
                {
                }

                return 7;
            });
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan); // The cancellation arrives here.
        }
    });

    [Fact]
    public void A_call_that_is_cancelled_before_it_arrives_does_not_run() => GroupTest.RunBeside(1, async test =>
    {
        using var release = new ManualResetEvent(false);
        using var blocked = new ManualResetEvent(false);
        test.Group[0].CallSoonThreadSafe(() =>
        {
            blocked.Set();
            LoopTest.Await(release);
        });
        LoopTest.Await(blocked);
        var ran = false;
        var call = Coroutine.Start(test.Group.InvokeAsync(async _ => ran = true));
        await Coroutine.Yield();
        await Coroutine.Yield();
        call.Cancel();
        release.Set();
        await NetTest.AssertCancelled(call);
        Assert.False(ran);
    });

    [Fact]
    public void All_results_come_in_the_order_of_the_loops() => GroupTest.RunBeside(3, async test =>
    {
        Assert.Equal(["group-0", "group-1", "group-2"], await test.Group.InvokeOnAllAsync(async loop => loop.Name));
        await test.Group.InvokeOnAllAsync(async _ => await Coroutine.Yield());
    });

    [Fact]
    public void The_caller_is_woken_once_for_all_results() => LoopTest.On(beside =>
    {
        using var sleeping = new ManualResetEvent(false);
        using var group = EventLoopGroup.Start(new EventLoopGroupOptions { Count = 4, ConfigureLoop = (_, loop) => loop.Driver = new VirtualDriver() });
        beside.Driver.Waiting = () => sleeping.Set();
        beside.Loop.RunUntilComplete(Call());
        Assert.Equal(1, beside.Driver.Wakes);

        async Coroutine Call()
        {
            var results = await group.InvokeOnAllAsync(async loop =>
            {
                LoopTest.Await(sleeping);
                return 1;
            });
            Assert.Equal(4, results.Sum());
        }
    });

    [Fact]
    public void When_one_of_all_fails_the_others_are_cancelled() => GroupTest.RunBeside(3, async test =>
    {
        var failure = await Assert.ThrowsAsync<AggregateException>(async () => await test.Group.InvokeOnAllAsync(async Coroutine (loop) =>
        {
            if (loop == test.Group[2])
            {
                throw new IOException("one");
            }

            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }));
        Assert.Equal("one", Assert.Single(failure.InnerExceptions).Message);
    });

    [Fact]
    public void Cancelling_the_wait_cancels_all() => GroupTest.RunBeside(3, async test =>
    {
        var started = EventLoop.Current.CreateFuture();
        var count = 0;
        var call = Coroutine.Start(test.Group.InvokeOnAllAsync(async _ =>
        {
            started.Loop.CallSoonThreadSafe(() =>
            {
                if (++count == 3)
                {
                    started.SetResult();
                }
            });
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }));
        await started;
        call.Cancel();
        await NetTest.AssertCancelled(call);
    });

    [Fact]
    public void A_loop_that_is_closed_or_closes_is_told_of() => GroupTest.RunBeside(2, async test =>
    {
        test.EndsItself = true;
        var started = EventLoop.Current.CreateFuture();
        var call = Coroutine.Start(test.Group.InvokeAsync(test.Group[0], async _ =>
        {
            started.Loop.CallSoonThreadSafe(() => started.SetResult());
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }));
        await started;
        await test.Group.DisposeAsync();
        await NetTest.AssertCancelled(call); // As all tasks that are left.
        var exception = await Assert.ThrowsAsync<InvalidOperationException>(async () => await test.Group.InvokeAsync(test.Group[1], async _ => { }));
        Assert.Equal("Event loop 'group-1' is closed: nothing can be called on it.", exception.Message);
    });

    [Fact]
    public void A_failure_for_a_caller_who_has_gone_is_reported() => LoopTest.OnThread(() =>
    {
        using var release = new ManualResetEvent(false);
        var reports = new List<LoopExceptionContext>();
        using var group = EventLoopGroup.Start(new EventLoopGroupOptions
        {
            Count = 1,
            ConfigureLoop = (_, loop) => loop.Driver = new VirtualDriver(),
            ExceptionHandler = (_, report) => reports.Add(report),
        });
        LoopTest.On(test =>
        {
            // A loop that is disposed of in the middle of things.
            test.AllowLeftovers = true;
            test.Loop.CreateTask(group.InvokeAsync(async _ =>
            {
                LoopTest.Await(release);
                throw new IOException("nobody there");
            }));
            test.RunIterations(2);
            test.Loop.Dispose();
            Assert.Contains("had not ended", test.TakeReport().Message, StringComparison.Ordinal);
        });
        release.Set();
        group[0].Invoke(() => { });
        GroupTest.Await(() => group[0].Invoke(() => group[0].TaskCount) == 1, "The call did not end.");
        group[0].Invoke(() => { });
        Assert.Equal("nobody there", Assert.Single(reports).Exception!.Message);
    });
}
