using System.Runtime.InteropServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Signals;

/// <summary>
/// What <see cref="EventLoop.AddSignalHandler(PosixSignal, Action)"/> does with signals that this process sends to itself.
/// </summary>
[Collection(nameof(OwnSignalsCollection))]
public class SignalHandlerTests
{
    private static readonly AsyncLocal<string?> Context = new();

    public static TheoryData<PosixSignal> Signals => [PosixSignal.SIGHUP, LoopSignals.User1, LoopSignals.User2, (PosixSignal)14];

    [Theory]
    [MemberData(nameof(Signals))]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_add_signal_handler")]
    public void A_signal_calls_the_handler_on_the_loop_outside_of_any_task(PosixSignal signal) => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(signal);
        var called = test.Loop.CreateFuture();
        var handler = test.Loop.AddSignalHandler(signal, () =>
        {
            Assert.Same(test.Loop, EventLoop.CurrentOrNull);
            Assert.Null(LoopTask.Current);
            called.SetResult();
        });
        Assert.Equal(signal, handler.Signal);

        own.Raise();
        await called;
        Assert.True(test.Loop.RemoveSignalHandler(signal));
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_signal_handling_while_selecting")]
    public void A_signal_wakes_a_loop_that_waits() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var called = test.Loop.CreateFuture();
        test.Loop.AddSignalHandler(LoopSignals.User1, called.SetResult);

