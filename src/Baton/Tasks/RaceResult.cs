namespace Baton;

/// <summary>How a <c>Coroutine.StaggeredRace</c> went.</summary>
/// <typeparam name="TResult">The type of the result.</typeparam>
public sealed class RaceResult<TResult>
{
    private readonly TResult _result;

    internal RaceResult(TResult result, int? winnerIndex, IReadOnlyList<Exception?> exceptions)
    {
        _result = result;
        WinnerIndex = winnerIndex;
        Exceptions = exceptions;
    }

    /// <summary>Whether an attempt succeeded.</summary>
    public bool HasWinner => WinnerIndex is not null;

    /// <summary>The position of the attempt that succeeded first, from zero; null where none did.</summary>
    public int? WinnerIndex { get; }

    /// <summary>
    /// The exception of each attempt that was started, in their order: null for the winner and for one that succeeded too late, a
    /// <see cref="CancelledException"/> for one that was still under way.
    /// </summary>
    public IReadOnlyList<Exception?> Exceptions { get; }

    /// <summary>The winner's result.</summary>
    /// <exception cref="AggregateException">No attempt succeeded: the exceptions of all.</exception>
    public TResult GetResult() => HasWinner
        ? _result
        : throw new AggregateException("No attempt succeeded.", Exceptions.OfType<Exception>());
}
