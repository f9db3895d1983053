using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;
using Baton.Tests.Docs;

namespace Baton.Tests.Diagnostics;

/// <summary>Switching debug mode, and what it remembers of where things were made.</summary>
[Collection(nameof(ConsoleCollection))]
public class DebugModeTests
{
    private const string Here = "Baton.Tests.Diagnostics.DebugModeTests";
    private const string Variable = "BATON_DEBUG";

    [Theory]
    [CPython("test_tasks.GatherTestsBase.test_env_var_debug")]
    [InlineData(null, null, false)]
    [InlineData("", null, false)]
    [InlineData("0", null, false)]
    [InlineData("1", null, true)]
    [InlineData("1", false, false)]
    [InlineData(null, true, true)]
    [CPython("test_runners.RunTests.test_asyncio_run_debug")]
    [CPython("test_runners.RunnerTests.test_non_debug")]
    [CPython("test_runners.RunnerTests.test_debug")]
    [CPython("test_base_events.BaseEventLoopTests.test_env_var_debug")]
    public void The_options_decide_and_then_the_environment(string? variable, bool? option, bool expected)
    {
        // The collection runs alone: no other test makes a loop meanwhile.
        var before = Environment.GetEnvironmentVariable(Variable);
        Environment.SetEnvironmentVariable(Variable, variable);
        try
        {
            LoopTest.On(options => options.Debug = option, test => Assert.Equal(expected, test.Loop.IsDebug));
            var options = new EventLoopOptions { Driver = new VirtualDriver(), Debug = option, HandleSignals = false };
            LoopTest.OnThread(() => Assert.Equal(expected, EventLoop.Run(() => Coroutine.FromResult(EventLoop.Current.IsDebug), options)));
        }
        finally
        {
            Environment.SetEnvironmentVariable(Variable, before);
        }
    }

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_set_debug")]
    public void It_can_be_switched_while_the_loop_runs() => LoopTest.Run(async test =>
    {
        test.Loop.IsDebug = false;
        var before = test.Loop.CreateFuture();
        test.Loop.IsDebug = true;
        Assert.True(test.Loop.IsDebug);
        var during = test.Loop.CreateFuture();
        await Coroutine.Yield();
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        await Coroutine.Yield();
        Assert.Equal(LoopWarningKind.SlowCallback, test.TakeWarning().Kind);
        test.Loop.IsDebug = false;
        await Coroutine.Yield();
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        await Coroutine.Yield();
        var after = test.Loop.CreateFuture();
        Assert.Null(before.CreationSite);
        Assert.NotNull(during.CreationSite);
        Assert.Null(after.CreationSite);
        using var thread = LoopTest.StartThread(() => Assert.Throws<InvalidOperationException>(() => test.Loop.IsDebug = true));
    });

