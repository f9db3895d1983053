namespace Baton.Tests.Core;

/// <summary>Shields: what they keep out, for how long, and what still works within them.</summary>
public class CancelScopeShieldTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void A_time_out_within_a_shield_works_while_one_around_it_waits() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            await CancelScope.Run(
                async Coroutine (_) =>
                {
                    await Assert.ThrowsAsync<TimeoutException>(
                        async () => await LoopTimeout.Run(2 * Second, async Coroutine () => await Coroutine.Sleep(Hour)));
                    log.Add($"inner {test.Elapsed.TotalSeconds}");
                    await Coroutine.Sleep(Second);
                    log.Add($"slept {test.Elapsed.TotalSeconds}");
                },
                shield: true);
            await Coroutine.Sleep(Hour);
        }));
        Assert.Equal(["inner 2", "slept 3"], log);
        Assert.Equal(3 * Second, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    });

    [Fact]
    public void A_scope_within_a_shield_catches_while_a_request_and_an_outer_scope_wait() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(Body());
        test.Loop.CallLater(Second, () => task.Cancel("request"));
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["caught 3", "slept 4"], log);

        async Coroutine Body() => await CancelScope.Run(
            async Coroutine (_) =>
            {
                await CancelScope.Run(
                    async Coroutine (_) =>
                    {
                        Assert.False(await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Hour), timeout: 3 * Second));
                        log.Add($"caught {test.Elapsed.TotalSeconds}");
                        await Coroutine.Sleep(Second);
                        log.Add($"slept {test.Elapsed.TotalSeconds}");
                    },
                    shield: true);
                await Coroutine.Yield();
                log.Add("not reached");
            },
            timeout: 2 * Second);
    });

    [Fact]
    public void A_scope_within_a_shield_catches_while_several_requests_wait() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(Body());
        await Coroutine.Yield();
        task.Cancel();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["caught 1", "slept 2"], log);
        Assert.Equal(2, task.CancelRequests);

        async Coroutine Body() => await CancelScope.Run(
            async Coroutine (_) =>
            {
                Assert.False(await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Hour), timeout: Second));
                log.Add($"caught {test.Elapsed.TotalSeconds}");
                await Coroutine.Sleep(Second);
                log.Add($"slept {test.Elapsed.TotalSeconds}");
            },
            shield: true);
    });

    [Fact]
    public void A_scope_within_a_shield_catches_what_is_its_own_whatever_was_thrown_in_parallel_code() => LoopTest.Run(async test =>
    {
        foreach (var outerExpires in new[] { true, false })
        {
            var log = new List<string>();
            var task = Coroutine.Start(
                LoopTimeout.Run(outerExpires ? Second : Hour, async Coroutine () => await Task.WhenAll(Shielded(), Open())));
            if (!outerExpires)
            {
                test.Loop.CallLater(Second, () => task.Cancel());
            }

            await Assert.ThrowsAsync(outerExpires ? typeof(TimeoutException) : typeof(CancelledException), async () => await task);
            Assert.Equal(["open", "inner", "outer of the shield"], log);

            async Task Open()
            {
                try
                {
                    await Coroutine.Sleep(Hour);
                }
                finally
                {
                    log.Add("open");
                }
            }

            async Task Shielded() => await CancelScope.Run(
                async Coroutine (_) =>
                {
                    await Assert.ThrowsAsync<TimeoutException>(
                        async () => await LoopTimeout.Run(2 * Second, static () => Coroutine.Sleep(Hour)));
                    log.Add("inner");
                    await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
                    {
                        await LoopTimeout.Run(Second, static () => Coroutine.Sleep(Hour));
                        Assert.Fail("The outer one counts.");
                    }));
                    log.Add("outer of the shield");
                },
                shield: true);
        }
    });

    [Fact]
    public void A_shield_that_is_lowered_lets_through_what_waited() => LoopTest.Run(async test =>
    {
        foreach (var what in new[] { "request", "level", "once" })
        {
            var log = new List<string>();
            CancelScope shield = null!;
            CancelScope outer = null!;
            var task = Coroutine.Start(Body());
            await Coroutine.Yield();
            if (what == "request")
            {
                task.Cancel(what);
            }
            else
            {
                outer.Cancel(what);
            }

            await Coroutine.Sleep(Second);
            Assert.False(task.IsDone);
            Assert.False(shield.CancellationToken.IsCancellationRequested);
            var token = shield.CancellationToken;
            shield.Shield = true; // no change
            shield.Shield = false;
            Assert.True(token.IsCancellationRequested);
            await test.Drain();
            Assert.Equal([what], log);

            async Coroutine Body()
            {
                outer = new CancelScope { IsLevelTriggered = what == "level" };
                outer.Enter();
                Exception? thrown = null;
                try
                {
                    await CancelScope.Run(
                        async Coroutine (scope) =>
                        {
                            shield = scope;
                            await Coroutine.Sleep(Hour);
                        },
                        shield: true);
                }
                catch (CancelledException cancelled)
                {
                    thrown = cancelled;
                    log.Add(cancelled.Message);
                }

                Assert.Equal(what != "request", outer.Exit(thrown));
            }
        }
    });

    [Fact]
    public void A_shield_that_is_raised_keeps_out_what_was_not_thrown_yet() => LoopTest.Run(async test =>
    {
        foreach (var what in new[] { "request", "level", "once" })
        {
            var slept = 0;
            var task = Coroutine.Start(Body());
            await Assert.ThrowsAsync<CancelledException>(async () => await task);
            Assert.Equal(1, slept);

            async Coroutine Body()
            {
                using var outer = new Entered(new CancelScope { IsLevelTriggered = what == "level" });
                await CancelScope.Run(async Coroutine (scope) =>
                {
                    if (what == "request")
                    {
                        LoopTask.Current!.Cancel();
                    }
                    else
                    {
                        outer.Scope.Cancel();
                    }

                    scope.Shield = true;
                    await Coroutine.Sleep(Second);
                    slept++;
                    scope.Shield = false;
                    await Coroutine.Sleep(Second);
                    slept++;
                });
            }
        }
    });

    [Fact]
    public void A_shield_keeps_a_group_and_its_tasks_from_an_outer_scope_of_either_kind() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var log = new List<string>();
            Assert.False(await CancelScope.Run(async Coroutine (outer) =>
            {
                var shield = new CancelScope(shield: true) { IsLevelTriggered = level };
                shield.Enter();
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    _ = group.CreateTask(Child());
                    await Coroutine.Yield();
                    outer.Cancel();
                    await Coroutine.Sleep(Second);
                    log.Add("body");
                });
                shield.Exit();
                await Coroutine.Yield();
                log.Add("not reached");
            }));
            Assert.Equal(["child", "body"], log);

            async Coroutine Child()
            {
                await Coroutine.Sleep(Second);
                log.Add("child");
            }
        }
    });

    [Fact]
    public void Its_own_cancellation_and_deadline_hold_within_a_shield() => LoopTest.Run(async test =>
    {
        Assert.False(await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Hour), timeout: Second, shield: true));
        Assert.False(await CancelScope.Run(
            async Coroutine (scope) =>
            {
                scope.Cancel();
                await Coroutine.Sleep(Hour);
            },
            shield: true));
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void A_request_that_came_within_a_shield_ends_a_task_that_does_not_suspend_any_more() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Body());
        await Coroutine.Yield();
        task.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.True(task.IsCancelled);

        static async Coroutine Body() => await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Second), shield: true);
    });

    [Fact]
    public void A_request_that_is_taken_back_within_a_shield_is_gone() => LoopTest.Run(async test =>
    {
        var task = Coroutine.Start(Body());
        await Coroutine.Yield();
        task.Cancel();
        await task;

        static async Coroutine Body()
        {
            await CancelScope.Run(
                async Coroutine (_) =>
                {
                    await Coroutine.Sleep(Second);
                    LoopTask.Current!.Uncancel();
                },
                shield: true);
            await Coroutine.Sleep(Second);
        }
    });

    [Fact]
    public void A_shield_around_a_group_does_not_keep_the_group_from_its_tasks() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(
            async Coroutine (shield) => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Coroutine.Sleep(Hour));
                await Coroutine.Sleep(Second);
                group.Cancel();
            }),
            shield: true);
        Assert.Equal(Second, test.Elapsed);
    });

    /// <summary>A scope that is left when the block ends, whatever ended it.</summary>
    private sealed class Entered : IDisposable
    {
        internal Entered(CancelScope scope)
        {
            Scope = scope;
            scope.Enter();
        }

        internal CancelScope Scope { get; }

        public void Dispose() => Scope.Exit();
    }
}
