namespace Baton;

/// <summary>A wait at a <see cref="CrossLoopChannel{T}"/>: for an item, or for room for one.</summary>
internal abstract class CrossLoopWait<T> : LoopItem
{
    // Neighbours in the channel's list. These, and whether it stands there, belong to the holder of the channel's lock.
    internal CrossLoopWait<T>? Next;
    internal CrossLoopWait<T>? Previous;
    internal bool IsWaiting;

    /// <summary>What is handed over: to the reader, or by the writer.</summary>
    internal T Item = default!;

    /// <summary>How the wait ends instead.</summary>
    internal Exception? Failure;

    /// <summary>Whether it waits for an item.</summary>
    internal bool IsReader { get; set; }

    /// <summary>
    /// Has the one who waits go on, once the outcome is in the fields above. For whoever took the wait from the list, on any thread,
    /// without the lock. False where nobody will.
    /// </summary>
    internal abstract bool Signal();

    /// <summary>A token was cancelled.</summary>
    protected static void CancelByToken(CrossLoopChannel<T> channel, CrossLoopWait<T> wait, CancellationToken cancellationToken)
    {
        if (channel.TryWithdraw(wait))
        {
            wait.Failure = new OperationCanceledException(cancellationToken);
            wait.Signal();
        }
    }
}
