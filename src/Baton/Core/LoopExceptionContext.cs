namespace Baton;

/// <summary>
/// A failure that reached nobody, as an exception handler gets it. Corresponds to the <c>context</c> of asyncio's exception handlers, whose
/// keys <see cref="this[string]"/> takes.
/// </summary>
public sealed class LoopExceptionContext
{
    /// <summary>Creates a context.</summary>
    /// <param name="message">What happened, in a sentence.</param>
    public LoopExceptionContext(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        Message = message;
    }

    /// <summary>What happened, in a sentence. Key: <c>message</c>.</summary>
    public string Message { get; }

    /// <summary>The exception, where there is one. Key: <c>exception</c>.</summary>
    public Exception? Exception { get; init; }

    /// <summary>The task or future involved, where there is one. Key: <c>future</c>.</summary>
    public Future? Future { get; init; }

    /// <summary>The task involved, where there is one. Key: <c>task</c>.</summary>
    public LoopTask? Task => Future as LoopTask;

    /// <summary>The callback that failed, where it was one. Key: <c>handle</c>.</summary>
    public Delegate? Callback { get; init; }

    /// <summary>What else was involved, such as a connection or a server. Keys: <c>transport</c> and <c>socket</c>.</summary>
    public object? Source { get; init; }

    /// <summary>Where the task or future was made, in debug mode. Key: <c>source_traceback</c>.</summary>
    public CreationSite? SourceTraceback { get; internal set; }

    /// <summary>Where the callback was handed to the loop, in debug mode. Key: <c>handle_traceback</c>.</summary>
    public CreationSite? HandleTraceback { get; init; }

    /// <summary>Where to call a handler, if not where the failure is reported.</summary>
    internal ExecutionContext? ExecutionContext { get; init; }

    /// <summary>What a key of asyncio's stands for; null where there is no such thing.</summary>
    /// <param name="key">
    /// <c>message</c>, <c>exception</c>, <c>future</c>, <c>task</c>, <c>handle</c>, <c>transport</c>, <c>socket</c>,
    /// <c>source_traceback</c> or <c>handle_traceback</c>.
    /// </param>
    public object? this[string key] => key switch
    {
        "message" => Message,
        "exception" => Exception,
        "future" => Future,
        "task" => Task,
        "handle" => Callback,
        "socket" => Source as LoopSocket,
        "transport" => Source is LoopSocket ? null : Source,
        "source_traceback" => SourceTraceback,
        "handle_traceback" => HandleTraceback,
        _ => null,
    };

    /// <summary>The message, the exception, and in debug mode where what is involved was made.</summary>
    public override string ToString() => Exception is null ? Describe() : $"{Message}: {Exception}{Tracebacks}";

    /// <summary>As text, without the exception.</summary>
    internal string Describe() => Message + Tracebacks;

    private string Tracebacks =>
        (SourceTraceback is { Frames.Count: > 0 } source ? $"\nCreated:\n{source}" : "")
        + (HandleTraceback is { Frames.Count: > 0 } handle ? $"\nHanded to the loop:\n{handle}" : "");

    /// <summary>Adds what the future or task itself knows.</summary>
    internal void Complete(bool isDebug)
    {
        if (isDebug)
        {
            SourceTraceback ??= Future?.CreationSite;
        }
    }
}