    [Fact]
    public void A_closed_loop_is_not_in_debug_mode_and_cannot_be_put_there() => LoopTest.OnInDebug(test =>
    {
        test.Loop.Dispose();
        Assert.False(test.Loop.IsDebug);
        Assert.Throws<InvalidOperationException>(() => test.Loop.IsDebug = true);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_source_traceback")]
    [CPython("test_futures.BaseFutureTests.test_future_source_traceback")]
    public void Futures_and_tasks_know_where_they_were_made() => LoopTest.RunInDebug(async test =>
    {
        var future = MakeFuture(test.Loop);
        var task = MakeTask(test.Loop);
        Assert.Equal(
            ($"{Here}.MakeFuture", LineOf("loop.CreateFuture(); // future")),
            (future.CreationSite!.Innermost!.Value.Method, future.CreationSite.Innermost.Value.Line));
        Assert.Equal(
            ($"{Here}.MakeTask", LineOf("loop.CreateTask(Nothing()); // task")),
            (task.CreationSite!.Innermost!.Value.Method, task.CreationSite.Innermost.Value.Line));
        Assert.Equal($"{Here}.{nameof(Futures_and_tasks_know_where_they_were_made)}.lambda", future.CreationSite.Frames[1].Method);
        Assert.StartsWith($"   at {Here}.MakeFuture, DebugModeTests.cs:", future.CreationSite.ToString(), StringComparison.Ordinal);
        await task;
    });

    [Theory]
    [InlineData(1)]
    [InlineData(10)]
    [InlineData(25)]
    public void No_more_of_the_stack_is_kept_than_the_options_say(int depth) => LoopTest.On(
        options =>
        {
            options.Debug = true;
            options.DebugStackDepth = depth;
        },
        test =>
        {
            Future? future = null;
            test.Loop.CallSoon(() => future = Recurse(20));
            test.RunIterations(1);
            Assert.Equal(Math.Min(depth, 22), future!.CreationSite!.Frames.Count);

            [MethodImpl(MethodImplOptions.NoInlining)]
            Future Recurse(int depth) => depth == 0 ? test.Loop.CreateFuture() : Recurse(depth - 1);
        });

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        var options = new EventLoopOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.DebugStackDepth = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.SlowCallbackDuration = TimeSpan.FromTicks(-1));
        LoopTest.On(test => Assert.Throws<ArgumentOutOfRangeException>(() => test.Loop.SlowCallbackDuration = TimeSpan.FromTicks(-1)));
    }

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_future_repr")]
    public void Outside_of_debug_mode_a_future_shows_its_name_and_state() => LoopTest.On(
        options => options.Debug = false,
        test =>
        {
            var future = test.Loop.CreateFuture<int>();
            Assert.Equal("Future<T> (pending)", future.ToString());
            future.AddDoneCallback(First);
            Assert.Equal("Future<T> (pending)", future.ToString());
            future.SetResult(42);
            Assert.Equal("Future<T> (done)", future.ToString());

            var cancelled = test.Loop.CreateFuture();
            cancelled.Cancel();
            Assert.Equal("Future (cancelled)", cancelled.ToString());

            var failed = test.Loop.CreateFuture();
            failed.SetException(new IOException("no disk"));
            Assert.Equal("Future (failed)", failed.ToString());
            Assert.Equal("no disk", failed.GetException()!.Message);
            test.RunIterations(1);
        });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_future_repr")]
    public void In_debug_mode_a_future_shows_all_that_it_knows() => LoopTest.OnInDebug(test =>
    {
        var future = MakeFuture(test.Loop);
        var made = $"created at {Here}.MakeFuture, DebugModeTests.cs:{LineOf("loop.CreateFuture(); // future")}";
        Assert.Equal($"Future (pending, {made})", future.ToString());
        future.AddDoneCallback(First);
        Assert.Equal($"Future (pending, then {Here}.First, {made})", future.ToString());
        future.AddDoneCallback(Second, null);
        Assert.Equal($"Future (pending, then {Here}.First and {Here}.Second, {made})", future.ToString());
        for (var i = 0; i < 7; i++)
        {
            future.AddDoneCallback(First);
        }

        future.AddDoneCallback(Second, null);
        Assert.Equal($"Future (pending, then {Here}.First, 8 more and {Here}.Second, {made})", future.ToString());
        future.Cancel();
        Assert.Equal($"Future (cancelled, {made})", future.ToString());

        var failed = test.Loop.CreateFuture();
        failed.SetException(new IOException("no disk"));
        Assert.StartsWith("Future (failed with IOException: no disk, created at ", failed.ToString(), StringComparison.Ordinal);
        Assert.Equal("no disk", failed.GetException()!.Message);
        Assert.StartsWith("Future (failed with IOException: no disk, created at ", failed.ToString(), StringComparison.Ordinal);

        var answer = test.Loop.CreateFuture<int>();
        answer.SetResult(42);
        Assert.StartsWith("Future<T> (done with 42, created at ", answer.ToString(), StringComparison.Ordinal);
        Assert.Equal(42, answer.GetResult());

        var done = test.Loop.CreateFuture<string>();
        done.SetResult(new string('x', 1000));
        Assert.StartsWith($"Future<T> (done with {new string('x', 60)}…, created at ", done.ToString(), StringComparison.Ordinal);

        var hostile = test.Loop.CreateFuture<Hostile>();
        hostile.SetResult(new Hostile());
        Assert.StartsWith(
            "Future<T> (done with a Hostile whose ToString threw IOException, created", hostile.ToString(), StringComparison.Ordinal);
        test.RunIterations(2);
    });

