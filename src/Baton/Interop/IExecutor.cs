namespace Baton;

/// <summary>
/// Runs work on threads that are not the loop's: blocking calls, long computations, libraries that want a thread of their own. Corresponds
/// to <c>concurrent.futures.Executor</c>. Give one to <see cref="EventLoop.RunInExecutor{TResult}(Func{TResult}, IExecutor?)"/>.
/// </summary>
/// <remarks>
/// <para>Made to be implemented by anybody: queue the work, and return. What counts, beyond that, is the loop's affair: the execution
/// context, the result, the exception and the cancellation travel inside the work.</para>
/// <para>Called by loops on their own threads, possibly by several at once.</para>
/// </remarks>
public interface IExecutor
{
    /// <summary>
    /// Has <paramref name="work"/> called with <paramref name="state"/>, once, on some other thread. Throws where it does not take the
    /// work, and then never calls it. Work that was taken must be called in the end, also when the executor is shut down meanwhile:
    /// somebody waits for it.
    /// </summary>
    /// <param name="work">What to call. Never throws where it comes from a loop.</param>
    /// <param name="state">What to call it with.</param>
    void Execute(Action<object?> work, object? state);
}
