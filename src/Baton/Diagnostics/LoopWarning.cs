namespace Baton;

/// <summary>
/// Something that is probably a mistake, and harms nobody yet, as <see cref="EventLoop.WarningHandler"/> gets it. Most are found in debug
/// mode only.
/// </summary>
public sealed class LoopWarning
{
    internal LoopWarning(LoopWarningKind kind, string message)
    {
        Kind = kind;
        Message = message;
    }

    /// <summary>What it is about.</summary>
    public LoopWarningKind Kind { get; }

    /// <summary>What happened and what to do about it.</summary>
    public string Message { get; }

    /// <summary>The task involved, where there is one.</summary>
    public LoopTask? Task { get; init; }

    /// <summary>What else was involved: the resource that was not closed.</summary>
    public object? Source { get; init; }

    /// <summary>How long a slow callback took.</summary>
    public TimeSpan? Duration { get; init; }

    /// <summary>The methods that were running: where a blocking wait was started.</summary>
    public CreationSite? Stack { get; init; }

    /// <summary>Where a slow task now stands.</summary>
    public AwaitStack? AwaitStack { get; init; }

    /// <summary>Where the coroutine, the task, the callback or the resource was made, where that is known.</summary>
    public CreationSite? SourceTraceback { get; init; }

    /// <summary>The message, and the stacks.</summary>
    public override string ToString()
    {
        var text = Message;
        if (AwaitStack is { } awaits && awaits.ToString() is { Length: > 0 } lines)
        {
            text += "\n   " + lines.Replace("\n", "\n   ", StringComparison.Ordinal);
        }

        if (Stack is { Frames.Count: > 0 } stack)
        {
            text += $"\n{stack}";
        }

        if (SourceTraceback is { Frames.Count: > 0 } made)
        {
            text += $"\nCreated:\n{made}";
        }

        return text;
    }
}
