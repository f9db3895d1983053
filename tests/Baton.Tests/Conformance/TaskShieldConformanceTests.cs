using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary><c>Coroutine.Shield</c>: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskShieldConformanceTests
{
    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_exception")]
    public void The_shield_fails_with_the_very_exception_of_what_it_shields() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture();
        var shield = Coroutine.Shield(inner);
        await Coroutine.Yield();
        var thrown = new IOException("expected");
        inner.SetException(thrown);
        Assert.False(shield.IsDone);
        await Coroutine.Yield();
        Assert.True(shield.IsFailed);
        Assert.Same(thrown, shield.GetException());
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_cancel_outer")]
    public void A_cancelled_shield_leaves_nothing_behind() => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture<object>();
        var reference = MakeAndCancel(inner);
        await Coroutine.Yield();
        Assert.False(inner.IsDone);
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(reference.IsAlive);
        inner.SetResult("for nobody");
        await Coroutine.Yield();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference MakeAndCancel(Future<object> inner)
        {
            var shield = Coroutine.Shield(inner);
            Assert.True(shield.Cancel());
            Assert.True(shield.IsCancelled);
            return new WeakReference(shield);
        }
    });

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [CPython("test_tasks.BaseTaskTests.test_shield_cancel_outer_exception")]
    [CPython("test_tasks.BaseTaskTests.test_shield_duplicate_log_once")]
    public void A_failure_behind_cancelled_shields_is_reported_once_at_once(int shields) => LoopTest.Run(async test =>
    {
        var inner = test.Loop.CreateFuture();
        for (var i = 0; i < shields; i++)
        {
            var shield = Coroutine.Shield(inner);
            await Coroutine.Yield();
            shield.Cancel();
            await Coroutine.Yield();
        }

        var thrown = new IOException("foo");
        inner.SetException(thrown);
        await Coroutine.Yield();
        var report = test.TakeReport();
        Assert.Same(thrown, report.Exception);
        Assert.Same(inner, report.Future);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_effect")]
    public void Cancelling_a_task_does_not_reach_the_coroutine_that_it_shields() => LoopTest.On(test =>
    {
        var future = test.Loop.CreateFuture();
        var log = new List<string>();
        var task = test.Loop.CreateTask(Outer());
        test.RunIterations(2);
        task.Cancel();
        Assert.Throws<CancelledException>(() => test.Loop.RunUntilComplete(task));
        Assert.True(task.IsCancelled);
        Assert.False(future.IsDone);
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal(["inner"], log);

        async Coroutine Inner()
        {
            await future;
            log.Add("inner");
        }

        async Coroutine Outer()
        {
            await Coroutine.Shield(Inner());
            log.Add("outer");
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_gather")]
    public void A_gather_behind_a_cancelled_shield_comes_to_its_result() => LoopTest.Run(async test =>
    {
        var children = new[] { test.Loop.CreateFuture<int>(), test.Loop.CreateFuture<int>() };
        var gather = Coroutine.Gather(children);
        var shield = Coroutine.Shield(gather);
        await Coroutine.Yield();
        shield.Cancel();
        await Coroutine.Yield();
        Assert.True(shield.IsCancelled);
        Assert.False(gather.IsDone);
        children[0].SetResult(1);
        children[1].SetResult(2);
        await Coroutine.Yield();
        Assert.Equal([1, 2], gather.GetResult());
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_gather_shield")]
    public void Cancelling_a_gather_of_shields_cancels_the_shields_only() => LoopTest.Run(async test =>
    {
        var children = new[] { test.Loop.CreateFuture<int>(), test.Loop.CreateFuture<int>() };
        var shields = children.Select(child => Coroutine.Shield(child)).ToList();
        var gather = Coroutine.Gather(shields);
        await Coroutine.Yield();
        gather.Cancel();
        await Coroutine.Yield();
        Assert.IsType<CancelledException>(gather.GetException());
        Assert.All(shields, shield => Assert.True(shield.IsCancelled));
        Assert.All(children, child => Assert.False(child.IsDone));
        children[0].SetResult(1);
        children[1].SetResult(2);
        await Coroutine.Yield();
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_coroutine_without_loop")]
    public void Without_a_loop_that_runs_it_throws_and_does_not_touch_the_coroutine() => LoopTest.On(test =>
    {
        var coroutine = Coroutine.FromResult(42);
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Shield(coroutine));
        Assert.Contains("EventLoop.Run", exception.Message, StringComparison.Ordinal);
        Assert.Equal(42, test.Loop.RunUntilComplete(coroutine));
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_shield_coroutine_use_running_loop")]
    public void The_coroutine_becomes_a_task_of_the_loop_that_runs() => LoopTest.On(test =>
    {
        var shield = test.Loop.RunUntilComplete(Make());
        Assert.Same(test.Loop, shield.Loop);
        test.Loop.RunUntilComplete(shield);
        Assert.Equal(42, shield.GetResult());

        static async Coroutine<Future<int>> Make() => Coroutine.Shield(Coroutine.Sleep(TimeSpan.FromSeconds(1), 42));
    });
}
