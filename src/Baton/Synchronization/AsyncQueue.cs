using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>
/// A queue between tasks of one loop: first in, first out, with a limit if one is wanted. Corresponds to <c>asyncio.Queue</c>.
/// </summary>
/// <remarks>
/// <para>Fair: an item goes directly to the first task that waits for one, and room to the first that waits for room, so that nobody can
/// overtake. (asyncio only wakes a waiter, which looks again.) Putting where there is room and getting what is there neither suspend nor
/// allocate.</para>
/// <para>For the loop's thread only. It belongs to the loop that first uses it, and can be made and filled before any runs.</para>
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public partial class AsyncQueue<T> : ILoopBound, IAsyncEnumerable<T>
{
    private readonly WaiterQueue<T> _getters;
    private readonly WaiterQueue<T> _putters; // their values are the items that they put
    private readonly ItemStore<T> _items;
    private readonly int _limit;
    private LoopBinding _binding;
    private int _count;
    private bool _isShutDown;

    /// <summary>Creates a queue.</summary>
    /// <param name="maxSize">The most items that it holds; 0 for any number.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public AsyncQueue(int maxSize = 0)
        : this(maxSize, new FifoStore<T>())
    {
    }

    private protected AsyncQueue(int maxSize, ItemStore<T> items)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxSize);
        MaxSize = maxSize;
        _limit = maxSize == 0 ? int.MaxValue : maxSize;
        _items = items;
        _getters = new WaiterQueue<T>(this, nameof(GetAsync));
        _putters = new WaiterQueue<T>(this, nameof(PutAsync));
    }

    /// <summary>The most items that the queue holds; 0 for any number. Corresponds to <c>Queue.maxsize</c>.</summary>
    public int MaxSize { get; }

    /// <summary>The items in the queue. Corresponds to <c>Queue.qsize</c>.</summary>
    public int Count => _count;

    /// <summary>Whether there is nothing in the queue. Corresponds to <c>Queue.empty</c>.</summary>
    public bool IsEmpty => _count == 0;

    /// <summary>Whether there is no room in the queue. Corresponds to <c>Queue.full</c>.</summary>
    public bool IsFull => _count >= _limit;

    /// <summary>Whether <see cref="Shutdown"/> has been called.</summary>
    public bool IsShutDown => _isShutDown;

    /// <summary>How many wait for an item.</summary>
    public int GetterCount => _getters.Count;

    /// <summary>How many wait for room.</summary>
    public int PutterCount => _putters.Count;

    string ILoopBound.Kind => KindName;

    bool ILoopBound.IsIdle => _getters.Count == 0 && _putters.Count == 0 && JoinerCount == 0;

    private protected virtual string KindName => "AsyncQueue";

    /// <summary>
    /// Puts an item in, when there is room and everybody who came earlier has put theirs. Corresponds to <c>Queue.put</c>. A wait that is
    /// cancelled puts nothing.
    /// </summary>
    /// <exception cref="QueueShutDownException">The queue has been shut down.</exception>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask PutAsync(T item)
    {
        var loop = _binding.Enter(this);
        if (_isShutDown)
        {
            return ValueTask.FromException(ShutDownFailure());
        }

        if (!TryAccept(item))
        {
            var waiter = _putters.Rent(loop);
            waiter.Value = item;
            waiter.Wait(_putters);
            return waiter.VoidTask;
        }

        return loop.TryConsumeBudget() ? default : Waiter<VoidResult>.Done(loop, default).VoidTask;
    }

    /// <summary>
    /// Takes an item out, when there is one and everybody who came earlier has had theirs. Corresponds to <c>Queue.get</c>. A wait that is
    /// cancelled takes nothing; an item that has been handed over is the task's, and the cancellation arrives at its next suspension.
    /// </summary>
    /// <exception cref="QueueShutDownException">The queue has been shut down, and there is nothing left in it.</exception>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<T> GetAsync()
    {
        var loop = _binding.Enter(this);
        if (_count > 0)
        {
            var item = TakeNext();
            return loop.TryConsumeBudget() ? new ValueTask<T>(item) : Waiter<T>.Done(loop, item).Task;
        }

        return _isShutDown ? ValueTask.FromException<T>(ShutDownFailure()) : Wait(_getters.Rent(loop));
    }

    /// <summary>Puts an item in if there is room. False when there is none.</summary>
    /// <exception cref="QueueShutDownException">The queue has been shut down: there never will be.</exception>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop.</exception>
    public bool TryPut(T item)
    {
        _binding.Check(this);
        if (_isShutDown)
        {
            throw ShutDownFailure();
        }

        return TryAccept(item);
    }

    /// <summary>Takes an item out if there is one. False when there is none.</summary>
    /// <exception cref="QueueShutDownException">
    /// The queue has been shut down, and there is nothing left in it: there never will be.
    /// </exception>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop.</exception>
    public bool TryGet([MaybeNullWhen(false)] out T item)
    {
        _binding.Check(this);
        if (_count > 0)
        {
            item = TakeNext();
            return true;
        }

        if (_isShutDown)
        {
            throw ShutDownFailure();
        }

        item = default;
        return false;
    }

    /// <summary>Puts an item in at once. Corresponds to <c>Queue.put_nowait</c>.</summary>
    /// <exception cref="QueueFullException">There is no room.</exception>
    /// <exception cref="QueueShutDownException">The queue has been shut down.</exception>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop.</exception>
    public void PutNoWait(T item)
    {
        if (!TryPut(item))
        {
            throw new QueueFullException(
                $"The {KindName} is full: it holds {_count} items. Await PutAsync to wait for room, or use TryPut.");
        }
    }

    /// <summary>Takes an item out at once. Corresponds to <c>Queue.get_nowait</c>.</summary>
    /// <exception cref="QueueEmptyException">There is none.</exception>
    /// <exception cref="QueueShutDownException">The queue has been shut down, and there is nothing left in it.</exception>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop.</exception>
    public T GetNoWait() =>
        TryGet(out var item)
            ? item
            : throw new QueueEmptyException($"The {KindName} is empty. Await GetAsync to wait for an item, or use TryGet.");

    /// <summary>
    /// Ends the queue: nothing more can be put in, and those who wait to do so get a <see cref="QueueShutDownException"/>. What is in it
    /// can still be taken out; then getting throws as well, and enumerating ends. Corresponds to <c>Queue.shutdown</c>.
    /// </summary>
    /// <param name="immediate">
    /// Whether to drop what is in the queue. Each item that is dropped counts as done for <see cref="JoinAsync"/>.
    /// </param>
    /// <exception cref="InvalidOperationException">The queue belongs to another loop.</exception>
    public void Shutdown(bool immediate = false)
    {
        _binding.Check(this);
        _isShutDown = true;
        if (immediate)
        {
            for (; _count > 0; _count--)
            {
                _items.Take();
                if (_unfinished > 0)
                {
                    FinishOne();
                }
            }
        }

        _putters.FailAll(ShutDownFailure);
        _getters.FailAll(ShutDownFailure);
    }

    /// <summary>Takes items out one after the other, as they come, until the queue has been shut down and is empty.</summary>
    /// <param name="cancellationToken">Ends the enumeration; cancelling the task does so, too.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        var waiter = TokenWaiter<T>.For(cancellationToken);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            _binding.Enter(this);
            T item;
            try
            {
                item = await (waiter is null || _count > 0 || _isShutDown ? GetAsync() : WaitForToken(waiter));
            }
            catch (QueueShutDownException)
            {
                yield break;
            }

            yield return item;
        }
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var size = MaxSize == 0 ? $"{_count} items" : $"{_count} of {MaxSize} items";
        return $"{KindName} ({size}, {_unfinished} unfinished, {_getters.Count} getting, {_putters.Count} putting{(_isShutDown ? ", shut down" : "")})";
    }

    private static QueueShutDownException ShutDownFailure() => new("The queue has been shut down.");

    /// <summary>Gives the item to the first who waits for one, or stores it where there is room.</summary>
    private bool TryAccept(T item)
    {
        if (_getters.TryDequeue(out var getter))
        {
            _unfinished++;
            getter.Succeed(item);
            return true;
        }

        if (_count >= _limit)
        {
            return false;
        }

        Store(item);
        return true;
    }

    private void Store(T item)
    {
        _items.Add(item);
        _count++;
        _unfinished++;
    }

    /// <summary>Takes the next item out, and lets the first one in who waits for room.</summary>
    private T TakeNext()
    {
        var item = _items.Take();
        _count--;
        if (_putters.First is not null)
        {
            AdmitPutter();
        }

        return item;
    }

    private void AdmitPutter()
    {
        while (_putters.TryDequeue(out var putter))
        {
            try
            {
                Store(putter.Value);
            }
            catch (Exception exception)
            {
                // An item that cannot be compared is the affair of the one who puts it, not of the one who gets.
                putter.Fail(exception);
                continue;
            }

            putter.Succeed();
            return;
        }
    }

    private ValueTask<T> Wait(Waiter<T> waiter)
    {
        waiter.Wait(_getters);
        return waiter.Task;
    }

    private ValueTask<T> WaitForToken(TokenWaiter<T> waiter)
    {
        waiter.Wait(_getters);
        waiter.Register();
        return waiter.Task;
    }
}
