namespace Baton.Tests.Core;

/// <summary>
/// Nested scopes: which of them catches, for every combination of what was cancelled, in which order, and where shields stand.
/// </summary>
public class CancelScopeNestingTests
{
    private const int Depth = 3;

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void Three_nested_scopes_and_a_task_in_every_combination_cancelled_while_the_code_waits() => LoopTest.Run(async test =>
    {
        for (var kinds = 0; kinds < 1 << Depth; kinds++)
        {
            for (var shields = 0; shields < 1 << Depth; shields++)
            {
                for (var cancelled = 1; cancelled < 1 << (Depth + 1); cancelled++)
                {
                    foreach (var reverse in new[] { false, true })
                    {
                        await new Case(kinds, shields, cancelled, reverse).Check(whileWaiting: true);
                        await new Case(kinds, shields, cancelled, reverse).Check(whileWaiting: false);
                    }
                }
            }
        }
    });

    [Fact]
    public void A_scope_that_was_cancelled_does_not_catch_another_exception() => LoopTest.Run(async test =>
    {
        foreach (var exception in new Exception[] { new IOException(), new TaskCanceledException("time-out", new TimeoutException()) })
        {
            CancelScope scope = null!;
            var thrown = await Assert.ThrowsAsync(exception.GetType(), async () => await CancelScope.Run(async Coroutine (s) =>
            {
                scope = s;
                s.Cancel();
                throw exception;
            }));
            Assert.Same(exception, thrown);
            Assert.False(scope.CancelCaught);
        }

        await Coroutine.Yield();
    });

    [Fact]
    public void A_scope_that_was_cancelled_catches_what_another_library_made_of_its_token() => LoopTest.Run(async test =>
    {
        foreach (var withToken in new[] { true, false })
        {
            Assert.False(await CancelScope.Run(async Coroutine (scope) =>
            {
                var token = LoopTask.Current!.CancellationToken;
                scope.Cancel();
                await Task.Delay(Timeout.Infinite, withToken ? token : new CancellationToken(canceled: true));
            }));
        }
    });

    [Fact]
    public void A_scope_that_was_not_cancelled_catches_nothing() => LoopTest.Run(async test =>
    {
        CancelScope scope = null!;
        await Assert.ThrowsAsync<CancelledException>(async () => await CancelScope.Run(async Coroutine (s) =>
        {
            scope = s;
            throw new CancelledException("own");
        }));
        Assert.False(scope.CancelCaught);
        await Assert.ThrowsAsync<CancelledException>(async () => await CancelScope.Run(async Coroutine (_) =>
        {
            LoopTask.Current!.Cancel();
            await Coroutine.Yield();
        }));
        Assert.Equal(1, LoopTask.Current!.CancelRequests);
        LoopTask.Current.Uncancel();
    });

