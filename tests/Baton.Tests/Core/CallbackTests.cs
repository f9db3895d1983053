using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>Callbacks, their handles, and what becomes of their exceptions.</summary>
public class CallbackTests
{
    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_call_soon")]
    public void A_callback_runs_exactly_once_with_its_state() => LoopTest.On(test =>
    {
        var seen = new List<object?>();
        var state = new object();
        test.Loop.CallSoon(seen.Add, state);
        test.Loop.CallSoon(seen.Add, null);
        test.RunIterations(3);
        Assert.Equal([state, null], seen);
    });

    [Fact]
    public void A_callback_that_throws_is_reported_and_the_others_run() => LoopTest.On(test =>
    {
        var ran = 0;
        test.Loop.CallSoon(() => ran++);
        test.Loop.CallSoon(Broken);
        test.Loop.CallSoon(_ => throw new IOException("two"), null);
        test.Loop.CallSoon(() => ran++);
        test.RunIterations(1);

        Assert.Equal(2, ran);
        var reports = test.TakeReports();
        Assert.Equal(["one", "two"], reports.Select(report => report.Exception!.Message));
        Assert.Contains($"{nameof(CallbackTests)}.{nameof(Broken)}", reports[0].Message, StringComparison.Ordinal);
        Assert.All(reports, report => Assert.Null(report.Future));
    });

    [Fact]
    public void A_timer_callback_that_throws_is_reported() => LoopTest.On(test =>
    {
        test.Loop.CallLater(TimeSpan.FromSeconds(1), Broken);
        test.Loop.CallLater(TimeSpan.FromSeconds(1), test.Loop.Stop);
        test.Loop.RunForever();
        Assert.Contains(nameof(Broken), test.TakeReport().Message, StringComparison.Ordinal);
    });

    [Fact]
    public void A_handler_may_use_the_loop() => LoopTest.On(test =>
    {
        var ran = false;
        test.Loop.ExceptionHandler = (loop, _) => loop.CallSoon(() => ran = true);
        test.Loop.CallSoon(Broken);
        test.RunIterations(2);
        Assert.True(ran);
    });

