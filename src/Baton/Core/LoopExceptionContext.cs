namespace Baton;

/// <summary>A failure that reached nobody, as an exception handler gets it. Corresponds to the <c>context</c> of asyncio's exception handlers.</summary>
public sealed class LoopExceptionContext
{
    /// <summary>Creates a context.</summary>
    /// <param name="message">What happened, in a sentence.</param>
    public LoopExceptionContext(string message)
    {
        ArgumentNullException.ThrowIfNull(message);
        Message = message;
    }

    /// <summary>What happened, in a sentence.</summary>
    public string Message { get; }

    /// <summary>The exception, where there is one.</summary>
    public Exception? Exception { get; init; }

    /// <summary>The task or future involved, where there is one.</summary>
    public Future? Future { get; init; }

    /// <summary>What else was involved, such as a connection or a server.</summary>
    public object? Source { get; init; }

    /// <inheritdoc/>
    public override string ToString() => Exception is null ? Message : $"{Message}: {Exception}";
}