    [Fact]
    public void A_cancelled_scope_whose_code_ends_well_caught_nothing() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var scope = new CancelScope { IsLevelTriggered = level };
            scope.Enter();
            scope.Cancel();
            Assert.Equal(level ? 0 : 1, LoopTask.Current!.CancelRequests);
            Assert.False(scope.Exit(null));
            Assert.True(scope.CancelCalled);
            Assert.False(scope.CancelCaught);
            Assert.Equal(0, LoopTask.Current.CancelRequests);
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_request_that_was_pending_at_the_entry_gets_out() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            foreach (var requests in new[] { 1, 2 })
            {
                var task = Coroutine.Start(Body());
                await Assert.ThrowsAsync<CancelledException>(async () => await task);
                Assert.Equal(requests, task.CancelRequests);

                async Coroutine Body()
                {
                    for (var i = 0; i < requests; i++)
                    {
                        LoopTask.Current!.Cancel();
                    }

                    var scope = new CancelScope(TimeSpan.Zero) { IsLevelTriggered = level };
                    scope.Enter();
                    try
                    {
                        await Coroutine.Yield();
                        await Coroutine.Yield();
                        scope.Exit();
                    }
                    catch (CancelledException exception) when (scope.Exit(exception))
                    {
                        Assert.Fail("Caught what it must not catch.");
                    }
                }
            }
        }
    });

    [Fact]
    public void A_request_that_was_swallowed_before_the_entry_does_not_count() => LoopTest.Run(async test =>
    {
        LoopTask.Current!.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Yield());
        Assert.False(await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(Hour), timeout: Second));
        Assert.Equal(1, LoopTask.Current.CancelRequests);
        LoopTask.Current.Uncancel();
    });

    [Fact]
    public void A_request_that_comes_on_the_way_out_is_thrown_behind_the_edge() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = Coroutine.Start(Body());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["caught"], log);

        async Coroutine Body()
        {
            if (!await CancelScope.Run(async Coroutine (scope) =>
            {
                try
                {
                    scope.Cancel();
                    await Coroutine.Yield();
                }
                finally
                {
                    LoopTask.Current!.Cancel();
                }
            }))
            {
                log.Add("caught");
            }

            await Coroutine.Yield();
            log.Add("not reached");
        }
    });

    [Fact]
    public void A_request_that_is_thrown_on_the_way_out_gets_out() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var task = Coroutine.Start(Body());
            await Assert.ThrowsAsync<CancelledException>(async () => await task);

            async Coroutine Body()
            {
                var scope = new CancelScope { IsLevelTriggered = level };
                scope.Enter();
                try
                {
                    try
                    {
                        scope.Cancel();
                        await Coroutine.Yield();
                    }
                    finally
                    {
                        LoopTask.Current!.Cancel();
                        await Coroutine.Yield();
                    }
                }
                catch (CancelledException exception) when (scope.Exit(exception))
                {
                    Assert.Fail("Caught what it must not catch.");
                }
            }
        }
    });

    /// <summary>Scopes 0 (outermost) to 2, and the task as number 3; bits say which are level-triggered, shielded, and cancelled.</summary>
    private sealed class Case(int kinds, int shields, int cancelled, bool reverse)
    {
        private readonly CancelScope[] _scopes = new CancelScope[Depth];
        private readonly List<int> _caught = [];
        private LoopTask _task = null!;
        private bool _isShieldedSleepOver;

        private bool IsTaskCancelled => Bit(cancelled, Depth);

        public async Coroutine Check(bool whileWaiting)
        {
            _task = Coroutine.Start(Level(0, whileWaiting));
            await Coroutine.Yield();
            if (whileWaiting)
            {
                Cancel();
            }

            Exception? thrown = null;
            try
            {
                await _task;
            }
            catch (CancelledException exception)
            {
                thrown = exception;
            }

            // What reaches the innermost code: everything from the innermost shield inwards.
            var innermostShield = Enumerable.Range(0, Depth).LastOrDefault(i => Bit(shields, i), -1);
            var reaching = Enumerable.Range(0, Depth).Where(i => Bit(cancelled, i) && i >= innermostShield).ToList();
            var where = $"kinds {kinds:b3}, shields {shields:b3}, cancelled {cancelled:b4}, reverse {reverse}, waiting {whileWaiting}";
            Assert.True(_isShieldedSleepOver == (reaching.Count == 0 && (!IsTaskCancelled || innermostShield >= 0)), where);
            Assert.True((thrown is not null) == IsTaskCancelled, where);
            Assert.True(_task.CancelRequests == (IsTaskCancelled ? 1 : 0), where);
            Assert.Null(CancelScope.Current);

            // From the inside out: a scope catches where it was cancelled, and nothing else that reaches it was. What gets past a shield
            // throws at the next suspension, of which there is one behind each scope.
            var expected = new List<int>();
            var isTaskTold = IsTaskCancelled && innermostShield < 0;
            var inFlight = reaching.Count > 0 || isTaskTold;
            for (var i = Depth - 1; i >= 0; i--)
            {
                var shield = Enumerable.Range(0, i + 1).LastOrDefault(j => Bit(shields, j), -1);
                var outer = Enumerable.Range(0, i).Any(j => Bit(cancelled, j) && j >= shield) || (IsTaskCancelled && shield < 0);
                if (inFlight && Bit(cancelled, i) && (!outer || Bit(shields, i)))
                {
                    expected.Add(i);
                    inFlight = false;
                }

                // The suspension behind the scope.
                var nextShield = Enumerable.Range(0, i).LastOrDefault(j => Bit(shields, j), -1);
                inFlight |= Enumerable.Range(0, i).Any(j => Bit(cancelled, j) && j >= nextShield) || (IsTaskCancelled && nextShield < 0);
            }

            Assert.True(
                expected.SequenceEqual(_caught), $"{where}: caught {string.Join(',', _caught)}, expected {string.Join(',', expected)}");
            for (var i = 0; i < Depth; i++)
            {
                Assert.Equal(Bit(cancelled, i), _scopes[i].CancelCalled);
                Assert.Equal(expected.Contains(i), _scopes[i].CancelCaught);
            }
        }

        private static bool Bit(int bits, int index) => (bits >> index & 1) != 0;

        private void Cancel()
        {
            var order = Enumerable.Range(0, Depth + 1).Where(i => Bit(cancelled, i));
            foreach (var i in reverse ? order.Reverse() : order)
            {
                if (i == Depth)
                {
                    _task.Cancel();
                }
                else
                {
                    _scopes[i].Cancel();
                }
            }
        }

        private async Coroutine Level(int index, bool whileWaiting)
        {
            if (index == Depth)
            {
                if (!whileWaiting)
                {
                    Cancel();
                }

                await Coroutine.Sleep(Second);
                _isShieldedSleepOver = true;
                return;
            }

            var scope = new CancelScope(shield: Bit(shields, index)) { IsLevelTriggered = Bit(kinds, index) };
            _scopes[index] = scope;
            scope.Enter();
            try
            {
                await Level(index + 1, whileWaiting);
                scope.Exit();
            }
            catch (CancelledException exception) when (scope.Exit(exception))
            {
                _caught.Add(index);
            }

            await Coroutine.Yield();
        }
    }
}
