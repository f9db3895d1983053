using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>What a loop allows in which state and on which thread, and what its errors advise.</summary>
public class LoopStateTests
{
    [Fact]
    [CPython("test_events.PolicyTests.test_new_event_loop")]
    public void A_new_loop_is_neither_running_nor_closed() => LoopTest.On(test =>
    {
        Assert.False(test.Loop.IsRunning);
        Assert.False(test.Loop.IsClosed);
        Assert.True(test.Loop.IsOnLoopThread);
        Assert.Null(EventLoop.CurrentOrNull);
        Assert.Equal("test", test.Loop.Name);
        Assert.Equal(test.Clock.Now, test.Loop.Time);
        Assert.Same(test.Driver, test.Loop.Driver);
    });

    [Fact]
    [CPython("test_events.GetEventLoopTestsMixin.test_get_event_loop_returns_running_loop")]
    [CPython("test_events.GetEventLoopTestsMixin.test_get_event_loop_returns_running_loop2")]
    [CPython("test_events.PolicyTests.test_get_event_loop")]
    [CPython("test_events.PolicyTests.test_get_event_loop_does_not_call_set_event_loop")]
    [CPython("test_events.PolicyTests.test_get_event_loop_after_set_none")]
    public void Current_is_the_running_loop_and_there_is_none_outside() => LoopTest.On(test =>
    {
        Assert.Contains(
            "EventLoop.Run", Assert.Throws<InvalidOperationException>(() => EventLoop.Current).Message, StringComparison.Ordinal);
        Assert.Null(EventLoop.CurrentOrNull); // None has been made on the way, either.
        test.Loop.CallSoon(() =>
        {
            Assert.Same(test.Loop, EventLoop.Current);
            Assert.Same(test.Loop, EventLoop.CurrentOrNull);
            Assert.True(test.Loop.IsRunning);
        });
        test.RunIterations(1);
        Assert.Null(EventLoop.CurrentOrNull);
    });

