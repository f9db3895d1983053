using Baton.Tests.Conformance;

namespace Baton.Tests.Core;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary><see cref="LoopTaskFactory"/>, and the factory that makes every task eager.</summary>
public class TaskFactoryTests
{
    [Fact]
    public void There_is_none_at_first() => LoopTest.On(test => Assert.Null(test.Loop.TaskFactory));

    [Fact]
    [CPython("test_base_events.BaseEventLoopTests.test_create_task")]
    public void Every_way_to_make_a_task_leads_through_it() => LoopTest.On(test =>
    {
        var factory = new NamingFactory();
        test.Loop.TaskFactory = factory;
        test.Loop.RunUntilComplete(Body());
        Assert.Equal(1, test.Loop.RunUntilComplete(Coroutine.FromResult(1)));
        Assert.Equal(
            ["made 1", "made 2", "given 3", "made 4", "made 5", "made 6", "given 7", "made 8", "made 9", "made 10"], factory.Names);

        async Coroutine Body()
        {
            await test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.Zero));
            await test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.Zero, 1), "given");
            await Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero));
            await Coroutine.Gather(Coroutine.Sleep(TimeSpan.Zero, 1), Coroutine.Sleep(TimeSpan.Zero, 'a'));
            await Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero), "given");
            await Coroutine.Shield(Coroutine.Sleep(TimeSpan.Zero));
            await Coroutine.FromTask(test.Loop.RunCoroutineThreadSafe(Coroutine.Sleep(TimeSpan.Zero)));
        }
    });

    [Fact]
    public void It_can_wrap_what_the_task_runs() => LoopTest.Run(async test =>
    {
        var factory = new WrappingFactory();
        test.Loop.TaskFactory = factory;
        await Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero));
        Assert.Equal(5, await Coroutine.Start(Coroutine.FromResult(5)));
        test.Loop.TaskFactory = null;
        Assert.Equal(["start", "end", "start", "end"], factory.Log);
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_error_in_call_soon", Improvement =
        "What could not become a task never was one: nothing is left pending, and the coroutine can still be used.")]
    public void One_that_throws_uses_nothing_up() => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = new BrokenFactory(_ => throw new IOException("no tasks today"));
        var coroutine = Coroutine.FromResult(1);
        Assert.Throws<IOException>(() => Coroutine.Start(coroutine));
        Assert.Throws<IOException>(() => Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero)));
        Assert.Throws<IOException>(() => Coroutine.Gather(Coroutine.Sleep(TimeSpan.Zero), Coroutine.Sleep(TimeSpan.Zero)));
        test.Loop.TaskFactory = null;
        Assert.Equal(1, await coroutine);
        Assert.Equal(1, test.Loop.TaskCount);
    });

    [Fact]
    public void One_that_fails_for_a_call_from_another_thread_tells_that_thread() => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = new BrokenFactory(_ => throw new IOException("no tasks today"));
        await Assert.ThrowsAsync<IOException>(async () => await test.Loop.RunCoroutineThreadSafe(Coroutine.Sleep(TimeSpan.Zero)));
    });

    [Fact]
    public void One_that_returns_nothing_or_another_loops_task_is_an_error() => LoopTest.Run(async test =>
    {
        using var other = new EventLoop(new EventLoopOptions { Driver = new VirtualDriver() });
        test.Loop.TaskFactory = new BrokenFactory(_ => null!);
        var exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero)));
        Assert.Contains("BrokenFactory of event loop 'test' returned null", exception.Message, StringComparison.Ordinal);
        var foreign = other.CreateTask(Coroutine.Sleep(TimeSpan.Zero), "foreign");
        test.Loop.TaskFactory = new BrokenFactory(_ => foreign);
        exception = Assert.Throws<InvalidOperationException>(() => Coroutine.Start(Coroutine.Sleep(TimeSpan.Zero)));
        Assert.Contains("'foreign' (pending), which belongs to another loop", exception.Message, StringComparison.Ordinal);
        test.Loop.TaskFactory = null;
        foreign.Cancel();
        await Coroutine.Yield();
    });

    [Fact]
    public void It_is_not_asked_on_another_thread() => LoopTest.Run(async test =>
    {
        var factory = new NamingFactory();
        test.Loop.TaskFactory = factory;
        LoopTest.OnThread(() => Assert.Throws<InvalidOperationException>(() => test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.Zero))));
        Assert.Empty(factory.Names);
        await Coroutine.Yield();
    });

    [Fact]
    public void The_eager_factory_makes_every_task_eager_while_the_loop_runs() => LoopTest.On(test =>
    {
        test.Loop.TaskFactory = LoopTaskFactory.Eager;
        var hasRun = false;
        var before = test.Loop.CreateTask(Run());
        Assert.False(hasRun);
        test.Loop.RunUntilComplete(Body());
        Assert.True(before.IsDone);

        async Coroutine Body()
        {
            hasRun = false;
            var task = Coroutine.Start(Run());
            Assert.True(hasRun);
            Assert.True(task.IsDone);
            Assert.Equal(3, Coroutine.Start(Coroutine.FromResult(3)).GetResult());
            Assert.Matches("^Task-[0-9]+$", task.Name);
            Assert.Equal("mine", Coroutine.Start(Run(), "mine").Name);
        }

        async Coroutine Run() => hasRun = true;
    });

    [Fact]
    public void A_caller_can_refuse_the_eager_start() => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = LoopTaskFactory.Eager;
        var hasRun = false;
        var task = Coroutine.Start(Run(), eager: false);
        Assert.False(hasRun);
        await task;
        Assert.True(hasRun);
        Assert.Equal(1, await Coroutine.Start(Coroutine.FromResult(1), eager: false));
        test.Loop.TaskFactory = null;
        Assert.True(Coroutine.Start(Run(), eager: true).IsDone);

        async Coroutine Run() => hasRun = true;
    });

    [Fact]
    public void With_it_a_gather_of_gathers_of_what_does_not_wait_is_done_at_once() => LoopTest.Run(async test =>
    {
        test.Loop.TaskFactory = LoopTaskFactory.Eager;
        var tasks = test.Loop.TaskCount;
        var gather = Coroutine.Start(Recurse(6));
        Assert.True(gather.IsDone);
        Assert.Equal(64, gather.GetResult());
        Assert.Equal(tasks, test.Loop.TaskCount);

        static async Coroutine<int> Recurse(int depth)
        {
            if (depth == 0)
            {
                return 1;
            }

            var (left, right) = await Coroutine.Gather(Recurse(depth - 1), Recurse(depth - 1));
            return left + right;
        }
    });

    [Fact]
    public void It_can_be_called_directly() => LoopTest.Run(async test =>
    {
        Assert.Equal(2, LoopTaskFactory.Eager.Create(test.Loop, Coroutine.FromResult(2), "direct", null, null).GetResult());
        Assert.Throws<ArgumentNullException>(() => LoopTaskFactory.Eager.Create(null!, default(Coroutine), null, null, null));
        Assert.Throws<ArgumentNullException>(() => LoopTaskFactory.Eager.Create(null!, default(Coroutine<int>), null, null, null));
        await Coroutine.Yield();
    });

    private sealed class NamingFactory : LoopTaskFactory
    {
        public List<string> Names { get; } = [];

        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope) =>
            base.Create(loop, coroutine, Next(name), eager, scope);

        public override LoopTask<TResult> Create<TResult>(
            EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope) =>
            base.Create(loop, coroutine, Next(name), eager, scope);

        private string Next(string? name)
        {
            Names.Add($"{name ?? "made"} {Names.Count + 1}");
            return Names[^1];
        }
    }

    private sealed class WrappingFactory : LoopTaskFactory
    {
        public List<string> Log { get; } = [];

        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope) =>
            base.Create(loop, Wrap(coroutine), name, eager, scope);

        public override LoopTask<TResult> Create<TResult>(
            EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope) =>
            base.Create(loop, Wrap(coroutine), name, eager, scope);

        private async Coroutine Wrap(Coroutine coroutine)
        {
            Log.Add("start");
            await coroutine;
            Log.Add("end");
        }

        private async Coroutine<TResult> Wrap<TResult>(Coroutine<TResult> coroutine)
        {
            Log.Add("start");
            var result = await coroutine;
            Log.Add("end");
            return result;
        }
    }

    private sealed class BrokenFactory(Func<EventLoop, LoopTask> create) : LoopTaskFactory
    {
        public override LoopTask Create(EventLoop loop, Coroutine coroutine, string? name, bool? eager, CancelScope? scope) => create(loop);

        public override LoopTask<TResult> Create<TResult>(
            EventLoop loop, Coroutine<TResult> coroutine, string? name, bool? eager, CancelScope? scope) =>
            (LoopTask<TResult>)create(loop);
    }
}
