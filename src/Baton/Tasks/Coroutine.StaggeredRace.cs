namespace Baton;

public readonly partial struct Coroutine
{
    /// <summary>
    /// Runs attempts at the same thing until one succeeds: the next one starts when the latest has failed, or after a delay, and the first
    /// to succeed has the others cancelled. What RFC 8305 ("Happy Eyeballs") does to connect. Corresponds to
    /// <c>asyncio.staggered.staggered_race</c>.
    /// </summary>
    /// <remarks>
    /// Returns when no attempt runs any more. Cancelling the task that waits cancels the attempts; if one has succeeded all the same, its
    /// result is returned, and the cancellation holds for the next wait. Where all fail, nothing is thrown: see
    /// <see cref="RaceResult{TResult}.Exceptions"/>.
    /// </remarks>
    /// <typeparam name="TResult">The type of the result.</typeparam>
    /// <param name="attempts">The attempts; each is asked for only when it starts.</param>
    /// <param name="delay">
    /// How long after the start of an attempt the next one starts; only when it has failed where null or
    /// <see cref="Timeout.InfiniteTimeSpan"/>.
    /// </param>
    /// <param name="discard">Called with the result of an attempt that succeeded too late to win, to dispose of it.</param>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static async Coroutine<RaceResult<TResult>> StaggeredRace<TResult>(
        IEnumerable<Func<Coroutine<TResult>>> attempts,
        TimeSpan? delay,
        Action<TResult>? discard = null)
    {
        ArgumentNullException.ThrowIfNull(attempts);
        return await new StaggeredRace<TResult>(EventLoop.Current, delay, discard).Run(attempts);
    }
}
