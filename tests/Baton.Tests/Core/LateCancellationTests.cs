namespace Baton.Tests.Core;

/// <summary>Requests that come when a task has been given what it waited for, and has not run since.</summary>
public class LateCancellationTests
{
    public static TheoryData<string> Waits => ["future", "operation", "plain", "task"];

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_task_that_has_nothing_more_to_wait_for_ends_with_the_value(string kind) => LoopTest.Run(async test =>
    {
        var (task, give) = Start(test, kind);
        await Coroutine.Yield();
        await give();
        Assert.True(task.Cancel("late"));
        Assert.True(task.Cancel("later"));
        Assert.Equal(7, await task);
        Assert.False(task.IsCancelled);
        Assert.Equal(2, task.CancelRequests);
    });

    [Fact]
    public void A_task_whose_sleep_is_over_ends_with_its_result() => LoopTest.Run(async test =>
    {
        LoopTask<int> task = null!;
        LoopTask root = null!;
        var canceller = Coroutine.Start(SleepAndCancel());
        task = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromSeconds(1), 7));
        root = Coroutine.Start(Coroutine.Sleep(TimeSpan.FromSeconds(1)));
        await canceller;
        Assert.Equal(7, await task);
        await root;
        Assert.Equal((1, 1), (task.CancelRequests, root.CancelRequests));

        async Coroutine SleepAndCancel()
        {
            // Its timer is the first, so that it runs when the other sleeps are over, and before those who slept.
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            task.Cancel();
            root.Cancel();
        }
    });

    [Theory]
    [MemberData(nameof(Waits))]
    public void A_task_that_was_asked_before_the_value_came_ends_as_cancelled(string kind) => LoopTest.Run(async test =>
    {
        var (task, give) = Start(test, kind);
        await Coroutine.Yield();
        task.Cancel("early");
        task.Cancel("again");
        Assert.Equal("early", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
        await give();
    });

    [Fact]
    public void A_task_that_is_asked_again_while_it_runs_ends_as_cancelled() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture<int>();
        LoopTask<int> task = null!;
        task = test.Loop.CreateTask(WaitAndCancel());
        await Coroutine.Yield();
        gate.SetResult(7);
        task.Cancel("late");
        Assert.Equal("in the last step", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);

        async Coroutine<int> WaitAndCancel()
        {
            var value = await gate;
            task.Cancel("in the last step");
            return value;
        }
    });

    [Fact]
    public void A_task_that_waits_again_is_told_there() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture<int>();
        var got = 0;
        var task = test.Loop.CreateTask(WaitTwice());
        await Coroutine.Yield();
        gate.SetResult(7);
        task.Cancel("late");
        Assert.Equal("late", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
        Assert.Equal(7, got);

        async Coroutine WaitTwice()
        {
            got = await gate;
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Whoever_asks_by_way_of_a_task_that_awaits_it_leaves_it_its_result(bool inPlainCode) => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture<int>();
        var inner = test.Loop.CreateTask(Await(gate));
        var got = 0;
        var middle = test.Loop.CreateTask(inPlainCode ? AwaitInPlainCode(inner) : Await(inner));
        var outer = test.Loop.CreateTask(WaitTwice());
        await YieldThrice();
        gate.SetResult(7);
        outer.Cancel("late");
        Assert.Equal("late", (await Assert.ThrowsAsync<CancelledException>(async () => await outer)).Message);
        Assert.Equal((7, 7, 7), (inner.GetResult(), middle.GetResult(), got));
        Assert.Equal((1, 1, 1), (inner.CancelRequests, middle.CancelRequests, outer.CancelRequests));

        async Coroutine WaitTwice()
        {
            got = await middle;
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void A_failure_that_was_there_before_passes_too_and_the_request_is_still_owed() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture<int>();
        var inner = test.Loop.CreateTask(Await(gate));
        var outer = test.Loop.CreateTask(WaitTwice());
        await YieldThrice();
        gate.SetException(new InvalidDataException());
        outer.Cancel("late");
        Assert.Equal("late", (await Assert.ThrowsAsync<CancelledException>(async () => await outer)).Message);

        async Coroutine WaitTwice()
        {
            await Assert.ThrowsAsync<InvalidDataException>(async () => await inner);
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }
    });

    [Fact]
    public void A_task_that_is_told_and_goes_on_answers_for_the_one_that_awaits_it() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture<int>();
        var inner = test.Loop.CreateTask(Swallow());
        var outer = test.Loop.CreateTask(WaitTwice());
        await YieldThrice();
        gate.SetResult(7);
        outer.Cancel();
        Assert.Equal(8, await outer);

        async Coroutine<int> Swallow()
        {
            var value = await gate;
            await Assert.ThrowsAsync<CancelledException>(async () => await Coroutine.Sleep(Timeout.InfiniteTimeSpan));
            return value;
        }

        async Coroutine<int> WaitTwice()
        {
            var value = await inner;
            await Coroutine.Yield(); // nothing is owed here
            return value + 1;
        }
    });

    [Fact]
    public void A_time_limit_that_is_over_as_the_task_ends_loses_no_result() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture<int>();
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => gate.SetResult(7));
        var task = test.Loop.CreateTask(Await(gate));
        Assert.Equal(7, await Coroutine.WaitFor(task, TimeSpan.FromSeconds(1)));

        gate = test.Loop.CreateFuture<int>();
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => gate.SetResult(8));
        task = test.Loop.CreateTask(Await(gate));
        var got = 0;
        await Assert.ThrowsAsync<TimeoutException>(async () => await LoopTimeout.Run(TimeSpan.FromSeconds(1), async () =>
        {
            got = await task;
            await Coroutine.Sleep(Timeout.InfiniteTimeSpan);
        }));
        Assert.Equal(8, got);
        Assert.Equal(0, LoopTask.Current!.CancelRequests);
        await Coroutine.Yield();
    });

    private static async Coroutine YieldThrice()
    {
        await Coroutine.Yield();
        await Coroutine.Yield();
        await Coroutine.Yield();
    }

    private static (LoopTask<int> Task, Func<Coroutine> Give) Start(LoopTest test, string kind)
    {
        var future = test.Loop.CreateFuture<int>();
        var queue = new AsyncQueue<int>();
        return kind switch
        {
            "future" => (test.Loop.CreateTask(Await(future)), Give),
            "operation" => (test.Loop.CreateTask(Get(queue)), Put),
            "plain" => (test.Loop.CreateTask(AwaitInPlainCode(future)), Give),
            _ => (test.Loop.CreateTask(Await(test.Loop.CreateTask(Await(future)))), GiveAndWait),
        };

        Coroutine Give()
        {
            future.TrySetResult(7);
            return default;
        }

        Coroutine Put()
        {
            queue.PutNoWait(7);
            return default;
        }

        async Coroutine GiveAndWait()
        {
            // The task is queued when the one that it awaits has ended, and so runs after this.
            future.TrySetResult(7);
            await Coroutine.Yield();
        }
    }

    private static async Coroutine<int> Get(AsyncQueue<int> queue) => await queue.GetAsync();

    private static async Coroutine<int> Await(Future<int> future) => await future;

    private static async Coroutine<int> Await(LoopTask<int> task) => await task;

    private static async Coroutine<int> AwaitInPlainCode(LoopTask<int> task)
    {
        return await Plain(task);

        static async Task<int> Plain(LoopTask<int> task) => await task;
    }

    private static async Coroutine<int> AwaitInPlainCode(Future<int> future)
    {
        return await Plain(future);

        static async Task<int> Plain(Future<int> future) => await future;
    }
}
