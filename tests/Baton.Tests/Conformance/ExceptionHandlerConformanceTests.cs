using System.Runtime.CompilerServices;
using Baton.Tests.Core;
using Microsoft.Extensions.Logging;

namespace Baton.Tests.Conformance;

/// <summary>What asyncio's tests of exception handlers pin down and our other tests do not.</summary>
public class ExceptionHandlerConformanceTests
{
    private const string Here = "Baton.Tests.Conformance.ExceptionHandlerConformanceTests";

    [Theory]
    [InlineData(0)]
    [InlineData(0.01)]
    [CPython("test_base_events.BaseEventLoopTests.test_default_exc_handler_callback")]
    public void Without_a_handler_a_callback_or_timer_that_throws_is_logged_by_its_name(double delay) => Logged((log, test) =>
    {
        var future = test.Loop.CreateFuture();
        if (delay == 0)
        {
            test.Loop.CallSoon(SetAndThrow, future);
        }
        else
        {
            test.Loop.CallLater(TimeSpan.FromSeconds(delay), SetAndThrow, future);
        }

        test.Loop.RunUntilComplete(future); // In spite of the exception, what was done before is done.
        var entry = Assert.Single(log.Entries);
        Assert.Equal(LogLevel.Error, entry.Level);
        Assert.Equal($"[test] Exception in callback {Here}.SetAndThrow", entry.Text);
        Assert.IsType<DivideByZeroException>(entry.Exception);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_default_exc_handler_coro")]
    public void Without_a_handler_the_failure_of_a_task_that_nobody_awaited_is_logged_when_the_task_is_collected() => Logged((log, test) =>
    {
        Forget(test);
        for (var i = 0; i < 10; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            test.RunIterations(1);
        }

        var entry = Assert.Single(log.Entries);
        Assert.Equal(LogLevel.Error, entry.Level);
        Assert.Contains("was never retrieved", entry.Text, StringComparison.Ordinal);
        Assert.IsType<DivideByZeroException>(entry.Exception);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(LoopTest test)
        {
            test.Loop.CreateTask(Fail()).AddDoneCallback(_ => test.Loop.Stop());
            test.Loop.RunForever();
        }

        static async Coroutine Fail()
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(0.01));
            throw new DivideByZeroException();
        }
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_set_exc_handler_custom")]
    public void A_handler_gets_loop_and_context_until_it_is_taken_away() => Logged((log, test) =>
    {
        var calls = new List<(EventLoop Loop, LoopExceptionContext Context)>();
        Action<EventLoop, LoopExceptionContext> handler = (loop, context) => calls.Add((loop, context));
        Assert.Null(test.Loop.ExceptionHandler);
        test.Loop.IsDebug = true;
        test.Loop.ExceptionHandler = handler;
        Assert.Same(handler, test.Loop.ExceptionHandler);
        test.Loop.CallSoon(Throw);
        test.RunIterations(1);
        var (loop, context) = Assert.Single(calls);
        Assert.Same(test.Loop, loop);
        Assert.Equal($"Exception in callback {Here}.Throw", context.Message);
        Assert.IsType<DivideByZeroException>(context.Exception);
        Assert.Equal((Action)Throw, context.Callback);
        Assert.Equal(
            $"{Here}.{nameof(A_handler_gets_loop_and_context_until_it_is_taken_away)}.lambda",
            context.HandleTraceback!.Innermost!.Value.Method);
        Assert.Empty(log.Entries);

        test.Loop.ExceptionHandler = null;
        test.Loop.CallSoon(Throw);
        test.RunIterations(1);
        Assert.Single(calls);
        Assert.StartsWith($"[test] Exception in callback {Here}.Throw", Assert.Single(log.Entries).Text, StringComparison.Ordinal);
        test.Loop.IsDebug = false;
    });

    private static void SetAndThrow(object? future)
    {
        ((Future)future!).SetResult();
        throw new DivideByZeroException();
    }

    private static void Throw() => throw new DivideByZeroException();

    private static void Logged(Action<LogRecorder, LoopTest> body)
    {
        var log = new LogRecorder(LogLevel.Information);
        LoopTest.On(
            options =>
            {
                options.LoggerFactory = log;
                options.ExceptionHandler = null;
                options.Debug = false;
            },
            test => body(log, test));
    }
}

/// <summary>Loggers that fail: apart, because it captures the standard error stream of the process.</summary>
[Collection(nameof(StandardErrorCollection))]
public class BrokenLoggerTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_base_events.BaseEventLoopTests.test_default_exc_handler_broken")]
    public void What_a_broken_logger_loses_goes_to_the_standard_error_stream_and_the_loop_goes_on(bool hasBrokenHandler)
    {
        var text = Capture(() => LoopTest.On(
            options =>
            {
                options.LoggerFactory = new BrokenLogger(LogLevel.Error);
                options.ExceptionHandler = hasBrokenHandler ? (_, _) => throw new InvalidOperationException("broken handler") : null;
            },
            test =>
            {
                var ran = false;
                test.Loop.CallSoon(() => throw new IOException("lost"));
                test.Loop.CallSoon(() => ran = true);
                test.RunIterations(1);
                Assert.True(ran);
            }));
        Assert.Contains("broken logger", text, StringComparison.Ordinal);
        Assert.Contains("[test] Exception in callback", text, StringComparison.Ordinal);
        Assert.Contains("lost", text, StringComparison.Ordinal);
        Assert.Equal(hasBrokenHandler, text.Contains("broken handler", StringComparison.Ordinal));
    }

    [Fact]
    public void A_broken_logger_breaks_no_part_of_the_loops_life()
    {
        var text = Capture(() => LoopTest.On(
            options =>
            {
                options.LoggerFactory = new BrokenLogger(LogLevel.Trace);
                options.WarningHandler = null;
                options.Debug = true;
            },
            test =>
            {
                test.Loop.CallSoon(() => test.Clock.Advance(TimeSpan.FromSeconds(1)));
                test.RunIterations(2);
                Assert.False(test.Loop.IsRunning);
                test.Loop.IsDebug = false;
                test.Loop.Dispose();
                Assert.True(test.Loop.IsClosed);
            }));
        Assert.Contains("took 1.000 seconds", text, StringComparison.Ordinal);
    }

    private static string Capture(Action body)
    {
        var error = Console.Error;
        using var writer = new StringWriter();
        Console.SetError(writer);
        try
        {
            body();
        }
        finally
        {
            Console.SetError(error);
        }

        return writer.ToString();
    }

    private sealed class BrokenLogger(LogLevel least) : ILoggerFactory, ILogger
    {
        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
            {
                throw new InvalidOperationException("broken logger");
            }
        }

        public void Dispose()
        {
        }
    }
}
