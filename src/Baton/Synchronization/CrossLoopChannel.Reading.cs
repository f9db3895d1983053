using System.Diagnostics.CodeAnalysis;

namespace Baton;

public sealed partial class CrossLoopChannel<T>
{
    /// <summary>Receives an item, when there is one and everybody who came earlier has had his. On a loop.</summary>
    /// <param name="cancellationToken">Ends the wait; cancelling the task does so, too.</param>
    /// <exception cref="EndOfChannelException">
    /// The channel has been completed, and everything that was written has been received. Where it was completed with a failure, that is
    /// thrown instead.
    /// </exception>
    /// <exception cref="InvalidOperationException">No loop runs on this thread; there, <see cref="TryRead"/> works.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<T> ReadAsync(CancellationToken cancellationToken = default)
    {
        var loop = EventLoop.Current;
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<T>(cancellationToken);
        }

        T? item;
        CrossLoopWait<T>? writer;
        LoopWait<T>? wait = null;
        lock (_lock)
        {
            if (!TryTake(out item, out writer))
            {
                if (_isCompleted)
                {
                    return ValueTask.FromException<T>(End());
                }

                // Nothing comes of it before this has returned: what is handed over arrives as an item of this loop.
                wait = LoopWait<T>.Rent(loop);
                wait.IsReader = true;
                _readers.Add(wait);
            }
        }

        if (wait is not null)
        {
            return wait.BeginReading(this, cancellationToken);
        }

        writer?.Signal();
        return loop.TryConsumeBudget() ? new ValueTask<T>(item!) : Waiter<T>.Done(loop, item!).Task;
    }

    /// <summary>Receives an item if there is one. On any thread.</summary>
    /// <param name="item">The item.</param>
    /// <returns>False where there is none now.</returns>
    /// <exception cref="EndOfChannelException">
    /// The channel has been completed, and everything that was written has been received. Where it was completed with a failure, that is
    /// thrown instead.
    /// </exception>
    public bool TryRead([MaybeNullWhen(false)] out T item)
    {
        CrossLoopWait<T>? writer;
        lock (_lock)
        {
            if (!TryTake(out item, out writer))
            {
                return _isCompleted ? throw End() : false;
            }
        }

        writer?.Signal();
        return true;
    }

    /// <summary>Receives items one after the other, as they come, until the channel ends. On a loop.</summary>
    /// <param name="cancellationToken">Ends the enumeration; cancelling the task does so, too.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <remarks>Where the channel was completed with a failure, that is thrown at the end.</remarks>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            T item;
            try
            {
                item = await ReadAsync(cancellationToken);
            }
            catch (EndOfChannelException) when (_failure is null)
            {
                yield break;
            }

            yield return item;
        }
    }

    /// <summary>Takes the next item, and lets the first one in who waits for room; that one is to be signalled. For the holder of the
    /// lock.</summary>
    private bool TryTake([MaybeNullWhen(false)] out T item, out CrossLoopWait<T>? writer)
    {
        writer = null;
        if (!_items.TryDequeue(out item))
        {
            return false;
        }

        if (_items.Count < Capacity && _writers.TryTake(out writer))
        {
            _items.Enqueue(writer.Item);
        }

        return true;
    }
}
