namespace Baton;

/// <summary>Shows who waits for whom. See <see cref="EventLoop.FormatTaskTree"/> for all tasks at once.</summary>
public static class CallGraph
{
    /// <summary>
    /// The call graph of a future or task, or of the current task. Corresponds to <c>asyncio.capture_call_graph</c>.
    /// </summary>
    /// <param name="future">The future or task; null for the current task.</param>
    /// <param name="limit">
    /// How many frames of each stack to keep: a positive number keeps those nearest to where the code is, a negative one the outermost, 0
    /// none, null all.
    /// </param>
    /// <returns>Null where no future was given and no task runs, as in a callback.</returns>
    /// <exception cref="InvalidOperationException">
    /// This is not the future's loop's thread; or none was given, and no loop runs on this thread.
    /// </exception>
    public static FutureCallGraph? Capture(Future? future = null, int? limit = null) =>
        (future ?? EventLoop.Current.CurrentTask) is { } subject ? subject.GetCallGraph(limit) : null;

    /// <summary>As <see cref="Capture"/>, as text. Corresponds to <c>asyncio.format_call_graph</c>.</summary>
    /// <returns>The empty string where <see cref="Capture"/> returns null.</returns>
    /// <exception cref="InvalidOperationException">As <see cref="Capture"/>.</exception>
    public static string Format(Future? future = null, int? limit = null) => Capture(future, limit)?.ToString() ?? "";

    /// <summary>As <see cref="Format"/>, written to a stream. Corresponds to <c>asyncio.print_call_graph</c>.</summary>
    /// <param name="writer">Where to; null for the standard output.</param>
    /// <param name="future">The future or task; null for the current task.</param>
    /// <param name="limit">As for <see cref="Capture"/>.</param>
    /// <exception cref="InvalidOperationException">As <see cref="Capture"/>.</exception>
    public static void Print(TextWriter? writer = null, Future? future = null, int? limit = null) =>
        (writer ?? Console.Out).WriteLine(Format(future, limit));
}