    [Fact]
    public void In_debug_mode_a_task_shows_where_it_stands_and_two_that_await_each_other_come_to_an_end() => LoopTest.OnInDebug(test =>
    {
        test.AllowLeftovers = true;
        var tasks = new LoopTask[2];
        tasks[0] = test.Loop.CreateTask(Wait(tasks, 1), "a");
        tasks[1] = test.Loop.CreateTask(Wait(tasks, 0), "b");
        test.RunIterations(1);
        var text = tasks[0].ToString();
        Assert.StartsWith($"Task 'a' (pending, in {Here}.Wait, DebugModeTests.cs:", text, StringComparison.Ordinal);
        Assert.Contains(", waits for Task 'b' (pending), then Task 'b' (pending), created at ", text, StringComparison.Ordinal);
        test.Loop.Dispose();
        Assert.Equal(2, test.TakeReports().Count);
    });

    [Fact]
    public void A_task_that_ended_shows_its_result() => LoopTest.RunInDebug(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(42), "answer");
        await task;
        Assert.StartsWith("Task 'answer' (done with 42, created at ", task.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_log_destroyed_pending_task", Improvement =
        "A task that has not ended when the loop closes is reported, with where it was made.")]
    public void Tasks_that_had_not_ended_and_failures_that_nobody_saw_are_reported_with_where_they_were_made() => LoopTest.OnInDebug(test =>
    {
        test.AllowLeftovers = true;
        var pending = MakePending(test.Loop);
        MakeFuture(test.Loop).SetException(new IOException("unseen"));
        test.RunIterations(1);
        test.Loop.Dispose();
        var reports = test.TakeReports();
        Assert.Same(pending, reports[0].Task);
        Assert.Equal($"{Here}.MakePending", reports[0].SourceTraceback!.Innermost!.Value.Method);
        Assert.Equal("unseen", reports[1].Exception!.Message);
        Assert.Equal($"{Here}.MakeFuture", reports[1].SourceTraceback!.Innermost!.Value.Method);
        Assert.Contains($"\nCreated:\n   at {Here}.MakePending, DebugModeTests.cs:", reports[0].ToString(), StringComparison.Ordinal);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static Future MakeFuture(EventLoop loop) => DebugModeTests.MakeFuture(loop);
    });

    [Fact]
    public void Boxes_are_not_used_again_in_debug_mode() => LoopTest.RunInDebug(async test =>
    {
        var first = Nothing();
        await first;
        var second = Nothing();
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await first);
        await second;
        Assert.True(test.Loop.IsDebug);
    });

    private static void First(Future future)
    {
    }

    private static void Second(Future future, object? state)
    {
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static Future MakeFuture(EventLoop loop)
    {
        return
            loop.CreateFuture(); // future
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static LoopTask MakeTask(EventLoop loop)
    {
        return
            loop.CreateTask(Nothing()); // task
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static LoopTask MakePending(EventLoop loop) => loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)));

    private static async Coroutine Wait(LoopTask[] tasks, int index) => await tasks[index];

    private static async Coroutine Nothing() => await default(Coroutine);

    private static int LineOf(string code, [CallerFilePath] string path = "")
    {
        var lines = File.ReadAllLines(path);
        return Array.FindIndex(lines, line => line.Trim() == code); // The statement begins a line earlier.
    }

    private sealed class Hostile
    {
        public override string ToString() => throw new IOException("hostile");
    }
}
