namespace Baton.Tests.Core;

/// <summary>
/// When the cancellation of a scope is thrown: in operations of every kind, before, while and after they are done; and what if it is
/// swallowed.
/// </summary>
public class CancelScopeDeliveryTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static TheoryData<string, bool> Operations()
    {
        var data = new TheoryData<string, bool>();
        foreach (var kind in new[] { "sleep", "future", "task", "operation", "late operation", "refusal", "plain future", "plain sleep", "plain operation" })
        {
            data.Add(kind, true);
            data.Add(kind, false);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Operations))]
    public void A_cancellation_before_the_wait_is_thrown_in_it(string kind, bool level) => LoopTest.Run(async test =>
    {
        var wait = new Wait(test, kind);
        var scope = new CancelScope { IsLevelTriggered = level };
        scope.Enter();
        scope.Cancel("before");
        if (kind == "refusal")
        {
            test.Loop.CallSoon(wait.Finish);
            Assert.Equal(7, await wait.Start());
            await AssertThrows("before", async () => await Coroutine.Yield());
        }
        else
        {
            await AssertThrows("before", async () => await wait.Start());
        }

        await Leave(scope, level);
        await wait.End();
    });

    [Theory]
    [MemberData(nameof(Operations))]
    public void A_cancellation_during_the_wait_is_thrown_in_it(string kind, bool level) => LoopTest.Run(async test =>
    {
        var wait = new Wait(test, kind);
        var scope = new CancelScope { IsLevelTriggered = level };
        scope.Enter();
        test.Loop.CallLater(Second, () =>
        {
            scope.Cancel("during");
            scope.Cancel("again");
        });
        if (kind == "refusal")
        {
            test.Loop.CallLater(2 * Second, wait.Finish);
            Assert.Equal(7, await wait.Start());
            Assert.Equal(2 * Second, test.Elapsed);
            await AssertThrows("during", async () => await Coroutine.Yield());
        }
        else
        {
            await AssertThrows("during", async () => await wait.Start());
            Assert.Equal(Second, test.Elapsed);
        }

        await Leave(scope, level);
        await wait.End();
    });

    [Theory]
    [MemberData(nameof(Operations))]
    public void A_cancellation_after_completion_lets_the_value_pass_and_is_thrown_at_the_next_suspension(string kind, bool level) =>
        LoopTest.Run(async test =>
        {
            if (kind.EndsWith("sleep", StringComparison.Ordinal))
            {
                return; // nothing can complete a sleep but time
            }

            var wait = new Wait(test, kind);
            var scope = new CancelScope { IsLevelTriggered = level };
            scope.Enter();
            test.Loop.CallLater(Second, () =>
            {
                wait.Finish();
                scope.Cancel("after");
            });
            Assert.Equal(7, await wait.Start());
            await AssertThrows("after", async () => await Coroutine.Sleep(Hour));
            Assert.Equal(Second, test.Elapsed);
            await Leave(scope, level);
            await wait.End();
        });

    [Fact]
    public void A_trip_of_its_own_throws_after_the_trip() => LoopTest.Run(async test =>
    {
        Func<Task>[] trips =
        [
            async () => await Coroutine.Yield(),
            async () => await Coroutine.Sleep(TimeSpan.Zero),
            async () => await YieldInCoroutine(),
        ];
        foreach (var trip in trips)
        {
            foreach (var level in new[] { true, false })
            {
                foreach (var before in new[] { true, false })
                {
                    var scope = new CancelScope { IsLevelTriggered = level };
                    scope.Enter();
                    if (before)
                    {
                        scope.Cancel("trip");
                    }
                    else
                    {
                        test.Loop.CallSoon(() => scope.Cancel("trip"));
                    }

                    await AssertThrows("trip", trip);
                    await Leave(scope, level);
                }
            }
        }

        static async Coroutine YieldInCoroutine() => await Coroutine.Yield();
    });

    [Fact]
    public void A_check_throws_without_a_trip() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var scope = new CancelScope { IsLevelTriggered = level };
            scope.Enter();
            Coroutine.ThrowIfCancelled();
            scope.Cancel("check");
            Assert.Equal("check", Assert.Throws<CancelledException>(Coroutine.ThrowIfCancelled).Message);
            if (level)
            {
                Assert.Throws<CancelledException>(Coroutine.ThrowIfCancelled);
            }
            else
            {
                Coroutine.ThrowIfCancelled();
            }

            Assert.Equal(level ? 2 : 1, scope.DeliveryCount);
            await Leave(scope, level);
        }
    });

    [Fact]
    public void A_time_out_and_one_within_it_that_were_accepted_by_what_then_has_a_value_are_both_still_due() => LoopTest.Run(async test =>
    {
        foreach (var innerSuspends in new[] { true, false })
        {
            var operation = new TestOperation(test.Loop) { OnCancel = static (_, _) => true };
            var log = new List<string>();
            test.Loop.CallLater(3 * Second, () => operation.Succeed(7));
            await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(Second, async Coroutine () =>
            {
                await LoopTimeout.Run(2 * Second, async Coroutine () =>
                {
                    log.Add($"{await operation.Start()}");
                    if (innerSuspends)
                    {
                        await Coroutine.Sleep(Second);
                    }
                });
                await Coroutine.Sleep(Second);
                log.Add("not reached");
            }));
            Assert.Equal(["7"], log);
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
        }

        Assert.Equal(6 * Second, test.Elapsed);
    });

    [Fact]
    public void A_time_out_and_a_request_that_were_accepted_by_what_then_has_a_value_are_both_still_due() => LoopTest.Run(async test =>
    {
        var operation = new TestOperation(test.Loop) { OnCancel = static (_, _) => true };
        var log = new List<string>();
        var task = Coroutine.Start(Body());
        test.Loop.CallLater(2 * Second, () =>
        {
            task.Cancel("request");
            operation.Succeed(7);
        });
        await AssertThrows("request", async () => await task);
        Assert.Equal(["7"], log);
        Assert.Equal(1, task.CancelRequests);

        async Coroutine Body() => await LoopTimeout.Run(Second, async Coroutine () =>
        {
            log.Add($"{await operation.Start()}");
            await Coroutine.Sleep(Second);
        });
    });

    [Fact]
    public void One_exception_tells_all_that_is_owed_and_the_outermost_catches_it() => LoopTest.Run(async test =>
    {
        foreach (var (outerLevel, innerLevel) in new[] { (true, true), (true, false), (false, true), (false, false) })
        {
            var outer = new CancelScope(name: "outer") { IsLevelTriggered = outerLevel };
            var inner = new CancelScope(name: "inner") { IsLevelTriggered = innerLevel };
            outer.Enter();
            inner.Enter();
            inner.Cancel();
            outer.Cancel();
            var exception = await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
            Assert.False(inner.Exit(exception));
            Assert.True(outer.Exit(exception));
            await Coroutine.Yield();
            Assert.Equal(0, LoopTask.Current!.CancelRequests);
        }
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ten_thousand_nested_scopes_are_cancelled_by_the_outermost(bool whileRunning) => LoopTest.Run(async test =>
    {
        const int Depth = 10_000;
        var caught = 0;
        var outermost = new CancelScope();
        var task = Coroutine.Start(Nest(Depth));
        await Coroutine.Sleep(Second);
        if (!whileRunning)
        {
            outermost.Cancel("all");
        }

        await task;
        Assert.Equal(1, caught);
        Assert.Equal(1, outermost.DeliveryCount);
        Assert.True(outermost.CancelCaught);

        async Coroutine Nest(int depth)
        {
            var scope = depth == Depth ? outermost : new CancelScope { IsLevelTriggered = depth % 3 != 0 };
            scope.Enter();
            try
            {
                if (depth > 1)
                {
                    await Nest(depth - 1);
                }
                else
                {
                    if (whileRunning)
                    {
                        outermost.Cancel("all");
                    }

                    await Coroutine.Sleep(Hour);
                }

                scope.Exit();
            }
            catch (CancelledException exception) when (scope.Exit(exception))
            {
                caught++;
            }
        }
    });

    [Fact]
    public void A_deep_chain_of_awaits_and_tasks_within_a_scope_is_cancelled() => LoopTest.Run(async test =>
    {
        Assert.False(await CancelScope.Run(async Coroutine (_) => await Deep(5_000), timeout: Second));
        Assert.False(await CancelScope.Run(async Coroutine (_) => await Tasks(1_000), timeout: Second));
        await test.Drain();

        static async Coroutine Deep(int depth)
        {
            if (depth == 0)
            {
                await Coroutine.Sleep(Hour);
            }
            else
            {
                await Deep(depth - 1);
            }
        }

        static async Coroutine Tasks(int depth)
        {
            if (depth == 0)
            {
                await Coroutine.Sleep(Hour);
            }
            else
            {
                await Coroutine.Start(Tasks(depth - 1));
            }
        }
    });

    private static async Task AssertThrows(string message, Func<Task> code) =>
        Assert.Equal(message, (await Assert.ThrowsAsync<CancelledException>(code)).Message);

    /// <summary>Checks that the cancellation holds, or that it was thrown once, and leaves the scope.</summary>
    private static async Coroutine Leave(CancelScope scope, bool level)
    {
        Exception? exception = null;
        try
        {
            await Coroutine.Yield();
            Assert.False(level);
        }
        catch (CancelledException cancelled)
        {
            Assert.True(level);
            exception = cancelled;
        }

        Assert.Equal(level, scope.Exit(exception));
        await Coroutine.Yield();
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
    }

    /// <summary>Something to wait for, of one of several kinds, that results in seven.</summary>
    private sealed class Wait
    {
        private readonly LoopTest _test;
        private readonly string _kind;
        private readonly TestOperation _operation;
        private readonly Future<int> _future;

        internal Wait(LoopTest test, string kind)
        {
            _test = test;
            _kind = kind;
            _future = test.Loop.CreateFuture<int>();
            _operation = new TestOperation(test.Loop)
            {
                OnCancel = kind switch
                {
                    "refusal" => static (_, _) => false,
                    "late operation" => EndLater,
                    _ => TestOperation.EndAtOnce,
                },
            };
        }

        internal async Coroutine<int> Start()
        {
            switch (_kind)
            {
                case "sleep":
                    await Coroutine.Sleep(Hour);
                    return 7;
                case "plain sleep":
                    await PlainSleep();
                    return 7;
                case "future":
                    return await _future;
                case "plain future":
                    return await PlainFuture();
                case "task":
                    return await Coroutine.Start(Await());
                case "plain operation":
                    return await PlainOperation();
                default:
                    return await _operation.Start();
            }
        }

        internal void Finish()
        {
            if (_operation.IsPending)
            {
                _operation.Succeed(7);
            }
            else if (!_operation.IsInUse)
            {
                _future.SetResult(7);
            }
        }

        /// <summary>Has what still runs end.</summary>
        internal async Coroutine End()
        {
            await _test.Drain();
            Assert.False(_operation.IsInUse);
        }

        private bool EndLater(TestOperation operation, string? message)
        {
            _test.Loop.CallSoon(() => operation.Fail(new CancelledException(message)));
            return true;
        }

        private async Coroutine<int> Await() => await _future;

        private async Task<int> PlainFuture() => await _future;

        private async Task<int> PlainOperation() => await _operation.Start().ConfigureAwait(false);

        private static async Task PlainSleep() => await Coroutine.Sleep(Hour);
    }
}
