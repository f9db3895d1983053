using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>What runs in which iteration, and in which order.</summary>
public class IterationTests
{
    [Fact]
    public void Callbacks_run_in_the_order_in_which_they_were_queued() => LoopTest.On(test =>
    {
        var order = new List<int>();
        for (var i = 0; i < 1000; i++)
        {
            test.Loop.CallSoon(state => order.Add((int)state!), i);
        }

        test.RunIterations(1);
        Assert.Equal(Enumerable.Range(0, 1000), order);
    });

    [Fact]
    public void A_callback_queued_by_a_callback_waits_for_the_next_iteration() => LoopTest.On(test =>
    {
        var order = new List<string>();
        test.Loop.CallSoon(() =>
        {
            order.Add("a");
            test.Loop.CallSoon(() =>
            {
                order.Add("a2");
                test.Loop.CallSoon(() => order.Add("a3"));
            });
        });
        test.Loop.CallSoon(() => order.Add("b"));

        test.RunIterations(1);
        Assert.Equal(["a", "b"], order);
        test.RunIterations(1);
        Assert.Equal(["a", "b", "a2"], order);
        test.RunIterations(1);
        Assert.Equal(["a", "b", "a2", "a3"], order);
    });

    [Fact]
    public void A_batch_runs_what_was_ready_then_completed_operations_then_timers() => LoopTest.On(test =>
    {
        var order = new List<string>();
        var first = new TestOperation(test.Loop);
        var second = new TestOperation(test.Loop);
        var receivers =
            new[] { Receive(first, "io 1"), Receive(second, "io 2") }.Select(coroutine => test.Loop.CreateTask(coroutine)).ToList();
        test.RunIterations(1);

        test.Loop.CallLater(TimeSpan.FromSeconds(2), () => order.Add("timer 2"));
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => order.Add("timer 1"));
        test.Clock.Advance(TimeSpan.FromSeconds(3));
        test.Driver.CompleteInNextPoll(() => second.Succeed());
        test.Driver.CompleteInNextPoll(() => first.Succeed());
        test.Loop.CallSoon(() => order.Add("ready"));
        test.RunIterations(1);

        Assert.Equal(["ready", "io 2", "io 1", "timer 1", "timer 2"], order);
        Assert.All(receivers, task => Assert.True(task.IsDone));

        async Coroutine Receive(TestOperation operation, string name)
        {
            await operation.Start();
            order.Add(name);
        }
    });

    [Fact]
    public void What_another_thread_posted_stands_between_what_was_ready_and_the_timers() => LoopTest.On(test =>
    {
        var order = new List<string>();
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => order.Add("timer"));
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.Loop.CallSoon(() => order.Add("ready"));
        using (LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(() => order.Add("posted"))))
        {
        }

        test.RunIterations(1);
        Assert.Equal(["ready", "posted", "timer"], order);
    });

    [Fact]
    public void A_thread_safe_call_from_the_loop_itself_keeps_its_place_in_the_queue() => LoopTest.On(test =>
    {
        var order = new List<string>();
        test.Loop.CallSoon(() =>
        {
            test.Loop.CallSoon(() => order.Add("1"));
            test.Loop.CallSoonThreadSafe(() => order.Add("2"));
            test.Loop.CallSoon(() => order.Add("3"));
        });
        test.RunIterations(2);
        Assert.Equal(["1", "2", "3"], order);
        Assert.Equal(0, test.Driver.Wakes);
    });

    [Fact]
    public void A_poll_with_work_queued_does_not_wait() => LoopTest.On(test =>
    {
        test.Loop.CallLater(TimeSpan.FromSeconds(5), test.Loop.Stop);
        test.Loop.CallSoon(() => { });
        test.Loop.RunForever();
        Assert.Equal([0, 5_000_000_000], test.Driver.Timeouts);
    });

    [Fact]
    public void An_idle_loop_waits_exactly_until_the_next_timer() => LoopTest.On(test =>
    {
        test.Loop.CallLater(TimeSpan.FromTicks(15), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.Equal([1500], test.Driver.Timeouts);
    });

    [Fact]
    public void An_idle_loop_without_timers_waits_for_other_threads() => LoopTest.On(test =>
    {
        test.Driver.Waiting = () => LoopTest.StartThread(() => test.Loop.CallSoonThreadSafe(test.Loop.Stop));
        test.Loop.RunForever();
        Assert.Equal(-1, Assert.Single(test.Driver.Timeouts));
        Assert.Equal(1, test.Driver.Wakes);
    });

    [Fact]
    public void No_wait_is_longer_than_a_day() => LoopTest.On(test =>
    {
        test.Loop.CallAt(long.MaxValue, () => { }).Cancel();
        var far = test.Loop.CallAt(long.MaxValue, () => { });
        test.Driver.Polling = timeout =>
        {
            Assert.Equal(86_400_000_000_000, timeout);
            test.Driver.CompleteInNextPoll(test.Loop.Stop);
        };
        test.Loop.RunForever();
        far.Cancel();
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test__run_once")]
    public void A_cancelled_timer_does_not_wake_the_loop() => LoopTest.On(test =>
    {
        var first = test.Loop.CallLater(TimeSpan.FromSeconds(1), () => { });
        test.Loop.CallLater(TimeSpan.FromSeconds(3), test.Loop.Stop);
        first.Cancel();
        test.Loop.RunForever();
        Assert.Equal([3_000_000_000], test.Driver.Timeouts);
    });

    [Fact]
    public void The_loop_polls_at_least_every_61_items_while_work_is_queued() => LoopTest.On(test =>
    {
        var ran = 0;
        var atLastPoll = 0;
        var longest = 0;
        test.Driver.Polling = _ =>
        {
            longest = Math.Max(longest, ran - atLastPoll);
            atLastPoll = ran;
        };
        test.Loop.CallSoon(Again);
        test.Loop.RunForever();

        Assert.InRange(longest, 1, 61);
        Assert.InRange(test.Driver.Polls, 1000 / 61, 1000 / 20);

        void Again()
        {
            if (++ran == 1000)
            {
                test.Loop.Stop();
                return;
            }

            test.Loop.CallSoon(Again);
        }
    });

    [Fact]
    public void The_loop_polls_when_50_microseconds_have_passed() => LoopTest.On(test =>
    {
        var left = 30;
        test.Loop.CallSoon(Again);
        test.Loop.RunForever();

        // The clock is read for every 16th iteration until it shows that items are long, then for each.
        Assert.InRange(test.Driver.Polls, 10, 30);

        void Again()
        {
            test.Clock.Advance(60_000);
            if (--left == 0)
            {
                test.Loop.Stop();
                return;
            }

            test.Loop.CallSoon(Again);
        }
    });

    [Fact]
    public void A_timer_runs_although_work_is_always_queued() => LoopTest.On(test =>
    {
        var ran = 0;
        test.Loop.CallLater(TimeSpan.FromMicroseconds(100), test.Loop.Stop);
        test.Loop.CallSoon(Again);
        test.Loop.RunForever();
        Assert.InRange(ran, 1, 1000);
        test.RunIterations(1);

        void Again()
        {
            test.Clock.Advance(1000);
            ran++;
            if (test.Loop.TimerCount > 0)
            {
                test.Loop.CallSoon(Again);
            }
        }
    });

    [Fact]
    public void An_operation_completes_although_work_is_always_queued() => LoopTest.On(test =>
    {
        var operation = new TestOperation(test.Loop);
        var task = test.Loop.CreateTask(Receive());
        test.Loop.CallSoon(Again);
        test.Loop.RunUntilComplete(task);
        test.RunIterations(2);

        async Coroutine Receive()
        {
            var pending = operation.Start();
            test.Driver.CompleteInNextPoll(() => operation.Succeed());
            await pending;
        }

        void Again()
        {
            if (!task.IsDone)
            {
                test.Loop.CallSoon(Again);
            }
        }
    });

    [Fact]
    public void BeforePoll_runs_once_after_the_batch_and_before_the_next_poll() => LoopTest.On(test =>
    {
        var order = new List<string>();
        test.Driver.Polling = _ => order.Add("poll");
        test.Loop.CallSoon(() =>
        {
            order.Add("a");
            test.Loop.BeforePoll(state => order.Add((string)state!), "before");
        });
        test.Loop.CallSoon(() => order.Add("b"));
        test.RunIterations(2);
        Assert.Equal(["poll", "a", "b", "before", "poll"], order);
    });

    [Fact]
    public void BeforePoll_runs_in_the_batch_that_stops_the_loop() => LoopTest.On(test =>
    {
        var ran = false;
        test.Loop.CallSoon(() =>
        {
            test.Loop.BeforePoll(_ => ran = true, null);
            test.Loop.Stop();
        });
        test.Loop.RunForever();
        Assert.True(ran);
    });

    [Fact]
    public void A_BeforePoll_callback_may_ask_for_another_and_the_loop_does_not_sleep_on_it() => LoopTest.On(test =>
    {
        var ran = 0;
        test.Loop.BeforePoll(Again, null);
        test.Loop.RunForever();
        Assert.Equal(3, ran);
        Assert.All(test.Driver.Timeouts, timeout => Assert.Equal(0, timeout));

        void Again(object? state)
        {
            if (++ran == 3)
            {
                test.Loop.Stop();
                return;
            }

            test.Loop.BeforePoll(Again, null);
        }
    });

    [Fact]
    public void A_BeforePoll_callback_that_throws_is_reported_and_the_others_run() => LoopTest.On(test =>
    {
        var ran = new List<int>();
        test.Loop.CallSoon(() =>
        {
            test.Loop.BeforePoll(_ => throw new InvalidOperationException("one"), null);
            test.Loop.BeforePoll(_ => ran.Add(2), null);
        });
        test.RunIterations(2);
        Assert.Equal([2], ran);
        Assert.Equal("one", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void BeforePoll_runs_in_no_task() => LoopTest.Run(async test =>
    {
        LoopTask? seen = LoopTask.Current;
        test.Loop.BeforePoll(_ => seen = LoopTask.Current, null);
        await Coroutine.Yield();
        Assert.Null(seen);
    });
}
