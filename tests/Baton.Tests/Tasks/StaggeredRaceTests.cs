using Baton.Tests.Conformance;

namespace Baton.Tests.Tasks;

/// <summary><c>Coroutine.StaggeredRace</c>.</summary>
public class StaggeredRaceTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Delay = TimeSpan.FromMilliseconds(10);

    [Fact]
    [CPython("test_staggered.StaggeredTests.test_empty")]
    public void Of_no_attempts_nobody_wins() => LoopTest.Run(async test =>
    {
        var result = await Coroutine.StaggeredRace(Array.Empty<Func<Coroutine<int>>>(), null);
        Assert.False(result.HasWinner);
        Assert.Null(result.WinnerIndex);
        Assert.Empty(result.Exceptions);
        Assert.Throws<AggregateException>(() => result.GetResult());
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_staggered.StaggeredTests.test_one_successful")]
    public void The_first_that_succeeds_wins_and_the_next_never_starts(bool eager) => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
        var result = await Coroutine.StaggeredRace([() => After(1, "first"), () => throw new IOException("not asked for")], null);
        test.Loop.TaskFactory = null;
        Assert.Equal("first", result.GetResult());
        Assert.Equal(0, result.WinnerIndex);
        Assert.Equal([null], result.Exceptions);
    });

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [CPython("test_staggered.StaggeredTests.test_first_error_second_successful")]
    public void When_one_fails_the_next_starts_at_once(bool eager, bool hasDelay) => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = eager ? LoopTaskFactory.Eager : null;
        var start = test.Loop.Time;
        var result = await Coroutine.StaggeredRace(
            [Fail, () => throw new TimeoutException(), () => After(1, "third")], hasDelay ? Hour : null);
        test.Loop.TaskFactory = null;
        Assert.Equal("third", result.GetResult());
        Assert.Equal(2, result.WinnerIndex);
        Assert.Equal(["IOException", "TimeoutException", null], result.Exceptions.Select(exception => exception?.GetType().Name));
        Assert.Equal(2_000_000, test.Loop.Time - start);
        Assert.Equal(0, test.Loop.TimerCount);

        static async Coroutine<string> Fail()
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
            throw new IOException();
        }
    });

    [Fact]
    [CPython("test_staggered.StaggeredTests.test_first_timeout_second_successful")]
    public void When_one_takes_longer_than_the_delay_the_next_starts_beside_it() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var result = await Coroutine.StaggeredRace([() => After(100, "slow"), () => After(1, "fast")], Delay);
        Assert.Equal("fast", result.GetResult());
        Assert.Equal(1, result.WinnerIndex);
        Assert.IsType<CancelledException>(result.Exceptions[0]);
        Assert.Null(result.Exceptions[1]);
        Assert.Equal(11_000_000, test.Loop.Time - start);

        result = await Coroutine.StaggeredRace([() => After(15, "slow"), () => After(100, "slower")], Delay);
        Assert.Equal(0, result.WinnerIndex);
        Assert.IsType<CancelledException>(result.Exceptions[1]);
    });

    [Fact]
    public void Only_the_failure_of_the_latest_starts_the_next() => LoopTest.Run(async test =>
    {
        var starts = new List<long>();
        var zero = test.Loop.Time;
        var result = await Coroutine.StaggeredRace(
            [() => Attempt(12, fails: true), () => Attempt(100, fails: true), () => Attempt(1, fails: false)], Delay);
        Assert.Equal(2, result.WinnerIndex);
        Assert.Equal([0, 10, 20], starts);

        async Coroutine<int> Attempt(int milliseconds, bool fails)
        {
            starts.Add((test.Loop.Time - zero) / 1_000_000);
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds));
            return fails ? throw new IOException() : 1;
        }
    });

    [Fact]
    [CPython("test_staggered.StaggeredTests.test_none_successful")]
    public void Where_all_fail_nobody_wins_and_all_exceptions_are_there() => LoopTest.Run(async test =>
    {
        var result = await Coroutine.StaggeredRace([() => Fail(1), () => Fail(2)], null);
        Assert.False(result.HasWinner);
        Assert.Null(result.WinnerIndex);
        Assert.Equal(["1", "2"], result.Exceptions.Select(exception => exception!.Message));
        var failure = Assert.Throws<AggregateException>(() => result.GetResult());
        Assert.Equal(result.Exceptions, failure.InnerExceptions);

        static async Coroutine<int> Fail(int number)
        {
            await Coroutine.Yield();
            throw new IOException($"{number}");
        }
    });

    [Fact]
    [CPython("test_staggered.StaggeredTests.test_multiple_winners", Improvement =
        "The second has succeeded, too, and is not made to look cancelled: its result goes to whoever asked for it, so that a connection is not leaked.")]
    public void Of_two_that_succeed_at_the_same_moment_the_first_wins_and_the_other_is_discarded() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture();
        var discarded = new List<int>();
        var result = await Coroutine.StaggeredRace([() => Wait(0), () => Wait(1), Open], TimeSpan.FromMilliseconds(1), discarded.Add);
        Assert.Equal(0, result.GetResult());
        Assert.Equal(0, result.WinnerIndex);
        Assert.Equal([1], discarded);
        Assert.Equal(3, result.Exceptions.Count);
        Assert.Null(result.Exceptions[0]);
        Assert.Null(result.Exceptions[1]);
        Assert.IsType<CancelledException>(result.Exceptions[2]);

        async Coroutine<int> Wait(int number)
        {
            await gate;
            return number;
        }

        async Coroutine<int> Open()
        {
            gate.SetResult();
            await Coroutine.Sleep(Hour);
            return 2;
        }
    });

    [Fact]
    public void A_discard_that_throws_is_reported() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture();
        test.Loop.CallLater(TimeSpan.FromMilliseconds(5), gate.SetResult);
        var result = await Coroutine.StaggeredRace([Wait, Wait], TimeSpan.FromMilliseconds(1), _ => throw new IOException("in discard"));
        Assert.True(result.HasWinner);
        Assert.Equal("in discard", test.TakeReport().Exception!.Message);

        async Coroutine<int> Wait()
        {
            await gate;
            return 1;
        }
    });

    [Fact]
    public void It_waits_for_the_losers() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var result = await Coroutine.StaggeredRace([CleanUp, () => After(1, 2)], TimeSpan.Zero);
        Assert.Equal(1, result.WinnerIndex);
        Assert.Equal(51_000_000, test.Loop.Time - start);

        static async Coroutine<int> CleanUp()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(50));
            }

            return 1;
        }
    });

    [Fact]
    public void Cancelling_who_waits_cancels_the_attempts() => LoopTest.Run(async test =>
    {
        var cancelled = 0;
        var race = Coroutine.Start(Coroutine.StaggeredRace([Attempt, Attempt, Attempt], TimeSpan.FromMilliseconds(1)));
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(1.5));
        race.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await race);
        Assert.Equal("enough", exception.Message);
        Assert.True(race.IsCancelled);
        Assert.Equal(2, cancelled);
        Assert.Equal(0, test.Loop.TimerCount);

        async Coroutine<int> Attempt()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                cancelled++;
            }

            return 1;
        }
    });

    [Fact]
    public void Cancelling_who_waits_before_anything_starts_starts_nothing() => LoopTest.Run(async test =>
    {
        var race = Coroutine.Start(Coroutine.StaggeredRace<int>([() => throw new IOException()], null));
        race.Cancel();
        await Assert.ThrowsAsync<CancelledException>(async () => await race);
    });

    [Fact]
    public void Cancelling_who_waits_when_the_race_is_won_delivers_the_result_and_the_request_holds() => LoopTest.Run(async test =>
    {
        var got = 0;
        var task = Coroutine.Start(Body());
        await Coroutine.Sleep(TimeSpan.FromMilliseconds(5)); // won, while the loser cleans up
        task.Cancel("enough");
        var exception = await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal("enough", exception.Message);
        Assert.Equal(2, got);
        Assert.Equal(1, task.CancelRequests);

        async Coroutine Body()
        {
            got = (await Coroutine.StaggeredRace([CleanUp, () => After(1, 2)], TimeSpan.Zero)).GetResult();
            await Coroutine.Yield();
            Assert.Fail("The cancellation holds for the next suspension.");
        }

        static async Coroutine<int> CleanUp()
        {
            try
            {
                await Coroutine.Sleep(Hour);
            }
            finally
            {
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(50));
            }

            return 1;
        }
    });

    [Fact]
    public void A_sequence_that_throws_ends_the_race_and_leaves_nothing_running() => LoopTest.Run(async test =>
    {
        await Assert.ThrowsAsync<IOException>(async () => await Coroutine.StaggeredRace(Broken(), TimeSpan.FromMilliseconds(1)));
        Assert.Equal(1, test.Loop.TaskCount);
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await Coroutine.StaggeredRace<int>(null!, null));

        static IEnumerable<Func<Coroutine<int>>> Broken()
        {
            yield return () => After(100, 1);
            throw new IOException();
        }
    });

    [Fact]
    public void The_attempts_are_asked_for_only_when_they_start() => LoopTest.Run(async test =>
    {
        var asked = 0;
        var result = await Coroutine.StaggeredRace(Attempts(), TimeSpan.FromMilliseconds(10));
        Assert.Equal(1, result.WinnerIndex);
        Assert.Equal(2, asked);

        IEnumerable<Func<Coroutine<int>>> Attempts()
        {
            while (true)
            {
                asked++;
                var delay = asked == 2 ? 1 : 100;
                yield return () => After(delay, 1);
            }
        }
    });

    [Fact]
    [CPython("test_staggered.StaggeredTests.test_cancelled")]
    public void Each_cancellation_of_who_waits_reaches_an_attempt_that_swallows_them() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await Assert.ThrowsAsync<TimeoutException>(async () => await NestedTimeouts(async Coroutine (outer, inner) =>
        {
            try
            {
                await Coroutine.StaggeredRace([() => Attempt(outer, inner)], null);
            }
            catch (CancelledException)
            {
                log.Add("race");
                throw;
            }
        }));
        Assert.Equal(["inner", "outer", "race"], log);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);

        async Coroutine<int> Attempt(LoopTimeout outer, LoopTimeout inner)
        {
            await Swallow(inner, () => log.Add("inner"));
            await Swallow(outer, () => log.Add("outer"));
            throw new IOException();
        }
    });

    [Fact]
    [CPython("test_staggered.StaggeredTests.test_cancelled", Improvement =
        "An attempt that succeeds all the same has won: its result is delivered, and the time-out is told at the next suspension.")]
    public void A_time_out_that_an_attempt_has_swallowed_holds_for_the_next_wait() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        await Assert.ThrowsAsync<TimeoutException>(async () => await NestedTimeouts(async Coroutine (outer, inner) =>
        {
            var result = await Coroutine.StaggeredRace([() => Attempt(outer, inner)], null);
            log.Add(result.GetResult());
            try
            {
                await Coroutine.Sleep(Hour);
            }
            catch (CancelledException)
            {
                log.Add("told");
                throw;
            }
        }));
        Assert.Equal(["inner", "outer", "result", "told"], log);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Yield();

        async Coroutine<string> Attempt(LoopTimeout outer, LoopTimeout inner)
        {
            await Swallow(inner, () => log.Add("inner"));
            await Swallow(outer, () => log.Add("outer"));
            return "result";
        }
    });

    /// <summary>A time-out in another, none of which has a deadline yet.</summary>
    private static Coroutine NestedTimeouts(Func<LoopTimeout, LoopTimeout, Coroutine> body) =>
        LoopTimeout.RunAt(null, outer => LoopTimeout.RunAt(null, inner => body(outer, inner)));

    private static async Coroutine Swallow(LoopTimeout timeout, Action swallowed)
    {
        timeout.RescheduleAt(EventLoop.Current.Time - 1);
        try
        {
            await Coroutine.Sleep(Hour);
        }
        catch (CancelledException)
        {
            swallowed();
        }
    }

    private static Coroutine<T> After<T>(int milliseconds, T value) => Coroutine.Sleep(TimeSpan.FromMilliseconds(milliseconds), value);
}