        using (LoopTest.StartThread(() =>
        {
            Assert.True(SpinWait.SpinUntil(() => test.Driver.PollCount > 2, TimeSpan.FromSeconds(20)));
            own.Raise();
        }))
        {
            await NetTest.Polls(3);
            await called;
        }
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_signal_handling_args")]
    public void The_handler_gets_its_state() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var state = new object();
        var called = test.Loop.CreateFuture<object?>();
        test.Loop.AddSignalHandler(LoopSignals.User1, called.SetResult, state);
        own.Raise();
        Assert.Same(state, await called);
    });

    [Fact]
    public void Several_handlers_of_a_signal_are_called_in_the_order_of_addition() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var calls = new List<int>();
        var handlers = Enumerable.Range(0, 5).Select(i => test.Loop.AddSignalHandler(LoopSignals.User1, () => calls.Add(i))).ToList();

        own.Raise();
        await OwnSignals.Settle();
        Assert.Equal([0, 1, 2, 3, 4], calls);

        calls.Clear();
        handlers[1].Dispose();
        handlers[1].Dispose();
        handlers[4].Dispose();
        own.Raise();
        await OwnSignals.Settle();
        Assert.Equal([0, 2, 3], calls);

        calls.Clear();
        Assert.True(test.Loop.RemoveSignalHandler(LoopSignals.User1));
        Assert.False(test.Loop.RemoveSignalHandler(LoopSignals.User1));
        handlers[0].Dispose();
        own.Raise();
        await OwnSignals.Settle();
        Assert.Empty(calls);
    });

    [Fact]
    public void Signals_that_arrive_while_the_loop_is_busy_are_all_handled() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        using var other = new OwnSignals(LoopSignals.User2);
        var calls = new List<string>();
        test.Loop.AddSignalHandler(LoopSignals.User1, () => calls.Add("first"));
        test.Loop.AddSignalHandler(LoopSignals.User1, () => calls.Add("second"));
        test.Loop.AddSignalHandler(LoopSignals.User2, () => calls.Add("other"));
        for (var i = 0; i < 10; i++)
        {
            own.Raise();
            other.Raise();
        }

        Assert.Empty(calls);
        await OwnSignals.Settle();
        Assert.Equal(Enumerable.Repeat(new[] { "first", "second", "other" }, 10).SelectMany(three => three), calls);
    });

    [Fact]
    public void A_handler_is_not_called_once_it_is_removed_even_for_a_signal_that_has_arrived() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var calls = new List<string>();
        var removed = test.Loop.AddSignalHandler(LoopSignals.User1, () => calls.Add("removed"));
        test.Loop.AddSignalHandler(LoopSignals.User1, () => calls.Add("kept"));
        own.Raise();
        removed.Dispose();
        await OwnSignals.Settle();
        Assert.Equal(["kept"], calls);

        // Removed by another handler, when its own call stands in the queue already.
        calls.Clear();
        SignalRegistration? second = null;
        test.Loop.AddSignalHandler(LoopSignals.User1, () => second!.Dispose());
        second = test.Loop.AddSignalHandler(LoopSignals.User1, () => calls.Add("removed"));
        own.Raise();
        await OwnSignals.Settle();
        Assert.Equal(["kept"], calls);
    });

    [Fact]
    public void A_handler_that_takes_the_place_of_a_removed_one_is_called_for_a_signal_that_had_arrived() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var called = test.Loop.CreateFuture();
        using var first = test.Loop.AddSignalHandler(LoopSignals.User1, () => Assert.Fail("removed"));
        own.Raise();
        using var second = test.Loop.AddSignalHandler(LoopSignals.User1, called.SetResult);
        first.Dispose();
        await called;
    });

    [Fact]
    public void A_handler_runs_in_the_context_of_who_added_it() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var seen = new List<string?>();
        Context.Value = "first";
        test.Loop.AddSignalHandler(LoopSignals.User1, () => seen.Add(Context.Value));
        Context.Value = "second";
        test.Loop.AddSignalHandler(LoopSignals.User1, () => seen.Add(Context.Value));
        using (ExecutionContext.SuppressFlow())
        {
            test.Loop.AddSignalHandler(LoopSignals.User1, () => seen.Add(Context.Value));
        }

        Context.Value = "third";
        own.Raise();
        await OwnSignals.Settle();
        Assert.Equal(["first", "second", null], seen);
    });

    [Fact]
    public void What_a_handler_throws_is_reported_and_the_others_are_called() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var called = test.Loop.CreateFuture();
        test.Loop.AddSignalHandler(LoopSignals.User1, Fail);
        test.Loop.AddSignalHandler(LoopSignals.User1, called.SetResult);
        own.Raise();
        await called;
        var report = Assert.Single(test.TakeReports());
        Assert.IsType<TimeZoneNotFoundException>(report.Exception);
        Assert.Contains(nameof(Fail), report.Message, StringComparison.Ordinal);

        static void Fail() => throw new TimeZoneNotFoundException("on purpose");
    });

    [Fact]
    public void All_loops_of_a_process_that_handle_a_signal_are_called() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var here = test.Loop.CreateFuture();
        var there = new TaskCompletionSource();
        test.Loop.AddSignalHandler(LoopSignals.User1, here.SetResult);
        LoopBeside.Run(other =>
        {
            other.Invoke(() => other.AddSignalHandler(LoopSignals.User1, there.SetResult));
            own.Raise();
            there.Task.Wait();
        });
        await here;
    });

    [Fact]
    public void A_raw_number_and_a_name_are_the_same_signal() => NetTest.Run(async test =>
    {
        using var own = new OwnSignals(PosixSignal.SIGHUP);
        var calls = new List<int>();
        var first = test.Loop.AddSignalHandler((PosixSignal)1, () => calls.Add(1));
        test.Loop.AddSignalHandler(PosixSignal.SIGHUP, () => calls.Add(2));
        Assert.Equal(PosixSignal.SIGHUP, first.Signal);
        own.Raise();
        await OwnSignals.Settle();
        Assert.Equal([1, 2], calls);
        Assert.True(test.Loop.RemoveSignalHandler((PosixSignal)1));
        Assert.False(test.Loop.RemoveSignalHandler(PosixSignal.SIGHUP));
    });

    [Theory]
    [InlineData(0)]
    [InlineData(-11)]
    [InlineData(65)]
    [InlineData(int.MinValue)]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_check_signal")]
    [CPython("test_events.EventLoopTestsMixin.test_add_signal_handler")]
    public void There_are_no_such_signals(int number) => NetTest.Run(async test =>
    {
        var signal = (PosixSignal)number;
        Assert.Throws<ArgumentOutOfRangeException>("signal", () => test.Loop.AddSignalHandler(signal, () => { }));
        Assert.Throws<ArgumentOutOfRangeException>("signal", () => test.Loop.RemoveSignalHandler(signal));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>("signal", async () => await test.Loop.WaitForSignalAsync(signal));
    });

    [Theory]
    [InlineData(9, "SIGKILL")]
    [InlineData(19, "the system refuses it")]
    [InlineData(32, "the system refuses it")]
    [InlineData(6, "the runtime's own")]
    [InlineData(11, "the runtime's own")]
    [InlineData(34, "the runtime's own")]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_add_signal_handler_install_error2")]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_add_signal_handler_install_error3")]
    public void A_signal_that_cannot_be_handled_is_refused(int number, string reason) => NetTest.Run(async test =>
    {
        await Coroutine.Yield();
        var signal = (PosixSignal)number;
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.AddSignalHandler(signal, () => { }));
        Assert.Contains(reason, exception.Message, StringComparison.Ordinal);
        Assert.Contains($"ignal {number} ", exception.Message, StringComparison.Ordinal);

        // As in asyncio, that is no error: there is just nothing to remove.
        Assert.False(test.Loop.RemoveSignalHandler(signal));
    });

    [Fact]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_close")]
    [CPython("test_unix_events.SelectorEventLoopSignalTests.test_handle_signal_no_handler")]
    public void Closing_the_loop_removes_its_handlers()
    {
        using var own = new OwnSignals(LoopSignals.User1);
        SignalRegistration? handler = null;
        EventLoop? loop = null;
        NetTest.Run(async test =>
        {
            await Coroutine.Yield();
            loop = test.Loop;
            handler = loop.AddSignalHandler(LoopSignals.User1, () => Assert.Fail("closed"));
        });
        own.Raise();
        handler!.Dispose();
        Assert.False(loop!.RemoveSignalHandler(LoopSignals.User1));
        Assert.Throws<InvalidOperationException>(() => LoopTest.OnThread(() => loop.AddSignalHandler(LoopSignals.User1, () => { })));
    }

    [Fact]
    public void A_loop_that_closes_with_a_signal_on_its_way_drops_it()
    {
        using var own = new OwnSignals(LoopSignals.User1);
        NetTest.Run(async test =>
        {
            await Coroutine.Yield();
            test.Loop.AddSignalHandler(LoopSignals.User1, () => Assert.Fail("closed"));
            own.Raise();
        });
    }

    [Fact]
    public void A_loop_that_handles_signals_can_be_collected_once_it_is_closed()
    {
        using var own = new OwnSignals(LoopSignals.User1);
        var loop = Use();
        Assert.True(SpinWait.SpinUntil(() => !IsAlive(loop), TimeSpan.FromSeconds(20)));

        static WeakReference Use()
        {
            WeakReference? reference = null;
            NetTest.Run(async test =>
            {
                await Coroutine.Yield();
                test.Loop.AddSignalHandler(LoopSignals.User1, () => { });
                reference = new WeakReference(test.Loop);
            });
            return reference!;
        }

        static bool IsAlive(WeakReference reference)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            return reference.IsAlive;
        }
    }
}
