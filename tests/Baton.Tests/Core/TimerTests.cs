using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

public class TimerTests
{
    private static readonly Action<object?> DoNothing = static _ => { };

    [Fact]
    [CPython("test_events.TimerTests.test_when")]
    public void A_timer_runs_at_its_time_and_not_before() => LoopTest.On(test =>
    {
        var start = test.Loop.Time;
        long ranAt = 0;
        var handle = test.Loop.CallLater(TimeSpan.FromTicks(12_345_678), () => ranAt = test.Loop.Time);
        Assert.Equal(start + 1_234_567_800, handle.When);
        test.Clock.Advance(1_234_567_799);
        test.RunIterations(1);
        Assert.Equal(0, ranAt);
        Assert.True(handle.IsPending);

        test.Clock.Advance(1);
        test.RunIterations(1);
        Assert.Equal(handle.When, ranAt);
        Assert.False(handle.IsPending);
    });

    [Fact]
    public void Timers_of_one_poll_run_by_deadline_and_not_by_order_of_setting() => LoopTest.On(test =>
    {
        var order = new List<long>();
        foreach (var offset in new[] { 5, 1, 4, 2, 3 })
        {
            test.Loop.CallAt(test.Loop.Time + offset, state => order.Add((int)state!), offset);
        }

        test.Clock.Advance(10);
        test.RunIterations(1);
        Assert.Equal([1, 2, 3, 4, 5], order);
    });

    [Fact]
    public void Nanoseconds_count() => LoopTest.On(test =>
    {
        var order = new List<int>();
        var now = test.Loop.Time;
        test.Loop.CallAt(now + 1_000_000_001, () => order.Add(2));
        test.Loop.CallAt(now + 1_000_000_000, () => order.Add(1));
        test.Clock.Advance(1_000_000_000);
        test.RunIterations(1);
        Assert.Equal([1], order);
        test.Clock.Advance(1);
        test.RunIterations(1);
        Assert.Equal([1, 2], order);
    });

    [Fact]
    public void Thousands_of_equal_deadlines_run_in_the_order_of_setting_with_cancellations_in_between() => LoopTest.On(test =>
    {
        var order = new List<int>();
        var when = test.Loop.Time + 1000;
        var handles = new List<TimerHandle>();
        for (var i = 0; i < 4998; i++)
        {
            handles.Add(test.Loop.CallAt(when, state => order.Add((int)state!), i));
            if (i % 3 == 2)
            {
                handles[i - 1].Cancel();
            }
        }

        Assert.Equal(4998 - (4998 / 3), test.Loop.TimerCount);
        test.Clock.Advance(1000);
        test.RunIterations(1);
        Assert.Equal(Enumerable.Range(0, 4998).Where(i => i % 3 != 1), order);
    });

    [Fact]
    public void A_cancelled_timer_does_not_run() => LoopTest.On(test =>
    {
        var ran = false;
        var handle = test.Loop.CallLater(TimeSpan.FromSeconds(1), () => ran = true);
        Assert.Equal(1, test.Loop.TimerCount);
        handle.Cancel();
        Assert.False(handle.IsPending);
        Assert.Equal(0, test.Loop.TimerCount);
        handle.Cancel();
        Assert.Equal(0, test.Loop.TimerCount);
        test.Clock.Advance(TimeSpan.FromSeconds(2));
        test.RunIterations(2);
        Assert.False(ran);
    });

