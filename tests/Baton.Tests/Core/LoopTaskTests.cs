using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

public class LoopTaskTests
{
    [Fact]
    public void A_task_ends_as_its_coroutine_does() => LoopTest.Run(async test =>
    {
        var succeeds = test.Loop.CreateTask(Coroutine.FromResult(1));
        var fails = test.Loop.CreateTask(Coroutine.FromException(new IOException()));
        var cancelled = test.Loop.CreateTask(Coroutine.FromException(new CancelledException()));
        Assert.Throws<InvalidStateException>(() => succeeds.GetResult());
        await Coroutine.Yield();
        Assert.Equal(1, succeeds.GetResult());
        Assert.IsType<IOException>(fails.GetException());
        Assert.True(cancelled.IsCancelled);
        Assert.Throws<CancelledException>(cancelled.GetResult);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_task_set_methods")]
    [CPython(
        "test_tasks.SetMethodsTest.test_set_result_causes_invalid_state",
        Improvement = "Refused where it is called, instead of completing the task under its coroutine, which then runs into an error that nobody awaits.")]
    [CPython(
        "test_tasks.SetMethodsTest.test_set_exception_causes_invalid_state",
        Improvement = "Refused where it is called, instead of completing the task under its coroutine, which then runs into an error that nobody awaits.")]
    public void Nobody_else_completes_a_task() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        Future future = task;
        Assert.Throws<InvalidOperationException>(future.SetResult);
        Assert.Throws<InvalidOperationException>(() => future.TrySetResult());
        Assert.Throws<InvalidOperationException>(() => future.SetException(new IOException()));
        Assert.Throws<InvalidOperationException>(() => future.TrySetException(new IOException()));
        Assert.Equal(1, await task);
    });

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_create_named_task_with_default_factory")]
    public void Names_are_given_or_counted_and_can_be_changed() => LoopTest.Run(async test =>
    {
        var first = test.Loop.CreateTask(Coroutine.FromResult(1));
        var named = test.Loop.CreateTask(Coroutine.FromResult(1), "named");
        var third = test.Loop.CreateTask(Coroutine.FromResult(1));
        Assert.Matches("^Task-[0-9]+$", first.Name);
        Assert.Equal("named", named.Name);
        Assert.Equal(int.Parse(first.Name[5..]) + 2, int.Parse(third.Name[5..]));
        named.Name = "other";
        Assert.Equal("other", named.Name);
        Assert.Equal("Task 'other' (pending)", named.ToString());
        Assert.Throws<ArgumentNullException>(() => named.Name = null!);
        await third;
        Assert.Equal("Task 'other' (done)", named.ToString());
    });

