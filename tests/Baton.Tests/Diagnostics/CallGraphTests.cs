namespace Baton.Tests.Diagnostics;

/// <summary>Who awaits whom. The equivalents of CPython's test_graph.</summary>
public class CallGraphTests
{
    private const string Here = "Baton.Tests.Diagnostics.CallGraphTests";

    [Fact]
    public void There_is_none_outside_of_tasks() => LoopTest.On(test =>
    {
        FutureCallGraph? graph = null;
        var text = "?";
        test.Loop.CallSoon(() =>
        {
            graph = CallGraph.Capture();
            text = CallGraph.Format();
        });
        test.RunIterations(1);
        Assert.Null(graph);
        Assert.Equal("", text);
        Assert.Throws<InvalidOperationException>(() => CallGraph.Capture());
    });

    [Fact]
    public void A_future_has_no_stack_and_its_awaiters() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var tasks = new[] { test.Loop.CreateTask(Wait(future), "first"), test.Loop.CreateTask(Wait(future), "second") };
        await Coroutine.Yield();
        var graph = future.GetCallGraph();
        Assert.Same(future, graph.Future);
        Assert.Empty(graph.CallStack.Frames);
        Assert.Equal(tasks, graph.AwaitedBy.Select(awaiter => awaiter.Future));
        Assert.All(graph.AwaitedBy, awaiter => Assert.Equal($"{Here}.Wait", Assert.Single(awaiter.CallStack.Frames).Method));
        future.SetResult();
        await test.Drain();
        Assert.Empty(future.GetCallGraph().AwaitedBy);
    });

    [Fact]
    public void It_leads_through_groups_gathers_shields_and_waits() => LoopTest.Run(async test =>
    {
        var child = test.Loop.CreateTask(Coroutine.Sleep(TimeSpan.FromSeconds(1)), "child");
        LoopTask inGroup = null!;
        LoopTask[] parents =
        [
            test.Loop.CreateTask(Gathers(), "gathers"),
            test.Loop.CreateTask(Shields(), "shields"),
            test.Loop.CreateTask(Waits(), "waits"),
            test.Loop.CreateTask(Groups(), "groups"),
        ];
        await Coroutine.Yield();
        await Coroutine.Yield();
        var graph = child.GetCallGraph();
        Assert.Equal(3, graph.AwaitedBy.Count);
        Assert.StartsWith("Gather of 2", graph.AwaitedBy[0].Future.ToString(), StringComparison.Ordinal);
        Assert.Same(parents[0], Assert.Single(graph.AwaitedBy[0].AwaitedBy).Future);
        Assert.StartsWith("Shield", graph.AwaitedBy[1].Future.ToString(), StringComparison.Ordinal);
        Assert.Same(parents[1], Assert.Single(graph.AwaitedBy[1].AwaitedBy).Future);
        Assert.Same(parents[2], graph.AwaitedBy[2].Future);
        Assert.Same(parents[3], Assert.Single(inGroup.GetCallGraph().AwaitedBy).Future);
        await Coroutine.Sleep(TimeSpan.FromSeconds(2));

        async Coroutine Gathers() => await Coroutine.Gather(child, Coroutine.Sleep(TimeSpan.FromSeconds(1)));

        async Coroutine Shields() => await Coroutine.Shield(child);

        async Coroutine Waits() => await Coroutine.Wait([child]);

        async Coroutine Groups() =>
            await TaskGroup.Run(async Coroutine (group) => inGroup = group.CreateTask(Coroutine.Sleep(TimeSpan.FromSeconds(1))));
    });

    [Fact]
    public void The_current_task_is_the_default() => LoopTest.Run(async test =>
    {
        var outer = test.Loop.CreateTask(Outer(), "outer");
        var (graph, text) = await outer;
        Assert.Equal("inner", ((LoopTask)graph.Future).Name);
        Assert.Equal(AwaitState.Running, graph.CallStack.State);
        var parent = Assert.Single(graph.AwaitedBy);
        Assert.Same(outer, parent.Future);
        Assert.Same(LoopTask.Current, Assert.Single(parent.AwaitedBy).Future);
        Assert.StartsWith("* Task 'inner' (pending)\n  is running\n  at ", text, StringComparison.Ordinal);
        Assert.Contains(
            "\n  awaited by\n    * Task 'outer' (pending)\n      waits for Task 'inner' (pending)\n      at ",
            text,
            StringComparison.Ordinal);

        static async Coroutine<(FutureCallGraph Graph, string Text)> Outer() => await Coroutine.Start(Inner(), "inner");

        static async Coroutine<(FutureCallGraph Graph, string Text)> Inner()
        {
            await Coroutine.Yield();
            return (CallGraph.Capture()!, CallGraph.Format());
        }
    });

    [Fact]
    public void Plain_code_awaits_for_its_task() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(Mixed(future), "mixed");
        await Coroutine.Yield();
        Assert.Same(task, Assert.Single(future.GetCallGraph().AwaitedBy).Future);
        future.SetResult();
        await task;

        static async Coroutine Mixed(Future future) => await Plain(future);

        static async Task Plain(Future future) => await future;
    });

    [Fact]
    public void A_callback_that_says_for_whom_it_waits_is_an_edge_and_others_are_not() => LoopTest.Run(async test =>
    {
        var child = test.Loop.CreateFuture();
        var gathered = test.Loop.CreateFuture();
        child.AddDoneCallback(static _ => { });
        child.AddDoneCallback(static (_, state) => ((Future)state!).TrySetResult(), gathered, gathered);
        child.AddDoneCallback(static (_, _) => { }, null, gathered);
        child.AddDoneCallback(static (_, _) => { }, null);
        var task = test.Loop.CreateTask(Wait(gathered), "gathering");
        await Coroutine.Yield();
        var graph = child.GetCallGraph();
        var middle = Assert.Single(graph.AwaitedBy);
        Assert.Same(gathered, middle.Future);
        Assert.Same(task, Assert.Single(middle.AwaitedBy).Future);
        child.SetResult();
        await task;
    });

    [Fact]
    public void A_circle_ends_where_it_began() => LoopTest.On(test =>
    {
        test.AllowLeftovers = true;
        var tasks = new LoopTask[3];
        for (var i = 0; i < 3; i++)
        {
            tasks[i] = test.Loop.CreateTask(WaitFor(tasks, (i + 1) % 3), $"{i}");
        }

        test.RunIterations(1);
        var graph = tasks[0].GetCallGraph();
        Assert.False(graph.IsRepeated);
        var last = graph.AwaitedBy[0].AwaitedBy[0].AwaitedBy[0];
        Assert.Same(tasks[0], last.Future);
        Assert.True(last.IsRepeated);
        Assert.Empty(last.AwaitedBy);
        Assert.Contains("(the rest is as above)", graph.ToString(), StringComparison.Ordinal);
        var tree = test.Loop.FormatTaskTree();
        Assert.Contains("Tasks that await one another:\nTask '0' (pending)", tree, StringComparison.Ordinal);
        Assert.Contains("Task '0' (pending), see above", tree, StringComparison.Ordinal);
        test.Loop.Dispose();
        Assert.Equal(3, test.TakeReports().Count);

        static async Coroutine WaitFor(LoopTask[] tasks, int index) => await tasks[index];
    });

    [Fact]
    public void Many_ways_to_the_same_task_are_followed_once() => LoopTest.Run(async test =>
    {
        // Thirty layers of two futures each: a thousand million ways from one end to the other.
        var layers = Enumerable.Range(0, 30).Select(_ => new[] { test.Loop.CreateFuture(), test.Loop.CreateFuture() }).ToArray();
        for (var i = 1; i < layers.Length; i++)
        {
            foreach (var future in layers[i - 1])
            {
                foreach (var awaiter in layers[i])
                {
                    future.AddDoneCallback(static (_, _) => { }, null, awaiter);
                }
            }
        }

        Assert.Equal(2, layers[0][0].GetCallGraph().AwaitedBy.Count);
        await Coroutine.Yield();
    });

    [Fact]
    public void A_very_long_chain_is_cut() => LoopTest.Run(async test =>
    {
        var futures = Enumerable.Range(0, 10_000).Select(_ => test.Loop.CreateFuture()).ToArray();
        for (var i = 1; i < futures.Length; i++)
        {
            futures[i - 1].AddDoneCallback(static (_, _) => { }, null, futures[i]);
        }

        var graph = futures[0].GetCallGraph();
        var depth = 0;
        for (; graph.AwaitedBy.Count > 0; graph = graph.AwaitedBy[0])
        {
            depth++;
        }

        Assert.Equal(200, depth);
        Assert.True(graph.IsRepeated);
        await Coroutine.Yield();
    });

    [Theory]
    [InlineData(null, "A B C")]
    [InlineData(0, "")]
    [InlineData(1, "C")]
    [InlineData(2, "B C")]
    [InlineData(3, "A B C")]
    [InlineData(9, "A B C")]
    [InlineData(-1, "A")]
    [InlineData(-2, "A B")]
    [InlineData(-3, "A B C")]
    [InlineData(-9, "A B C")]
    [InlineData(int.MinValue, "A B C")]
    public void A_limit_keeps_the_frames_at_one_end(int? limit, string names) => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var task = test.Loop.CreateTask(A(future));
        await Coroutine.Yield();
        Assert.Equal(names, string.Join(' ', task.GetCallGraph(limit).CallStack.Frames.Select(frame => frame.Method[(Here.Length + 1)..])));
        Assert.Equal(
            names.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length, CallGraph.Format(task, limit).Split("at Baton").Length - 1);
        future.SetResult();
        await task;
    });

    [Fact]
    public void Printing_writes_what_formatting_returns() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        using var writer = new StringWriter();
        CallGraph.Print(writer, future);
        Assert.Equal("* Future (pending)", writer.ToString().TrimEnd());
        Assert.Equal("* Future (pending)", CallGraph.Format(future));
        await Coroutine.Yield();
    });

    [Fact]
    public void All_tasks_are_listed_with_what_they_wait_for_and_as_a_tree() => LoopTest.Run(async test =>
    {
        var future = test.Loop.CreateFuture();
        var parent = test.Loop.CreateTask(Parent(future), "parent");
        LoopTask.Current!.Name = "main";
        await Coroutine.Yield();
        await Coroutine.Yield();
        var list = test.Loop.FormatTasks();
        Assert.StartsWith("Task 'main' (pending)\n  is running\n  at ", list, StringComparison.Ordinal);
        Assert.Contains("Task 'parent' (pending)\n  waits for Task 'second' (pending)\n  at ", list, StringComparison.Ordinal);
        Assert.Contains("Task 'first' (pending)\n  waits for Future (pending)\n  at ", list, StringComparison.Ordinal);

        var tree = test.Loop.FormatTaskTree();
        Assert.Contains("\nTask 'parent' (pending)\n", tree, StringComparison.Ordinal);
        Assert.Contains("\n    Task 'second' (pending)\n      waits for Task 'first' (pending)\n", tree, StringComparison.Ordinal);
        Assert.Contains("\n        Task 'first' (pending)\n          waits for Future (pending)\n", tree, StringComparison.Ordinal);
        future.SetResult();
        await parent;

        static async Coroutine Parent(Future future)
        {
            var first = Coroutine.Start(Wait(future), "first");
            await Coroutine.Start(Wait(first), "second");
        }
    });

    private static async Coroutine A(Future future) => await B(future);

    private static async Coroutine B(Future future) => await C(future);

    private static async Coroutine C(Future future) => await future;

    private static async Coroutine Wait(Future future) => await future;
}
