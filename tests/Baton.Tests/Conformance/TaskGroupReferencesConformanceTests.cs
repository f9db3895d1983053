using System.Runtime.CompilerServices;
using static Baton.Tests.Conformance.TaskGroupConformanceTests;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>What a group that has ended does not keep alive; with ordinary tasks and with eager ones.</summary>
public class TaskGroupReferencesConformanceTests
{
    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_exception_refcycles_direct")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_exception_refcycles_errors")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_exception_refcycles_base_error")]
    public void An_ended_group_keeps_neither_what_it_threw_nor_what_failed(bool eager) => Run(eager, async test =>
    {
        await AssertKeepsNothing<IOException>(async Coroutine (_) => throw new IOException());
        await AssertKeepsNothing<InsufficientMemoryException>(async Coroutine (_) => throw new InsufficientMemoryException());
        await AssertKeepsNothing<IOException>(async Coroutine (group) => _ = group.CreateTask(FailAfter(Second, "task")));
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_exception_refcycles_parent_task")]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_exception_refcycles_parent_task_wr")]
    public void An_ended_group_keeps_neither_its_own_task_nor_that_tasks_failure(bool eager) => Run(eager, async test =>
    {
        var kept = new Kept();
        await Fail(kept);
        await AssertCollected(kept);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Coroutine Fail(Kept kept)
        {
            try
            {
                await TaskGroup.Run(async Coroutine (outer) => kept.Add(outer.CreateTask(TaskGroup.Run(async Coroutine (group) =>
                {
                    kept.Group = group;
                    throw new IOException();
                }))));
            }
            catch (AggregateException failure)
            {
                kept.Add(failure);
                kept.Add(Assert.IsType<AggregateException>(Assert.Single(failure.InnerExceptions)));
                kept.Add(Assert.Single(((AggregateException)failure.InnerExceptions[0]).InnerExceptions));
            }
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_taskgroups.BaseTestTaskGroup.test_exception_refcycles_propagate_cancellation_error")]
    public void An_ended_group_does_not_keep_the_cancellation_that_went_through_it(bool eager) => Run(eager, async test =>
    {
        var kept = new Kept();
        await TimeOut(kept);
        await AssertCollected(kept);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Coroutine TimeOut(Kept kept)
        {
            try
            {
                await LoopTimeout.Run(-Second, async Coroutine () => await TaskGroup.Run(async Coroutine (group) =>
                {
                    kept.Group = group;
                    await Coroutine.Yield();
                }));
            }
            catch (TimeoutException exception)
            {
                kept.Add(Assert.IsType<CancelledException>(exception.InnerException));
            }
        }
    });

    private static async Coroutine AssertKeepsNothing<T>(Func<TaskGroup, Coroutine> body)
        where T : Exception
    {
        var kept = new Kept();
        await Fail(kept, body);
        await AssertCollected(kept);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static async Coroutine Fail(Kept kept, Func<TaskGroup, Coroutine> body)
        {
            try
            {
                await TaskGroup.Run(async Coroutine (group) =>
                {
                    kept.Group = group;
                    await body(group);
                });
            }
            catch (AggregateException failure)
            {
                kept.Add(failure);
                kept.Add(Assert.IsType<T>(Assert.Single(failure.InnerExceptions)));
            }
        }
    }

    private static async Coroutine AssertCollected(Kept kept)
    {
        await Coroutine.Yield();
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.NotEmpty(kept.Targets);
        Assert.All(kept.Targets, target => Assert.False(target.IsAlive));
        Assert.Contains("TaskGroup", kept.Group!.ToString(), StringComparison.Ordinal);
    }

    /// <summary>A group that is kept, and what must not be kept by it.</summary>
    private sealed class Kept
    {
        internal TaskGroup? Group;

        internal List<WeakReference> Targets { get; } = [];

        internal void Add(object target) => Targets.Add(new WeakReference(target));
    }
}
