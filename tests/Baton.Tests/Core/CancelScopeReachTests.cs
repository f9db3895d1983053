using System.Runtime.CompilerServices;

namespace Baton.Tests.Core;

/// <summary>
/// Which code is in which scope: plain methods, iterators, parallel code, tasks, code and tasks that a scope leaves behind.
/// </summary>
public class CancelScopeReachTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void A_scope_reaches_through_plain_code_of_every_kind() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce };
        var future = test.Loop.CreateFuture();
        Func<Task>[] waits =
        [
            async () => await Coroutine.Sleep(Hour),
            async () => await operation.Start(),
            async () => await operation.Start().ConfigureAwait(false),
            async () => await test.Loop.CreateFuture(),
            async () => await test.Loop.CreateFuture<int>(),
            async () => await Coroutine.Start(Coroutine.Sleep(Hour)),
            async () =>
            {
                await Coroutine.Yield();
                await Task.Yield();
                await Coroutine.Sleep(Hour);
            },
            async () =>
            {
                await Finished(test.Loop).ConfigureAwait(false);
                await operation.Start().ConfigureAwait(false);
                await operation.Start().ConfigureAwait(false);
            },
            async () =>
            {
                await foreach (var _ in Iterate())
                {
                }
            },
        ];
        foreach (var level in new[] { true, false })
        {
            foreach (var wait in waits)
            {
                CancelScope scope = null!;
                var task = Coroutine.Start(Body());
                for (var i = 0; i < 10; i++)
                {
                    await Coroutine.Yield();
                }

                Assert.False(task.IsDone);
                scope.Cancel("through");
                await task;
                Assert.True(scope.CancelCaught);
                await test.Drain();

                async Coroutine Body()
                {
                    scope = new CancelScope { IsLevelTriggered = level };
                    scope.Enter();
                    try
                    {
                        await wait();
                        Assert.Fail("Not reached.");
                    }
                    catch (CancelledException exception) when (scope.Exit(exception))
                    {
                        Assert.Equal("through", exception.Message);
                    }

                    Assert.Null(CancelScope.Current);
                }
            }
        }

        static async Task Finished(EventLoop loop)
        {
            var operation = new TestOperation(loop);
            loop.CallSoon(() => operation.Succeed());
            await operation.StartWithoutResult().ConfigureAwait(false);
        }

        static async IAsyncEnumerable<int> Iterate([EnumeratorCancellation] CancellationToken token = default)
        {
            var scope = CancelScope.Current;
            for (var i = 0; i < 3; i++)
            {
                await Coroutine.Yield();
                Assert.Same(scope, CancelScope.Current);
                yield return i;
                Assert.Same(scope, CancelScope.Current);
            }

            await Coroutine.Sleep(Hour);
        }
    });

    [Fact]
    public void Parallel_branches_are_told_each_by_the_scopes_around_them() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        Assert.False(await CancelScope.Run(
            async Coroutine (_) =>
                await Task.WhenAll(Branch("a", 2 * Second, false), Branch("b", Hour, false), Branch("c", 5 * Second, true), Plain("d")),
            timeout: 3 * Second));
        Assert.Equal(["a caught 2", "b thrown 3", "d thrown 3", "c caught 5"], log.Order().OrderBy(static line => line[^1]));
        Assert.Equal(5 * Second, test.Elapsed);

        async Task Branch(string name, TimeSpan timeout, bool shield)
        {
            try
            {
                if (!await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Hour), timeout, shield))
                {
                    log.Add($"{name} caught {test.Elapsed.TotalSeconds}");
                }
            }
            catch (CancelledException)
            {
                log.Add($"{name} thrown {test.Elapsed.TotalSeconds}");
                throw;
            }
        }

        async Task Plain(string name)
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                log.Add($"{name} thrown {test.Elapsed.TotalSeconds}");
            }
        }
    });

    [Fact]
    public void A_task_that_is_started_in_a_scope_is_on_its_own_eager_or_not() => LoopTest.Run(async test =>
    {
        foreach (var eager in new[] { true, false })
        {
            LoopTask task = null!;
            await CancelScope.Run(async Coroutine (scope) =>
            {
                task = test.Loop.CreateTask(Body(), eager: eager);
                Assert.Same(scope, CancelScope.Current);
                await Coroutine.Yield();
                scope.Cancel();
                await Coroutine.Yield();
            });
            Assert.False(task.IsDone);
            await task;

            static async Coroutine Body()
            {
                Assert.Null(CancelScope.Current);
                await Coroutine.Sleep(Second);
                Assert.Null(CancelScope.Current);
            }
        }
    });

    [Fact]
    public void An_eager_task_may_enter_scopes_in_its_first_step() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(async Coroutine (scope) =>
        {
            var task = test.Loop.CreateTask(Body(), eager: true);
            Assert.Same(scope, CancelScope.Current);
            Assert.False(await task);
            Assert.Same(scope, CancelScope.Current);
        });

        static async Coroutine<bool> Body() => await CancelScope.Run(
            async Coroutine (scope) =>
            {
                Assert.Same(scope, CancelScope.Current);
                await Coroutine.Sleep(Hour);
            },
            timeout: Second);
    });

    [Fact]
    public void A_callback_is_in_no_scope() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(async Coroutine (scope) =>
        {
            var seen = new List<CancelScope?>();
            var future = test.Loop.CreateFuture();
            test.Loop.CallSoon(() => seen.Add(CancelScope.Current));
            test.Loop.CallLater(Second, () => seen.Add(CancelScope.Current));
            future.AddDoneCallback(_ => seen.Add(CancelScope.Current));
            future.SetResult();
            await Coroutine.Sleep(2 * Second);
            Assert.Equal([null, null, null], seen);
            Assert.Same(scope, CancelScope.Current);
        });
    });

    [Fact]
    public void A_task_that_was_made_in_a_scope_is_told_at_every_suspension_eager_or_not() => LoopTest.Run(async test =>
    {
        foreach (var eager in new[] { true, false })
        {
            var log = new List<string>();
            LoopTask task = null!;
            Assert.False(await CancelScope.Run(async Coroutine (scope) =>
            {
                task = test.Loop.CreateTask(Body(scope), eager: eager, scope: scope);
                await Coroutine.Yield();
                scope.Cancel("why");
                await CancelScope.Run(async Coroutine (_) => await test.Drain(), shield: true);
                await Coroutine.Yield();
            }));
            Assert.Equal(["why", "why", "why"], log);
            Assert.True(task.IsDone);

            async Coroutine Body(CancelScope scope)
            {
                Assert.Same(scope, CancelScope.Current);
                for (var i = 0; i < 3; i++)
                {
                    try
                    {
                        await Coroutine.Sleep(Hour);
                    }
                    catch (CancelledException cancelled)
                    {
                        log.Add(cancelled.Message);
                    }
                }
            }
        }
    });

    [Fact]
    public void A_task_starts_in_a_scope_that_is_cancelled_already_and_is_told_at_its_first_suspension() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await CancelScope.Run(async Coroutine (scope) =>
        {
            scope.Cancel();
            foreach (var eager in new[] { true, false })
            {
                _ = test.Loop.CreateTask(Body(), eager: eager, scope: scope);
            }

            await CancelScope.Run(async Coroutine (_) => await test.Drain(), shield: true);
        });
        Assert.Equal(["runs", "runs"], log);

        async Coroutine Body()
        {
            log.Add("runs");
            await Coroutine.Yield();
            log.Add("not reached");
        }
    });

    [Fact]
    public void A_task_whose_scope_ends_first_goes_on_in_the_scope_around_that() => LoopTest.Run(async test =>
    {
        foreach (var isOuterLevel in new[] { true, false })
        {
            var log = new List<string>();
            await CancelScope.Run(
                async Coroutine (outer) =>
                {
                    var between = new CancelScope { IsLevelTriggered = isOuterLevel };
                    between.Enter();
                    LoopTask task = null!;
                    await CancelScope.Run(async Coroutine (scope) =>
                    {
                        task = test.Loop.CreateTask(Body(), scope: scope);
                        await Coroutine.Sleep(Second);
                    });
                    await Coroutine.Sleep(Second);
                    between.Exit();
                    await Coroutine.Sleep(3 * Second);
                    Assert.False(task.IsDone);
                    outer.Cancel("outer");
                    await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
                },
                shield: true);
            await test.Drain();
            Assert.Equal(["4", "outer", "outer"], log);

            async Coroutine Body()
            {
                var start = test.Elapsed;
                await Coroutine.Sleep(4 * Second);
                log.Add($"{(test.Elapsed - start).TotalSeconds}");
                for (var i = 0; i < 2; i++)
                {
                    try
                    {
                        await Coroutine.Sleep(Hour);
                    }
                    catch (CancelledException cancelled)
                    {
                        log.Add(cancelled.Message);
                    }
                }
            }
        }
    });

    [Fact]
    public void A_task_whose_shielded_scope_ends_in_a_cancelled_one_is_told() => LoopTest.Run(async test =>
    {
        LoopTask task = null!;
        Assert.False(await CancelScope.Run(async Coroutine (outer) =>
        {
            await CancelScope.Run(
                async Coroutine (scope) =>
                {
                    task = test.Loop.CreateTask(Coroutine.Sleep(Hour), scope: scope);
                    await Coroutine.Yield();
                    outer.Cancel();
                    await Coroutine.Sleep(Second);
                    Assert.False(task.IsDone);
                },
                shield: true);
            await Coroutine.Yield();
        }));
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void A_time_out_is_not_thrown_in_a_task_that_its_scope_left_behind() => LoopTest.Run(async test =>
    {
        LoopTask task = null!;
        var once = new CancelScope { IsLevelTriggered = false };
        once.Enter();
        await CancelScope.Run(async Coroutine (scope) =>
        {
            task = test.Loop.CreateTask(Suspend(), scope: scope);
            await Coroutine.Yield();
        });
        once.Cancel();
        await Task.Yield(); // nothing of Baton's: the task may suspend while the cancellation is still to be thrown
        await Task.Yield();
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
        Assert.True(once.Exit(exception));
        await task;

        static async Coroutine Suspend()
        {
            for (var i = 0; i < 5; i++)
            {
                await Coroutine.Yield();
                await Coroutine.Sleep(TimeSpan.Zero);
            }

            await Coroutine.Sleep(Second);
        }
    });

    [Fact]
    public void Plain_code_that_a_scope_left_behind_goes_on_in_the_scope_around_that() => LoopTest.Run(async test =>
    {
        foreach (var shield in new[] { true, false })
        {
            Task left = null!;
            Assert.False(await CancelScope.Run(async Coroutine (outer) =>
            {
                await CancelScope.Run(
                    async Coroutine (_) =>
                    {
                        left = Plain();
                        await Coroutine.Yield();
                    },
                    shield: shield);
                outer.Cancel("outer");
                var exception = await Assert.ThrowsAsync<CancelledException>(async () => await left);
                Assert.Equal("outer", exception.Message);
                await Coroutine.Yield();
            }));

            async Task Plain()
            {
                await Coroutine.Yield();
                await Coroutine.Sleep(Hour);
            }
        }

        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    public void Plain_code_that_resumes_after_its_scope_was_left_is_in_the_scope_around_that() => LoopTest.Run(async test =>
    {
        Assert.True(await CancelScope.Run(async Coroutine (outer) =>
        {
            Task left = null!;
            await CancelScope.Run(async Coroutine (scope) =>
            {
                left = Task.WhenAll(Plain(outer), AsCoroutine(outer));
                scope.Cancel();
            });
            await left;
        }));

        static async Task Plain(CancelScope outer)
        {
            await Task.Yield();
            Assert.Same(outer, CancelScope.Current);
            await Coroutine.Sleep(Second);
            Assert.Same(outer, CancelScope.Current);
        }

        static async Task AsCoroutine(CancelScope outer) => await Inner(outer);

        static async Coroutine Inner(CancelScope outer)
        {
            await Task.Yield();
            Assert.Same(outer, CancelScope.Current);
            await Coroutine.Sleep(Second);
            Assert.Same(outer, CancelScope.Current);
        }
    });

    [Fact]
    public void The_deadline_of_code_that_its_task_left_behind_still_holds() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            Task? left = null;
            await Coroutine.Start(Body());
            await Coroutine.Sleep(2 * Second);
            Assert.True(left!.IsCompletedSuccessfully);

            async Coroutine Body()
            {
                left = Plain();
                await Coroutine.Yield();
            }

            async Task Plain() => await InScope();

            async Coroutine InScope()
            {
                var scope = new CancelScope(Second) { IsLevelTriggered = level };
                scope.Enter();
                var exception = await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Hour));
                Assert.True(scope.Exit(exception));
            }
        }
    });

    [Fact]
    public void Scopes_that_are_left_in_another_order_than_entered_keep_their_place() => LoopTest.Run(async test =>
    {
        var first = new CancelScope(name: "first");
        var second = new CancelScope(name: "second");
        var third = new CancelScope(name: "third");
        first.Enter();
        second.Enter();
        third.Enter();
        second.Exit();
        Assert.Same(third, CancelScope.Current);
        first.Cancel();
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Hour));
        Assert.Equal("The scope 'first' was cancelled.", exception.Message);
        Assert.False(third.Exit(exception));
        Assert.Same(first, CancelScope.Current);
        Assert.True(first.Exit(exception));
        Assert.Null(CancelScope.Current);
    });
}
