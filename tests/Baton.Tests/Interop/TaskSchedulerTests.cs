namespace Baton.Tests.Interop;

#pragma warning disable xUnit2014 // These calls throw before there is a task.

/// <summary>The loop as a scheduler of the BCL's tasks.</summary>
public class TaskSchedulerTests
{
    [Fact]
    public void Tasks_run_on_the_loop_in_order() => LoopTest.Run(async test =>
    {
        var scheduler = test.Loop.TaskScheduler;
        Assert.Same(scheduler, test.Loop.TaskScheduler);
        Assert.Equal(1, scheduler.MaximumConcurrencyLevel);
        var log = new List<int>();
        var tasks = Enumerable.Range(0, 10).Select(i => Start(scheduler, () =>
        {
            Assert.True(test.Loop.IsOnLoopThread);
            Assert.Same(scheduler, TaskScheduler.Current);
            Assert.Same(test.Loop.SynchronizationContext, SynchronizationContext.Current);
            Assert.Null(LoopTask.Current);
            log.Add(i);
        })).ToList();
        Assert.Empty(log);
        await Task.WhenAll(tasks);
        Assert.Equal(Enumerable.Range(0, 10), log);
    });

    [Fact]
    public void Other_threads_queue_tasks_and_wait_for_them() => LoopBeside.Run(loop =>
    {
        var sum = 0;
        var threads = Enumerable.Range(0, 3).Select(_ => LoopTest.StartThread(() =>
        {
            for (var i = 0; i < 300; i++)
            {
                Assert.True(Start(loop.TaskScheduler, () => sum++).Wait(60_000));
            }
        })).ToList();
        threads.ForEach(thread => thread.Join());
        Assert.Equal(900, sum);
    });

    [Fact]
    public void A_failure_is_the_tasks() => LoopTest.Run(async test =>
        await Assert.ThrowsAsync<IOException>(async () => await Start(test.Loop.TaskScheduler, () => throw new IOException())));

    [Fact]
    public void Waiting_on_the_loop_runs_the_task_right_there() => LoopTest.Run(async test =>
    {
        var runs = 0;
        var queued = Start(test.Loop.TaskScheduler, () => runs++);
        queued.Wait();
        Assert.Equal(1, runs);
        var fresh = new Task(() => runs++);
        fresh.RunSynchronously(test.Loop.TaskScheduler);
        Assert.Equal(2, runs);
        await Coroutine.Yield(); // the turn that it had in the queue finds nothing to do
        Assert.Equal(2, runs);
    });

    [Fact]
    public void Another_thread_cannot_run_a_task_inline() => LoopBeside.Run(loop =>
    {
        var task = new Task<bool>(() => loop.IsOnLoopThread);
        task.RunSynchronously(loop.TaskScheduler);
        Assert.True(task.Result);
    });

    [Fact]
    public void A_task_that_is_cancelled_in_line_never_runs() => LoopTest.Run(async test =>
    {
        using var source = new CancellationTokenSource();
        var task = Task.Factory.StartNew(() => Assert.Fail("It ran."), source.Token, TaskCreationOptions.None, test.Loop.TaskScheduler);
        source.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await task);
        await Coroutine.Yield();
    });

    [Fact]
    public void Continuations_and_awaits_in_a_task_stay_on_the_loop() => LoopTest.Run(async test =>
    {
        var onLoop = await Task.Run(() => 1).ContinueWith(_ => test.Loop.IsOnLoopThread, test.Loop.TaskScheduler);
        Assert.True(onLoop);
        Assert.True(await Task.Factory.StartNew(
            async () =>
            {
                await Task.Yield();
                return test.Loop.IsOnLoopThread;
            },
            CancellationToken.None,
            TaskCreationOptions.None,
            test.Loop.TaskScheduler).Unwrap());
    });

    [Fact]
    public void A_debugger_sees_what_stands_in_line() => LoopTest.Run(async test =>
    {
        var task = Start(test.Loop.TaskScheduler, () => { });
        Assert.Equal([task], Scheduled(test.Loop.TaskScheduler));
        await task;
        Assert.Empty(Scheduled(test.Loop.TaskScheduler));

        static IEnumerable<Task> Scheduled(TaskScheduler scheduler) => (IEnumerable<Task>)typeof(TaskScheduler)
            .GetMethod(
                "GetScheduledTasks",
                System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic)!.Invoke(scheduler, null)!;
    });

    [Fact]
    public void A_closed_loop_takes_no_tasks() => LoopTest.On(test =>
    {
        var scheduler = test.Loop.TaskScheduler;
        var stranded = Start(scheduler, () => Assert.Fail("It ran."));
        test.Loop.Dispose();
        var exception = Assert.Throws<TaskSchedulerException>(() => { Start(scheduler, () => Assert.Fail("It ran.")); });
        Assert.Contains("closed", exception.InnerException!.Message, StringComparison.Ordinal);
        Assert.False(stranded.IsCompleted);
    });

    private static Task Start(TaskScheduler scheduler, Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.None, scheduler);
}
