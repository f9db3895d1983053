namespace Baton;

/// <summary>A gather of whatever type, for those who only walk over its children.</summary>
internal interface IGathering
{
    int Count { get; }

    bool IsDone { get; }

    /// <summary>Whether some of the children were there before: only these can be gathers, or stand among the children twice.</summary>
    bool HasGivenChildren { get; }

    bool IsCancelRequested { get; }

    Future Child(int index);

    /// <summary>Notes that a child has accepted a cancellation: the gather will end as cancelled.</summary>
    void RequestCancel(string? message);
}

/// <summary>
/// Cancels the children of a gather, and of the gathers among them, each child once. A loop, so that no nesting is too deep for the stack.
/// </summary>
internal static class GatherCancellation
{
    /// <returns>Whether a child was not done.</returns>
    internal static bool Cancel(IGathering gathering, string? message, bool asAwaited)
    {
        if (gathering.HasGivenChildren)
        {
            return CancelTree(gathering, message, asAwaited);
        }

        var accepted = false;
        for (var i = 0; i < gathering.Count && !gathering.IsDone; i++)
        {
            accepted |= CancelOne(gathering.Child(i), message, asAwaited);
        }

        if (accepted)
        {
            gathering.RequestCancel(message);
        }

        return accepted;
    }

    private static bool CancelTree(IGathering root, string? message, bool asAwaited)
    {
        var visited = new Dictionary<Future, bool>(ReferenceEqualityComparer.Instance);
        var path = new Stack<Visit>();
        path.Push(new Visit(root));
        while (true)
        {
            var visit = path.Peek();
            if (visit.Next < visit.Gathering.Count && !visit.Gathering.IsDone)
            {
                var child = visit.Gathering.Child(visit.Next++);
                if (visited.TryGetValue(child, out var accepted))
                {
                    visit.IsAccepted |= accepted;
                }
                else if (child is IGathering { IsDone: false } nested)
                {
                    visited.Add(child, false);
                    path.Push(new Visit(nested));
                }
                else
                {
                    accepted = CancelOne(child, message, asAwaited);
                    visited.Add(child, accepted);
                    visit.IsAccepted |= accepted;
                }

                continue;
            }

            path.Pop();
            if (visit.IsAccepted)
            {
                visit.Gathering.RequestCancel(message);
                visited[(Future)visit.Gathering] = true;
            }

            if (path.Count == 0)
            {
                return visit.IsAccepted;
            }

            path.Peek().IsAccepted |= visit.IsAccepted;
        }
    }

    private static bool CancelOne(Future child, string? message, bool asAwaited) =>
        asAwaited ? child.CancelAsAwaited(message) : child.Cancel(message);

    private sealed class Visit(IGathering gathering)
    {
        internal IGathering Gathering { get; } = gathering;

        internal int Next { get; set; }

        internal bool IsAccepted { get; set; }
    }
}