    [Fact]
    public void A_timer_that_is_due_can_be_cancelled_by_an_earlier_one_of_the_same_batch() => LoopTest.On(test =>
    {
        var ran = false;
        TimerHandle second = default;
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () =>
        {
            Assert.True(second.IsPending);
            second.Cancel();
        });
        second = test.Loop.CallLater(TimeSpan.FromSeconds(1), () => ran = true);
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.RunIterations(2);
        Assert.False(ran);
    });

    [Fact]
    public void A_timer_callback_may_cancel_its_own_timer_and_set_it_anew() => LoopTest.On(test =>
    {
        var ran = 0;
        TimerHandle handle = default;
        handle = test.Loop.CallLater(TimeSpan.FromSeconds(1), Tick);
        test.Loop.RunForever();
        Assert.Equal(5, ran);

        void Tick()
        {
            handle.Cancel();
            if (++ran == 5)
            {
                test.Loop.Stop();
                return;
            }

            handle = test.Loop.CallLater(TimeSpan.FromSeconds(1), Tick);
        }
    });

    [Fact]
    public void A_timer_set_by_a_timer_waits_for_the_next_iteration_even_if_it_is_due() => LoopTest.On(test =>
    {
        var order = new List<int>();
        test.Loop.CallLater(TimeSpan.Zero, () =>
        {
            order.Add(1);
            test.Loop.CallLater(TimeSpan.Zero, () => order.Add(3));
        });
        test.Loop.CallLater(TimeSpan.Zero, () => order.Add(2));
        test.RunIterations(1);
        Assert.Equal([1, 2], order);
        test.RunIterations(1);
        Assert.Equal([1, 2, 3], order);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_call_later_negative_delays")]
    public void Times_that_are_past_are_due_at_once_and_in_their_order() => LoopTest.On(test =>
    {
        var order = new List<int>();
        test.Loop.CallAt(0, () => order.Add(3));
        test.Loop.CallLater(TimeSpan.MinValue, () => order.Add(2));
        test.Loop.CallAt(long.MinValue, () => order.Add(1));
        test.Loop.CallLater(TimeSpan.FromSeconds(-1), () =>
        {
            order.Add(4);
            test.Loop.Stop();
        });
        test.Loop.RunForever();
        Assert.Equal([1, 2, 3, 4], order);
        Assert.Equal([0], test.Driver.Timeouts);
    });

    [Fact]
    public void Huge_delays_do_not_overflow() => LoopTest.On(test =>
    {
        var ran = false;
        var handle = test.Loop.CallLater(TimeSpan.MaxValue, () => ran = true);
        Assert.Equal(long.MaxValue, handle.When);
        test.Clock.Advance(TimeSpan.FromDays(10_000));
        test.RunIterations(2);
        Assert.False(ran);
        handle.Cancel();
    });

    [Fact]
    public void A_clock_may_start_below_zero() => LoopTest.OnThread(() =>
    {
        using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(new VirtualClock(long.MinValue)) });
        var order = new List<int>();
        loop.CallLater(TimeSpan.FromSeconds(2), () =>
        {
            order.Add(2);
            loop.Stop();
        });
        loop.CallLater(TimeSpan.FromSeconds(1), () => order.Add(1));
        loop.CallLater(TimeSpan.FromSeconds(-1), () => order.Add(0));
        loop.RunForever();
        Assert.Equal([0, 1, 2], order);
    });

    [Fact]
    public void A_wait_of_weeks_is_split_and_still_exact() => LoopTest.On(test =>
    {
        var start = test.Loop.Time;
        test.Loop.CallLater(TimeSpan.FromDays(40), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.Equal(TimeSpan.FromDays(40).Ticks * 100, test.Loop.Time - start);
        Assert.Equal(40, test.Driver.Polls);
    });

    [Fact]
    public void A_handle_of_a_timer_that_is_over_cancels_nothing_else() => LoopTest.On(test =>
    {
        var ran = 0;
        var fired = test.Loop.CallLater(TimeSpan.Zero, DoNothing, null);
        test.RunIterations(1);
        var cancelled = test.Loop.CallLater(TimeSpan.FromSeconds(9), DoNothing, null);
        cancelled.Cancel();

        var timer = test.Loop.CallLater(TimeSpan.FromSeconds(1), () => ran++);
        var soon = test.Loop.CallSoon(() => ran++);
        fired.Cancel();
        cancelled.Cancel();
        Assert.True(timer.IsPending && soon.IsPending);
        Assert.True(timer != cancelled && timer != fired);
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.RunIterations(1);
        Assert.Equal(2, ran);
    });

    [Fact]
    public void A_stale_entry_does_not_fire_an_item_that_is_used_again() => LoopTest.On(test =>
    {
        // The first entry stays in the heap, cancelled, while its item serves a later timer.
        var order = new List<string>();
        var first = test.Loop.CallLater(TimeSpan.FromSeconds(1), () => order.Add("first"));
        test.Loop.CallLater(TimeSpan.FromSeconds(5), () => order.Add("other"));
        first.Cancel();
        test.Loop.CallLater(TimeSpan.FromSeconds(9), () => order.Add("again"));
        test.Clock.Advance(TimeSpan.FromSeconds(2));
        test.RunIterations(1);
        Assert.Empty(order);
        test.Clock.Advance(TimeSpan.FromSeconds(8));
        test.RunIterations(1);
        Assert.Equal(["other", "again"], order);
    });

    [Fact]
    public void Cancelling_a_set_timer_after_the_loop_closed_is_harmless() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var handles = Enumerable.Range(0, 10).Select(i => test.Loop.CallLater(TimeSpan.FromSeconds(i), DoNothing, null)).ToList();
        handles[3].Cancel();
        test.Loop.Dispose();
        handles.ForEach(handle => handle.Cancel());
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void A_million_timers_live_at_once() => LoopTest.On(test =>
    {
        const int Count = 1_000_000;
        var random = new Random(1);
        var ran = 0;
        var last = long.MinValue;
        Action<object?> callback = state =>
        {
            ran++;
            var when = test.Loop.Time;
            Assert.True(when >= last);
            last = when;
        };
        for (var i = 0; i < Count; i++)
        {
            test.Loop.CallAt(test.Loop.Time + random.Next(1, 50_000), callback, null);
        }

        Assert.Equal(Count, test.Loop.TimerCount);
        test.Loop.CallLater(TimeSpan.FromMicroseconds(50), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.Equal(Count, ran);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test__run_once_cancelled_event_cleanup")]
    public void Setting_and_cancelling_does_not_grow_the_heap_while_others_live() => LoopTest.On(test =>
    {
        var live = Enumerable.Range(0, 1000).Select(i => test.Loop.CallLater(TimeSpan.FromHours(1 + i), DoNothing, null)).ToList();
        Cycle(20_000);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Cycle(300_000);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.InRange(allocated, 0, 1 << 20);
        Assert.Equal(1000, test.Loop.TimerCount);
        live.ForEach(handle => handle.Cancel());

        void Cycle(int count)
        {
            for (var i = 0; i < count; i++)
            {
                // Not the last that was set is cancelled first, so that entries do not simply leave at the end.
                var near = test.Loop.CallLater(TimeSpan.FromSeconds(10), DoNothing, null);
                var far = test.Loop.CallLater(TimeSpan.FromHours(5000), DoNothing, null);
                near.Cancel();
                far.Cancel();
            }
        }
    });

    [Fact]
    public void The_usual_timeout_that_is_set_and_cancelled_leaves_nothing_behind() => LoopTest.On(test =>
    {
        var live = Enumerable.Range(0, 10).Select(i => test.Loop.CallLater(TimeSpan.FromHours(1), DoNothing, null)).ToList();
        for (var i = 0; i < 1000; i++)
        {
            test.Loop.CallLater(TimeSpan.FromSeconds(10), DoNothing, null).Cancel();
            Assert.Equal(10, test.Loop.TimerCount);
        }

        live.ForEach(handle => handle.Cancel());
        test.Driver.Polling = timeout => Assert.Equal(0, timeout);
        test.RunIterations(1);
    });

    [Fact]
    public void Compaction_keeps_the_order_of_what_lives() => LoopTest.On(test =>
    {
        var random = new Random(7);
        var order = new List<int>();
        var expected = new List<(long When, int Number)>();
        for (var i = 0; i < 20_000; i++)
        {
            var when = test.Loop.Time + random.Next(1, 500);
            var handle = test.Loop.CallAt(when, state => order.Add((int)state!), i);
            if (i % 20 == 0)
            {
                expected.Add((when, i));
            }
            else
            {
                handle.Cancel();
            }

            if (i % 1000 == 0)
            {
                test.RunIterations(1);
            }
        }

        Assert.Equal(expected.Count, test.Loop.TimerCount);
        test.Clock.Advance(500);
        test.RunIterations(1);
        Assert.Equal(expected.OrderBy(timer => timer.When).ThenBy(timer => timer.Number).Select(timer => timer.Number), order);
    });
}
