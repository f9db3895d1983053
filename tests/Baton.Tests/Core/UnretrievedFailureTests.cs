using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>Failures at which nobody looks.</summary>
public class UnretrievedFailureTests
{
    [Fact]
    public void Is_reported_when_the_task_is_collected() => LoopTest.Run(async test =>
    {
        await StartAndForget(test);
        await Collect();
        var report = test.TakeReport();
        Assert.Contains("never retrieved", report.Message, StringComparison.Ordinal);
        Assert.Contains("'lost'", report.Message, StringComparison.Ordinal);
        Assert.Equal("lost", report.Exception!.Message);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Coroutine StartAndForget(LoopTest test)
        {
            _ = test.Loop.CreateTask(Fail("lost"), "lost");
            await Coroutine.Yield();
            await Coroutine.Yield();
        }
    });

    [Fact]
    [CPython("test_futures.BaseFutureTests.test_tb_logger_exception_unretrieved")]
    [CPython("test_futures.BaseFutureTests.test_future_exception_never_retrieved")]
    public void Is_reported_when_the_future_is_collected() => LoopTest.On(test =>
    {
        var exception = Assert.Throws<IOException>(ThrowIt);
        Forget(test.Loop, exception);
        Assert.Empty(test.TakeReports());
        for (var i = 0; i < 10; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            test.RunIterations(1);
        }

        var report = test.TakeReport();
        Assert.StartsWith("The exception of Future<T> (failed) was never retrieved", report.Message, StringComparison.Ordinal);
        Assert.Same(exception, report.Exception);
        Assert.Contains(nameof(ThrowIt), report.ToString(), StringComparison.Ordinal);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Forget(EventLoop loop, Exception exception) => loop.CreateFuture<int>().SetException(exception);

        static void ThrowIt() => throw new IOException("lost");
    });

    [Fact]
    public void Is_reported_at_the_latest_when_the_loop_closes_and_only_once() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Fail("late"));
        var future = test.Loop.CreateFuture();
        future.SetException(new IOException("future"));
        test.RunIterations(2);
        Assert.Empty(test.TakeReports());
        test.Loop.Dispose();
        Assert.Equal(["future", "late"], test.TakeReports().Select(report => report.Exception!.Message).Order());
        test.Loop.Dispose();
        Assert.True(task.IsFailed);
    });

    public static TheoryData<string, Func<LoopTask, Coroutine>> Looks => new()
    {
        { "await", async task => await Assert.ThrowsAsync<IOException>(async () => await task) },
        { "GetResult", async task => { await Twice(); Assert.Throws<IOException>(task.GetResult); } },
        { "GetException", async task => { await Twice(); Assert.NotNull(task.GetException()); } },
    };

    [Theory]
    [MemberData(nameof(Looks))]
    public void Is_not_reported_once_somebody_has_looked(string how, Func<LoopTask, Coroutine> look) => LoopTest.Run(async test =>
    {
        await StartAndLook();
        await Collect();
        Assert.NotEmpty(how);

        [MethodImpl(MethodImplOptions.NoInlining)]
        async Coroutine StartAndLook() => await look(test.Loop.CreateTask(Fail("seen")));
    });

    [Fact]
    public void Looking_at_the_state_is_not_looking_at_the_failure() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Fail("unseen"));
        test.RunIterations(2);
        Assert.True(task.IsFailed && task.IsDone && !task.IsCancelled);
        Assert.Contains("failed", task.ToString(), StringComparison.Ordinal);
        test.Loop.Dispose();
        Assert.Equal("unseen", test.TakeReport().Exception!.Message);
    });

    [Fact]
    public void A_cancelled_task_is_never_reported() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)));
        await Coroutine.Yield();
        task.Cancel();
        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.True(task.IsCancelled);
    });

    [Fact]
    public void The_exception_of_an_async_void_method_is_reported_and_names_the_task() => LoopTest.Run(async test =>
    {
        Now();
        Later();
        await Coroutine.Yield();
        await Coroutine.Yield();
        await Coroutine.Yield();
        var reports = test.TakeReports();
        Assert.Equal(["later", "now"], reports.Select(report => report.Exception!.Message).Order());
        Assert.All(reports, report => Assert.Same(LoopTask.Current, report.Future));

        static async void Now()
        {
            await Task.CompletedTask;
            throw new IOException("now");
        }

        static async void Later()
        {
            await Coroutine.Yield();
            throw new IOException("later");
        }
    });

    private static async Coroutine Twice()
    {
        await Coroutine.Yield();
        await Coroutine.Yield();
    }

    private static async Coroutine Fail(string message)
    {
        await Coroutine.Yield();
        throw new IOException(message);
    }

    private static async Coroutine Collect()
    {
        for (var i = 0; i < 5; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            await Coroutine.Yield();
            await Coroutine.Yield();
        }
    }
}
