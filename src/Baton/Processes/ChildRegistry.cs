namespace Baton;

/// <summary>
/// The children of a loop that have not been waited for. They end with the loop, those excepted that are meant to run on.
/// </summary>
internal sealed class ChildRegistry
{
    /// <summary>
    /// How long a loop that closes waits for a child that it has killed. More than enough, unless the system holds the child in the middle
    /// of a call.
    /// </summary>
    private static readonly TimeSpan EndLimit = TimeSpan.FromSeconds(5);

    private readonly EventLoop _loop;
    private readonly HashSet<ChildReaper> _children = [];

    internal ChildRegistry(EventLoop loop)
    {
        _loop = loop;
        loop.ShutdownSteps.Add(EndChildrenAsync);
        loop.Closed += OnLoopClosed;
    }

    internal void Add(ChildReaper child) => _children.Add(child);

    internal void Remove(ChildReaper child) => _children.Remove(child);

    /// <summary>At the end of <see cref="EventLoop.Run(Func{Coroutine}, EventLoopOptions?)"/>, while there is a loop to wait on.</summary>
    private async Coroutine EndChildrenAsync()
    {
        ChildReaper[] children = [.. _children.Where(child => !child.MayOutliveLoop)];
        foreach (var child in children)
        {
            Report(child);
            child.TryKill();
        }

        if (children.Length > 0)
        {
            await CancelScope.Run(
                async _ =>
                {
                    foreach (var child in children)
                    {
                        await child.WaitAsync(isCancellable: true);
                    }
                },
                EndLimit);
        }
    }

    private void OnLoopClosed()
    {
        foreach (var child in _children.ToArray())
        {
            if (!child.MayOutliveLoop)
            {
                Report(child);
                child.TryKill();
            }

            child.LeaveLoop(child.MayOutliveLoop ? TimeSpan.Zero : EndLimit);
        }

        _children.Clear();
    }

    private void Report(ChildReaper child)
    {
        if (child.TryTakeReport())
        {
            _loop.ReportException(
                $"The {child.Description} still ran when the event loop was closed: it has been killed. " +
                "Wait for it, or dispose of it with 'await using'",
                null,
                source: child.Owner);
        }
    }
}
