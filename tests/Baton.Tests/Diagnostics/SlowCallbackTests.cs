using Baton.Tests.Conformance;

namespace Baton.Tests.Diagnostics;

/// <summary>Warnings of what keeps the loop's thread too long. The time is virtual: the code under test moves the clock.</summary>
public class SlowCallbackTests
{
    private const string Here = "Baton.Tests.Diagnostics.SlowCallbackTests";

    [Theory]
    [InlineData(99, false)]
    [InlineData(100, true)]
    [InlineData(250, true)]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_log_slow_callbacks")]
    public void A_callback_that_takes_a_tenth_of_a_second_is_slow(int milliseconds, bool isSlow) => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallSoon(Callback, (test, TimeSpan.FromMilliseconds(milliseconds)));
        test.RunIterations(1);
        if (!isSlow)
        {
            Assert.Empty(test.TakeWarnings());
            return;
        }

        var warning = test.TakeWarning();
        Assert.Equal(LoopWarningKind.SlowCallback, warning.Kind);
        Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), warning.Duration);
        Assert.Equal(
            $"Executing callback {Here}.Callback took 0.{milliseconds} seconds: nothing else could run meanwhile.", warning.Message);
        Assert.Null(warning.Task);
        Assert.Contains(
            $"{Here}.{nameof(A_callback_that_takes_a_tenth_of_a_second_is_slow)}",
            warning.SourceTraceback!.Innermost!.Value.Method,
            StringComparison.Ordinal);
    });

    [Fact]
    public void The_threshold_can_be_set() => LoopTest.On(
        options =>
        {
            options.Debug = true;
            options.SlowCallbackDuration = TimeSpan.FromSeconds(2);
        },
        test =>
        {
            Assert.Equal(TimeSpan.FromSeconds(2), test.Loop.SlowCallbackDuration);
            test.Loop.CallSoon(Callback, (test, TimeSpan.FromSeconds(1.9)));
            test.RunIterations(1);
            Assert.Empty(test.TakeWarnings());
            test.Loop.SlowCallbackDuration = TimeSpan.FromSeconds(1);
            test.Loop.CallSoon(Callback, (test, TimeSpan.FromSeconds(1.9)));
            test.RunIterations(1);
            Assert.Contains("took 1.900 seconds", test.TakeWarning().Message, StringComparison.Ordinal);
        });

    [Fact]
    public void Nothing_is_slow_outside_of_debug_mode() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            test.Loop.CallSoon(Callback, (test, TimeSpan.FromHours(1)));
            test.RunIterations(1);
        });

    [Fact]
    [CPython("test_base_events.BaseEventLoopWithSelectorTests.test_log_slow_callbacks")]
    public void A_slow_step_is_named_by_its_task_its_coroutine_and_the_line_at_which_it_now_stands() => LoopTest.RunInDebug(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Outer(test, future), "slow");
        await Coroutine.Yield();
        await Coroutine.Yield();
        var warning = test.TakeWarning();
        Assert.Same(task, warning.Task);
        Assert.Equal(
            $"Executing Task 'slow' (pending) took 0.250 seconds, from where coroutine '{Here}.Inner' went on: nothing else could run meanwhile.", warning.Message);
        Assert.Equal([$"{Here}.Outer", $"{Here}.Inner"], warning.AwaitStack!.Frames.Select(frame => frame.Method));
        Assert.Equal("Future (pending)", warning.AwaitStack.WaitsFor);
        Assert.All(warning.AwaitStack.Frames, frame => Assert.NotEqual(0, frame.Line));
        Assert.NotNull(warning.SourceTraceback);
        Assert.Contains($"\n   at {Here}.Inner, SlowCallbackTests.cs:", warning.ToString(), StringComparison.Ordinal);
        future.SetResult();
        await task;
    });

    [Fact]
    public void A_slow_first_and_a_slow_last_step_are_named() => LoopTest.RunInDebug(async test =>
    {
        var task = test.Loop.CreateTask(Work(test), "work");
        await task;
        var warnings = test.TakeWarnings();
        Assert.Equal(2, warnings.Count);
        Assert.StartsWith("Executing Task 'work' (pending) took 1.000 seconds", warnings[0].Message, StringComparison.Ordinal);
        Assert.NotNull(warnings[0].AwaitStack);
        Assert.StartsWith("Executing Task 'work' (done) took 2.000 seconds", warnings[1].Message, StringComparison.Ordinal);
        Assert.Null(warnings[1].AwaitStack);

        static async Coroutine Work(LoopTest test)
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            await Coroutine.Yield();
            test.Clock.Advance(TimeSpan.FromSeconds(2));
        }
    });

    [Fact]
    public void Slow_plain_code_is_its_tasks() => LoopTest.RunInDebug(async test =>
    {
        var task = test.Loop.CreateTask(Mixed(test), "mixed");
        await task;
        var warning = test.TakeWarning();
        Assert.Same(task, warning.Task);
        Assert.Contains("from where plain async code went on", warning.Message, StringComparison.Ordinal);

        static async Coroutine Mixed(LoopTest test)
        {
            await Plain(test);
            await Coroutine.Yield();
        }

        static async Task Plain(LoopTest test)
        {
            await Coroutine.Yield();
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void A_slow_timer_done_callback_and_call_before_the_poll_are_named() => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallLater(TimeSpan.Zero, Callback, (test, TimeSpan.FromSeconds(1)));
        test.RunIterations(1);
        var future = test.Loop.CreateFuture();
        future.AddDoneCallback(_ => test.Clock.Advance(TimeSpan.FromSeconds(2)));
        future.SetResult();
        test.RunIterations(2);
        test.Loop.BeforePoll(Callback, (test, TimeSpan.FromSeconds(3)));
        test.RunIterations(1);
        test.Loop.CallSoonThreadSafe(Callback, (test, TimeSpan.FromSeconds(4)));
        test.RunIterations(1);
        var messages = test.TakeWarnings().Select(warning => warning.Message).ToList();
        Assert.Equal(4, messages.Count);
        Assert.StartsWith($"Executing callback {Here}.Callback took 1.000", messages[0], StringComparison.Ordinal);
        Assert.Contains($"done callback {Here}.{nameof(A_slow_timer_done_callback_and_call_before_the_poll_are_named)}.lambda of Future (done) took 2.000", messages[1], StringComparison.Ordinal);
        Assert.StartsWith($"Executing callback {Here}.Callback took 3.000", messages[2], StringComparison.Ordinal);
        Assert.StartsWith($"Executing callback {Here}.Callback took 4.000", messages[3], StringComparison.Ordinal);
    });

    [Fact]
    public void A_callback_from_before_debug_mode_is_named_by_what_it_was() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            test.Loop.CallSoon(Callback, (test, TimeSpan.FromSeconds(1)));
            test.Loop.IsDebug = true;
            test.RunIterations(1);
            Assert.StartsWith($"Executing callback {Here}.Callback took 1.000", test.TakeWarning().Message, StringComparison.Ordinal);
        });

    [Fact]
    public void An_exception_handler_may_block() => LoopTest.OnInDebug(test =>
    {
        test.Loop.ExceptionHandler = static (_, _) =>
        {
            using var gate = new ManualResetEvent(false);
            using var thread = LoopTest.StartThread(() => gate.Set());
            LoopTest.Await(gate);
        };
        test.Loop.CallSoon(static () => throw new IOException("thrown"));
        test.RunIterations(1);
    });

    [Fact]
    public void A_slow_callback_that_throws_is_slow_and_reported() => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallSoon(() =>
        {
            test.Clock.Advance(TimeSpan.FromSeconds(1));
            throw new IOException("slow and wrong");
        });
        test.Loop.CallSoon(Callback, (test, TimeSpan.Zero));
        test.RunIterations(1);
        Assert.Equal("slow and wrong", test.TakeReport().Exception!.Message);
        Assert.Equal(LoopWarningKind.SlowCallback, test.TakeWarning().Kind);
    });

    private static async Coroutine Outer(LoopTest test, Future future) => await Inner(test, future);

    private static async Coroutine Inner(LoopTest test, Future future)
    {
        await Coroutine.Yield();
        test.Clock.Advance(TimeSpan.FromMilliseconds(250));
        await future;
    }

    private static void Callback(object? state)
    {
        var (test, time) = ((LoopTest, TimeSpan))state!;
        test.Clock.Advance(time);
    }
}
