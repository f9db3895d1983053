using System.Text;

namespace Baton;

public sealed partial class EventLoop
{
    /// <summary>
    /// Lists the tasks that are not done, oldest first, with where each stands: what everybody is waiting for. Corresponds to asyncio's
    /// <c>ps</c> tool.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public string FormatTasks()
    {
        var text = new StringBuilder();
        foreach (var task in AllTasks())
        {
            text.Append(task.Brief).Append('\n');
            task.GetAwaitStack().AppendTo(text, "  ");
        }

        return text.ToString().TrimEnd('\n');
    }

    /// <summary>
    /// The tasks that are not done as a tree: below each, those that it awaits. Corresponds to asyncio's <c>pstree</c> tool. Tasks that
    /// await one another in a circle, which will never end, are said to.
    /// </summary>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public string FormatTaskTree()
    {
        var tasks = AllTasks();
        var awaited = new Dictionary<LoopTask, List<LoopTask>>();
        var roots = new List<LoopTask>();
        foreach (var task in tasks)
        {
            var awaiters = AwaitingTasks(task);
            foreach (var awaiter in awaiters)
            {
                if (!awaited.TryGetValue(awaiter, out var list))
                {
                    awaited[awaiter] = list = [];
                }

                list.Add(task);
            }

            if (awaiters.Count == 0)
            {
                roots.Add(task);
            }
        }

        var text = new StringBuilder();
        var shown = new HashSet<LoopTask>();
        foreach (var task in roots)
        {
            AppendTree(text, task, awaited, shown);
        }

        // What is left hangs on a circle.
        foreach (var task in tasks)
        {
            if (!shown.Contains(task))
            {
                text.Append("Tasks that await one another:\n");
                AppendTree(text, task, awaited, shown);
            }
        }

        return text.ToString().TrimEnd('\n');
    }

    /// <summary>The tasks that await a future, directly or by way of other futures such as that of a gather.</summary>
    private static HashSet<LoopTask> AwaitingTasks(Future future)
    {
        var tasks = new HashSet<LoopTask>();
        var seen = new HashSet<Future> { future };
        var open = new Stack<Future>([future]);
        while (open.TryPop(out var next))
        {
            foreach (var awaiter in next.Awaiters())
            {
                if (awaiter is LoopTask task)
                {
                    tasks.Add(task);
                }
                else if (seen.Add(awaiter))
                {
                    open.Push(awaiter);
                }
            }
        }

        return tasks;
    }

    private static void AppendTree(StringBuilder text, LoopTask root, Dictionary<LoopTask, List<LoopTask>> awaited, HashSet<LoopTask> shown)
    {
        // Not by recursion: a chain of tasks may be of any length.
        var open = new Stack<(LoopTask Task, int Depth)>([(root, 0)]);
        while (open.TryPop(out var next))
        {
            var indent = new string(' ', Math.Min(next.Depth, 40) * 4);
            text.Append(indent).Append(next.Task.Brief);
            if (!shown.Add(next.Task))
            {
                text.Append(", see above\n");
                continue;
            }

            text.Append('\n');
            next.Task.GetAwaitStack().AppendTo(text, indent + "  ");
            if (awaited.TryGetValue(next.Task, out var children))
            {
                for (var i = children.Count - 1; i >= 0; i--)
                {
                    open.Push((children[i], next.Depth + 1));
                }
            }
        }
    }
}
