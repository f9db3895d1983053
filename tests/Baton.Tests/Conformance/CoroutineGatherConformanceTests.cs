namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>CPython's <c>CoroutineGatherTests</c>.</summary>
public class CoroutineGatherConformanceTests
{
    [Fact]
    [CPython("test_tasks.CoroutineGatherTests.test_constructor_without_loop")]
    public void Without_a_loop_that_runs_coroutines_cannot_be_gathered_and_are_not_used_up() => LoopTest.On(test =>
    {
        var first = Return("abc");
        var second = Return("def");
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Gather([first, second]));
        Assert.Contains("No event loop runs on this thread", exception.Message, StringComparison.Ordinal);
        Assert.Empty(test.Loop.AllTasks());
        Assert.Equal("abc", test.Loop.RunUntilComplete(first));
        Assert.Equal("def", test.Loop.RunUntilComplete(second));
    });

    [Fact]
    [CPython("test_tasks.CoroutineGatherTests.test_constructor_use_running_loop")]
    public void It_belongs_to_the_loop_that_runs_and_can_be_awaited_after_who_made_it_has_ended() => LoopTest.On(test =>
    {
        var gather = test.Loop.RunUntilComplete(Make());
        Assert.Same(test.Loop, gather.Loop);
        test.Loop.RunUntilComplete(gather);
        Assert.Equal(["abc", "def"], gather.GetResult());

        static async Coroutine<Future<string[]>> Make() => Coroutine.Gather([Return("abc"), Return("def")]);
    });

    [Fact]
    [CPython(
        "test_tasks.CoroutineGatherTests.test_duplicate_coroutines",
        Improvement = "A coroutine that is passed twice is an error, as it is everywhere else; a task or a future may be passed any number of times.")]
    public void A_coroutine_cannot_be_passed_twice_but_its_task_can() => LoopTest.Run(async test =>
    {
        var coroutine = Return("abc");
        Assert.Throws<InvalidOperationException>(() => Coroutine.Gather([coroutine, coroutine, Return("def"), coroutine]));
        await test.Drain();

        var task = Coroutine.Start(Return("abc"));
        Assert.Equal(new[] { "abc", "abc", "def", "abc" }, await Coroutine.Gather<string>(task, task, Return("def"), task));
    });

    [Fact]
    [CPython("test_tasks.CoroutineGatherTests.test_cancellation_broadcast")]
    public void Cancelling_who_awaits_it_reaches_the_children_and_what_they_wait_for() => LoopTest.On(test =>
    {
        var proof = 0;
        var waiter = test.Loop.CreateFuture();
        var children = new[] { test.Loop.CreateTask(Inner()), test.Loop.CreateTask(Inner()) };
        Future? gather = null;
        var outer = test.Loop.CreateTask(Outer());
        test.RunIterations(1);
        Assert.True(outer.Cancel());
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(outer));
        Assert.True(outer.IsCancelled);
        Assert.False(gather!.Cancel());
        Assert.True(waiter.IsCancelled);
        Assert.All(children, child => Assert.True(child.IsCancelled));
        test.RunIterations(1);
        Assert.Equal(0, proof);

        async Coroutine Inner()
        {
            await waiter;
            proof++;
        }

        async Coroutine Outer()
        {
            gather = Coroutine.Gather(children);
            await gather;
            proof += 100;
        }
    });

    [Fact]
    [CPython(
        "test_tasks.CoroutineGatherTests.test_exception_marking",
        Improvement =
            "The failure of a child after the first is reported to the exception handler, once and at once, instead of being dropped.")]
    public void The_first_failure_is_that_of_who_awaits_and_the_second_is_reported() => LoopTest.On(test =>
    {
        var gates = new[] { test.Loop.CreateFuture(), test.Loop.CreateFuture() };
        var outer = test.Loop.CreateTask(Outer());
        test.RunIterations(2);
        gates[0].SetResult();
        test.RunIterations(3);
        Assert.Equal("should not be ignored 0", Assert.IsType<IOException>(outer.GetException()).Message);
        gates[1].SetResult();
        test.RunIterations(3);
        var report = test.TakeReport();
        Assert.Equal("should not be ignored 1", report.Exception!.Message);
        Assert.True(report.Future!.IsFailed);

        async Coroutine Outer() => await Coroutine.Gather(Inner(0), Inner(1));

        async Coroutine Inner(int i)
        {
            await gates[i];
            throw new IOException($"should not be ignored {i}");
        }
    });

    private static async Coroutine<string> Return(string value) => value;
}
