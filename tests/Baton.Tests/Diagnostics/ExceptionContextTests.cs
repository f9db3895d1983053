using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Diagnostics;

/// <summary>What exception handlers are told, and in which context.</summary>
public class ExceptionContextTests
{
    private const string Here = "Baton.Tests.Diagnostics.ExceptionContextTests";

    private static readonly AsyncLocal<string?> Local = new();

    [Fact]
    public void The_keys_of_asyncio_lead_to_the_properties() => LoopTest.OnInDebug(test =>
    {
        Action<object?> callback = Throw;
        test.Loop.CallSoon(callback, "secret");
        test.RunIterations(1);
        var report = test.TakeReport();
        Assert.Equal(report.Message, report["message"]);
        Assert.Same(report.Exception, report["exception"]);
        Assert.Equal(callback, report["handle"]);
        Assert.Equal(callback, report.Callback);
        Assert.Same(report.HandleTraceback, report["handle_traceback"]);
        Assert.NotNull(report.HandleTraceback);
        Assert.All(["future", "task", "transport", "socket", "source_traceback", "asyncgen"], key => Assert.Null(report[key]));

        var future = test.Loop.CreateFuture();
        var source = new object();
        test.Loop.ReportException("a message", null, future, source);
        report = test.TakeReport();
        Assert.Same(future, report["future"]);
        Assert.Null(report["task"]);
        Assert.Same(source, report["transport"]);
        Assert.Same(future.CreationSite, report["source_traceback"]);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_is_passed_to_a_callback_is_told_in_debug_mode_only(bool debug) => LoopTest.On(
        options => options.Debug = debug,
        test =>
        {
            test.Loop.CallSoon(Throw, "secret");
            test.RunIterations(1);
            var report = test.TakeReport();
            Assert.Equal($"Exception in callback {Here}.Throw" + (debug ? " with secret" : ""), report.Message);
            Assert.Equal(debug, report.ToString().Contains("secret", StringComparison.Ordinal));
            Assert.Equal(debug, report.HandleTraceback is not null);
            if (debug)
            {
                Assert.Contains($"\nHanded to the loop:\n   at {Here}.", report.ToString(), StringComparison.Ordinal);
            }
        });

    [Fact]
    [CPython("test_events.HandleTests.test_callback_with_exception")]
    public void A_callback_without_a_state_and_a_timer_are_named_and_traced() => LoopTest.OnInDebug(test =>
    {
        test.Loop.CallSoon(ThrowPlain);
        test.Loop.CallLater(TimeSpan.Zero, ThrowPlain);
        test.Loop.CallSoonThreadSafe(ThrowPlain);
        test.RunIterations(2);
        var reports = test.TakeReports();
        Assert.Equal(3, reports.Count);
        Assert.All(reports, report => Assert.Equal($"Exception in callback {Here}.ThrowPlain", report.Message));
        Assert.All(reports, report => Assert.Equal((Action)ThrowPlain, report.Callback));
        Assert.All(reports, report => Assert.IsType<IOException>(report.Exception));
        Assert.All(reports, report => Assert.NotNull(report.HandleTraceback));
    });

    [Fact]
    public void The_handler_of_a_callback_runs_in_the_context_of_the_callback() => LoopTest.On(test =>
    {
        string? seen = null;
        test.Loop.ExceptionHandler = (_, _) => seen = Local.Value;
        Local.Value = "callback";
        test.Loop.CallSoon(ThrowPlain);
        Local.Value = "other";
        test.RunIterations(1);
        Assert.Equal("callback", seen);
    });

    [Fact]
    [CPython("test_futures2.FutureTests.test_task_exc_handler_correct_context")]
    public void The_handler_of_a_failed_task_that_was_collected_runs_in_the_context_of_the_task() => LoopTest.On(test =>
    {
        var seen = new List<string?>();
        test.Loop.ExceptionHandler = (_, report) => seen.Add($"{Local.Value}: {report.Exception!.Message}");
        Local.Value = "outside";
        Start(test.Loop);
        for (var i = 0; i < 10; i++)
        {
            test.RunIterations(1);
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(["task: unseen"], seen);
        Assert.Equal("outside", Local.Value);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Start(EventLoop loop) => _ = loop.CreateTask(Fail());

#pragma warning disable CS1998 // It fails at once.
        static async Coroutine Fail()
        {
            Local.Value = "task";
            throw new IOException("unseen");
        }
#pragma warning restore CS1998
    });

    [Fact]
    public void The_handler_of_a_failure_that_nobody_saw_runs_in_the_context_of_the_task_when_the_loop_closes() => LoopTest.On(test =>
    {
        string? seen = null;
        Future? reported = null;
        test.Loop.ExceptionHandler = (_, report) => (seen, reported) = (Local.Value, report.Future);
        Local.Value = "outside";
        var task = test.Loop.CreateTask(Fail());
        test.RunIterations(3);
        Local.Value = "closing";
        test.Loop.Dispose();
        Assert.Equal("task", seen);
        Assert.Same(task, reported);

        static async Coroutine Fail()
        {
            Local.Value = "task";
            await Coroutine.Yield();
            throw new IOException("unseen");
        }
    });

    [Fact]
    public void The_handler_of_a_task_that_never_ends_runs_in_the_context_of_the_task() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        string? seen = null;
        test.Loop.ExceptionHandler = (_, _) => seen = Local.Value;
        test.Loop.CreateTask(Hang());
        test.RunIterations(1);
        Local.Value = "closing";
        test.Loop.Dispose();
        Assert.Equal("task", seen);

        static async Coroutine Hang()
        {
            Local.Value = "task";
            await Coroutine.Sleep(System.Threading.Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void What_a_handler_does_to_the_context_stays_there() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        test.Loop.ExceptionHandler = (_, _) => Local.Value = "handler";
        test.Loop.CreateTask(Coroutine.FromException(new IOException("unseen")));
        test.RunIterations(2);
        Local.Value = "closing";
        test.Loop.Dispose();
        Assert.Equal("closing", Local.Value);
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_future_exception_never_retrieved_debug")]
    public void The_future_is_named_also_when_it_was_collected() => LoopTest.OnInDebug(test =>
    {
        Forget(test.Loop);
        for (var i = 0; i < 10; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            test.RunIterations(1);
        }

        var report = test.TakeReport();
        Assert.True(report.Future!.IsFailed);
        Assert.StartsWith("The exception of Future<T> (failed) was never retrieved", report.Message, StringComparison.Ordinal);
        Assert.Equal($"{Here}.Make", report.SourceTraceback!.Innermost!.Value.Method);
        Assert.Equal("lost", report.Future.GetException()!.Message);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(EventLoop loop) => Make(loop).SetException(new IOException("lost"));
    });

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Future<int> Make(EventLoop loop) => loop.CreateFuture<int>();

    private static void Throw(object? state) => throw new IOException("thrown");

    private static void ThrowPlain() => throw new IOException("thrown");
}
