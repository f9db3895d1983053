namespace Baton.Tests.Core;

public class CancelScopeTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_scope_whose_body_ends_is_not_cancelled() => LoopTest.Run(async test =>
    {
        CancelScope? scope = null;
        Assert.True(await CancelScope.Run(async Coroutine (s) =>
        {
            scope = s;
            Assert.Same(s, CancelScope.Current);
            await Coroutine.Sleep(Second);
            Assert.Same(s, CancelScope.Current);
        }, timeout: 2 * Second));
        Assert.Null(CancelScope.Current);
        Assert.False(scope!.CancelCalled || scope.CancelCaught || scope.IsExpired || scope.IsEntered);
    });

    [Fact]
    public void A_deadline_ends_the_body() => LoopTest.Run(async test =>
    {
        CancelScope? scope = null;
        Assert.False(await CancelScope.Run(
            async Coroutine (s) =>
            {
                scope = s;
                await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
            },
            timeout: Second));
        Assert.Equal(Second, test.Elapsed);
        Assert.True(scope!.CancelCalled && scope.CancelCaught && scope.IsExpired);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    [Fact]
    public void A_swallowed_cancellation_is_thrown_again_at_every_suspension() => LoopTest.Run(async test =>
    {
        var caught = 0;
        Assert.False(await CancelScope.Run(async Coroutine (scope) =>
        {
            scope.Cancel();
            for (var i = 0; i < 10; i++)
            {
                try
                {
                    await (i % 2 == 0 ? Coroutine.Sleep(Second) : Coroutine.Sleep(TimeSpan.Zero));
                }
                catch (CancelledException)
                {
                    caught++;
                }
            }

            Assert.Equal(10, scope.DeliveryCount);
            await Coroutine.Yield();
        }));
        Assert.Equal(10, caught);
    });

    [Fact]
    public void A_task_that_swallows_for_ever_is_reported_and_does_not_spin() => LoopTest.Run(async test =>
    {
        var caught = 0;
        await CancelScope.Run(async Coroutine (scope) =>
        {
            scope.Cancel("enough");
            while (caught < 200)
            {
                try
                {
                    await Coroutine.Sleep(TimeSpan.FromHours(1));
                }
                catch (CancelledException)
                {
                    caught++;
                }
            }
        });
        Assert.Contains("enough", test.TakeReport().Message, StringComparison.Ordinal);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void A_shield_keeps_the_outer_cancellation_out_until_it_is_left() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        Assert.False(await CancelScope.Run(async Coroutine (outer) =>
        {
            outer.Cancel();
            await CancelScope.Run(
                async Coroutine (_) =>
                {
                    await Coroutine.Sleep(Second);
                    await Coroutine.Yield();
                    log.Add("shielded");
                },
                shield: true);
            log.Add("left the shield");
            await Coroutine.Sleep(Second);
            log.Add("not reached");
        }));
        Assert.Equal(["shielded", "left the shield"], log);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void A_shield_keeps_a_request_to_the_task_out_until_it_is_left() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(Body());
        await Coroutine.Yield();
        task.Cancel("why");
        Assert.Equal("why", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
        Assert.Equal(["shielded"], log);

        async Coroutine Body()
        {
            await CancelScope.Run(
                async Coroutine (_) =>
                {
                    await Coroutine.Sleep(Second);
                    log.Add("shielded");
                },
                shield: true);
            await Coroutine.Sleep(Second);
            log.Add("not reached");
        }
    });

    [Fact]
    public void A_time_out_in_a_shield_works() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(
            async Coroutine (_) =>
            {
                await Assert.ThrowsAsync<TimeoutException>(
                    async () => await LoopTimeout.Run(Second, async Coroutine () => await Coroutine.Sleep(2 * Second)));
            },
            shield: true);
    });

    [Fact]
    public void A_scope_around_a_group_reaches_its_tasks() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        Assert.False(await CancelScope.Run(
            async Coroutine (scope) => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Child());
                await Coroutine.Sleep(10 * Second);
            }),
            timeout: Second));
        Assert.Equal(["first", "second"], log);
        Assert.Equal(Second, test.Elapsed);

        async Coroutine Child()
        {
            try
            {
                await Coroutine.Sleep(10 * Second);
            }
            catch (CancelledException)
            {
                log.Add("first");
            }

            try
            {
                await Coroutine.Sleep(10 * Second);
            }
            finally
            {
                log.Add("second");
            }
        }
    });

    [Fact]
    public void Plain_code_comes_back_to_its_scope() => LoopTest.Run(async test =>
    {
        Assert.False(await CancelScope.Run(async Coroutine (scope) =>
        {
            await Plain(scope);
        }));

        async Task Plain(CancelScope scope)
        {
            await Task.Run(() => { });
            Assert.Same(scope, CancelScope.Current);
            scope.Cancel();
            await Coroutine.Sleep(Second);
        }
    });

    [Fact]
    public void Parallel_plain_code_has_scopes_of_its_own() => LoopTest.Run(async test =>
    {
        async Task<bool> InScope(TimeSpan timeout) =>
            await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(2 * Second), timeout);

        var results = await Task.WhenAll(InScope(Second), InScope(3 * Second), InScope(Second));
        Assert.Equal([false, true, false], results);
        Assert.Null(CancelScope.Current);
        Assert.Equal(2 * Second, test.Elapsed);
    });

    [Fact]
    public void A_scope_knows_whether_its_code_is_cancelled_by_whatever_scope() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(async Coroutine (outer) =>
        {
            Assert.False(outer.IsEffectivelyCancelled);
            outer.Cancel();
            Assert.True(outer.IsEffectivelyCancelled);
            await CancelScope.Run(
                async Coroutine (inner) =>
                {
                    Assert.False(inner.IsEffectivelyCancelled);
                    await Coroutine.Yield();
                    inner.Shield = false;
                    Assert.True(inner.IsEffectivelyCancelled);
                },
                shield: true);
        });
    });
}
