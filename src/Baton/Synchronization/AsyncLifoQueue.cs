namespace Baton;

/// <summary>A queue that gives out what was put in last. Corresponds to <c>asyncio.LifoQueue</c>.</summary>
/// <remarks>See <see cref="AsyncQueue{T}"/>. Where tasks wait for room, their items enter in the order in which the tasks came.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class AsyncLifoQueue<T> : AsyncQueue<T>
{
    /// <summary>Creates a queue.</summary>
    /// <param name="maxSize">The most items that it holds; 0 for any number.</param>
    /// <exception cref="ArgumentOutOfRangeException">The size is negative.</exception>
    public AsyncLifoQueue(int maxSize = 0)
        : base(maxSize, new LifoStore<T>())
    {
    }

    private protected override string KindName => "AsyncLifoQueue";
}
