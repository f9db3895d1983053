using System.Runtime.ExceptionServices;

namespace Baton;

/// <summary>
/// How something ended: with a result, failed or cancelled. What <c>GatherOutcomes</c> returns for each thing that it waited for.
/// Corresponds to an element of the result of <c>asyncio.gather(…, return_exceptions=True)</c>.
/// </summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public readonly struct Outcome<TResult>
{
    private readonly TResult _value;

    /// <summary>The outcome of something that returned.</summary>
    public Outcome(TResult value) => _value = value;

    /// <summary>The outcome of something that failed, or with a <see cref="CancelledException"/>, was cancelled.</summary>
    public Outcome(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        _value = default!;
        Exception = exception;
    }

    /// <summary>The exception; null where there is a result.</summary>
    public Exception? Exception { get; }

    /// <summary>Whether there is a result.</summary>
    public bool IsSuccess => Exception is null;

    /// <summary>Whether it was cancelled.</summary>
    public bool IsCancelled => Exception is CancelledException;

    /// <summary>Whether it failed; being cancelled is not failing.</summary>
    public bool IsFailed => Exception is not (null or CancelledException);

    /// <summary>The result; throws the exception where there is none.</summary>
    public TResult GetResult()
    {
        if (Exception is { } exception)
        {
            ExceptionDispatchInfo.Throw(exception);
        }

        return _value;
    }

    /// <summary>The result, or the default of its type where there is none.</summary>
    public TResult? GetResultOrDefault() => _value;

    /// <inheritdoc/>
    public override string ToString() => Exception switch
    {
        null => $"{_value}",
        CancelledException cancelled => $"cancelled: {cancelled.Message}",
        var failure => $"failed: {failure.GetType().Name}: {failure.Message}",
    };
}

/// <summary>How something without a result ended. See <see cref="Outcome{TResult}"/>.</summary>
public readonly struct Outcome
{
    /// <summary>
    /// The outcome of something that failed, or with a <see cref="CancelledException"/>, was cancelled. <c>default</c> is a success.
    /// </summary>
    public Outcome(Exception exception)
    {
        ArgumentNullException.ThrowIfNull(exception);
        Exception = exception;
    }

    /// <summary>The exception; null where it returned.</summary>
    public Exception? Exception { get; }

    /// <summary>Whether it returned.</summary>
    public bool IsSuccess => Exception is null;

    /// <summary>Whether it was cancelled.</summary>
    public bool IsCancelled => Exception is CancelledException;

    /// <summary>Whether it failed; being cancelled is not failing.</summary>
    public bool IsFailed => Exception is not (null or CancelledException);

    /// <summary>Throws the exception where there is one.</summary>
    public void GetResult()
    {
        if (Exception is { } exception)
        {
            ExceptionDispatchInfo.Throw(exception);
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Exception switch
    {
        null => "done",
        CancelledException cancelled => $"cancelled: {cancelled.Message}",
        var failure => $"failed: {failure.GetType().Name}: {failure.Message}",
    };
}
