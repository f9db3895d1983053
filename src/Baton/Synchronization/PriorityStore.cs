namespace Baton;

/// <summary>The smallest first; of equal ones the one that came first. A binary heap.</summary>
/// <remarks>
/// Not the BCL's: that one does not keep the order of equal items, and is left broken when a comparison throws. Here all comparisons come
/// before the first change. They may well throw: a tuple of a priority and something that cannot be compared is fine until two priorities
/// are equal.
/// </remarks>
internal sealed class PriorityStore<T>(IComparer<T>? comparer) : ItemStore<T>
{
    private readonly IComparer<T> _comparer = comparer ?? Comparer<T>.Default;
    private readonly List<Entry> _heap = [];
    private long _number;

    internal override void Add(T item)
    {
        var entry = new Entry(item, _number++);
        var steps = 0;
        for (var hole = _heap.Count; hole > 0 && IsBefore(entry, _heap[Parent(hole)]); hole = Parent(hole))
        {
            steps++;
        }

        _heap.Add(entry);
        var index = _heap.Count - 1;
        for (; steps > 0; steps--)
        {
            _heap[index] = _heap[Parent(index)];
            index = Parent(index);
        }

        _heap[index] = entry;
    }

    internal override T Take()
    {
        // The last entry takes the place of the first, and smaller ones move up until it stands right. One bit of the path for each of
        // them: left or right.
        var count = _heap.Count - 1;
        var last = _heap[count];
        var path = 0UL;
        var steps = 0;
        for (var hole = 0; TryGetSmallerChild(hole, count, out var child) && IsBefore(_heap[child], last); hole = child)
        {
            path |= (ulong)(child & 1) << steps++;
        }

        var first = _heap[0].Item;
        var index = 0;
        for (; steps > 0; steps--, path >>= 1)
        {
            var child = (index * 2) + ((path & 1) != 0 ? 1 : 2);
            _heap[index] = _heap[child];
            index = child;
        }

        _heap[index] = last;
        _heap.RemoveAt(count);
        return first;
    }

    private static int Parent(int index) => (index - 1) / 2;

    private bool TryGetSmallerChild(int index, int count, out int child)
    {
        child = (index * 2) + 1;
        if (child + 1 < count && IsBefore(_heap[child + 1], _heap[child]))
        {
            child++;
        }

        return child < count;
    }

    private bool IsBefore(in Entry left, in Entry right)
    {
        var order = _comparer.Compare(left.Item, right.Item);
        return order < 0 || (order == 0 && left.Number < right.Number);
    }

    /// <summary>An item, and its number in the order of coming.</summary>
    private readonly record struct Entry(T Item, long Number);
}
