namespace Baton.Tests.Core;

/// <summary>Code that swallows the cancellation of a scope: it is told again, then at intervals, and reported.</summary>
public class CancelScopeSwallowTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void Deliveries_are_counted_by_the_scope_that_was_cancelled() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(async Coroutine (outer) => await CancelScope.Run(async Coroutine (inner) =>
        {
            outer.Cancel();
            for (var i = 0; i < 3; i++)
            {
                await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Second));
            }

            Assert.Equal((3, 0), (outer.DeliveryCount, inner.DeliveryCount));
        }));
    });

    [Fact]
    public void A_task_that_swallows_in_scopes_of_its_own_is_reported_and_does_not_spin() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var start = test.Elapsed;
            var caught = 0;
            await CancelScope.Run(async Coroutine (scope) =>
            {
                scope.Cancel("enough");
                while (caught < 150)
                {
                    var inner = new CancelScope(Second) { IsLevelTriggered = level };
                    inner.Enter();
                    try
                    {
                        await Coroutine.Sleep(Hour);
                    }
                    catch (CancelledException)
                    {
                        caught++;
                    }

                    inner.Exit();
                }
            });
            Assert.Contains("enough", test.TakeReport().Message, StringComparison.Ordinal);
            Assert.Equal(TimeSpan.FromMilliseconds(500), test.Elapsed - start);
        }
    });

    [Fact]
    public void A_task_that_swallows_in_every_round_and_cleans_up_in_a_shield_is_reported() => LoopTest.Run(async test =>
    {
        var caught = 0;
        await CancelScope.Run(async Coroutine (scope) =>
        {
            scope.Cancel("enough");
            while (caught < 110)
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                catch (CancelledException)
                {
                    caught++;
                    await CancelScope.Run(
                        async Coroutine (_) =>
                        {
                            Assert.False(await CancelScope.Run(async Coroutine (cleaning) =>
                            {
                                cleaning.Cancel();
                                await Coroutine.Yield();
                            }));
                        },
                        shield: true);
                }
            }
        });
        test.TakeReport();
        Assert.Equal(TimeSpan.FromMilliseconds(100), test.Elapsed);
    });

    [Fact]
    public void A_task_that_leaves_each_scope_that_it_cancels_is_not_reported() => LoopTest.Run(async test =>
    {
        for (var i = 0; i < 1000; i++)
        {
            Assert.False(await CancelScope.Run(async Coroutine (scope) =>
            {
                scope.Cancel();
                await Coroutine.Sleep(Hour);
            }));
        }

        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    public void Many_parallel_branches_that_are_told_at_once_are_not_reported() => LoopTest.Run(async test =>
    {
        Assert.False(await CancelScope.Run(async Coroutine (scope) =>
        {
            var all = Task.WhenAll(Enumerable.Range(0, 300).Select(async _ => await Coroutine.Sleep(Hour)));
            await Coroutine.Yield();
            scope.Cancel();
            await Assert.ThrowsAsync<CancelledException>(async () => await all);
            await Assert.ThrowsAsync<CancelledException>(
                async () => await Task.WhenAll(Enumerable.Range(0, 300).Select(async _ => await Coroutine.Sleep(Hour))));
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    public void A_pause_ends_with_the_task() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce };
        await CancelScope.Run(async Coroutine (scope) =>
        {
            var task = test.Loop.CreateTask(Body(), scope: scope);
            scope.Cancel();
            await CancelScope.Run(async Coroutine (_) => await task, shield: true);
        });
        test.TakeReport();
        Assert.Equal(0, test.Loop.TimerCount);

        async Coroutine Body()
        {
            for (var i = 0; i < 100; i++)
            {
                await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Hour));
            }

            test.Loop.CallLater(TimeSpan.FromMilliseconds(5), () => operation.Succeed(3)); // before the pause is over
            Assert.Equal(3, await operation.Start());
        }
    });

    [Fact]
    public void Parallel_branches_of_a_task_that_has_paused_are_told_together_after_the_pause() => LoopTest.Run(async test =>
    {
        var caught = 0;
        Assert.False(await CancelScope.Run(async Coroutine (scope) =>
        {
            scope.Cancel();
            while (caught < 101)
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                catch (CancelledException)
                {
                    caught++;
                }
            }

            await Task.WhenAll(Sleep(), Sleep());
        }));
        test.TakeReport();
        Assert.Equal(TimeSpan.FromMilliseconds(20), test.Elapsed);

        static async Task Sleep() => await Coroutine.Sleep(Hour);
    });
}
