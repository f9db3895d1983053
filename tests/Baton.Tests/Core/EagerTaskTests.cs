namespace Baton.Tests.Core;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Tasks whose first step runs inside <see cref="EventLoop.CreateTask(Coroutine, string?, bool?, CancelScope?)"/>.</summary>
public class EagerTaskTests
{
    [Fact]
    public void The_first_step_runs_inside_the_call() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = test.Loop.CreateTask(Body(), eager: true);
        log.Add("after call");
        Assert.False(task.IsDone);
        await task;
        Assert.Equal(["first step", "after call", "second step"], log);

        async Coroutine Body()
        {
            log.Add("first step");
            await Coroutine.Yield();
            log.Add("second step");
        }
    });

    [Fact]
    public void A_task_that_does_not_suspend_is_done_without_the_loop() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(5), eager: true);
        Assert.True(task.IsDone);
        Assert.Equal(5, task.GetResult());
        _ = Assert.Single(test.Loop.AllTasks());

        var failed = test.Loop.CreateTask(Coroutine.FromException(new IOException()), eager: true);
        Assert.IsType<IOException>(failed.GetException());
        _ = test.Loop.CreateTask(default(Coroutine), eager: true);
        await Coroutine.Yield();
    });

    [Fact]
    public void The_current_task_is_swapped_and_restored() => LoopTest.Run(async test =>
    {
        var outer = LoopTask.Current;
        LoopTask? seen = null;
        var task = test.Loop.CreateTask(Body(), eager: true);
        Assert.Same(task, seen);
        Assert.Same(outer, LoopTask.Current);
        await task;
        Assert.Same(task, seen);

        async Coroutine Body()
        {
            seen = LoopTask.Current;
            Assert.Contains(seen!, test.Loop.AllTasks());
            await Coroutine.Yield();
            seen = LoopTask.Current;
        }
    });

    [Fact]
    public void From_a_callback_there_is_no_task_again_afterwards() => LoopTest.On(test =>
    {
        test.Loop.CallSoon(() =>
        {
            _ = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromSeconds(1)), eager: true);
            Assert.Null(LoopTask.Current);
        });
        test.RunIterations(1);
        test.Clock.Advance(TimeSpan.FromSeconds(1));
        test.RunIterations(2);
    });

    [Fact]
    public void An_exception_stays_in_the_task() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Fail(), eager: true);
        Assert.True(task.IsFailed);
        await Assert.ThrowsAsync<IOException>(async () => await task);

        static async Coroutine Fail() => throw new IOException();
    });

    [Fact]
    public void Eager_tasks_nest() => LoopTest.Run(async test =>
    {
        var log = new List<int>();
        var task = test.Loop.CreateTask(Body(5), eager: true);
        Assert.Equal([5, 4, 3, 2, 1, 0, 0, 1, 2, 3, 4, 5], log);
        await task;

        async Coroutine Body(int depth)
        {
            log.Add(depth);
            if (depth > 0)
            {
                var inner = test.Loop.CreateTask(Body(depth - 1), eager: true);
                Assert.True(inner.IsDone);
            }

            log.Add(depth);
        }
    });

    [Fact]
    public void Eager_tasks_that_start_eager_tasks_without_end_do_not_overflow_the_stack() => LoopTest.OnThread(
        () =>
        {
            using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
            var reached = 0;
            loop.RunUntilComplete(Main());
            Assert.Equal(20_000, reached);

            async Coroutine Main()
            {
                await loop.CreateTask(Body(), eager: true);
                while (loop.TaskCount > 1)
                {
                    await Coroutine.Yield();
                }
            }

            async Coroutine Body()
            {
                if (++reached < 20_000)
                {
                    await loop.CreateTask(Body(), eager: true);
                }
            }
        },
        256 * 1024);

    [Fact]
    public void The_context_of_the_creator_is_restored() => LoopTest.Run(async test =>
    {
        var local = new AsyncLocal<string> { Value = "outer" };
        var task = test.Loop.CreateTask(Body(), eager: true);
        Assert.Equal("outer", local.Value);
        Assert.NotNull(SynchronizationContext.Current);
        await task;

        async Coroutine Body()
        {
            Assert.Equal("outer", local.Value);
            local.Value = "inner";
            await Coroutine.Yield();
            Assert.Equal("inner", local.Value);
        }
    });

    [Fact]
    public void A_suppressed_flow_stays_suppressed() => LoopTest.Run(async test =>
    {
        var local = new AsyncLocal<string> { Value = "outer" };
        LoopTask<string?> task;
        using (ExecutionContext.SuppressFlow())
        {
            task = test.Loop.CreateTask(Body(), eager: true);
            Assert.True(ExecutionContext.IsFlowSuppressed());
            Assert.Equal("outer", local.Value);
        }

        Assert.Null(await task);

        async Coroutine<string?> Body() => local.Value;
    });

    [Fact]
    public void An_eager_task_can_be_cancelled_where_it_suspended() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)), eager: true);
        Assert.Equal(1, test.Loop.TimerCount);
        Assert.True(task.Cancel());
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(0, test.Loop.TimerCount);
    });

    [Fact]
    public void Awaiting_a_future_that_is_done_does_not_end_the_first_step() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture<int>();
        future.SetResult(3);
        var task = test.Loop.CreateTask(Body(), eager: true);
        Assert.Equal(3, task.GetResult());
        await Coroutine.Yield();

        async Coroutine<int> Body() => await future;
    });

    [Fact]
    public void A_task_that_is_done_in_its_first_step_cannot_be_cancelled() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(5), eager: true);
        Assert.False(task.Cancel());
        Assert.Equal(5, await task);
        Assert.False(task.IsCancelled);
        Assert.Equal(0, task.CancelRequests);
    });

    [Fact]
    public void A_task_that_cancels_itself_in_its_first_step_is_told_at_its_first_suspension() => LoopTest.Run(async test =>
    {
        var log = new List<string>();
        var task = test.Loop.CreateTask(Body(), eager: true);
        log.Add("after call");
        await Assert.ThrowsAsync<CancelledException>(async () => await task);
        Assert.Equal(["first step", "after call"], log);

        var ended = test.Loop.CreateTask(EndCancelled(), eager: true);
        Assert.True(ended.IsCancelled);

        async Coroutine Body()
        {
            log.Add("first step");
            LoopTask.Current!.Cancel();
            await Coroutine.Sleep(TimeSpan.FromHours(1));
            log.Add("second step");
        }

        static async Coroutine EndCancelled() => LoopTask.Current!.Cancel();
    });

    [Fact]
    public void Eager_tasks_that_suspend_are_among_all_tasks_and_those_that_do_not_are_not() => LoopTest.Run(async test =>
    {
        var gate = test.Loop.CreateFuture();
        var tasks = Enumerable.Range(0, 10).Select(_ => test.Loop.CreateTask(Wait(), eager: true)).ToList();
        _ = Enumerable.Range(0, 10).Select(_ => test.Loop.CreateTask(Coroutine.FromResult(1), eager: true)).ToList();
        Assert.Equal(tasks.Prepend(LoopTask.Current!), test.Loop.AllTasks());
        gate.SetResult();
        await Coroutine.Yield();
        await Coroutine.Yield();
        _ = Assert.Single(test.Loop.AllTasks());

        async Coroutine Wait() => await gate;
    });

    [Fact]
    public void A_done_callback_of_a_task_that_is_done_in_its_first_step_still_runs_from_the_queue() => LoopTest.Run(async test =>
    {
        var hasRun = false;
        var task = Coroutine.Start(Coroutine.FromResult(1), "eager", eager: true);
        task.AddDoneCallback(_ => hasRun = true);
        Assert.False(hasRun);
        await Coroutine.Yield();
        Assert.True(hasRun);
        Assert.Equal("Task 'eager' (done)", task.ToString());
        Assert.Matches("^Task-[0-9]+$", Coroutine.Start(default(Coroutine), eager: true).Name);
    });

    [Fact]
    public void An_eager_start_needs_a_running_loop_and_uses_nothing_up_where_it_fails() => LoopTest.On(test =>
    {
        var coroutine = Coroutine.FromResult(4);
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.CreateTask(coroutine, eager: true));
        Assert.Contains("running", exception.Message, StringComparison.Ordinal);
        Assert.Equal(4, test.Loop.RunUntilComplete(coroutine));
    });

    [Fact]
    public void Deep_coroutines_inside_an_eager_start_finish_their_first_step_inside_it() => LoopTest.Run(async test =>
    {
        var reached = false;
        var task = test.Loop.CreateTask(Recurse(5000), eager: true);
        Assert.True(reached);
        Assert.True(task.IsDone);
        await task;

        async Coroutine Recurse(int depth)
        {
            if (depth == 0)
            {
                reached = true;
                return;
            }

            await Recurse(depth - 1);
        }
    });
}
