using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>
/// CPython's <c>BaseTaskIntrospectionTests</c> and <c>BaseCurrentLoopTests</c>: which tasks a loop has, and which of them runs.
/// </summary>
public class TaskRegistryConformanceTests
{
    [Fact]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__register_task_1")]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__register_task_2")]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__unregister_task")]
    public void A_task_is_among_all_tasks_from_when_it_is_made_until_it_ends() => LoopTest.On(test =>
    {
        Assert.Empty(test.Loop.AllTasks());
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        Assert.Equal([task], test.Loop.AllTasks());
        test.RunIterations(1);
        Assert.True(task.IsDone);
        Assert.Empty(test.Loop.AllTasks());
    });

    [Fact]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__register_task_3")]
    public void A_task_that_is_done_when_it_is_made_is_not_among_all_tasks() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1), eager: true);
        Assert.True(task.IsDone);
        Assert.Equal([LoopTask.Current!], test.Loop.AllTasks());
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__enter_task")]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__leave_task")]
    public void A_task_is_the_current_one_while_its_step_runs_and_not_longer() => LoopTest.On(test =>
    {
        var seen = new List<LoopTask?>();
        var task = test.Loop.CreateTask(Body());
        test.Loop.CallSoon(() => seen.Add(LoopTask.Current));
        Assert.Null(LoopTask.Current);
        test.RunIterations(2);
        Assert.Null(LoopTask.Current);
        Assert.Equal([task, null, task], seen);

        async Coroutine Body()
        {
            seen.Add(LoopTask.Current);
            await Coroutine.Yield();
            seen.Add(LoopTask.Current);
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskIntrospectionTests.test__enter_task_failure")]
    public void Another_task_cannot_be_run_inside_the_step_of_one() => LoopTest.Run(async test =>
    {
        var current = LoopTask.Current;
        var other = test.Loop.CreateTask(Coroutine.FromResult(1));
        Assert.Throws<InvalidOperationException>(() => test.Loop.RunUntilComplete(other));
        Assert.Same(current, LoopTask.Current);
        Assert.False(other.IsDone);

        // Nor one of another loop.
        using var loop = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        var foreign = loop.CreateTask(Coroutine.FromResult(1));
        Assert.Throws<InvalidOperationException>(() => loop.RunUntilComplete(foreign));
        Assert.Same(current, LoopTask.Current);
        foreign.Cancel();
        Assert.Equal(1, await other);
    });

    [Fact]
    [CPython(
        "test_tasks.BaseCurrentLoopTests.test_current_task_no_running_loop_implicit",
        Improvement = "There is no current task where no loop runs, and asking for it is no error.")]
    [CPython("test_tasks.BaseCurrentLoopTests.test_current_task_no_running_loop")]
    public void Where_no_loop_runs_there_is_no_current_task() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Coroutine.FromResult(1));
        Assert.Null(LoopTask.Current);
        test.RunIterations(1);
        Assert.True(task.IsDone);
    });

    [Fact]
    [CPython("test_tasks.BaseCurrentLoopTests.test_current_task_with_implicit_loop")]
    public void The_current_task_is_that_of_the_loop_that_runs() => LoopTest.On(test =>
    {
        LoopTask? seen = null;
        EventLoop? loop = null;
        var task = test.Loop.CreateTask(Body());
        test.Loop.RunUntilComplete(task);
        Assert.Same(task, seen);
        Assert.Same(test.Loop, loop);
        Assert.Null(LoopTask.Current);

        async Coroutine Body()
        {
            seen = LoopTask.Current;
            loop = LoopTask.Current!.Loop;
        }
    });

    [Fact]
    [CPython("test_tasks.CTask_CFuture_Tests.test_refleaks_in_task___init__")]
    public void A_task_that_has_ended_leaves_nothing_behind() => LoopTest.On(test =>
    {
        var held = Enumerable.Range(0, 100).SelectMany(_ => RunOne(test)).ToList();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        test.RunIterations(1);

        // The last one may still be on its way out of a field or a register.
        Assert.InRange(held.Count(reference => reference.IsAlive), 0, 3);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static List<WeakReference> RunOne(LoopTest test)
        {
            var captured = new object();
            var task = test.Loop.CreateTask(Hold(captured));
            test.Loop.RunUntilComplete(task);
            Assert.Same(captured, task.GetResult());
            return [new WeakReference(task), new WeakReference(captured)];
        }

        static async Coroutine<object> Hold(object captured)
        {
            await Coroutine.Yield();
            return captured;
        }
    });

    [Fact]
    [CPython("test_tasks.SleepTests.test_sleep_zero")]
    public void A_sleep_of_no_time_lets_others_run_once_and_returns_its_value() => LoopTest.Run(async test =>
    {
        var result = 0;
        test.Loop.CallSoon(() => result++);
        Assert.Equal(0, result);
        var value = await Coroutine.Sleep(TimeSpan.Zero, 10);
        Assert.Equal(1, result);
        Assert.Equal(10, value);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });
}
