namespace Baton;

/// <summary>The items of a queue, and the order in which they come out. The queue counts them.</summary>
internal abstract class ItemStore<T>
{
    internal abstract void Add(T item);

    internal abstract T Take();
}

/// <summary>First in, first out.</summary>
internal sealed class FifoStore<T> : ItemStore<T>
{
    private readonly Queue<T> _items = new();

    internal override void Add(T item) => _items.Enqueue(item);

    internal override T Take() => _items.Dequeue();
}

/// <summary>Last in, first out.</summary>
internal sealed class LifoStore<T> : ItemStore<T>
{
    private readonly Stack<T> _items = new();

    internal override void Add(T item) => _items.Push(item);

    internal override T Take() => _items.Pop();
}

/// <summary>The smallest first; of equal ones the one that came first.</summary>
internal sealed class PriorityStore<T>(IComparer<T>? comparer) : ItemStore<T>
{
    private readonly PriorityQueue<T, (T Item, long Number)> _items = new(new Order(comparer ?? Comparer<T>.Default));
    private long _number;

    internal override void Add(T item) => _items.Enqueue(item, (item, _number++));

    internal override T Take() => _items.Dequeue();

    private sealed class Order(IComparer<T> items) : IComparer<(T Item, long Number)>
    {
        public int Compare((T Item, long Number) x, (T Item, long Number) y)
        {
            var order = items.Compare(x.Item, y.Item);
            return order != 0 ? order : x.Number.CompareTo(y.Number);
        }
    }
}
