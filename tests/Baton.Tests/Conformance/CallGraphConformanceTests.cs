using System.Runtime.CompilerServices;
using System.Text;

namespace Baton.Tests.Conformance;

/// <summary>
/// CPython's test_graph. Graphs are written <c>task: frames, innermost first [what awaits it; …]</c>, with <c>main</c> for the task of the
/// test.
/// </summary>
public class CallGraphConformanceTests
{
    private const string Here = "Baton.Tests.Conformance.CallGraphConformanceTests.";

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_tgroup")]
    public void Of_a_task_in_a_group_it_shows_the_group_and_the_siblings_that_await_it() => Run(async () =>
    {
        var (graph, text) = ("", "");
        await Main();
        Assert.Equal(
            "c2_root: C5 C4 C3 C2 [main: EndAsync Run Main lambda; sub_main_1: C1 [main: EndAsync Run Main lambda]; " +
            "sub_main_2: C1 [main: EndAsync Run Main lambda]]",
            graph);
        Assert.Contains(nameof(Of_a_task_in_a_group_it_shows_the_group_and_the_siblings_that_await_it), text, StringComparison.Ordinal);

        [MethodImpl(MethodImplOptions.NoInlining)]
        void C5() => (graph, text) = Capture();

        async Coroutine C4()
        {
            await Coroutine.Yield();
            C5();
        }

        async Coroutine C3() => await C4();

        async Coroutine C2() => await C3();

        static async Coroutine C1(LoopTask task) => await task;

        async Coroutine Main() => await TaskGroup.Run(async Coroutine (group) =>
        {
            var task = group.CreateTask(C2(), "c2_root");
            _ = group.CreateTask(C1(task), "sub_main_1");
            _ = group.CreateTask(C1(task), "sub_main_2");
        });
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_async_gen")]
    public void Async_iterators_are_among_the_frames() => Run(async () =>
    {
        var (graph, text) = ("", "");
        await Main();
        Assert.Equal("main: Nested Values Main lambda", graph);
        Assert.Contains($"at {Here}{nameof(Async_iterators_are_among_the_frames)}.Values, ", text, StringComparison.Ordinal);

#pragma warning disable CS1998 // There is nothing to await.
        async Coroutine Nested() => (graph, text) = Capture();
#pragma warning restore CS1998

        async IAsyncEnumerable<int> Values()
        {
            for (var i = 0; i < 2; i++)
            {
                yield return i;
                if (i == 1)
                {
                    await Nested();
                }
            }
        }

        async Coroutine Main()
        {
            await foreach (var _ in Values())
            {
            }
        }
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_gather")]
    public void Of_a_child_of_a_gather_it_shows_who_awaits_the_gather() => Run(async () =>
    {
        var graph = "";
        await Main();
        Assert.Equal("task: Deep C1 [Gather of 2: [main: Main lambda]]", graph);

        async Coroutine Deep()
        {
            await Coroutine.Yield();
            graph = Capture().Graph;
        }

        async Coroutine C1()
        {
            await Coroutine.Yield();
            await Deep();
        }

        static async Coroutine C2() => await Coroutine.Yield();

        async Coroutine Main() => await Coroutine.Gather(C1(), C2());
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_shield")]
    public void Of_what_is_shielded_it_shows_who_awaits_the_shield() => Run(async () =>
    {
        var graph = "";
        await Main();
        Assert.Equal("task: Deep C1 [Shield: [main: Main lambda]]", graph);

        async Coroutine Deep()
        {
            await Coroutine.Yield();
            graph = Capture().Graph;
        }

        async Coroutine C1()
        {
            await Coroutine.Yield();
            await Deep();
        }

        async Coroutine Main() => await Coroutine.Shield(C1());
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_timeout")]
    public void A_timeout_hides_neither_what_it_limits_nor_who_awaits_that() => Run(async () =>
    {
        var graph = "";
        await Main();
        Assert.Equal("task: Inner lambda RunIn C1 [Shield: [main: Main lambda]]", graph);

        async Coroutine Inner()
        {
            await Coroutine.Yield();
            graph = Capture().Graph;
        }

        async Coroutine C1() => await LoopTimeout.Run(TimeSpan.FromSeconds(1), async Coroutine () =>
        {
            await Coroutine.Yield();
            await Inner();
        });

        async Coroutine Main() => await Coroutine.Shield(C1());
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_wait")]
    public void Of_a_task_for_whose_end_somebody_waits_it_shows_who() => Run(async () =>
    {
        var graph = "";
        var first = Coroutine.Start(C1());
        var second = Coroutine.Start(C2());
        await Main(first, second);
        await first;
        await second;
        Assert.Equal("task: Inner lambda RunIn C1 [main: WaitCore Main lambda]", graph);

        async Coroutine Inner()
        {
            await Coroutine.Yield();
            graph = Capture().Graph;
        }

        async Coroutine C1() => await LoopTimeout.Run(TimeSpan.FromSeconds(1), async Coroutine () =>
        {
            await Coroutine.Yield();
            await Inner();
        });

        static async Coroutine C2()
        {
            for (var i = 0; i < 3; i++)
            {
                await Coroutine.Yield();
            }
        }

        static async Coroutine Main(params LoopTask[] tasks)
        {
            while ((await Coroutine.Wait(tasks)).Pending.Count > 0)
            {
            }
        }
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_task")]
    public void Of_a_task_it_shows_who_awaits_it() => Run(async () =>
    {
        var graph = "";
        await Main();
        Assert.Equal("there there: Inner C1 [main: C2 Main lambda]", graph);

        async Coroutine Inner()
        {
            await Coroutine.Yield();
            graph = Capture().Graph;
        }

        async Coroutine C1() => await Inner();

        async Coroutine C2() => await Coroutine.Start(C1(), "there there");

        async Coroutine Main() => await C2();
    });

    [Fact]
    [CPython("test_graph.CallStackTestBase.test_stack_future")]
    public void Of_a_future_it_shows_the_tasks_that_await_it() => Run(async () =>
    {
        var (graph, text) = ("", "");
        await Main();
        Assert.Equal("Future: [task A: A2 A1 [main: lambda Run Main lambda]; task B: B1 [main: lambda Run Main lambda]]", graph);
        Assert.StartsWith("* Future (pending)\n", text, StringComparison.Ordinal);

        static async Coroutine A2(Future future) => await future;

        static async Coroutine A1(Future future) => await A2(future);

        static async Coroutine B1(Future future) => await future;

        async Coroutine Main()
        {
            var future = EventLoop.Current.CreateFuture();
            await TaskGroup.Run(async Coroutine (group) =>
            {
                _ = group.CreateTask(A1(future), "task A");
                _ = group.CreateTask(B1(future), "task B");
                for (var i = 0; i < 5; i++)
                {
                    await Coroutine.Yield();
                }

                (graph, text) = Capture(future);
                future.SetResult();
            });
        }
    });

    private static void Run(Func<Coroutine> body) => LoopTest.Run(async _ =>
    {
        LoopTask.Current!.Name = "main";
        await body();
    });

    private static (string Graph, string Text) Capture(Future? future = null)
    {
        using var writer = new StringWriter();
        CallGraph.Print(writer, future);
        var text = new StringBuilder();
        Append(text, CallGraph.Capture(future)!);
        return (text.ToString(), writer.ToString());
    }

    private static void Append(StringBuilder text, FutureCallGraph graph)
    {
        var name = graph.Future is LoopTask task ? task.Name : graph.Future.ToString().Split(" (")[0].Split(" [")[0];
        text.Append(name.StartsWith("Task-", StringComparison.Ordinal) ? "task" : name).Append(':');
        foreach (var method in graph.CallStack.Frames.Reverse().Select(frame => frame.Method).Where(method => !IsOfHarness(method)))
        {
            text.Append(' ').Append(method[(method.LastIndexOf('.') + 1)..]);
        }

        if (graph.AwaitedBy.Count > 0)
        {
            text.Append(" [");
            foreach (var awaiter in graph.AwaitedBy)
            {
                Append(text, awaiter);
                text.Append("; ");
            }

            text.Length -= 2;
            text.Append(']');
        }
    }

    private static bool IsOfHarness(string method) =>
        method is $"{Here}Capture" or $"{Here}Run.lambda" || method.StartsWith("Baton.Tests.LoopTest.", StringComparison.Ordinal);
}
