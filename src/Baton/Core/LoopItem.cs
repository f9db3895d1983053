namespace Baton;

/// <summary>
/// Something that can stand in a loop's ready queue: a callback, a coroutine to resume, a task to start, an operation that completed.
/// </summary>
/// <remarks>
/// Not meant to be derived from directly: derive from <see cref="LoopOperation"/> to add an operation that tasks can wait for.
/// An item stands in at most one queue at a time, so the link below can serve the inbox and the pools alike.
/// </remarks>
public abstract class LoopItem
{
    /// <summary>Next in the cross-thread inbox, or in the free list of a pool; never in both.</summary>
    internal LoopItem? Link;

    private protected LoopItem()
    {
    }

    /// <summary>
    /// The timer's sequence number while this item stands in the timer heap, else 0. An entry with another number is stale.
    /// </summary>
    internal virtual long TimerSequence
    {
        get => 0;
        set => throw new InvalidOperationException($"{GetType().Name} is not a timer.");
    }

    /// <summary>Runs the item on the loop thread. It installs the task and the contexts that it needs itself.</summary>
    internal abstract void Run(EventLoop loop);

    /// <summary>The coroutine that this item awaited has completed. Called on the loop thread, from the trampoline.</summary>
    internal virtual void OnAwaitedCompleted(EventLoop loop) => loop.Ready(this);

    /// <summary>The cancel scope in which this item, a leaf of a task, waits.</summary>
    internal virtual CancelScope? WaitScope => null;

    /// <summary>
    /// Cancels what this item, a leaf of a task, waits for. True when a cancellation will come of it, also where one was on its way
    /// already; false when what the item waits for is done otherwise.
    /// </summary>
    /// <param name="message">The message of the exception.</param>
    /// <param name="origin">The scope that was cancelled; null where the task itself was.</param>
    internal virtual bool CancelWait(string? message, CancelScope? origin) => false;

    /// <summary>Whether what this item, a leaf of a task, waits for may come to a result though it has taken a cancellation.</summary>
    internal virtual bool MayEndWithResult => false;

    /// <summary>Whether what this item, a leaf of a task, waits for is there, and the task about to go on with it.</summary>
    internal virtual bool IsWaitOver => false;

    /// <summary>A few words on what this item waits for, for reports.</summary>
    internal virtual string Describe() => GetType().Name;

    /// <summary>The same, as an entry in the list of a future's callbacks.</summary>
    internal virtual string DescribeAsCallback() => Describe();

    /// <summary>The coroutine that this item resumes when it runs, for call graphs.</summary>
    internal virtual CoroutineBox? Resumes => null;

    /// <summary>The task or future that waits for a future by way of this item, which is one of its callbacks; for call graphs.</summary>
    internal virtual Future? Awaiter => null;

    /// <summary>Where the item was made, in debug mode.</summary>
    internal virtual CreationSite? Origin => null;
}
