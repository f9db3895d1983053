namespace Baton;

/// <summary>
/// Makes channels: a bounded way for items from the tasks that hold senders to those that hold receivers. Corresponds to anyio's and trio's
/// memory channels and tokio's <c>mpsc</c>; asyncio has none.
/// </summary>
/// <remarks>
/// What it has over <see cref="AsyncQueue{T}"/>: it is bounded from the start, and it ends by itself. When every sender has been disposed
/// of, receivers get what is left and then the end; when every receiver has been, sending throws.
/// </remarks>
public static class AsyncChannel
{
    /// <summary>Creates a channel.</summary>
    /// <param name="capacity">
    /// The most items that are under way. 0 for none: sending then waits until the item has been received.
    /// </param>
    /// <typeparam name="T">The type of the items.</typeparam>
    /// <returns>One sender and one receiver. Each can be cloned, and each must be disposed of.</returns>
    /// <exception cref="ArgumentOutOfRangeException">The capacity is negative.</exception>
    public static (ChannelSender<T> Sender, ChannelReceiver<T> Receiver) Create<T>(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacity);
        var channel = new ChannelCore<T>(capacity);
        return (new ChannelSender<T>(channel), new ChannelReceiver<T>(channel));
    }
}

/// <summary>What a channel is like at a moment.</summary>
/// <param name="Count">Items that were sent and not received yet, those of senders that wait not counted.</param>
/// <param name="Capacity">The most of them.</param>
/// <param name="OpenSenders">Senders that have not been disposed of.</param>
/// <param name="OpenReceivers">Receivers that have not been disposed of.</param>
/// <param name="WaitingSenders">Tasks that wait for room.</param>
/// <param name="WaitingReceivers">Tasks that wait for an item.</param>
public readonly record struct ChannelStatistics(
    int Count, int Capacity, int OpenSenders, int OpenReceivers, int WaitingSenders, int WaitingReceivers);
