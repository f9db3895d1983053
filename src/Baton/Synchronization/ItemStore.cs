namespace Baton;

/// <summary>
/// The items of a queue, and the order in which they come out. The queue counts them. Where a method throws, nothing has changed.
/// </summary>
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
