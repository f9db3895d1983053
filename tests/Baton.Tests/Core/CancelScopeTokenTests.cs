namespace Baton.Tests.Core;

/// <summary>The tokens of scopes and tasks: when they are cancelled, and when there is a fresh one.</summary>
public class CancelScopeTokenTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    public void A_scopes_token_is_cancelled_with_it_with_one_around_it_and_with_the_task() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            foreach (var what in new[] { "inner", "outer", "task" })
            {
                await Coroutine.Start(Body());

                async Coroutine Body()
                {
                    var outer = new CancelScope { IsLevelTriggered = level };
                    outer.Enter();
                    var inner = new CancelScope { IsLevelTriggered = level };
                    inner.Enter();
                    var (outerToken, innerToken) = (outer.CancellationToken, inner.CancellationToken);
                    Assert.Equal(innerToken, LoopTask.Current!.CancellationToken);
                    Assert.NotEqual(outerToken, innerToken);
                    Assert.False(outerToken.IsCancellationRequested || innerToken.IsCancellationRequested);
                    switch (what)
                    {
                        case "inner":
                            inner.Cancel();
                            break;
                        case "outer":
                            outer.Cancel();
                            break;
                        default:
                            LoopTask.Current.Cancel();
                            break;
                    }

                    Assert.True(innerToken.IsCancellationRequested);
                    Assert.Equal(what != "inner", outerToken.IsCancellationRequested);
                    await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
                    inner.Exit();
                    outer.Exit();
                    if (what == "task")
                    {
                        LoopTask.Current.Uncancel();
                    }
                }
            }
        }
    });

    [Fact]
    public void A_token_that_is_asked_for_after_the_cancellation_is_cancelled() => LoopTest.Run(async test =>
    {
        Assert.True(await CancelScope.Run(async Coroutine (outer) =>
        {
            outer.Cancel();
            Assert.True(outer.CancellationToken.IsCancellationRequested);
            Assert.True(await CancelScope.Run(async Coroutine (inner) => Assert.True(inner.CancellationToken.IsCancellationRequested)));
            Assert.True(await CancelScope.Run(
                async Coroutine (inner) => Assert.False(LoopTask.Current!.CancellationToken.IsCancellationRequested),
                shield: true));
        }));
        LoopTask.Current!.Cancel();
        await CancelScope.Run(async Coroutine (scope) => Assert.True(scope.CancellationToken.IsCancellationRequested));
        await CancelScope.Run(
            async Coroutine (_) =>
                await CancelScope.Run(async Coroutine (scope) => Assert.False(scope.CancellationToken.IsCancellationRequested)),
            shield: true);
        LoopTask.Current.Uncancel();
        await CancelScope.Run(async Coroutine (scope) => Assert.False(scope.CancellationToken.IsCancellationRequested));
    });

    [Fact]
    public void The_tasks_token_outside_of_scopes_is_another_one() => LoopTest.Run(async test =>
    {
        var task = LoopTask.Current!;
        var outside = task.CancellationToken;
        await CancelScope.Run(async Coroutine (scope) =>
        {
            Assert.NotEqual(outside, task.CancellationToken);
            scope.Cancel();
            Assert.True(task.CancellationToken.IsCancellationRequested);
            Assert.False(outside.IsCancellationRequested);
        });
        Assert.Equal(outside, task.CancellationToken);
        Assert.False(outside.IsCancellationRequested);
    });

    [Fact]
    public void Another_tasks_token_does_not_depend_on_the_scope_of_the_code_that_asks() => LoopTest.Run(async test =>
    {
        var other = Coroutine.Start(Coroutine.Sleep(Second));
        await CancelScope.Run(async Coroutine (scope) =>
        {
            var token = other.CancellationToken;
            scope.Cancel();
            Assert.False(token.IsCancellationRequested);
            other.Cancel();
            Assert.True(token.IsCancellationRequested);
        });
        await test.Drain();
    });

    [Fact]
    public void An_inner_time_out_that_has_expired_leaves_the_token_of_an_outer_scope_alone() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(async Coroutine (scope) =>
        {
            var token = scope.CancellationToken;
            await Assert.ThrowsAsync<TimeoutException>(
                async () => await LoopTimeout.Run(Second, async Coroutine () => await Coroutine.Sleep(2 * Second)));
            Assert.Equal(token, scope.CancellationToken);
            scope.Cancel();
            Assert.True(token.IsCancellationRequested);
        });
    });

    [Fact]
    public void A_request_that_a_shield_kept_out_and_that_was_taken_back_leaves_the_token_in_the_shield_alone() =>
        LoopTest.Run(async test =>
        {
            await CancelScope.Run(
                async Coroutine (scope) =>
                {
                    var token = scope.CancellationToken;
                    LoopTask.Current!.Cancel();
                    Assert.False(token.IsCancellationRequested);
                    LoopTask.Current.Uncancel();
                    Assert.Equal(token, scope.CancellationToken);
                    scope.Cancel();
                    Assert.True(token.IsCancellationRequested);
                },
                shield: true);
        });

    [Fact]
    public void After_the_last_request_was_taken_back_there_are_fresh_tokens() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(async Coroutine (scope) =>
        {
            var task = LoopTask.Current!;
            var token = scope.CancellationToken;
            task.Cancel();
            task.Cancel();
            task.Uncancel();
            Assert.True(token.IsCancellationRequested);
            Assert.Equal(token, scope.CancellationToken);
            task.Uncancel();
            var fresh = scope.CancellationToken;
            Assert.False(fresh.IsCancellationRequested);
            scope.Cancel();
            Assert.True(fresh.IsCancellationRequested);
            task.Cancel();
            task.Uncancel();
            Assert.True(scope.CancellationToken.IsCancellationRequested);
        });
    });

    [Fact]
    public void The_token_of_a_groups_task_is_cancelled_with_the_scope_around_the_group() => LoopTest.Run(async test =>
    {
        var log = new List<bool>();
        Assert.False(await CancelScope.Run(async Coroutine (scope) => await TaskGroup.Run(async Coroutine (group) =>
        {
            _ = group.CreateTask(Child());
            await Coroutine.Yield();
            scope.Cancel();
        })));
        Assert.Equal([false, true, true], log);

        async Coroutine Child()
        {
            var token = LoopTask.Current!.CancellationToken;
            log.Add(token.IsCancellationRequested);
            try
            {
                await Coroutine.Sleep(Second);
            }
            finally
            {
                log.Add(token.IsCancellationRequested);
                log.Add(LoopTask.Current.CancellationToken.IsCancellationRequested);
            }
        }
    });

    [Fact]
    public void A_time_out_of_the_parent_task_does_not_cancel_the_tokens_of_a_groups_tasks() => LoopTest.Run(async test =>
    {
        var isCancelled = true;
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () => await CancelScope.Run(
            async Coroutine (scope) => await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(Child());
                await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(3 * Second), shield: true);
                await Coroutine.Yield();
            }))));
        Assert.False(isCancelled);

        async Coroutine Child()
        {
            await Coroutine.Sleep(2 * Second);
            isCancelled = LoopTask.Current!.CancellationToken.IsCancellationRequested;
        }
    });

    [Fact]
    public void A_callback_on_a_token_that_throws_is_reported_and_the_cancellation_goes_on() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            await Coroutine.Start(Body());
            Assert.IsType<AggregateException>(test.TakeReport().Exception);

            async Coroutine Body()
            {
                var scope = new CancelScope { IsLevelTriggered = level };
                scope.Enter();
                scope.CancellationToken.Register(() => throw new IOException());
                scope.Cancel();
                var exception = await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
                Assert.True(scope.Exit(exception));
            }
        }
    });

    [Fact]
    public void The_token_of_a_scope_that_is_not_entered_cannot_be_had() => LoopTest.Run(async test =>
    {
        var scope = new CancelScope();
        Assert.Throws<InvalidOperationException>(() => scope.CancellationToken);
        scope.Enter();
        _ = scope.CancellationToken;
        scope.Exit();
        Assert.Throws<InvalidOperationException>(() => scope.CancellationToken);
        await Coroutine.Yield();
    });
}
