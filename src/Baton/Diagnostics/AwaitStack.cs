using System.Text;

namespace Baton;

/// <summary>
/// Where a task stands: its coroutines from the outermost to the innermost, and what the innermost waits for. Corresponds to the call stack
/// of asyncio's <c>FutureCallGraph</c>.
/// </summary>
public sealed class AwaitStack
{
    internal AwaitStack(AwaitState state, IReadOnlyList<AwaitStackFrame> frames, string? waitsFor)
    {
        State = state;
        Frames = frames;
        WaitsFor = waitsFor;
    }

    /// <summary>What the task is doing.</summary>
    public AwaitState State { get; }

    /// <summary>The frames, the outermost first.</summary>
    public IReadOnlyList<AwaitStackFrame> Frames { get; }

    /// <summary>
    /// What the innermost frame waits for, in a few words, such as <c>Coroutine.Sleep</c>; null unless the task is suspended.
    /// </summary>
    public string? WaitsFor { get; }

    internal static AwaitStack Empty { get; } = new(AwaitState.None, [], null);

    /// <summary>One line each, like a stack trace: first what is waited for, then the frames from the innermost to the outermost.</summary>
    public override string ToString()
    {
        var text = new StringBuilder();
        AppendTo(text, "");
        return text.ToString().TrimEnd('\n');
    }

    internal void AppendTo(StringBuilder text, string indent)
    {
        switch (State)
        {
            case AwaitState.Suspended:
                text.Append(indent).Append("waits for ").Append(WaitsFor).Append('\n');
                break;
            case AwaitState.Running:
                text.Append(indent).Append("is running\n");
                break;
            case AwaitState.NotStarted:
                text.Append(indent).Append("has not started\n");
                break;
        }

        for (var i = Frames.Count - 1; i >= 0; i--)
        {
            text.Append(indent).Append("at ").Append(Frames[i]).Append('\n');
        }
    }

    /// <summary>
    /// As asyncio's: a positive limit keeps the frames nearest to where the code is, a negative one the outermost, 0 none, null all.
    /// </summary>
    internal AwaitStack Limit(int? limit)
    {
        if (limit is not { } count || Math.Abs((long)count) >= Frames.Count)
        {
            return this;
        }

        return new AwaitStack(State, [.. count >= 0 ? Frames.TakeLast(count) : Frames.Take(-count)], WaitsFor);
    }
}
