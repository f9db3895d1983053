namespace Baton.Tests.Core;

/// <summary>Deadlines of scopes: set, moved and taken away, before, while and after the scope is entered.</summary>
public class CancelScopeDeadlineTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    [Fact]
    public void The_time_runs_from_the_entry() => LoopTest.Run(async test =>
    {
        var scope = new CancelScope(Second);
        Assert.Null(scope.Deadline);
        await Coroutine.Sleep(10 * Second);
        Assert.True(await Ends(scope, 11 * Second, test));
        Assert.Equal("The deadline of the scope has passed.", scope.CancelReason);
    });

    [Fact]
    public void A_deadline_that_was_set_before_the_entry_replaces_the_time() => LoopTest.Run(async test =>
    {
        var scope = new CancelScope(Hour, name: "named") { Deadline = test.Loop.Time + 2_000_000_000 };
        Assert.True(await Ends(scope, 2 * Second, test));
        Assert.Equal("The deadline of the scope 'named' has passed.", scope.CancelReason);

        scope = new CancelScope(Second) { Deadline = null };
        Assert.False(await Ends(scope, 5 * Second, test));

        scope = new CancelScope(Second);
        scope.Reschedule(3 * Second); // from now
        await Coroutine.Sleep(Second);
        Assert.True(await Ends(scope, 8 * Second, test));
    });

    [Fact]
    public void A_deadline_can_be_moved_and_taken_away_while_the_code_runs() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var start = test.Elapsed;
            var scope = new CancelScope(Second) { IsLevelTriggered = level };
            var deadline = test.Loop.Time + 2_000_000_000;
            Assert.True(await Ends(scope, start + (2 * Second), test, s => s.Deadline = deadline));
            Assert.Equal(deadline, scope.Deadline);

            scope = new CancelScope(Second) { IsLevelTriggered = level };
            Assert.True(await Ends(scope, start + (4 * Second), test, s => s.Reschedule(2 * Second)));

            scope = new CancelScope(Second) { IsLevelTriggered = level };
            Assert.False(await Ends(scope, start + (7 * Second), test, s => s.Deadline = null));

            scope = new CancelScope(Second) { IsLevelTriggered = level };
            Assert.False(await Ends(scope, start + (10 * Second), test, s => s.Reschedule(Timeout.InfiniteTimeSpan)));

            scope = new CancelScope(Second) { IsLevelTriggered = level };
            Assert.False(await Ends(scope, start + (13 * Second), test, s => s.Reschedule(null)));

            scope = new CancelScope { IsLevelTriggered = level };
            Assert.True(await Ends(scope, start + (14 * Second), test, s => s.Reschedule(Second)));
        }
    });

    [Fact]
    public void A_deadline_that_is_moved_into_the_past_cancels() => LoopTest.Run(async test =>
    {
        foreach (var level in new[] { true, false })
        {
            var scope = new CancelScope(Hour) { IsLevelTriggered = level };
            Assert.True(await Ends(scope, TimeSpan.Zero, test, s => s.Reschedule(-Second)));
            scope = new CancelScope(Hour) { IsLevelTriggered = level };
            Assert.True(await Ends(scope, TimeSpan.Zero, test, s => s.Deadline = test.Loop.Time));
            scope = new CancelScope(Hour) { IsLevelTriggered = level };
            Assert.True(await Ends(scope, TimeSpan.Zero, test, s => test.Loop.CallSoon(() => s.Deadline = long.MinValue)));
        }
    });

    [Fact]
    public void A_time_of_zero_or_less_is_past_and_code_that_never_waits_ends_well() => LoopTest.Run(async test =>
    {
        foreach (var time in new[] { TimeSpan.Zero, -Second, TimeSpan.MinValue })
        {
            foreach (var level in new[] { true, false })
            {
                Assert.True(await Ends(new CancelScope(time) { IsLevelTriggered = level }, TimeSpan.Zero, test));
                var scope = new CancelScope(time) { IsLevelTriggered = level };
                scope.Enter();
                Assert.Equal(level, scope.CancelCalled);
                Assert.False(scope.Exit(null));
                Assert.False(scope.CancelCaught);
                Assert.Equal(level, scope.IsExpired);
            }
        }

        Assert.True(await CancelScope.Run(static async Coroutine (_) => await Coroutine.FromResult(1), timeout: TimeSpan.Zero));
    });

    [Fact]
    public void A_past_deadline_of_a_scope_that_throws_once_can_be_moved_before_the_loop_comes_to_it() => LoopTest.Run(async test =>
    {
        var scope = new CancelScope(TimeSpan.Zero) { IsLevelTriggered = false };
        Assert.True(await Ends(scope, Second, test, s => s.Reschedule(Second)));
    });

    [Fact]
    public void A_time_without_end_sets_no_timer() => LoopTest.Run(async test =>
    {
        foreach (var time in new TimeSpan?[] { null, Timeout.InfiniteTimeSpan, TimeSpan.MaxValue })
        {
            await CancelScope.Run(async Coroutine (_) => Assert.Equal(0, test.Loop.TimerCount), timeout: time);
        }

        await CancelScope.Run(async Coroutine (scope) =>
        {
            scope.Deadline = long.MaxValue;
            Assert.Equal(0, test.Loop.TimerCount);
        });
    });

    [Fact]
    public void The_timer_goes_when_the_scope_is_left_or_cancelled() => LoopTest.Run(async test =>
    {
        await CancelScope.Run(
            async Coroutine (_) =>
            {
                await Coroutine.Yield();
                Assert.Equal(1, test.Loop.TimerCount);
            },
            timeout: Second);
        Assert.Equal(0, test.Loop.TimerCount);
        await CancelScope.Run(
            async Coroutine (scope) =>
            {
                scope.Cancel();
                Assert.Equal(0, test.Loop.TimerCount);
                scope.Reschedule(Second);
                Assert.Equal(0, test.Loop.TimerCount);
            },
            timeout: Second);
        await Assert.ThrowsAsync<IOException>(
            async () => await CancelScope.Run(async Coroutine (_) => throw new IOException(), timeout: Second));
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void A_scope_whose_code_does_not_suspend_sets_no_timer() => LoopTest.Run(async test =>
    {
#pragma warning disable CS1998 // Not suspending is what is tested.
        await CancelScope.Run(async Coroutine (_) => Assert.Equal(0, test.Loop.TimerCount), timeout: Second);
#pragma warning restore CS1998
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void The_time_that_code_takes_before_it_first_suspends_counts() => LoopTest.Run(async test =>
    {
        Assert.False(await CancelScope.Run(
            async Coroutine (_) =>
            {
                test.Clock.Advance(600_000_000);
                await Coroutine.Sleep(2 * Second);
            },
            timeout: Second));
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void The_deadline_can_be_asked_for_before_the_code_suspends() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        await CancelScope.Run(
            async Coroutine (scope) =>
            {
                test.Clock.Advance(600_000_000);
                Assert.Equal(start + 1_000_000_000, scope.Deadline);
                await Coroutine.Yield();
            },
            timeout: Second);
    });

    [Fact]
    public void Nested_scopes_with_one_deadline_end_from_the_outside() => LoopTest.Run(async test =>
    {
        var inner = false;
        Assert.False(await CancelScope.Run(
            async Coroutine (_) => inner = await CancelScope.Run(async Coroutine (_) => await Coroutine.Sleep(2 * Second), timeout: Second),
            timeout: Second));
        Assert.False(inner);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    public void A_deadline_after_the_end_does_nothing() => LoopTest.Run(async test =>
    {
        var scope = new CancelScope(Second);
        scope.Enter();
        scope.Exit();
        scope.Deadline = test.Loop.Time;
        scope.Cancel();
        scope.Shield = true;
        Assert.False(scope.CancelCalled || scope.IsExpired);
        Assert.Equal(0, test.Loop.TimerCount);
        await Coroutine.Yield();
    });

    [Fact]
    public void Of_a_cancel_and_a_deadline_the_first_counts() => LoopTest.Run(async test =>
    {
        var scope = new CancelScope(Second);
        test.Loop.CallLater(Second / 2, () => scope.Cancel("first"));
        Assert.True(await Ends(scope, Second / 2, test));
        Assert.False(scope.IsExpired);
        Assert.Equal("first", scope.CancelReason);
    });

    [Fact]
    public void A_scope_ends_at_its_deadline_however_much_its_code_swallows() => LoopTest.Run(async test =>
    {
        var rounds = 0;
        Assert.False(await CancelScope.Run(
            async Coroutine (_) =>
            {
                for (; rounds < 50; rounds++)
                {
                    try
                    {
                        await Coroutine.Sleep(2 * Second);
                    }
                    catch (CancelledException)
                    {
                    }
                }

                await Coroutine.Yield();
            },
            timeout: 3 * Second));
        Assert.Equal(50, rounds);
        Assert.Equal(3 * Second, test.Elapsed);
    });

    /// <summary>Sleeps three seconds in a scope. True where its deadline, at the given time, ended that.</summary>
    private static async Coroutine<bool> Ends(CancelScope scope, TimeSpan when, LoopTest test, Action<CancelScope>? first = null)
    {
        scope.Enter();
        Exception? thrown = null;
        try
        {
            first?.Invoke(scope);
            await Coroutine.Sleep(3 * Second);
        }
        catch (CancelledException exception)
        {
            thrown = exception;
        }

        Assert.Equal(when, test.Elapsed);
        Assert.Equal(thrown is not null, scope.Exit(thrown));
        return scope.CancelCaught;
    }
}
