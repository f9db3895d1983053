namespace Baton.Tests.Core;

/// <summary><see cref="AsyncLocal{T}"/> flows as in C#'s own async methods: each test of a method runs against one of those too.</summary>
public class AsyncLocalTests
{
    private readonly AsyncLocal<string?> _local = new();

    [Fact]
    public void Changes_in_a_callee_are_invisible_to_the_caller() => LoopTest.Run(async () =>
    {
        _local.Value = "caller";
        await WithoutSuspending();
        Assert.Equal("caller", _local.Value);
        await Suspending();
        Assert.Equal("caller", _local.Value);
        await Plain();
        Assert.Equal("caller", _local.Value);

#pragma warning disable CS1998
        async Coroutine WithoutSuspending()
        {
            Assert.Equal("caller", _local.Value);
            _local.Value = "callee";
        }
#pragma warning restore CS1998

        async Coroutine Suspending()
        {
            _local.Value = "callee";
            await Coroutine.Yield();
            Assert.Equal("callee", _local.Value);
            _local.Value = "callee again";
        }

        async Task Plain()
        {
            _local.Value = "plain";
            await Coroutine.Yield();
            Assert.Equal("plain", _local.Value);
        }
    });

    [Fact]
    public void Changes_in_a_callee_that_throws_are_invisible_to_the_caller() => LoopTest.Run(async () =>
    {
        _local.Value = "caller";
        await Assert.ThrowsAsync<IOException>(async () => await Fail());
        try
        {
            await Fail();
        }
        catch (IOException)
        {
        }

        Assert.Equal("caller", _local.Value);

#pragma warning disable CS1998
        async Coroutine Fail()
        {
            _local.Value = "callee";
            throw new IOException();
        }
#pragma warning restore CS1998
    });

    [Fact]
    public void A_coroutine_runs_in_the_context_of_its_awaiter_not_of_its_maker() => LoopTest.Run(async () =>
    {
        // It is lazy: unlike a plain method's, its body runs where it is awaited.
        _local.Value = "made";
        var coroutine = Read();
        _local.Value = "awaited";
        Assert.Equal("awaited", await coroutine);

#pragma warning disable CS1998
        async Coroutine<string?> Read() => _local.Value;
#pragma warning restore CS1998
    });

    [Fact]
    public void A_task_starts_in_the_context_in_which_it_was_made() => LoopTest.Run(async test =>
    {
        _local.Value = "made";
        var task = test.Loop.CreateTask(Body());
        _local.Value = "changed since";
        Assert.Equal("made, set by the task", await task);
        Assert.Equal("changed since", _local.Value);

        async Coroutine<string> Body()
        {
            var first = _local.Value;
            _local.Value = "set by the task";
            await Coroutine.Yield();
            return $"{first}, {_local.Value}";
        }
    });

