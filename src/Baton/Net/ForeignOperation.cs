namespace Baton;

/// <summary>
/// Has an operation of the BCL's that takes a token be one that the current task waits for: it is cancelled with the task, which is told
/// once, as at any await.
/// </summary>
/// <remarks>
/// Not by the task's own token: that stays cancelled after the task has been told, and would end what the task does to clean up.
/// </remarks>
internal static class ForeignOperation
{
    /// <summary>Runs an operation. Outside of tasks it goes through as it is.</summary>
    /// <param name="start">Starts it, with the token that ends it.</param>
    /// <param name="state">What to start it with.</param>
    /// <param name="cancellationToken">The caller's own token, which ends it as well.</param>
    /// <param name="drop">Takes a result that came in spite of the cancellation, where it has to be disposed of or given back.</param>
    internal static async Task<TResult> Run<TState, TResult>(
        Func<TState, CancellationToken, Task<TResult>> start,
        TState state,
        CancellationToken cancellationToken,
        Action<TState, TResult>? drop = null)
    {
        if (LoopTask.Current is null)
        {
            return await start(state, cancellationToken).ConfigureAwait(false);
        }

        using var source = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var operation = start(state, source.Token);
        if (!operation.IsCompleted)
        {
            // Here only, not for the caller: without a context the BCL's code that waits for this goes on where this ends, on the loop and
            // in the task.
            SynchronizationContext.SetSynchronizationContext(null);
            try
            {
                await Coroutine.FromTask((Task)operation);
            }
            catch (CancelledException)
            {
                // Until it has ended it may use the caller's memory. It may also have ended after the cancellation, and before this was
                // told of that.
                source.Cancel();
                await ((Task)operation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (operation.IsCompletedSuccessfully)
                {
                    drop?.Invoke(state, await operation.ConfigureAwait(false));
                }

                throw;
            }
        }

        return await operation.ConfigureAwait(false);
    }
}
