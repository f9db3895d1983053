namespace Baton;

public sealed partial class CrossLoopChannel<T>
{
    /// <summary>Writes an item, when there is room and everybody who came earlier has had his turn.</summary>
    /// <param name="item">The item.</param>
    /// <param name="cancellationToken">Ends the wait; on a loop, cancelling the task does so, too.</param>
    /// <returns>On a loop, an operation of that loop's; elsewhere a task of the BCL. To be awaited once, and at once.</returns>
    /// <exception cref="BrokenChannelException">The channel has been completed, before or meanwhile; the item was not written.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled, and the item not written.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited, and the item not written.</exception>
    public ValueTask WriteAsync(T item, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        var loop = EventLoop.CurrentOrNull;
        switch (Accept(item, loop, mayWait: true, out var wait))
        {
            case Acceptance.Completed:
                return ValueTask.FromException(Completed());
            case Acceptance.Accepted:
                return loop is null || loop.TryConsumeBudget() ? default : Waiter<VoidResult>.Done(loop, default).VoidTask;
            default:
                return wait is LoopWait<T> onLoop
                    ? onLoop.BeginWriting(this, cancellationToken)
                    : ((ThreadWait<T>)wait!).Begin(this, cancellationToken);
        }
    }

    /// <summary>Writes an item if there is room, and nobody waits for some.</summary>
    /// <param name="item">The item.</param>
    /// <returns>False where there is none.</returns>
    /// <exception cref="BrokenChannelException">The channel has been completed.</exception>
    public bool TryWrite(T item)
    {
        var acceptance = Accept(item, null, mayWait: false, out _);
        return acceptance != Acceptance.Completed ? acceptance == Acceptance.Accepted : throw Completed();
    }

    private enum Acceptance
    {
        Accepted,
        Full,
        Completed,
    }

    /// <summary>Gives the item to the first who waits for one, or stores it, or has it wait for room.</summary>
    private Acceptance Accept(T item, EventLoop? loop, bool mayWait, out CrossLoopWait<T>? wait)
    {
        wait = null;
        while (true)
        {
            CrossLoopWait<T>? reader;
            lock (_lock)
            {
                if (_isCompleted)
                {
                    return Acceptance.Completed;
                }

                if (!_readers.TryTake(out reader))
                {
                    if (_items.Count < Capacity)
                    {
                        _items.Enqueue(item);
                        return Acceptance.Accepted;
                    }

                    if (mayWait)
                    {
                        // On a loop nothing comes of it before this has returned.
                        wait = loop is null ? new ThreadWait<T>() : LoopWait<T>.Rent(loop);
                        wait.Item = item;
                        _writers.Add(wait);
                    }

                    return Acceptance.Full;
                }

                reader.Item = item;
            }

            // To the first who does not wait on a loop that has closed.
            if (reader.Signal())
            {
                return Acceptance.Accepted;
            }
        }
    }
}
