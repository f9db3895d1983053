using System.Text;

namespace Baton;

/// <summary>A future or task, where it stands, and who awaits it. Corresponds to <c>asyncio.FutureCallGraph</c>.</summary>
public sealed class FutureCallGraph
{
    /// <summary>Deeper than this nobody reads, and the recursion has to end.</summary>
    private const int MaximumDepth = 200;

    private FutureCallGraph(Future future, AwaitStack callStack, IReadOnlyList<FutureCallGraph> awaitedBy, bool isRepeated)
    {
        Future = future;
        CallStack = callStack;
        AwaitedBy = awaitedBy;
        IsRepeated = isRepeated;
    }

    /// <summary>The future or task.</summary>
    public Future Future { get; }

    /// <summary>Where it stands; without frames for a future that is not a task.</summary>
    public AwaitStack CallStack { get; }

    /// <summary>Those that await it.</summary>
    public IReadOnlyList<FutureCallGraph> AwaitedBy { get; }

    /// <summary>
    /// Whether who awaits this one is left out, because it stands further up already, as where the graph leads in a circle, or because the
    /// graph is very deep.
    /// </summary>
    public bool IsRepeated { get; }

    /// <summary>The graph as text. Corresponds to <c>asyncio.format_call_graph</c>.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        Append(text, "");
        return text.ToString().TrimEnd('\n');
    }

    internal static FutureCallGraph Capture(Future future, int? limit)
    {
        future.Loop.CheckThread();
        return Capture(future, limit, [], 0);
    }

    private static FutureCallGraph Capture(Future future, int? limit, HashSet<Future> seen, int depth)
    {
        var stack = (future as LoopTask)?.GetAwaitStack().Limit(limit) ?? AwaitStack.Empty;
        if (depth == MaximumDepth || !seen.Add(future))
        {
            return new FutureCallGraph(future, stack, [], isRepeated: true);
        }

        var awaitedBy = future.Awaiters().ConvertAll(awaiter => Capture(awaiter, limit, seen, depth + 1));
        return new FutureCallGraph(future, stack, awaitedBy, isRepeated: false);
    }

    private void Append(StringBuilder text, string indent)
    {
        text.Append(indent).Append("* ").Append(Future.Brief).Append('\n');
        if (IsRepeated)
        {
            text.Append(indent).Append("  (the rest is as above)\n");
            return;
        }

        CallStack.AppendTo(text, indent + "  ");
        if (AwaitedBy.Count > 0)
        {
            text.Append(indent).Append("  awaited by\n");
            foreach (var awaiter in AwaitedBy)
            {
                awaiter.Append(text, indent + "    ");
            }
        }
    }
}
