namespace Baton.Tests.Conformance;

#pragma warning disable CS1998 // Coroutines that never wait are among what is tested.

/// <summary>The execution context of tasks: CPython's <c>BaseTaskTests</c>.</summary>
public class TaskContextConformanceTests
{
    private const string Immutable =
        "An execution context cannot be changed: tasks made in one each start with its values, and none changes them for the others.";

    private readonly AsyncLocal<string?> _local = new();

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_context_1")]
    public void A_task_neither_sees_later_changes_of_who_made_it_nor_shows_its_own() => LoopTest.On(test =>
    {
        var task = test.Loop.CreateTask(Main());
        test.Loop.RunUntilComplete(task);
        Assert.Null(_local.Value);

        async Coroutine Main()
        {
            Assert.Null(_local.Value);
            var inner = Coroutine.Start(Inner(null));
            _local.Value = "given";
            var second = Coroutine.Start(Inner("given"));
            _local.Value = "yes";
            await inner;
            Assert.Equal("yes", _local.Value);
            await second;
            Assert.Equal("yes", _local.Value);
        }

        async Coroutine Inner(string? expected)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(10));
            Assert.Equal(expected, _local.Value);
            _local.Value = "something else";
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_context_2")]
    public void Done_callbacks_see_the_values_of_who_registered_them_and_change_nothing_for_it() => LoopTest.On(test =>
    {
        var seen = new List<string?>();
        test.Loop.RunUntilComplete(Main());
        Assert.Equal([null, "yes 0-2"], seen);
        Assert.Null(_local.Value);

        async Coroutine Main()
        {
            Assert.Null(_local.Value);
            for (var j = 0; j < 2; j++)
            {
                var future = test.Loop.CreateFuture();
                future.AddDoneCallback(_ =>
                {
                    seen.Add(_local.Value);
                    _local.Value = "something else";
                });
                _local.Value = $"yes {j}";
                test.Loop.CallSoon(future.SetResult);
                await future;
                Assert.Equal($"yes {j}", _local.Value);
                for (var i = 0; i < 3; i++)
                {
                    _local.Value = $"yes {j}-{i}";
                    await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
                    Assert.Equal($"yes {j}-{i}", _local.Value);
                }
            }
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_context_3")]
    public void A_hundred_tasks_at_a_time_each_keep_their_own_values() => LoopTest.On(test =>
    {
        var random = new Random(1);
        var steps = 0;
        test.Loop.RunUntilComplete(Main());
        Assert.Equal(1000, steps);
        Assert.Null(_local.Value);

        async Coroutine Main() => await Coroutine.Gather(Enumerable.Range(0, 100).Select(_ => Body(random.Next(10))));

        async Coroutine Body(int number)
        {
            for (var i = 0; i < 10; i++)
            {
                var value = $"{number + i}";
                _local.Value = value;
                await Coroutine.Sleep(TimeSpan.FromMilliseconds(random.Next(1, 50)));
                Assert.Equal(value, _local.Value);
                steps++;
            }
        }
    });

    public static TheoryData<string, Func<EventLoop, Coroutine, LoopTask>> Makers => new()
    {
        { "CreateTask", (loop, coroutine) => loop.CreateTask(coroutine) },
        { "Start", (_, coroutine) => Coroutine.Start(coroutine) },
        { "eager", (loop, coroutine) => loop.CreateTask(coroutine, eager: true) },
    };

    [Theory]
    [MemberData(nameof(Makers))]
    [CPython("test_tasks.BaseTaskTests.test_context_4", Improvement = Immutable)]
    [CPython("test_tasks.BaseTaskTests.test_context_5", Improvement = Immutable)]
    [CPython("test_tasks.BaseTaskTests.test_context_6", Improvement = Immutable)]
    public void A_task_leaves_its_first_context_alone(string how, Func<EventLoop, Coroutine, LoopTask> make) => LoopTest.Run(async test =>
    {
        _local.Value = "given";
        var context = ExecutionContext.Capture()!;
        _local.Value = "main";
        for (var i = 0; i < 2; i++)
        {
            LoopTask? task = null;
            ExecutionContext.Run(context, _ => task = make(test.Loop, Body()), null);
            Assert.Equal("main", _local.Value);
            await task!;
            Assert.Equal("main", _local.Value);
            ExecutionContext.Run(context, _ => Assert.Equal("given", _local.Value), null);
        }

        Assert.NotEmpty(how);

        async Coroutine Body()
        {
            Assert.Equal("given", _local.Value);
            await Coroutine.Yield();
            Assert.Equal("given", _local.Value);
            _local.Value = "changed by the task";
        }
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_get_context", Improvement =
        "There is nothing to ask for: the values of the context in which a task was made are with its code, callbacks and reports.")]
    public void The_context_in_which_a_task_was_made_is_with_all_that_it_does() => LoopTest.On(
        options => options.ExceptionHandler = (_, report) => report.Exception!.Data["seen"] = _local.Value,
        test =>
        {
            var seen = new List<string?>();
            var exception = new IOException("unseen");
            ExecutionContext.Run(ExecutionContext.Capture()!, _ =>
            {
                _local.Value = "given";
                _ = test.Loop.CreateTask(Body());
            }, null);
            Assert.Null(_local.Value);
            test.RunIterations(4);
            test.Loop.Dispose();
            Assert.Equal(["given", "given", "given"], seen);
            Assert.Equal("given", exception.Data["seen"]);

            async Coroutine Body()
            {
                seen.Add(_local.Value);
                test.Loop.CallSoon(() => seen.Add(_local.Value));
                await Coroutine.Yield();
                seen.Add(_local.Value);
                throw exception;
            }
        });
}