    public static TheoryData<string, Func<LoopTest, Coroutine>> Suspensions => new()
    {
        { "yield", async _ => await Coroutine.Yield() },
        { "sleep", async _ => await Coroutine.Sleep(TimeSpan.FromSeconds(1)) },
        { "future", async test => await Completed(test) },
        { "task", async test => await test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromSeconds(1))) },
        { "Task.Yield", async _ => await Task.Yield() },
        { "Task.Delay", async _ => await Task.Delay(1) },
        { "ConfigureAwait(false)", async _ => await Task.Delay(1).ConfigureAwait(false) },
    };

    [Theory]
    [MemberData(nameof(Suspensions))]
    public void Is_restored_after_an_await(string name, Func<LoopTest, Coroutine> suspend) => LoopTest.Run(async test =>
    {
        var tasks = Enumerable.Range(0, 5).Select(i => test.Loop.CreateTask(Body($"{name} {i}"))).ToList();
        foreach (var task in tasks)
        {
            await task;
        }

        Assert.Null(_local.Value);

        async Coroutine Body(string value)
        {
            for (var round = 0; round < 3; round++)
            {
                _local.Value = value;
                await suspend(test);
                Assert.Equal(value, _local.Value);
                await Plain(suspend, test, value);
                Assert.Equal(value, _local.Value);
            }
        }

        async Task Plain(Func<LoopTest, Coroutine> suspend, LoopTest test, string value)
        {
            _local.Value = value + " plain";
            await suspend(test);
            Assert.Equal(value + " plain", _local.Value);
        }
    });

    [Fact]
    public void Flows_into_callbacks_and_not_out_of_them() => LoopTest.Run(async test =>
    {
        var seen = new List<string?>();
        _local.Value = "soon";
        test.Loop.CallSoon(Read);
        _local.Value = "later";
        test.Loop.CallLater(TimeSpan.FromSeconds(1), Read);
        _local.Value = "at";
        test.Loop.CallAt(test.Loop.Time + 2_000_000_000, Read);
        using (LoopTest.StartThread(() =>
        {
            _local.Value = "thread";
            test.Loop.CallSoonThreadSafe(Read);
        }))
        {
        }

        _local.Value = "self";
        await Coroutine.Sleep(TimeSpan.FromSeconds(3));
        Assert.Equal(["soon", "thread", "later", "at"], seen);
        Assert.Equal("self", _local.Value);

        void Read()
        {
            seen.Add(_local.Value);
            _local.Value = "changed by the callback";
        }
    });

    [Fact]
    public void Flows_from_another_thread_into_a_coroutine_that_it_has_run() => LoopTest.On(test =>
    {
        Task<string?>? task = null;
        using (LoopTest.StartThread(() =>
        {
            _local.Value = "thread";
            task = test.Loop.RunCoroutineThreadSafe(Read());
        }))
        {
        }

        test.RunIterations(3);
        Assert.Equal("thread", task!.Result);

#pragma warning disable CS1998
        async Coroutine<string?> Read() => _local.Value;
#pragma warning restore CS1998
    });

    [Fact]
    public void A_loop_runs_callbacks_without_context_in_the_empty_one() => LoopTest.On(test =>
    {
        string? seen = "nothing";
        using (ExecutionContext.SuppressFlow())
        {
            test.Loop.CallSoon(() => seen = _local.Value);
        }

        _local.Value = "of the thread that runs the loop";
        test.RunIterations(1);
        Assert.Null(seen);
        Assert.Equal("of the thread that runs the loop", _local.Value);
        _local.Value = null;
    });

    [Fact]
    public void A_suppressed_flow_reaches_no_task_and_is_over_after_an_await() => LoopTest.Run(async test =>
    {
        _local.Value = "outer";
        LoopTask<string?> task;
        using (ExecutionContext.SuppressFlow())
        {
            task = test.Loop.CreateTask(Read());
            Assert.Equal("outer", _local.Value);
        }

        Assert.Null(await task);
        Assert.Equal("outer", _local.Value);
        Assert.False(ExecutionContext.IsFlowSuppressed());

#pragma warning disable CS1998
        async Coroutine<string?> Read() => _local.Value;
#pragma warning restore CS1998
    });

    [Fact]
    public void A_callee_under_a_suppressed_flow_changes_nothing_for_its_caller() => LoopTest.Run(async () =>
    {
        await Like(Coroutines);
        await Like(Plain);

        async Task Like(Func<Task> call)
        {
            _local.Value = "caller";
            Task task;
            using (ExecutionContext.SuppressFlow())
            {
                task = call();
                Assert.Equal("caller", _local.Value);
                Assert.True(ExecutionContext.IsFlowSuppressed());
            }

            await task;
        }

        async Task Coroutines()
        {
            await Callee();
            Assert.Equal("caller", _local.Value);
            Assert.True(ExecutionContext.IsFlowSuppressed());
        }

        async Task Plain()
        {
            await CalleeTask();
            Assert.Equal("caller", _local.Value);
            Assert.True(ExecutionContext.IsFlowSuppressed());
        }

#pragma warning disable CS1998
        async Coroutine Callee() => _local.Value = "callee";

        async Task CalleeTask() => _local.Value = "callee";
#pragma warning restore CS1998
    });

    [Fact]
    public void A_callee_that_leaves_the_flow_suppressed_does_not_suppress_it_for_its_caller() => LoopTest.Run(async () =>
    {
        _local.Value = "caller";
        await Callee();
        Assert.False(ExecutionContext.IsFlowSuppressed());
        Assert.Equal("caller", _local.Value);

#pragma warning disable CS1998
        static async Coroutine Callee() => ExecutionContext.SuppressFlow();
#pragma warning restore CS1998
    });

    [Fact]
    public void A_change_notification_comes_when_the_context_is_switched() => LoopTest.Run(async test =>
    {
        var changes = new List<(string? Previous, string? Current)>();
        var local = new AsyncLocal<string?>(change =>
        {
            if (change.ThreadContextChanged)
            {
                changes.Add((change.PreviousValue, change.CurrentValue));
            }
        });
        local.Value = "main";
        test.Loop.CallSoon(() => { });
        await Coroutine.Yield();
        Assert.DoesNotContain(changes, change => change.Current is not null and not "main");
        changes.Clear();
        await Callee();
        Assert.Contains(("callee", "main"), changes);

        async Coroutine Callee()
        {
            local.Value = "callee";
            await Coroutine.Yield();
        }
    });

    [Fact]
    public void Deep_coroutines_restore_every_level() => LoopTest.Run(async () =>
    {
        _local.Value = "top";
        await Recurse(500);
        Assert.Equal("top", _local.Value);

        async Coroutine Recurse(int depth)
        {
            var value = depth.ToString();
            _local.Value = value;
            if (depth == 0)
            {
                await Coroutine.Yield();
                return;
            }

            await Recurse(depth - 1);
            Assert.Equal(value, _local.Value);
        }
    });

    private static async Coroutine Completed(LoopTest test)
    {
        var future = test.Loop.CreateFuture();
        test.Loop.CallSoon(future.SetResult);
        await future;
    }
}
