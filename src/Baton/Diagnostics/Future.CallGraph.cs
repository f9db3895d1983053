namespace Baton;

// Who waits for a future. Derived from the callbacks that it has at that moment.
public partial class Future
{
    /// <summary>
    /// The call graph of a future or task: its own stack, and recursively those of whoever awaits it. Corresponds to
    /// <c>asyncio.capture_call_graph</c>.
    /// </summary>
    /// <param name="limit">
    /// How many frames of each stack to keep: a positive number keeps those nearest to where the code is, a negative one the outermost, 0
    /// none, null all.
    /// </param>
    /// <exception cref="InvalidOperationException">This is not the loop's thread.</exception>
    public FutureCallGraph GetCallGraph(int? limit = null) => FutureCallGraph.Capture(this, limit);

    /// <summary>The tasks and futures that wait for this one, in the order in which they came, each once.</summary>
    internal List<Future> Awaiters()
    {
        var awaiters = new List<Future>();
        foreach (var item in Callbacks())
        {
            if (item.Awaiter is { } awaiter && !awaiters.Contains(awaiter))
            {
                awaiters.Add(awaiter);
            }
        }

        return awaiters;
    }

    internal IReadOnlyList<LoopItem> Callbacks() => _callbacks switch
    {
        null => [],
        List<LoopItem> list => list,
        var item => [(LoopItem)item],
    };
}
