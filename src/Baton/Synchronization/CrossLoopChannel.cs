using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>
/// A bounded way for items from one loop to another, and from and to threads that run none. The one primitive that does not belong to a
/// loop: all members may be called on any thread. Within one loop, <see cref="AsyncChannel"/> and <see cref="AsyncQueue{T}"/> cost less.
/// </summary>
/// <remarks>
/// <para>Order: items are received in the order in which they were taken in; those of one writer, who awaits each write, in his order.
/// Writers who wait for room are let in first come first. With several readers each item goes to one of them, in the order of their waits,
/// and each sees its items in order; which of two readers on different loops gets to work first is anybody's guess.</para>
/// <para>What one thread did before it wrote an item, the reader of the item sees.</para>
/// <para>A reader's loop is woken when an item comes for which it waits, and not for those that follow while it is busy. A loop that waits
/// for room is woken when there is some.</para>
/// <para>A wait that is cancelled takes nothing, or puts nothing. An item that has been handed over is the task's, and the cancellation
/// arrives at its next suspension. An item on its way to a loop that closes goes back to the front.</para>
/// </remarks>
/// <typeparam name="T">The type of the items. They are handed over as they are: what the writer keeps, the reader shares.</typeparam>
public sealed partial class CrossLoopChannel<T> : IAsyncEnumerable<T>
{
    // Held for a few instructions at a time, never while anything is called that is not of this class; waits are signalled after it has
    // been let go.
    private readonly Lock _lock = new();
    private readonly WaitList _readers = new();
    private readonly WaitList _writers = new();
    private Queue<T> _items = new();
    private Exception? _failure;
    private bool _isCompleted;

    /// <summary>Creates a channel.</summary>
    /// <param name="capacity">The most items that are under way.</param>
    /// <exception cref="ArgumentOutOfRangeException">It is not positive.</exception>
    public CrossLoopChannel(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(capacity);
        Capacity = capacity;
    }

    /// <summary>The most items that are under way. One that came back from a loop that has closed may be there beside them.</summary>
    public int Capacity { get; }

    /// <summary>Items that were written and not received yet, at a moment. Those of writers that wait for room do not count.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
            {
                return _items.Count;
            }
        }
    }

    /// <summary>Whether it has been said that nothing more will be written. Items may be left.</summary>
    public bool IsCompleted => Volatile.Read(ref _isCompleted);

    /// <summary>
    /// Says that nothing more will be written: readers get what is left, and then the end, or a failure. Writers that wait for room fail,
    /// and what they wanted to write is not.
    /// </summary>
    /// <param name="failure">
    /// What readers are thrown at the end, each this very exception; null for an <see cref="EndOfChannelException"/> of their own.
    /// </param>
    /// <returns>False where somebody has said so before.</returns>
    public bool TryComplete(Exception? failure = null)
    {
        CrossLoopWait<T>? readers;
        CrossLoopWait<T>? writers;
        lock (_lock)
        {
            if (_isCompleted)
            {
                return false;
            }

            _failure = failure;
            Volatile.Write(ref _isCompleted, true);
            readers = _readers.TakeAll();
            writers = _writers.TakeAll();
        }

        for (var wait = readers; wait is not null; wait = Fail(wait, End()))
        {
        }

        for (var wait = writers; wait is not null; wait = Fail(wait, Completed()))
        {
        }

        return true;

        static CrossLoopWait<T>? Fail(CrossLoopWait<T> wait, Exception failure)
        {
            var next = wait.Next;
            wait.Next = null;
            wait.Failure = failure;
            wait.Signal();
            return next;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"cross-loop channel ({Count} of {Capacity} items{(IsCompleted ? ", completed" : "")})";

    /// <summary>Ends a wait that is to end otherwise. False where it has been served: its outcome is on the way.</summary>
    internal bool TryWithdraw(CrossLoopWait<T> wait)
    {
        lock (_lock)
        {
            return (wait.IsReader ? _readers : _writers).TryRemove(wait);
        }
    }

    /// <summary>The loop to which an item was going has closed.</summary>
    internal void TakeBack(T item)
    {
        while (true)
        {
            CrossLoopWait<T>? reader;
            lock (_lock)
            {
                if (!_readers.TryTake(out reader))
                {
                    Queue<T> items = new(_items.Count + 1);
                    items.Enqueue(item);
                    foreach (var other in _items)
                    {
                        items.Enqueue(other);
                    }

                    _items = items;
                    return;
                }

                reader.Item = item;
            }

            if (reader.Signal())
            {
                return;
            }
        }
    }

    private static BrokenChannelException Completed() => new("The channel has been completed, and takes nothing more.");

    private Exception End() =>
        _failure ?? new EndOfChannelException("The channel has been completed, and everything that was written has been received.");

    /// <summary>Waits, first come first. For the holder of the lock.</summary>
    private sealed class WaitList
    {
        private CrossLoopWait<T>? _first;
        private CrossLoopWait<T>? _last;

        internal bool IsEmpty => _first is null;

        internal void Add(CrossLoopWait<T> wait)
        {
            wait.IsWaiting = true;
            wait.Previous = _last;
            if (_last is null)
            {
                _first = wait;
            }
            else
            {
                _last.Next = wait;
            }

            _last = wait;
        }

        internal bool TryTake([NotNullWhen(true)] out CrossLoopWait<T>? wait)
        {
            wait = _first;
            return wait is not null && TryRemove(wait);
        }

        internal bool TryRemove(CrossLoopWait<T> wait)
        {
            if (!wait.IsWaiting)
            {
                return false;
            }

            if (wait.Previous is null)
            {
                _first = wait.Next;
            }
            else
            {
                wait.Previous.Next = wait.Next;
            }

            if (wait.Next is null)
            {
                _last = wait.Previous;
            }
            else
            {
                wait.Next.Previous = wait.Previous;
            }

            wait.IsWaiting = false;
            wait.Next = null;
            wait.Previous = null;
            return true;
        }

        /// <summary>Empties the list; what was in it still hangs together by <see cref="CrossLoopWait{T}.Next"/>.</summary>
        internal CrossLoopWait<T>? TakeAll()
        {
            var first = _first;
            for (var wait = first; wait is not null; wait = wait.Next)
            {
                wait.IsWaiting = false;
                wait.Previous = null;
            }

            _first = null;
            _last = null;
            return first;
        }
    }
}
