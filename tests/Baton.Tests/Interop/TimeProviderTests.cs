namespace Baton.Tests.Interop;

/// <summary>The loop's clock and timers as a provider of time, in virtual time.</summary>
public class TimeProviderTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);
    private static readonly AsyncLocal<string?> Local = new();

    [Fact]
    public void Its_clock_is_the_loops() => LoopTest.Run(async test =>
    {
        var provider = test.Loop.TimeProvider;
        Assert.Same(provider, test.Loop.TimeProvider);
        Assert.Equal(1_000_000_000, provider.TimestampFrequency);
        Assert.Equal(test.Loop.Time, provider.GetTimestamp());
        var timestamp = provider.GetTimestamp();
        var now = provider.GetUtcNow();
        await Coroutine.Sleep(TimeSpan.FromHours(3));
        Assert.Equal(TimeSpan.FromHours(3), provider.GetElapsedTime(timestamp));
        Assert.Equal(now + TimeSpan.FromHours(3), provider.GetUtcNow());
        Assert.Equal(TimeZoneInfo.Local, provider.LocalTimeZone);
    });

    [Fact]
    public void The_time_of_day_starts_at_the_machines() => LoopTest.Run(async test =>
    {
        var before = DateTimeOffset.UtcNow;
        var now = test.Loop.TimeProvider.GetUtcNow();
        Assert.InRange(now, before - TimeSpan.FromTicks(1), DateTimeOffset.UtcNow + TimeSpan.FromTicks(1));
        await Coroutine.Yield();
        Assert.Equal(now, test.Loop.TimeProvider.GetUtcNow());
        Assert.InRange(LoopClock.System.UtcNow, before, DateTimeOffset.UtcNow);
    });

    [Fact]
    public void Task_Delay_runs_in_virtual_time() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        await Task.Delay(TimeSpan.FromDays(2), test.Loop.TimeProvider);
        Assert.Equal(TimeSpan.FromDays(2).Ticks * 100, test.Loop.Time - start);
        Assert.True(test.Loop.IsOnLoopThread);

        using var source = new CancellationTokenSource();
        var delay = Task.Delay(TimeSpan.FromDays(2), test.Loop.TimeProvider, source.Token);
        Assert.Equal(1, test.Loop.TimerCount);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await delay);
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void A_token_with_a_delay_is_cancelled_in_virtual_time() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        using var source = new CancellationTokenSource(TimeSpan.FromHours(1), test.Loop.TimeProvider);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await Task.Delay(Timeout.InfiniteTimeSpan, source.Token));
        Assert.Equal(TimeSpan.FromHours(1).Ticks * 100, test.Loop.Time - start);

        using var unused = new CancellationTokenSource(TimeSpan.FromHours(1), test.Loop.TimeProvider);
        unused.CancelAfter(TimeSpan.FromHours(2));
        unused.Dispose();
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void Task_WaitAsync_times_out_in_virtual_time() => LoopTest.Run(async test =>
    {
        var never = new TaskCompletionSource();
        await Assert.ThrowsAsync<TimeoutException>(async () => await never.Task.WaitAsync(Second, test.Loop.TimeProvider));
    });

    [Fact]
    public void Delays_of_another_thread_run_on_the_loops_time() => LoopTest.Run(async test =>
    {
        // Only one of the two advances virtual time: the loop waits for the thread without a timer of its own.
        var start = test.Loop.Time;
        var done = test.Loop.CreateFuture();
        using var thread = LoopTest.StartThread(() =>
        {
            Task.Delay(TimeSpan.FromMinutes(5), test.Loop.TimeProvider).GetAwaiter().GetResult();
            test.Loop.CallSoonThreadSafe(() => done.SetResult());
        });
        await done;
        Assert.Equal(TimeSpan.FromMinutes(5).Ticks * 100, test.Loop.Time - start);
    });

    [Fact]
    public void A_callback_runs_on_the_loop_in_the_context_of_creation_and_in_no_task() => LoopTest.Run(async test =>
    {
        Local.Value = "creation";
        string? seen = null;
        using var timer = test.Loop.TimeProvider.CreateTimer(
            state =>
            {
                Assert.Equal("state", state);
                Assert.True(test.Loop.IsOnLoopThread);
                Assert.Null(LoopTask.Current);
                Assert.Same(test.Loop.SynchronizationContext, SynchronizationContext.Current);
                seen = Local.Value;
                Local.Value = "callback";
            },
            "state",
            Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        Local.Value = "change";
        Assert.True(timer.Change(Second, Timeout.InfiniteTimeSpan));
        await Coroutine.Sleep(Second);
        await Coroutine.Yield();
        Assert.Equal("creation", seen);
        Assert.Equal("change", Local.Value);
    });

    [Fact]
    public void A_suppressed_flow_gives_a_callback_no_context() => LoopTest.Run(async test =>
    {
        Local.Value = "creation";
        var seen = "none";
        ITimer timer;
        using (ExecutionContext.SuppressFlow())
        {
            timer = test.Loop.TimeProvider.CreateTimer(_ => seen = Local.Value, null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        }

        await Coroutine.Sleep(Second);
        Assert.Null(seen);
        seen = "none";
        timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        await Coroutine.Sleep(Second);
        Assert.Null(seen);
    });

    [Fact]
    public void It_fires_once_unless_it_has_a_period() => LoopTest.Run(async test =>
    {
        var times = new List<long>();
        var start = test.Loop.Time;
        using var never = Timer(test, times, Timeout.InfiniteTimeSpan, Second);
        using var soon = Timer(test, times, TimeSpan.Zero, TimeSpan.Zero);
        using var once = Timer(test, times, 2 * Second, Timeout.InfiniteTimeSpan);
        await Coroutine.Sleep(10 * Second);
        Assert.Equal([0, 2_000_000_000], times.Select(time => time - start));
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void A_period_does_not_drift_and_does_not_pile_up() => LoopTest.Run(async test =>
    {
        var times = new List<double>();
        var start = test.Loop.Time;
        using var timer = test.Loop.TimeProvider.CreateTimer(
            _ =>
            {
                times.Add((test.Loop.Time - start) / 1e9);
                test.Clock.Advance(times.Count switch
                {
                    2 => TimeSpan.FromSeconds(0.4), // late, but in time for the next
                    4 => TimeSpan.FromSeconds(2.5), // blocks the loop for more than two periods
                    _ => TimeSpan.Zero,
                });
            },
            null,
            TimeSpan.FromSeconds(0.5),
            Second);
        await Coroutine.Sleep(9 * Second);

        // The fifth was due at 4.5 and comes as soon as it can; those of 5.5 is past by then and left out.
        Assert.Equal([0.5, 1.5, 2.5, 3.5, 6.0, 6.5, 7.5, 8.5], times);
    });

    [Fact]
    public void A_callback_may_change_and_dispose_of_its_timer() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var times = new List<long>();
        ITimer? timer = null;
        timer = test.Loop.TimeProvider.CreateTimer(
            _ =>
            {
                times.Add((test.Loop.Time - start) / 1_000_000_000);
                if (times.Count == 2)
                {
                    timer!.Change(5 * Second, Second);
                }
                else if (times.Count == 4)
                {
                    timer!.Dispose();
                }
            },
            null,
            Second,
            Second);
        await Coroutine.Sleep(20 * Second);
        Assert.Equal([1, 2, 7, 8], times);
        Assert.False(timer.Change(Second, Second));
        timer.Dispose();
    });

    [Fact]
    public void A_change_replaces_what_was_set() => LoopTest.Run(async test =>
    {
        var start = test.Loop.Time;
        var times = new List<long>();
        using var timer = Timer(test, times, Second, Second);
        Assert.True(timer.Change(3 * Second, Timeout.InfiniteTimeSpan));
        Assert.Equal(1, test.Loop.TimerCount);
        await Coroutine.Sleep(10 * Second);
        Assert.Equal([3_000_000_000], times.Select(time => time - start));
        Assert.True(timer.Change(Second, Timeout.InfiniteTimeSpan));
        Assert.True(timer.Change(Timeout.InfiniteTimeSpan, Second));
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void Another_thread_changes_and_disposes_of_it() => LoopTest.Run(async test =>
    {
        var times = new List<long>();
        var start = test.Loop.Time;
        var timer = Timer(test, times, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        LoopTest.StartThread(() => Assert.True(timer.Change(Second, Second))).Join();
        Assert.Equal(0, test.Loop.TimerCount); // on its way
        await Coroutine.Sleep(2 * Second);
        await Coroutine.Yield();
        Assert.Equal([1_000_000_000, 2_000_000_000], times.Select(time => time - start));
        LoopTest.StartThread(() =>
        {
            timer.Dispose();
            Assert.False(timer.Change(Second, Second));
        }).Join();
        await LoopTest.Settle();
        Assert.Equal(0, test.Loop.TimerCount);
        await Coroutine.Sleep(10 * Second);
        Assert.Equal(2, times.Count);
    });

    [Fact]
    public void The_last_change_counts_whatever_way_it_came() => LoopTest.Run(async test =>
    {
        var times = new List<long>();
        var start = test.Loop.Time;
        using var timer = Timer(test, times, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        LoopTest.StartThread(() => timer.Change(Second, Second)).Join();
        timer.Change(3 * Second, Timeout.InfiniteTimeSpan); // overtakes the other one, which is still in the inbox
        await Coroutine.Sleep(10 * Second);
        Assert.Equal([3_000_000_000], times.Select(time => time - start));
    });

    [Fact]
    public void A_timer_that_was_disposed_of_on_another_thread_does_not_fire_although_it_is_due() => LoopTest.Run(async test =>
    {
        var times = new List<long>();
        var timer = Timer(test, times, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        LoopTest.StartThread(timer.Dispose).Join();
        await Coroutine.Sleep(Second);
        Assert.Empty(times);
    });

    [Fact]
    public void DisposeAsync_waits_for_a_callback_that_runs() => LoopTest.Run(async test =>
    {
        using var firing = new ManualResetEvent(false);
        using var release = new ManualResetEvent(false);
        var ended = false;
        var timer = test.Loop.TimeProvider.CreateTimer(
            _ =>
            {
                firing.Set();
                LoopTest.Await(release);
                ended = true;
            },
            null,
            TimeSpan.Zero,
            Timeout.InfiniteTimeSpan);
        using var thread = LoopTest.StartThread(() =>
        {
            LoopTest.Await(firing);
            var disposal = timer.DisposeAsync().AsTask();
            Assert.False(disposal.IsCompleted);
            var again = timer.DisposeAsync().AsTask();
            release.Set();
            disposal.GetAwaiter().GetResult();
            Assert.True(ended);
            again.GetAwaiter().GetResult();
            Assert.True(timer.DisposeAsync().IsCompleted);
        });
        await Coroutine.Sleep(Second);
        Assert.True(timer.DisposeAsync().IsCompleted);
    });

    [Fact]
    public void A_callback_that_throws_is_reported_and_a_period_goes_on() => LoopTest.Run(async test =>
    {
        var times = 0;
        using (test.Loop.TimeProvider.CreateTimer(
            _ =>
            {
                times++;
                throw new IOException("in a timer");
            },
            null,
            Second,
            Second))
        {
            await Coroutine.Sleep(2 * Second);
            await Coroutine.Yield();
        }

        Assert.Equal(2, times);
        Assert.All(
            test.TakeReports(),
            report =>
                Assert.Contains(nameof(A_callback_that_throws_is_reported_and_a_period_goes_on), report.Message, StringComparison.Ordinal));
    });

    [Fact]
    public void Arguments_are_checked_as_by_the_BCL() => LoopTest.On(test =>
    {
        var provider = test.Loop.TimeProvider;
        Assert.Throws<ArgumentNullException>(() => provider.CreateTimer(null!, null, Second, Second));
        Assert.Equal(
            "dueTime", Assert.Throws<ArgumentOutOfRangeException>(() => provider.CreateTimer(_ => { }, null, -Second, Second)).ParamName);
        Assert.Equal(
            "period", Assert.Throws<ArgumentOutOfRangeException>(() => provider.CreateTimer(_ => { }, null, Second, -Second)).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => provider.CreateTimer(_ => { }, null, TimeSpan.MaxValue, Second));
        using var longest = provider.CreateTimer(_ => { }, null, TimeSpan.FromMilliseconds(uint.MaxValue - 1), Timeout.InfiniteTimeSpan);
        Assert.Equal(1, test.Loop.TimerCount);
    });

    [Fact]
    public void A_closed_loop_has_no_timers() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var provider = test.Loop.TimeProvider;
        var timer = provider.CreateTimer(_ => Assert.Fail("It fired."), null, Second, Second);
        test.Loop.Dispose();
        Assert.False(timer.Change(Second, Second));
        LoopTest.StartThread(() =>
        {
            Assert.False(timer.Change(Second, Second));
            timer.Dispose();
            Assert.Throws<InvalidOperationException>(() => provider.CreateTimer(_ => { }, null, Second, Second));
        }).Join();
        Assert.Contains(
            "closed",
            Assert.Throws<InvalidOperationException>(() => provider.CreateTimer(_ => { }, null, Second, Second)).Message,
            StringComparison.Ordinal);
    });

    [Fact]
    public void Many_threads_set_and_dispose_of_timers() => LoopBeside.Run(loop =>
    {
        var fired = 0;
        var threads = Enumerable.Range(0, 3).Select(_ => LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 300; i++)
            {
                using var done = new ManualResetEventSlim();
                using var timer = loop.TimeProvider.CreateTimer(
                    _ =>
                    {
                        fired++;
                        done.Set();
                    },
                    null,
                    Timeout.InfiniteTimeSpan,
                    Timeout.InfiniteTimeSpan);
                // Not an hour: where this thread is held up, the loop is idle, and an hour of virtual time is over at once.
                timer.Change(Timeout.InfiniteTimeSpan, Second);
                timer.Change(TimeSpan.FromMilliseconds(i % 3), Timeout.InfiniteTimeSpan);
                Assert.True(done.Wait(60_000));
                timer.Change(Timeout.InfiniteTimeSpan, Second);
            }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        Assert.Equal(900, loop.Invoke(() => fired));
    });

    private static ITimer Timer(LoopTest test, List<long> times, TimeSpan due, TimeSpan period) =>
        test.Loop.TimeProvider.CreateTimer(_ => times.Add(test.Loop.Time), null, due, period);
}