    [Fact]
    public void A_clock_of_ones_own_replaces_the_drivers() => LoopTest.OnThread(() =>
    {
        var clock = new VirtualClock(77);
        using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Clock = clock });
        Assert.Equal(77, loop.Time);
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_recursive_run")]
    [CPython("test_events.EventLoopTestsMixin.test_run_until_complete_nesting")]
    public void A_running_loop_cannot_be_run_again_from_inside() => LoopTest.Run(async test =>
    {
        await Coroutine.Yield();
        Assert.Contains("Await", Assert.Throws<InvalidOperationException>(test.Loop.RunForever).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(test.Loop.CreateFuture()));

        var coroutine = Coroutine.FromResult(3);
        Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(coroutine));
        Assert.Equal(3, await coroutine); // It was not used up.
    });

    [Fact]
    public void A_running_loop_cannot_be_run_from_another_thread() => LoopTest.Run(test =>
    {
        using (LoopTest.StartThread(() =>
        {
            var exception = Assert.Throws<InvalidOperationException>(test.Loop.RunForever);
            Assert.Contains("RunCoroutineThreadSafe", exception.Message, StringComparison.Ordinal);
        }))
        {
        }

        return default;
    });

    [Fact]
    [CPython("test_runners.RunTests.test_asyncio_run_from_running_loop")]
    [CPython("test_base_events.RunningLoopTests.test_running_loop_within_a_loop")]
    [CPython("test_events.GetEventLoopTestsMixin.test_get_running_loop_already_running")]
    public void Another_loop_cannot_run_inside_a_running_one() => LoopTest.Run(async test =>
    {
        await Coroutine.Yield();
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver(), Name = "other" });
        Assert.Contains("test", Assert.Throws<InvalidOperationException>(other.RunForever).Message, StringComparison.Ordinal);
        Assert.False(other.IsRunning);
        Assert.Throws<InvalidOperationException>(() => EventLoop.Run(() => default, new EventLoopOptions { Driver = new VirtualDriver() }));
        Assert.Same(test.Loop, EventLoop.Current);
    });

    [Fact]
    public void Stopped_loops_can_take_turns_on_one_thread() => LoopTest.On(test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        for (var i = 0; i < 3; i++)
        {
            other.Stop();
            other.RunForever();
            test.RunIterations(1);
        }
    });

    [Fact]
    public void A_loop_belongs_to_the_thread_that_made_it_and_then_to_the_one_that_runs_it() => LoopTest.On(test =>
    {
        using (LoopTest.StartThread(() =>
        {
            Assert.False(test.Loop.IsOnLoopThread);
            Assert.Throws<InvalidOperationException>(test.Loop.CheckThread);
            test.Loop.RunUntilComplete(Coroutine.FromResult(1));
            Assert.True(test.Loop.IsOnLoopThread);
            test.Loop.CheckThread();
        }))
        {
        }

        Assert.False(test.Loop.IsOnLoopThread);
        Assert.Throws<InvalidOperationException>(() => test.Loop.CallSoon(() => { }));
        test.Loop.RunUntilComplete(Coroutine.FromResult(1));
        Assert.True(test.Loop.IsOnLoopThread);
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_double_close")]
    [CPython("test_base_events.BaseEventLoopTests.test_close")]
    public void Dispose_can_be_called_again() => LoopTest.On(test =>
    {
        test.Loop.Dispose();
        Assert.True(test.Loop.IsClosed);
        Assert.True(test.Driver.IsDisposed);
        test.Loop.Dispose();
        using (LoopTest.StartThread(test.Loop.Dispose))
        {
        }
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_close_running_event_loop")]
    public void A_running_loop_cannot_be_closed() => LoopTest.Run(test =>
    {
        Assert.Contains("Stop", Assert.Throws<InvalidOperationException>(test.Loop.Dispose).Message, StringComparison.Ordinal);
        using (LoopTest.StartThread(() => Assert.Throws<InvalidOperationException>(test.Loop.Dispose)))
        {
        }

        Assert.False(test.Loop.IsClosed);
        return default;
    });

    [Fact]
    public void Any_thread_may_close_a_loop_that_does_not_run() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        using (LoopTest.StartThread(test.Loop.Dispose))
        {
        }

        Assert.True(test.Loop.IsClosed);
    });

    [Fact]
    public void Closing_drops_what_is_queued_without_running_it() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var ran = false;
        var soon = test.Loop.CallSoon(() => ran = true);
        var later = test.Loop.CallLater(TimeSpan.FromSeconds(1), () => ran = true);
        var posted = test.Loop.CallSoonThreadSafe(() => ran = true);
        test.Loop.BeforePoll(_ => ran = true, null);
        test.Loop.Dispose();
        Assert.False(ran);
        Assert.Equal(0, test.Loop.TimerCount);

        // Handles of a closed loop are harmless.
        soon.Cancel();
        later.Cancel();
        posted.Cancel();
    });

    public static TheoryData<string, Action<EventLoop>> Scheduling => new()
    {
        { nameof(EventLoop.CallSoon), loop => loop.CallSoon(() => { }) },
        { "CallSoon with state", loop => loop.CallSoon(_ => { }, null) },
        { nameof(EventLoop.CallLater), loop => loop.CallLater(TimeSpan.Zero, () => { }) },
        { "CallLater with state", loop => loop.CallLater(TimeSpan.Zero, _ => { }, null) },
        { nameof(EventLoop.CallAt), loop => loop.CallAt(0, () => { }) },
        { "CallAt with state", loop => loop.CallAt(0, _ => { }, null) },
        { nameof(EventLoop.CreateTask), loop => loop.CreateTask(default(Coroutine)) },
        { "CreateTask<T>", loop => loop.CreateTask(Coroutine.FromResult(1)) },
        { nameof(EventLoop.BeforePoll), loop => loop.BeforePoll(_ => { }, null) },
    };

    [Theory]
    [MemberData(nameof(Scheduling))]
    [CPython("test_events.EventLoopTestsMixin.test_close")]
    public void Nothing_can_be_scheduled_on_a_closed_loop(string name, Action<EventLoop> call) => LoopTest.On(test =>
    {
        test.Loop.Dispose();
        var exception = Assert.Throws<InvalidOperationException>(() => call(test.Loop));
        Assert.Contains("closed", exception.Message, StringComparison.Ordinal);
        Assert.NotEmpty(name);
    });

    [Fact]
    [CPython("test_runners.RunnerTests.test_explicit_close")]
    [CPython("test_base_events.BaseEventLoopTests.test_close")]
    [CPython("test_events.EventLoopTestsMixin.test_close")]
    public void A_closed_loop_takes_nothing_from_other_threads_and_runs_nothing() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        Assert.False(test.Loop.IsClosed);
        test.Loop.Dispose();
        Assert.True(test.Loop.IsClosed);
        AssertClosed(() => test.Loop.CallSoonThreadSafe(() => { }));
        AssertClosed(() => test.Loop.CallSoonThreadSafe(_ => { }, null));
        AssertClosed(() => test.Loop.RunCoroutineThreadSafe(Coroutine.FromResult(1)));
        AssertClosed(test.Loop.RunForever);
        AssertClosed(() => test.Loop.RunUntilComplete(default(Coroutine)));
        AssertClosed(() => test.Loop.RunUntilComplete(Coroutine.FromResult(1)));
        AssertClosed(() => test.Loop.RunUntilComplete(future));

        static void AssertClosed(Action call) =>
            Assert.Contains("closed", Assert.Throws<InvalidOperationException>(call).Message, StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_run_until_complete_loop")]
    public void RunUntilComplete_rejects_a_future_of_another_loop() => LoopTest.On(test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(other.CreateFuture()));
        Assert.Contains("another event loop", exception.Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_run_leaves_the_thread_as_it_found_it() => LoopTest.On(test =>
    {
        var context = new SynchronizationContext();
        SynchronizationContext.SetSynchronizationContext(context);
        var local = new AsyncLocal<string> { Value = "outside" };
        test.Loop.CallSoon(() =>
        {
            Assert.NotSame(context, SynchronizationContext.Current);
            local.Value = "inside";
        });
        test.RunIterations(1);
        Assert.Same(context, SynchronizationContext.Current);
        Assert.Equal("outside", local.Value);
        SynchronizationContext.SetSynchronizationContext(null);
    });

    [Fact]
    public void A_run_leaves_a_suppressed_flow_suppressed() => LoopTest.On(test =>
    {
        var local = new AsyncLocal<string> { Value = "outside" };
        using (ExecutionContext.SuppressFlow())
        {
            test.Loop.CallSoon(() => local.Value = "inside");
            test.RunIterations(1);
            Assert.True(ExecutionContext.IsFlowSuppressed());
        }

        Assert.Equal("outside", local.Value);
    });

    [Fact]
    public void A_driver_that_fails_ends_the_run_and_the_loop_can_run_again() => LoopTest.On(test =>
    {
        test.Driver.Polling = _ => throw new IOException("broken");
        Assert.Throws<IOException>(test.Loop.RunForever);
        Assert.False(test.Loop.IsRunning);
        Assert.Null(EventLoop.CurrentOrNull);
        test.Driver.Polling = null;
        test.RunIterations(1);
    });
}
