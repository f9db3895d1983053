using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

/// <summary>How <see cref="EventLoop.Stop"/> ends a run.</summary>
public class StopTests
{
    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_run_forever_pre_stopped")]
    public void Stopped_before_it_runs_the_loop_polls_once_runs_what_is_ready_and_returns() => LoopTest.On(test =>
    {
        var order = new List<string>();
        test.Driver.CompleteInNextPoll(() => order.Add("poll"));
        test.Loop.CallSoon(() =>
        {
            order.Add("ready");
            test.Loop.CallSoon(() => order.Add("later"));
        });
        test.Loop.Stop();
        test.Loop.RunForever();

        Assert.Equal(["poll", "ready"], order);
        Assert.Equal([0], test.Driver.Timeouts);
        test.RunIterations(1);
        Assert.Equal(["poll", "ready", "later"], order);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_run_once")]
    public void The_batch_that_calls_Stop_is_finished_and_what_it_queued_waits_for_the_next_run() => LoopTest.On(test =>
    {
        var order = new List<string>();
        test.Loop.CallSoon(() =>
        {
            test.Loop.Stop();
            order.Add("stop");
            test.Loop.CallSoon(() => order.Add("next run"));
        });
        test.Loop.CallSoon(() => order.Add("same batch"));

        test.Loop.RunForever();
        Assert.Equal(["stop", "same batch"], order);
        Assert.False(test.Loop.IsRunning);

        test.RunIterations(1);
        Assert.Equal(["stop", "same batch", "next run"], order);
    });

    [Fact]
    public void Stop_holds_for_one_run_only() => LoopTest.On(test =>
    {
        test.RunIterations(1);
        var ran = 0;
        test.Loop.CallSoon(() => test.Loop.CallSoon(() => test.Loop.CallSoon(() =>
        {
            ran++;
            test.Loop.Stop();
        })));
        test.Loop.RunForever();
        Assert.Equal(1, ran);
    });

    [Fact]
    public void Stop_from_another_thread_goes_through_CallSoonThreadSafe() => LoopTest.On(test =>
    {
        test.Driver.Waiting = () => LoopTest.StartThread(() =>
        {
            var exception = Assert.Throws<InvalidOperationException>(test.Loop.Stop);
            Assert.Contains("CallSoonThreadSafe", exception.Message, StringComparison.Ordinal);
            test.Loop.CallSoonThreadSafe(test.Loop.Stop);
        });
        test.Loop.RunForever();
    });

    [Fact]
    [CPython("test_events.EventLoopTestsMixin.test_run_until_complete_stopped")]
    public void RunUntilComplete_that_is_stopped_early_throws_and_the_task_goes_on_in_the_next_run() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture<int>();
        var task = test.Loop.CreateTask(Await());
        test.Loop.CallSoon(test.Loop.Stop);
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(task));
        Assert.Contains("stopped before", exception.Message, StringComparison.Ordinal);
        Assert.False(task.IsDone);

        future.SetResult(42);
        test.Loop.RunUntilComplete(task);
        Assert.Equal(42, task.GetResult());

        async Coroutine<int> Await() => await future;
    });

    [Fact]
    public void A_run_that_was_stopped_early_does_not_stop_a_later_one() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        test.Loop.CallSoon(test.Loop.Stop);
        Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(future));

        var ran = false;
        test.Loop.CallSoon(future.SetResult);
        test.Loop.CallSoon(() => test.Loop.CallSoon(() => test.Loop.CallSoon(() =>
        {
            ran = true;
            test.Loop.Stop();
        })));
        test.Loop.RunForever();
        Assert.True(ran);
    });

    [Fact]
    public void RunUntilComplete_runs_the_rest_of_the_batch_in_which_the_future_is_done() => LoopTest.On(test =>
    {
        var order = new List<string>();
        var task = test.Loop.CreateTask(Main());
        test.Loop.CallSoon(() => order.Add("same batch"));
        test.Loop.RunUntilComplete(task);
        Assert.Equal(["main", "same batch"], order);

#pragma warning disable CS1998
        async Coroutine Main() => order.Add("main");
#pragma warning restore CS1998
    });

    [Fact]
    public void RunUntilComplete_of_something_done_returns_at_once_and_polls_once() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        future.SetResult();
        test.Loop.RunUntilComplete(future);
        Assert.Equal(1, test.Driver.Polls);
    });
}
