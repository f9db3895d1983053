using System.Runtime.CompilerServices;
using Baton.Tests.Conformance;

namespace Baton.Tests.Diagnostics;

/// <summary>Where a task stands, in whatever it is suspended.</summary>
public class AwaitStackTests
{
    private const string Here = "Baton.Tests.Diagnostics.AwaitStackTests";

    [Fact]
    public void A_task_that_has_not_started_is_at_its_outermost_coroutine() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Outer(test.Loop.CreateFuture()));
        var stack = task.GetAwaitStack();
        Assert.Equal(AwaitState.NotStarted, stack.State);
        Assert.Equal([$"{Here}.Outer"], stack.Frames.Select(frame => frame.Method));
        Assert.Null(stack.WaitsFor);
        task.Cancel();
        await test.Drain();
    });

    [Fact]
    public void The_frames_go_from_the_outermost_to_the_innermost_and_know_their_lines() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Outer(future));
        await Coroutine.Yield();
        var stack = task.GetAwaitStack();
        Assert.Equal(AwaitState.Suspended, stack.State);
        Assert.Equal([$"{Here}.Outer", $"{Here}.Middle", $"{Here}.Inner"], stack.Frames.Select(frame => frame.Method));
        Assert.All(stack.Frames, frame => Assert.EndsWith("AwaitStackTests.cs", frame.File, StringComparison.Ordinal));
        Assert.Equal([OuterLine, MiddleLine, InnerLine], stack.Frames.Select(frame => frame.Line));
        Assert.Equal("Future (pending)", stack.WaitsFor);
        Assert.Equal(
            $"""
            waits for Future (pending)
            at {Here}.Inner, AwaitStackTests.cs:{InnerLine}
            at {Here}.Middle, AwaitStackTests.cs:{MiddleLine}
            at {Here}.Outer, AwaitStackTests.cs:{OuterLine}
            """,
            stack.ToString(),
            ignoreLineEndingDifferences: true);
        future.SetResult();
        await task;
        Assert.Equal(AwaitState.None, task.GetAwaitStack().State);
        Assert.Empty(task.GetAwaitStack().Frames);
    });

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void The_line_is_that_of_the_await_at_which_it_stands(int steps) => LoopTest.Run(async test =>
    {
        var gates = Enumerable.Range(0, 5).Select(_ => test.Loop.CreateFuture()).ToArray();
        var lines = new int[5];
        var task = test.Loop.CreateTask(Several(gates, lines));
        for (var i = 0; i < steps; i++)
        {
            gates[i].SetResult();
        }

        await Coroutine.Yield();
        await Coroutine.Yield();
        Assert.Equal(lines[steps], task.GetAwaitStack().Frames[0].Line);
        foreach (var gate in gates)
        {
            gate.TrySetResult();
        }

        await task;
    });

    [Fact]
    public void Lambdas_and_local_functions_have_readable_names() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        Func<Coroutine> lambda = async () => await future;
        Func<Coroutine> simple = static async () => await Coroutine.Sleep(TimeSpan.FromHours(1));
        var tasks = new[]
        {
            test.Loop.CreateTask(lambda()),
            test.Loop.CreateTask(Local()),
            test.Loop.CreateTask(simple()),
            test.Loop.CreateTask(Generic<int>.Wait<string>(future)),
        };
        await Coroutine.Yield();
        var method = $"{Here}.{nameof(Lambdas_and_local_functions_have_readable_names)}";
        Assert.Equal(
            [$"{method}.lambda", $"{method}.Local", $"{method}.lambda", $"{Here}.Generic.Wait"],
            tasks.Select(task => Assert.Single(task.GetAwaitStack().Frames).Method));
        future.SetResult();
        tasks[2].Cancel();
        await test.Drain();

        async Coroutine Local() => await future;
    });

    public static TheoryData<string, string, Func<LoopTest, Coroutine>> Leaves => new()
    {
        { "a sleep", "Coroutine.Sleep", static async _ => await Coroutine.Sleep(TimeSpan.FromHours(1)) },
        { "a sleep without end", "Coroutine.Sleep", static async _ => await Coroutine.Sleep(System.Threading.Timeout.InfiniteTimeSpan) },
        { "a future", "Future (pending)", static async test => await test.Loop.CreateFuture() },
        { "a future with a result", "Future<T> (pending)", static async test => await test.Loop.CreateFuture<int>() },
        { "a task", "Task 'other' (pending)", static async test => await test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)), "other") },
        { "an operation", "TestOperation", static async test => await new TestOperation(test.Loop) { OnCancel = TestOperation.EndAtOnce }.Start() },
        { "a BCL task", "a Task of the BCL", static async _ => await Task.Delay(System.Threading.Timeout.Infinite, LoopTask.Current!.CancellationToken) },
        {
            "a BCL task without a context", "a Task of the BCL",
            static async _ => await Task.Delay(System.Threading.Timeout.Infinite, LoopTask.Current!.CancellationToken).ConfigureAwait(false)
        },
        { "a value task", "a ValueTask", static async _ => await new ValueTask(Task.Delay(System.Threading.Timeout.Infinite, LoopTask.Current!.CancellationToken)) },
    };

    [Theory]
    [MemberData(nameof(Leaves))]
    public void What_it_waits_for_is_named(string what, string name, Func<LoopTest, Coroutine> wait) => LoopTest.Run(async test =>
    {
        Assert.NotEmpty(what);
        var task = test.Loop.CreateTask(Call(test, wait), "waiting");
        await Coroutine.Yield();
        await Coroutine.Yield();
        var stack = task.GetAwaitStack();
        Assert.Equal(AwaitState.Suspended, stack.State);
        Assert.Equal(name, stack.WaitsFor);
        Assert.Equal(2, stack.Frames.Count);
        Assert.Equal($"{Here}.Call", stack.Frames[0].Method);
        Assert.All(stack.Frames, frame => Assert.NotEqual(0, frame.Line));
        foreach (var any in test.Loop.AllTasks().Where(any => any != LoopTask.Current))
        {
            any.Cancel();
        }

        while (test.Loop.TaskCount > 1)
        {
            await Coroutine.Sleep(TimeSpan.FromMilliseconds(1));
        }
    });

    [Fact]
    public void A_task_between_two_turns_waits_for_its_turn() => LoopTest.Run(async test =>
    {
        var tasks = new[] { test.Loop.CreateTask(Yield()), test.Loop.CreateTask(YieldAsTheBcl()) };
        await Coroutine.Yield();
        Assert.Equal(
            ["its turn (Coroutine.Yield)", "its turn (Task.Yield)"],
            tasks.Select(task => task.GetAwaitStack().WaitsFor));
        await test.Drain();

        static async Coroutine Yield() => await Coroutine.Yield();

        static async Coroutine YieldAsTheBcl() => await Task.Yield();
    });

    [Fact]
    public void A_task_that_is_nothing_but_a_sleep_has_no_frames() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromHours(1)));
        await Coroutine.Yield();
        Assert.Empty(task.GetAwaitStack().Frames);
        Assert.Equal("Coroutine.Sleep", task.GetAwaitStack().WaitsFor);
        task.Cancel();
        await test.Drain();
    });

    [Fact]
    public void A_sleep_that_is_over_is_still_what_it_waits_for_until_it_runs() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Sleep());
        await Coroutine.Yield();
        var seen = new List<string?>();
        test.Loop.CallLater(TimeSpan.FromSeconds(1), () => seen.Add(task.GetAwaitStack().ToString()));
        await task;
        Assert.Contains($"at {Here}.A_sleep_that_is_over", Assert.Single(seen), StringComparison.Ordinal);

        static async Coroutine Sleep() => await Coroutine.Sleep(TimeSpan.FromSeconds(1));
    });

    [Fact]
    public void Plain_async_code_in_between_is_said_to_be_there() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Mixed(future));
        await Coroutine.Yield();
        var stack = task.GetAwaitStack();
        Assert.Equal([$"{Here}.Mixed", "plain async code", $"{Here}.Inner"], stack.Frames.Select(frame => frame.Method));
        Assert.Equal([false, true, false], stack.Frames.Select(frame => frame.IsPlainCode));
        Assert.Equal("Future (pending)", stack.WaitsFor);
        Assert.Contains("at (plain async code)", stack.ToString(), StringComparison.Ordinal);
        future.SetResult();
        await task;
    });

    [Fact]
    public void Plain_async_code_that_waits_by_itself_is_the_innermost_frame() => LoopTest.Run(async test =>
    {
        var futures = new[] { test.Loop.CreateFuture(), test.Loop.CreateFuture(), test.Loop.CreateFuture() };
        var task = test.Loop.CreateTask(All(futures));
        await Coroutine.Yield();
        var stack = task.GetAwaitStack();
        Assert.Equal(
            [$"{Here}.{nameof(Plain_async_code_that_waits_by_itself_is_the_innermost_frame)}.All", "plain async code"],
            stack.Frames.Select(frame => frame.Method));
        Assert.Equal("Future (pending) and 2 more", stack.WaitsFor);
        foreach (var future in futures)
        {
            future.SetResult();
        }

        await task;

        static async Coroutine All(Future[] futures) => await Task.WhenAll(futures.Select(Plain));

        static async Task Plain(Future future) => await future;
    });

    [Fact]
    [CPython("test_tasks.BaseTaskTests.test_get_stack", Improvement =
        "Shows all coroutines of the task, down to the method that asks, and not only the outermost.")]
    [CPython("test_pep492.CoroutineTests.test_task_print_stack")]
    public void The_task_that_runs_sees_its_own_stack_methods_in_between_included() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(RunningOuter());
        var stack = await task;
        Assert.Equal(AwaitState.Running, stack.State);
        Assert.Equal(
            [$"{Here}.RunningOuter", $"{Here}.RunningInner", $"{Here}.Method"],
            stack.Frames.Select(frame => frame.Method));
        Assert.All(stack.Frames, frame => Assert.NotEqual(0, frame.Line));
        Assert.StartsWith("is running\nat " + Here + ".Method", stack.ToString(), StringComparison.Ordinal);
    });

    [Fact]
    public void The_task_that_runs_sees_those_of_its_coroutines_that_are_suspended_too() => LoopTest.Run(async test =>
    {
        var task = test.Loop.CreateTask(Suspended());
        var stack = await task;
        Assert.Equal(
            [$"{Here}.Suspended", $"{Here}.SuspendedMiddle", $"{Here}.SuspendedMiddle.Late", $"{Here}.RunningOuter", $"{Here}.RunningInner", $"{Here}.Method"],
            stack.Frames.Select(frame => frame.Method));

        Assert.All(stack.Frames, frame => Assert.NotEqual(0, frame.Line));
    });

    [Fact]
    public void A_task_that_starts_eagerly_does_not_show_who_started_it() => LoopTest.Run(async test =>
    {
        // Often enough for the JIT to inline what it can.
        for (var i = 0; i < 1000; i++)
        {
            var task = test.Loop.CreateTask(RunningOuter(), eager: true);
            Assert.Equal(3, task.GetResult().Frames.Count);
            await task;
        }

        for (var i = 0; i < 1000; i++)
        {
            Assert.Equal(3, (await test.Loop.CreateTask(RunningOuter())).Frames.Count);
        }
    });

    [Fact]
    public void A_chain_of_any_length_has_a_stack() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Chain(10_000, future));
        for (var i = 0; i < 1000; i++)
        {
            await Coroutine.Yield();
        }

        Assert.Equal(10_001, task.GetAwaitStack().Frames.Count);
        future.SetResult();
        await task;

        static async Coroutine Chain(int depth, Future future)
        {
            if (depth == 0)
            {
                await future;
                return;
            }

            await Chain(depth - 1, future);
        }
    });

    [Fact]
    public void Another_thread_is_refused() => LoopTest.Run(async test =>
    {
        var task = LoopTask.Current!;
        using var thread = LoopTest.StartThread(() => Assert.Throws<InvalidOperationException>(() => task.GetAwaitStack()));
        await Coroutine.Yield();
    });

    private static int OuterLine => LineOf("await Middle(future); // outer");

    private static int MiddleLine => LineOf("await Inner(future); // middle");

    private static int InnerLine => LineOf("await future; // inner");

    private static async Coroutine Outer(Future future)
    {
        await Middle(future); // outer
    }

    private static async Coroutine<int> Middle(Future future)
    {
        await Inner(future); // middle
        return 1;
    }

    private static async Coroutine Inner(Future future)
    {
        await future; // inner
    }

    private static async Coroutine Several(Future[] gates, int[] lines)
    {
        lines[0] = Line() + 1;
        await gates[0];
        try
        {
            lines[1] = Line() + 1;
            await gates[1];
        }
        finally
        {
            lines[2] = Line() + 1;
            await gates[2];
        }

        for (var i = 3; i < 4; i++)
        {
            lines[3] = Line() + 1;
            Take(await Value(gates[3]));
        }

        lines[4] = Line() + 1;
        await gates[4];

        static void Take(int value) => Assert.Equal(1, value);

        static async Coroutine<int> Value(Future future)
        {
            await future;
            return 1;
        }
    }

    private static int Line([CallerLineNumber] int line = 0) => line;

    private static async Coroutine Call(LoopTest test, Func<LoopTest, Coroutine> wait) => await wait(test);

    private static async Coroutine Mixed(Future future)
    {
        await Plain(future);

        static async Task Plain(Future future) => await Inner(future);
    }

    private static async Coroutine<AwaitStack> Suspended() => await SuspendedMiddle();

    private static async Coroutine<AwaitStack> SuspendedMiddle()
    {
        return await Late();

        static async Coroutine<AwaitStack> Late()
        {
            await Coroutine.Yield();
            return await RunningOuter();
        }
    }

    private static async Coroutine<AwaitStack> RunningOuter() => await RunningInner();

#pragma warning disable CS1998 // There is nothing to await.
    private static async Coroutine<AwaitStack> RunningInner() => Method();
#pragma warning restore CS1998

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static AwaitStack Method() => LoopTask.Current!.GetAwaitStack();

    private static int LineOf(string code, [CallerFilePath] string path = "")
    {
        var lines = File.ReadAllLines(path);
        return Array.FindIndex(lines, line => line.Trim() == code) + 1;
    }

    private static class Generic<T>
    {
        internal static async Coroutine Wait<TOther>(Future future)
        {
            await future;
            GC.KeepAlive((typeof(T), typeof(TOther)));
        }
    }
}
