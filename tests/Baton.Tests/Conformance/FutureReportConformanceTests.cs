using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

/// <summary>Of CPython's <c>BaseFutureTests</c>, those about what is reported of a future that is collected.</summary>
public class FutureReportConformanceTests
{
    [Theory]
    [CPython("test_futures.BaseFutureTests.test_tb_logger_abandoned")]
    [CPython("test_futures.BaseFutureTests.test_tb_logger_result_unretrieved")]
    [CPython("test_futures.BaseFutureTests.test_tb_logger_result_retrieved")]
    [CPython("test_futures.BaseFutureTests.test_tb_logger_exception_retrieved")]
    [CPython("test_futures.BaseFutureTests.test_tb_logger_exception_result_retrieved")]
    [InlineData("pending")]
    [InlineData("result")]
    [InlineData("result, retrieved")]
    [InlineData("exception, retrieved as such")]
    [InlineData("exception, thrown")]
    [InlineData("cancelled")]
    public void Of_a_future_without_an_unseen_failure_nothing_is_reported(string state) => LoopTest.On(test =>
    {
        var future = Make(test.Loop, state);
        Collect(test);
        Assert.False(future.IsAlive);
        Assert.Empty(test.TakeReports());

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference Make(EventLoop loop, string state)
        {
            var future = loop.CreateFuture<int>();
            switch (state)
            {
                case "pending":
                    break;
                case "result":
                    future.SetResult(42);
                    break;
                case "result, retrieved":
                    future.SetResult(42);
                    Assert.Equal(42, future.GetResult());
                    break;
                case "cancelled":
                    Assert.True(future.Cancel());
                    break;
                case "exception, thrown":
                    future.SetException(new IOException("boom"));
                    Assert.Throws<IOException>(() => future.GetResult());
                    break;
                default:
                    future.SetException(new IOException("boom"));
                    Assert.NotNull(future.GetException());
                    break;
            }

            return new WeakReference(future, trackResurrection: true);
        }
    });

    [Fact]
    [CPython(
        "test_futures.BaseFutureTests.test_tb_logger_not_called_after_cancel",
        Improvement = "Cancelling a future that has failed does nothing, and so does not hide its failure either: that is reported.")]
    public void A_failure_is_reported_also_where_the_future_was_cancelled_too_late() => LoopTest.On(test =>
    {
        Fail(test.Loop);
        Collect(test);
        var report = test.TakeReport();
        Assert.Equal("boom", report.Exception!.Message);
        Assert.True(report.Future!.IsFailed);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Fail(EventLoop loop)
        {
            var future = loop.CreateFuture();
            future.SetException(new IOException("boom"));
            Assert.False(future.Cancel());
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test_register_task_resurrection")]
    public void A_handler_may_keep_the_task_that_was_being_collected() => LoopTest.On(test =>
    {
        var kept = new List<LoopTask>();
        test.Loop.ExceptionHandler = (_, report) => kept.Add(report.Task!);
        Fail(test.Loop);
        test.RunIterations(2);
        Collect(test);
        var task = Assert.Single(kept);
        Assert.Equal("boom", task.GetException()!.Message);
        Assert.Equal("boom", Assert.Throws<IOException>(() => test.Loop.RunUntilComplete(task)).Message);
        Assert.Empty(test.Loop.AllTasks());

        // Once is enough.
        Collect(test);
        test.Loop.Dispose();
        Assert.Single(kept);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Fail(EventLoop loop) => _ = loop.CreateTask(Coroutine.FromException(new IOException("boom")));
    });

    private static void Collect(LoopTest test)
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            test.RunIterations(1);
        }
    }
}
