namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>What asyncio's tests of its loop's runs and queues pin down and our other tests do not.</summary>
public class EventLoopConformanceTests
{
    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test__add_callback_handle")]
    [CPython("test_base_events.BaseEventLoopTests.test_call_soon")]
    public void A_callback_stands_in_the_queue_and_not_among_the_timers() => LoopTest.On(test =>
    {
        var ran = 0;
        var handle = test.Loop.CallSoon(() => ran++);
        Assert.True(handle.IsPending);
        Assert.Equal(0, test.Loop.TimerCount);
        Assert.Equal(0, ran);
        test.RunIterations(1);
        Assert.False(handle.IsPending);
        Assert.Equal(1, ran);
        Assert.Equal([0], test.Driver.Timeouts);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_call_later")]
    public void A_timer_stands_among_the_timers_and_not_in_the_queue() => LoopTest.On(test =>
    {
        var handle = test.Loop.CallLater(TimeSpan.FromSeconds(10), () => Assert.Fail("It ran."));
        Assert.True(handle.IsPending);
        Assert.Equal(1, test.Loop.TimerCount);
        test.RunIterations(3);
        Assert.True(handle.IsPending);
        Assert.Equal(1, test.Loop.TimerCount);
        handle.Cancel();
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_later")]
    public void A_timer_calls_with_its_state_after_its_delay() => LoopTest.On(test =>
    {
        var results = new List<object?>();
        test.Loop.CallLater(
            TimeSpan.FromSeconds(0.1),
            state =>
            {
                results.Add(state);
                test.Loop.Stop();
            },
            "hello world");
        test.Loop.RunForever();
        Assert.Equal(["hello world"], results);
        Assert.Equal(TimeSpan.FromSeconds(0.1), test.Elapsed);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_time_and_call_at")]
    public void A_callback_at_a_time_of_the_clock_runs_when_the_clock_is_there() => LoopTest.On(test =>
    {
        var when = test.Loop.Time + 100_000_000;
        Assert.Equal(when, test.Loop.CallAt(when, test.Loop.Stop).When);
        test.Loop.RunForever();
        Assert.Equal(when, test.Loop.Time);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test__run_once_schedule_handle")]
    public void What_a_timer_that_was_due_queues_is_ready_for_the_next_iteration() => LoopTest.On(test =>
    {
        var order = new List<string>();
        Handle handle = default;
        test.Loop.CallAt(test.Loop.Time - 1, () =>
        {
            order.Add("timer");
            handle = test.Loop.CallSoon(() => order.Add("queued"));
        });
        test.RunIterations(1);
        Assert.Equal(["timer"], order);
        Assert.True(handle.IsPending);
        test.RunIterations(1);
        Assert.Equal(["timer", "queued"], order);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_run_until_complete_loop_orphan_future_close_loop")]
    public void A_run_that_breaks_off_does_not_end_a_later_one_when_its_task_ends() => LoopTest.On(test =>
    {
        test.Driver.Polling = _ => throw new IOException("broken");
        Assert.Throws<IOException>(() => test.Loop.RunUntilComplete(Coroutine.Sleep(TimeSpan.FromSeconds(0.1))));
        Assert.Equal(1, test.Loop.TaskCount);
        test.Driver.Polling = null;
        test.Loop.RunUntilComplete(Coroutine.Sleep(TimeSpan.FromSeconds(0.2)));
        Assert.Equal(TimeSpan.FromSeconds(0.2), test.Elapsed);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_run_forever_keyboard_interrupt")]
    public void An_exception_that_a_run_throws_is_not_reported_as_well() => LoopTest.On(test =>
    {
        Assert.Equal(
            "main", Assert.Throws<IOException>(() => test.Loop.RunUntilComplete(Coroutine.FromException(new IOException("main")))).Message);
        test.Loop.Dispose();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        Assert.Empty(test.TakeReports());
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_run_until_complete_baseexception")]
    public void A_run_that_throws_leaves_no_request_to_stop_behind() => LoopTest.On(test =>
    {
        Assert.Throws<IOException>(() => test.Loop.RunUntilComplete(Coroutine.FromException(new IOException())));
        var called = false;
        test.Loop.CallSoon(() => test.Loop.CallSoon(() =>
        {
            test.Loop.Stop();
            called = true;
        }));
        test.Loop.RunForever();
        Assert.True(called);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_single_selecter_event_callback_after_stopping")]
    public void What_completes_in_the_poll_of_a_run_that_stops_is_handled_once_over_several_runs() => LoopTest.On(test =>
    {
        var handled = 0;
        var operation = new TestOperation(test.Loop);
        var task = test.Loop.CreateTask(Receive());
        test.RunIterations(1);
        test.Driver.CompleteInNextPoll(() => operation.Succeed());
        for (var run = 0; run < 3; run++)
        {
            test.Loop.CallSoon(test.Loop.Stop);
            test.Loop.RunForever();
            Assert.Equal(1, handled);
        }

        Assert.True(task.IsDone);

        async Coroutine Receive()
        {
            await operation.Start();
            handled++;
        }
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_custom_run_forever_integration")]
    public void Another_main_loop_can_drive_it_one_iteration_at_a_time() => LoopTest.On(test =>
    {
        var called = 0;
        test.Loop.CallSoon(() =>
        {
            called++;
            Assert.Same(test.Loop, EventLoop.Current);
            Assert.True(test.Loop.IsRunning);
        });
        for (var i = 0; i < 10; i++)
        {
            test.Loop.Stop();
            test.Loop.RunForever();
            Assert.Null(EventLoop.CurrentOrNull);
            Assert.False(test.Loop.IsRunning);
        }

        Assert.Equal(10, test.Driver.Polls);
        Assert.Equal(1, called);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_set_task_factory")]
    [CPython("test_base_events.BaseEventLoopTests.test_create_named_task_with_custom_factory")]
    public void A_task_factory_makes_the_tasks_with_their_names_until_it_is_taken_away() => LoopTest.On(test =>
    {
        var factory = new CountingFactory();
        Assert.Null(test.Loop.TaskFactory);
        test.Loop.TaskFactory = factory;
        Assert.Same(factory, test.Loop.TaskFactory);
        var task = test.Loop.CreateTask(Nothing(), "test task");
        Assert.Equal([task], factory.Made);
        Assert.Equal("test task", task.Name);
        test.Loop.RunUntilComplete(task);

        test.Loop.TaskFactory = null;
        Assert.Null(test.Loop.TaskFactory);
        test.Loop.RunUntilComplete(test.Loop.CreateTask(Nothing(), "other"));
        Assert.Equal([task], factory.Made);

        static async Coroutine Nothing()
        {
        }
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_create_task_error_closes_coro",
        Improvement = "A coroutine that a closed loop refuses is as good as new: it can run elsewhere.")]
    [CPython("test_tasks.BaseTaskTests.test_error_in_call_soon", Improvement =
        "What could not become a task never was one: nothing is left pending, and the coroutine can still be used.")]
    public void A_closed_loop_does_not_use_up_the_coroutine_that_it_refuses() => LoopTest.RunInDebug(async test =>
    {
        var closed = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        closed.Dispose();
        var coroutine = Value();
        Assert.Throws<InvalidOperationException>(() => closed.CreateTask(coroutine));
        Assert.Equal(42, await coroutine); // And nobody has been warned that it was never awaited.

        static async Coroutine<int> Value() => 42;
    });

    [Theory]
    [InlineData(false, false)]
    [InlineData(false, true)]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [CPython("test_base_events.BaseEventLoopTests.test_check_thread", Improvement = "Looks at the thread always, not only in debug mode.")]
    public void Another_thread_is_refused_whether_it_runs_a_loop_of_its_own_or_not(bool debug, bool hasLoop) => LoopTest.On(
        options => options.Debug = debug,
        test =>
        {
            var refused = 0;
            using var running = new ManualResetEvent(false);
            test.Loop.CallSoon(() => running.Set());
            using var thread = LoopTest.StartThread(() =>
            {
                LoopTest.Await(running);
                if (hasLoop)
                {
                    LoopTest.On(other =>
                    {
                        other.Loop.CallSoon(Check);
                        other.RunIterations(1);
                    });
                }
                else
                {
                    Check();
                }

                test.Loop.CallSoonThreadSafe(test.Loop.Stop);
            });
            test.Loop.RunForever();
            Assert.Equal(3, refused);

            void Check()
            {
                Refused(() => test.Loop.CallSoon(() => { }));
                Refused(() => test.Loop.CallLater(TimeSpan.FromSeconds(60), () => { }));
                Refused(() => test.Loop.CallAt(test.Loop.Time + 60_000_000_000, () => { }));
            }

            void Refused(Action call)
            {
                Assert.Contains("CallSoonThreadSafe", Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal);
                refused++;
            }
        });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_timeout_rounding")]
    public void Short_waits_do_not_make_the_loop_spin() => LoopTest.RunOnDefaultDriver(async test =>
    {
        var before = test.Loop.Driver.PollCount;
        foreach (var nanoseconds in new[] { 10_000_000, 100_000, 1_000, 10, 1 })
        {
            var future = test.Loop.CreateFuture();
            test.Loop.CallAt(test.Loop.Time + nanoseconds, future.SetResult);
            await future;
        }

        Assert.InRange(test.Loop.Driver.PollCount - before, 5, 20);
    });

    /// <summary>200 days; where a double no longer tells nanoseconds apart; a year before the end of time.</summary>
    [Theory]
    [InlineData(200L * 86_400 * 1_000_000_000)]
    [InlineData(1L << 60)]
    [InlineData(long.MaxValue - (365L * 86_400 * 1_000_000_000))]
    [CPython("regressions.EventLoop.gh-145703")]
    public void A_timer_is_exact_and_costs_one_poll_however_large_the_value_of_the_clock(long start) => LoopTest.OnThread(() =>
    {
        var driver = new VirtualDriver(new VirtualClock(start));
        using var loop = new EventLoop(new EventLoopOptions { Driver = driver });
        foreach (var delay in new[] { 1, 2, 99, 100, 1_000, 1_000_000, 1_000_000_000, 3_600_000_000_000 })
        {
            var when = loop.Time + delay;
            var polls = driver.Polls;
            loop.CallAt(when + 1, () => Assert.Fail("It ran a nanosecond early.")).Cancel();
            var next = loop.CallAt(when + 1, () => { });
            loop.CallAt(when, loop.Stop);
            loop.RunForever();
            Assert.Equal(when, loop.Time);
            Assert.Equal(polls + 1, driver.Polls);
            Assert.True(next.IsPending);
            next.Cancel();
        }

        var before = driver.Polls;
        loop.RunUntilComplete(Coroutine.Sleep(TimeSpan.FromTicks(1)));
        Assert.InRange(driver.Polls - before, 1, 3);
    });

    private sealed class CountingFactory : LoopTaskFactory
    {
        public List<LoopTask> Made { get; } = [];

        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope)
        {
            Made.Add(base.Create(loop, coroutine, name, eager, scope));
            return Made[^1];
        }
    }
}
