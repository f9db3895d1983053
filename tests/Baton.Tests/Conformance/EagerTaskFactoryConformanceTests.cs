using System.Runtime.CompilerServices;

namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>Loops whose tasks run their first step inside the call that makes them.</summary>
public class EagerTaskFactoryConformanceTests
{
    /// <summary>In a tree in which each node has five children, four levels deep.</summary>
    private const int Nodes = 1 + 5 + (5 * 5) + (5 * 5 * 5) + (5 * 5 * 5 * 5);

    private static readonly TimeSpan Second = TimeSpan.FromSeconds(1);

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_eager_task_factory_set")]
    public void The_factory_of_a_loop_is_the_one_that_was_set() => RunEager(async test =>
    {
        Assert.Same(LoopTaskFactory.Eager, test.Loop.TaskFactory);
        var task = test.Loop.CreateTask(Return("made"));
        Assert.True(task.IsDone);
        Assert.Equal("made", await task);
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_await_future_during_eager_step")]
    public void A_future_that_a_first_step_completes_is_done_after_the_call() => RunEager(async test =>
    {
        var future = test.Loop.CreateFuture<string>();
        var task = test.Loop.CreateTask(Set("message"));
        Assert.True(task.IsDone);
        Assert.Equal("message", await future);

        async Coroutine Set(string value) => future.SetResult(value);
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_eager_completion")]
    public void A_task_that_never_waits_is_done_when_it_is_made() => RunEager(async test =>
    {
        var task = test.Loop.CreateTask(Return("hello"));
        Assert.True(task.IsDone);
        Assert.Equal("hello", await task);
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_block_after_eager_step")]
    public void A_task_that_waits_goes_on_from_the_queue() => RunEager(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Second, "finished"));
        Assert.False(task.IsDone);
        Assert.Equal("finished", await task);
        Assert.True(task.IsDone);
        Assert.Equal(Second, test.Elapsed);
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_cancellation_after_eager_completion")]
    public void A_task_that_is_done_when_it_is_made_cannot_be_cancelled() => RunEager(async test =>
    {
        var task = test.Loop.CreateTask(Return("finished"));
        Assert.False(task.Cancel());
        Assert.Equal("finished", await task);
        Assert.False(task.IsCancelled);
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_cancellation_after_eager_step_blocks")]
    public void A_task_that_waits_is_cancelled_there_with_the_message() => RunEager(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(Second, "finished"));
        task.Cancel("message");
        Assert.Equal(1, task.CancelRequests);
        Assert.Equal("message", (await Assert.ThrowsAsync<CancelledException>(async () => await task)).Message);
        Assert.Equal(TimeSpan.Zero, test.Elapsed);
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_current_task")]
    public void The_task_is_the_current_one_in_its_first_step_and_afterwards() => RunEager(async test =>
    {
        var maker = LoopTask.Current;
        var seen = new List<LoopTask?>();
        var task = test.Loop.CreateTask(See());
        Assert.Equal([task], seen);
        Assert.Same(maker, LoopTask.Current);
        await task;
        Assert.Equal([task, task], seen);

        async Coroutine See()
        {
            seen.Add(LoopTask.Current);
            await Coroutine.Sleep(Second);
            seen.Add(LoopTask.Current);
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_all_tasks_with_eager_completion")]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_all_tasks_with_blocking")]
    public void The_task_is_among_all_tasks_from_its_first_step_until_it_is_done(bool waits) => RunEager(async test =>
    {
        IReadOnlyCollection<LoopTask> seen = [];
        var gate = test.Loop.CreateFuture();
        var passed = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(See());
        Assert.Contains(task, seen);
        Assert.Equal(waits, test.Loop.AllTasks().Contains(task));
        gate.SetResult();
        await passed;
        Assert.DoesNotContain(task, test.Loop.AllTasks());

        async Coroutine See()
        {
            seen = test.Loop.AllTasks();
            if (waits)
            {
                await gate;
            }

            passed.SetResult();
        }
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_context_vars")]
    public void The_first_step_has_the_makers_context_and_what_the_task_changes_stays_in_it() => RunEager(async test =>
    {
        var local = new AsyncLocal<int>();
        var steps = 0;
        local.Value = 1;
        var task = test.Loop.CreateTask(Change());
        Assert.Equal(1, steps);
        Assert.Equal(1, local.Value);
        await task;
        Assert.Equal(2, steps);
        Assert.Equal(1, local.Value);

        async Coroutine Change()
        {
            Assert.Equal(1, local.Value);
            local.Value = 2;
            Assert.Equal(2, local.Value);
            steps++;
            await Coroutine.Sleep(Second);
            Assert.Equal(2, local.Value);
            local.Value = 3;
            Assert.Equal(3, local.Value);
            steps++;
        }
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_staggered_race_with_eager_tasks")]
    public void A_race_with_a_delay_is_won_by_the_first_to_end_and_knows_how_the_others_did() => RunEager(async test =>
    {
        var result = await Coroutine.StaggeredRace([Block, () => Coroutine.Sleep(Second, "second"), FailSoon], Second / 4);
        Assert.Equal("second", result.GetResult());
        Assert.Equal(1, result.WinnerIndex);
        Assert.Equal(["CancelledException", null, "IOException"], result.Exceptions.Select(exception => exception?.GetType().Name));
        Assert.Equal(1.25 * Second, test.Elapsed);

        async Coroutine<string> Block()
        {
            await test.Loop.CreateFuture();
            return "never";
        }

        static async Coroutine<string> FailSoon()
        {
            await Coroutine.Yield();
            throw new IOException();
        }
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_staggered_race_with_eager_tasks_no_delay")]
    public void A_race_without_a_delay_asks_for_the_next_only_when_one_has_failed() => RunEager(async test =>
    {
        var result = await Coroutine.StaggeredRace(
            [FailAtOnce, () => Coroutine.Sleep(Second, "second"), () => Coroutine.Sleep(TimeSpan.Zero, "third")],
            null);
        Assert.Equal("second", result.GetResult());
        Assert.Equal(1, result.WinnerIndex);
        Assert.Equal(["IOException", null], result.Exceptions.Select(exception => exception?.GetType().Name));

        static async Coroutine<string> FailAtOnce() => throw new IOException();
    });

    [Fact]
    [CPython("test_eager_task_factory.EagerTaskFactoryLoopTests.test_eager_start_false")]
    public void A_caller_that_asks_for_a_later_start_gets_one() => RunEager(async test =>
    {
        string? name = null;
        var task = test.Loop.CreateTask(SeeName(), "example", eager: false);
        Assert.False(task.IsDone);
        Assert.Null(name);
        await task;
        Assert.Equal("example", name);

        async Coroutine SeeName() => name = LoopTask.Current!.Name;
    });

    [Fact]
    [CPython("test_eager_task_factory.DefaultTaskFactoryEagerStart.test_eager_start_true_with_default_factory")]
    public void A_caller_that_asks_for_an_eager_start_gets_one_without_the_factory() => LoopTest.Run(async test =>
    {
        string? name = null;
        Assert.Null(test.Loop.TaskFactory);
        var task = test.Loop.CreateTask(SeeName(), "example", eager: true);
        Assert.True(task.IsDone);
        Assert.Equal("example", name);
        await task;

        async Coroutine SeeName() => name = LoopTask.Current!.Name;
    });

    [Fact]
    [CPython("test_eager_task_factory.CEagerTaskFactoryLoopTests.test_name")]
    public void The_task_has_its_name_in_its_first_step() => RunEager(async test =>
    {
        string? name = null;
        var task = test.Loop.CreateTask(SeeName(), "given");
        Assert.Equal("given", name);
        await task;

        async Coroutine SeeName() => name = LoopTask.Current!.Name;
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_eager_task_factory.CEagerTaskFactoryLoopTests.test_issue122332")]
    public void A_task_that_is_done_has_let_go_of_its_coroutine(bool waits) => RunEager(async test =>
    {
        var (task, held) = Make();
        await task;
        GC.Collect();
        GC.WaitForPendingFinalizers();
        GC.Collect();
        Assert.False(held.IsAlive);
        Assert.True(task.IsDone);

        [MethodImpl(MethodImplOptions.NoInlining)]
        (LoopTask Task, WeakReference Held) Make()
        {
            var target = new object();
            return (test.Loop.CreateTask(Hold(target)), new WeakReference(target));
        }

        async Coroutine Hold(object target)
        {
            if (waits)
            {
                await Coroutine.Yield();
            }

            GC.KeepAlive(target);
        }
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_eager_task_factory.BaseTaskCountingTests.test_awaitables_chain")]
    public void A_chain_of_coroutines_is_one_task(bool eager) => LoopTest.Run(async test =>
    {
        var counter = new CountingFactory(eager);
        test.Loop.TaskFactory = counter;
        Assert.Equal(100, await Coroutine.Start(Chain(100)));
        Assert.Equal((1, eager ? 0 : 1), (counter.Tasks, counter.StartedLater));

        static async Coroutine<int> Chain(int depth) => depth == 0 ? 0 : 1 + await Chain(depth - 1);
    });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_eager_task_factory.BaseTaskCountingTests.test_recursive_taskgroups")]
    public void A_tree_of_groups_makes_a_task_for_each_node_and_starts_none_later_where_they_are_eager(bool eager) =>
        LoopTest.Run(async test =>
        {
            var counter = new CountingFactory(eager);
            test.Loop.TaskFactory = counter;
            await Coroutine.Start(Tree(4));
            Assert.Equal((Nodes, eager ? 0 : Nodes), (counter.Tasks, counter.StartedLater));

            static async Coroutine Tree(int depth)
            {
                if (depth > 0)
                {
                    await TaskGroup.Run(async Coroutine (group) =>
                    {
                        for (var i = 0; i < 5; i++)
                        {
                            _ = group.CreateTask(Tree(depth - 1));
                        }
                    });
                }
            }
        });

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [CPython("test_eager_task_factory.BaseTaskCountingTests.test_recursive_gather")]
    public void A_tree_of_gathers_makes_a_task_for_each_node_and_starts_none_later_where_they_are_eager(bool eager) =>
        LoopTest.Run(async test =>
        {
            var counter = new CountingFactory(eager);
            test.Loop.TaskFactory = counter;
            await Coroutine.Start(Tree(4));
            Assert.Equal((Nodes, eager ? 0 : Nodes), (counter.Tasks, counter.StartedLater));

            static async Coroutine Tree(int depth)
            {
                if (depth > 0)
                {
                    await Coroutine.Gather(Enumerable.Range(0, 5).Select(_ => Tree(depth - 1)));
                }
            }
        });

    private static void RunEager(Func<LoopTest, Coroutine> body) => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = LoopTaskFactory.Eager;
        await body(test);
    });

    private static async Coroutine<string> Return(string value) => value;

    /// <summary>Counts the tasks that it makes, and those that had not begun by then.</summary>
    private sealed class CountingFactory(bool isEager) : LoopTaskFactory
    {
        internal int Tasks { get; private set; }

        internal int StartedLater { get; private set; }

        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope)
        {
            var hasBegun = new StrongBox<bool>();
            var task = isEager
                ? Eager.Create(loop, Wrap(coroutine, hasBegun), name, eager, scope)
                : base.Create(loop, Wrap(coroutine, hasBegun), name, eager, scope);
            Count(hasBegun.Value);
            return task;
        }

        public override LoopTask<TResult> Create<TResult>(
            EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope)
        {
            var hasBegun = new StrongBox<bool>();
            var task = isEager
                ? Eager.Create(loop, Wrap(coroutine, hasBegun), name, eager, scope)
                : base.Create(loop, Wrap(coroutine, hasBegun), name, eager, scope);
            Count(hasBegun.Value);
            return task;
        }

        private static async Coroutine Wrap(Coroutine coroutine, StrongBox<bool> hasBegun)
        {
            hasBegun.Value = true;
            await coroutine;
        }

        private static async Coroutine<TResult> Wrap<TResult>(Coroutine<TResult> coroutine, StrongBox<bool> hasBegun)
        {
            hasBegun.Value = true;
            return await coroutine;
        }

        private void Count(bool hasBegun)
        {
            Tasks++;
            StartedLater += hasBegun ? 0 : 1;
        }
    }
}