    [Fact]
    public void AllTasks_are_those_that_are_not_done_oldest_first() => LoopTest.Run(async test =>
    {
        var main = LoopTask.Current!;
        Assert.Equal([main], test.Loop.AllTasks());
        var tasks = Enumerable.Range(1, 5).Select(i => test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromSeconds(i)))).ToList();
        Assert.Equal([main, .. tasks], test.Loop.AllTasks());
        Assert.Equal(6, test.Loop.TaskCount);
        await tasks[1];
        Assert.Equal([main, .. tasks[2..]], test.Loop.AllTasks());
        tasks[3].Cancel();
        await tasks[2];
        Assert.Equal([main, tasks[4]], test.Loop.AllTasks());
        await tasks[4];
        Assert.Equal(1, test.Loop.TaskCount);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_log_destroyed_pending_task", Improvement =
        "The loop keeps its tasks until they are done, so none can be collected while it waits.")]
    public void The_loop_keeps_tasks_that_nobody_else_holds() => LoopTest.Run(async test =>
    {
        var ended = 0;
        Start();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.Equal(2, test.Loop.TaskCount);
        await Coroutine.Sleep(TimeSpan.FromSeconds(1));
        foreach (var task in test.Loop.AllTasks().Where(task => task != LoopTask.Current))
        {
            task.Cancel();
        }

        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.Equal(1, ended);

        void Start() => _ = test.Loop.CreateTask(Body());

        async Coroutine Body()
        {
            try
            {
                // A future that only this coroutine knows: in asyncio, the collector takes both.
                await test.Loop.CreateFuture();
            }
            finally
            {
                ended++;
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_tasks.BaseTaskTests.test_task_awaits_on_itself")]
    public void A_task_cannot_await_itself(bool inPlainCode) => LoopTest.On(test =>
    {
        LoopTask? self = null;
        self = test.Loop.CreateTask(inPlainCode ? Body() : Direct(), "narcissus");
        var exception = Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(self));
        Assert.Equal("Task 'narcissus' (pending) cannot await itself.", exception.Message);
        Assert.True(self.IsFailed);

        async Coroutine Direct() => await self!;

        async Coroutine Body() => await Plain();

        async Task Plain() => await self!;
    });

    [Fact]
    public void A_task_can_be_awaited_any_number_of_times() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Slow());
        var others = Enumerable.Range(0, 3).Select(_ => test.Loop.CreateTask(Await())).ToList();
        Assert.Equal(4, await task);
        Assert.Equal(4, await task);
        foreach (var other in others)
        {
            Assert.Equal(4, await other);
        }

        static async Coroutine<int> Slow()
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            return 4;
        }

        async Coroutine<int> Await() => await task;
    });

    [Fact]
    public void A_failure_is_thrown_each_time_the_task_is_awaited() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromException(new IOException()));
        await Assert.ThrowsAsync<IOException>(async () => await task);
        await Assert.ThrowsAsync<IOException>(async () => await task);
    });

    [Fact]
    public void Done_callbacks_of_a_task_run_after_it_ended() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        var ran = test.Loop.CreateFuture<bool>();
        task.AddDoneCallback(done => ran.SetResult(ReferenceEquals(done, task) && done.IsDone));
        Assert.True(await ran);
    });

    [Fact]
    public void Current_is_the_task_whose_step_runs() => LoopTest.Run(async test =>
    {
        var main = LoopTask.Current;
        var seen = new List<LoopTask?>();
        var task = test.Loop.CreateTask(Body());
        await task;
        Assert.Equal([task, task, task], seen);
        Assert.Same(main, LoopTask.Current);

        async Coroutine Body()
        {
            seen.Add(LoopTask.Current);
            await Coroutine.Yield();
            seen.Add(LoopTask.Current);
            await Coroutine.Sleep(TimeSpan.FromSeconds(1));
            seen.Add(LoopTask.Current);
        }
    });

    [Fact]
    public void Current_survives_plain_methods_and_ConfigureAwait_false() => LoopTest.Run(async test =>
    {
        var first = new TestOperation(test.Loop);
        var second = new TestOperation(test.Loop);
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Body());
        await Coroutine.Yield();
        foreach (var operation in new[] { first, second })
        {
            while (!operation.IsPending)
            {
                await Coroutine.Yield();
            }

            operation.Succeed();
        }

        await Coroutine.Yield();
        future.SetResult();
        await task;

        async Coroutine Body()
        {
            var current = LoopTask.Current;
            await Plain(current!);
            Assert.Same(current, LoopTask.Current);
        }

        async Task Plain(LoopTask current)
        {
            Assert.Same(current, LoopTask.Current);
            await Task.Yield();
            Assert.Same(current, LoopTask.Current);
            Assert.NotNull(SynchronizationContext.Current);

            await first.Start().ConfigureAwait(false);
            Assert.Same(current, LoopTask.Current);
            Assert.Null(SynchronizationContext.Current);

            await second.Start();
            Assert.Same(current, LoopTask.Current);
            Assert.Null(SynchronizationContext.Current);

            // A coroutine that starts here runs with its task's context all the same.
            await Inner(current);
            Assert.Same(current, LoopTask.Current);
            Assert.Null(SynchronizationContext.Current);

            await future;
            Assert.Same(current, LoopTask.Current);
        }

        async Coroutine Inner(LoopTask current)
        {
            Assert.NotNull(SynchronizationContext.Current);
            await Task.Yield();
            Assert.Same(current, LoopTask.Current);
            Assert.NotNull(SynchronizationContext.Current);
        }
    });

    [Fact]
    public void Tasks_in_turns_do_not_see_each_others_context() => LoopTest.Run(async test =>
    {
        var tasks = Enumerable.Range(0, 10).Select(_ => test.Loop.CreateTask(Body())).ToList();
        foreach (var task in tasks)
        {
            await task;
        }

        static async Coroutine Body()
        {
            var task = LoopTask.Current;
            var context = SynchronizationContext.Current;
            for (var i = 0; i < 10; i++)
            {
                await (i % 3 == 0 ? Plain() : Task.CompletedTask);
                await Coroutine.Yield();
                Assert.Same(task, LoopTask.Current);
                Assert.Same(context, SynchronizationContext.Current);
            }
        }

        static async Task Plain() => await Task.Yield();
    });

    [Fact]
    public void Closing_a_loop_with_pending_tasks_reports_each() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var task = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)), "forgotten");
        test.RunIterations(2);
        test.Loop.Dispose();
        var report = test.TakeReport();
        Assert.Contains("'forgotten'", report.Message, StringComparison.Ordinal);
        Assert.Contains("pending", report.Message, StringComparison.Ordinal);
        Assert.Same(task, report.Future);
        Assert.Null(report.Exception);
    });
}
