namespace Baton;

/// <summary>
/// A queue that gives out the smallest item, and of equal ones that which was put in first. Corresponds to <c>asyncio.PriorityQueue</c>,
/// which leaves open what happens to equal ones.
/// </summary>
/// <remarks>
/// See <see cref="AsyncQueue{T}"/>. Where tasks wait for room, their items enter in the order in which the tasks came. An exception of the
/// comparer's goes to whoever puts or gets then, and leaves the queue as it was.
/// </remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class AsyncPriorityQueue<T> : AsyncQueue<T>
{
    /// <summary>Creates a queue.</summary>
    /// <param name="maxSize">The most items that it holds; 0 for any number.</param>
    /// <param name="comparer">How to order the items; <see cref="Comparer{T}.Default"/> where null.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public AsyncPriorityQueue(int maxSize = 0, IComparer<T>? comparer = null)
        : base(maxSize, new PriorityStore<T>(comparer))
    {
    }

    private protected override string KindName => "AsyncPriorityQueue";
}