    [Fact]
    public void A_callback_sees_no_task() => LoopTest.Run(async test =>
    {
        var done = test.Loop.CreateFuture<bool>();
        test.Loop.CallSoon(() => done.SetResult(LoopTask.Current is null));
        Assert.True(await done);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test__add_callback_cancelled_handle")]
    [CPython("test_events.HandleTests.test_handle")]
    public void A_cancelled_callback_does_not_run() => LoopTest.On(test =>
    {
        var ran = false;
        var handle = test.Loop.CallSoon(() => ran = true);
        Assert.True(handle.IsPending);
        handle.Cancel();
        Assert.False(handle.IsPending);
        handle.Cancel();
        test.RunIterations(2);
        Assert.False(ran);
    });

    [Fact]
    public void A_callback_can_be_cancelled_by_one_of_its_own_batch() => LoopTest.On(test =>
    {
        var ran = false;
        Handle second = default;
        test.Loop.CallSoon(() => second.Cancel());
        second = test.Loop.CallSoon(() => ran = true);
        test.RunIterations(2);
        Assert.False(ran);
    });

    [Fact]
    public void A_callback_that_cancels_itself_runs_to_its_end() => LoopTest.On(test =>
    {
        var ran = 0;
        Handle handle = default;
        handle = test.Loop.CallSoon(() =>
        {
            Assert.False(handle.IsPending);
            handle.Cancel();
            ran++;
        });
        test.RunIterations(2);
        Assert.Equal(1, ran);
    });

    [Fact]
    public void A_handle_that_is_over_cancels_nothing_else() => LoopTest.On(test =>
    {
        var ran = 0;
        var old = Enumerable.Range(0, 100).Select(_ => test.Loop.CallSoon(() => { })).ToList();
        test.RunIterations(1);

        // These use the same pooled objects.
        var handles = Enumerable.Range(0, 100).Select(_ => test.Loop.CallSoon(() => ran++)).ToList();
        old.ForEach(handle => handle.Cancel());
        Assert.All(old, handle => Assert.False(handle.IsPending));
        Assert.All(handles, handle => Assert.True(handle.IsPending));
        test.RunIterations(1);
        Assert.Equal(100, ran);
    });

    [Fact]
    public void Handles_are_equal_when_they_name_the_same_use() => LoopTest.On(test =>
    {
        var first = test.Loop.CallSoon(() => { });
        var second = test.Loop.CallSoon(() => { });
        var copy = first;
        Assert.True(first == copy && first.Equals((object)copy) && first.GetHashCode() == copy.GetHashCode());
        Assert.True(first != second && !first.Equals((object)second));
        test.RunIterations(1);
        Assert.True(test.Loop.CallSoon(() => { }) != first);
        Assert.True(default == default(Handle));
        default(Handle).Cancel();
        Assert.False(default(Handle).IsPending);
        test.RunIterations(1);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_call_soon_non_callable",
        Improvement = "What is no delegate, the compiler refuses; null is refused at the call, in debug mode or not.")]
    public void Null_callbacks_are_refused_at_the_call() => LoopTest.On(test =>
    {
        Assert.Throws<ArgumentNullException>(() => test.Loop.CallSoon(null!));
        Assert.Throws<ArgumentNullException>(() => test.Loop.CallSoon(null!, 1));
        Assert.Throws<ArgumentNullException>(() => test.Loop.CallLater(TimeSpan.Zero, null!));
        Assert.Throws<ArgumentNullException>(() => test.Loop.CallAt(0, null!));
        Assert.Throws<ArgumentNullException>(() => test.Loop.CallSoonThreadSafe(null!));
        Assert.Throws<ArgumentNullException>(() => test.Loop.CallSoonThreadSafe(null!, 1));
        Assert.Throws<ArgumentNullException>(() => test.Loop.BeforePoll(null!, 1));
        Assert.Throws<ArgumentNullException>(() => test.Loop.CreateFuture().AddDoneCallback(null!));
        Assert.Throws<ArgumentNullException>(() => test.Loop.ReportException(null!));
    });

    [Fact]
    public void A_callback_that_throws_after_it_started_deep_coroutines_loses_none_of_them() => LoopTest.On(test =>
    {
        var reached = 0;
        test.Loop.CallSoon(() =>
        {
            _ = Deep(1000);
            throw new IOException();
        });
        test.Loop.CreateTask(Coroutine.FromResult(1));
        test.RunIterations(5);
        Assert.Equal(1, reached);
        Assert.IsType<IOException>(test.TakeReport().Exception);

        async Task Deep(int depth) => await Recurse(depth);

        async Coroutine Recurse(int depth)
        {
            if (depth > 0)
            {
                await Recurse(depth - 1);
            }
            else
            {
                reached++;
            }
        }
    });

    private static void Broken() => throw new IOException("one");
}

/// <summary>
/// What happens when nobody, or a broken handler, listens: apart, because it captures the standard error stream of the process.
/// </summary>
[Collection(nameof(StandardErrorCollection))]
public class ExceptionHandlerTests
{
    [Fact]
    public void Without_a_handler_reports_go_to_the_standard_error_stream()
    {
        var text = Capture(handler: null);
        Assert.Contains("[named]", text, StringComparison.Ordinal);
        Assert.Contains("Exception in callback", text, StringComparison.Ordinal);
        Assert.Contains("boom", text, StringComparison.Ordinal);
    }

    [Fact]
    public void A_handler_that_throws_loses_neither_failure_and_the_loop_goes_on()
    {
        var text = Capture((_, _) => throw new InvalidOperationException("bad handler"));
        Assert.Contains("bad handler", text, StringComparison.Ordinal);
        Assert.Contains("boom", text, StringComparison.Ordinal);
    }

    [Fact]
    public void ReportException_hands_the_whole_context_to_the_handler() => LoopTest.On(test =>
    {
        var exception = new IOException();
        var future = test.Loop.CreateFuture();
        test.Loop.ReportException("what", exception, future, "source");
        var report = test.TakeReport();
        Assert.Equal("what", report.Message);
        Assert.Same(exception, report.Exception);
        Assert.Same(future, report.Future);
        Assert.Equal("source", report.Source);
        Assert.StartsWith("what: ", report.ToString(), StringComparison.Ordinal);
        Assert.Equal("alone", new LoopExceptionContext("alone").ToString());
    });

    private static string Capture(Action<EventLoop, LoopExceptionContext>? handler)
    {
        var error = Console.Error;
        using var writer = new StringWriter();
        Console.SetError(writer);
        try
        {
            LoopTest.OnThread(() =>
            {
                using var loop = new EventLoop(
                    new EventLoopOptions { Driver = new VirtualDriver(), Name = "named", ExceptionHandler = handler });
                var ran = false;
                loop.CallSoon(() => throw new IOException("boom"));
                loop.CallSoon(() =>
                {
                    ran = true;
                    loop.Stop();
                });
                loop.RunForever();
                Assert.True(ran);
            });
        }
        finally
        {
            Console.SetError(error);
        }

        return writer.ToString();
    }
}

[CollectionDefinition(nameof(StandardErrorCollection), DisableParallelization = true)]
public class StandardErrorCollection;
