namespace Baton;

/// <summary>
/// The half of a channel through which items are sent. Made by <see cref="AsyncChannel.Create"/>; dispose of it when nothing more will come
/// through it.
/// </summary>
/// <remarks>For the loop's thread only. The channel belongs to the loop that first uses it, and can be made before any runs.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class ChannelSender<T> : IDisposable
{
    private readonly ChannelCore<T> _channel;
    private bool _isDisposed;

    internal ChannelSender(ChannelCore<T> channel)
    {
        _channel = channel;
        channel.AddSender();
    }

    /// <summary>What the channel is like now.</summary>
    public ChannelStatistics Statistics => _channel.Statistics;

    /// <summary>
    /// Sends an item, when there is room and everybody who came earlier has sent theirs. A wait that is cancelled sends nothing.
    /// </summary>
    /// <exception cref="BrokenChannelException">
    /// Every receiver has been disposed of, before or meanwhile: the item was not received.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The sender has been disposed of, before or meanwhile: the item was not sent.</exception>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask SendAsync(T item)
    {
        Check();
        return _channel.SendAsync(this, item);
    }

    /// <summary>Sends an item if there is room, or somebody waits for one. False otherwise.</summary>
    /// <exception cref="BrokenChannelException">Every receiver has been disposed of.</exception>
    /// <exception cref="ObjectDisposedException">The sender has been disposed of.</exception>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop.</exception>
    public bool TrySend(T item)
    {
        Check();
        return _channel.TrySend(item);
    }

    /// <summary>Makes another sender of the same channel, for another producer. The channel ends when all have been disposed of.</summary>
    /// <exception cref="ObjectDisposedException">The sender has been disposed of.</exception>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop.</exception>
    public ChannelSender<T> Clone()
    {
        Check();
        _channel.CheckLoop();
        return new ChannelSender<T>(_channel);
    }

    /// <summary>
    /// Closes this sender. What waits in its <see cref="SendAsync"/> gets an <see cref="ObjectDisposedException"/>. If it was the last one,
    /// receivers get what is left and then the end.
    /// </summary>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop.</exception>
    public void Dispose()
    {
        if (!_isDisposed)
        {
            _channel.Close(this);
            _isDisposed = true;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(_isDisposed ? "disposed sender" : "sender")} of {_channel}";

    internal static ObjectDisposedException Disposed() =>
        new("ChannelSender", "This sender of the channel has been disposed of. Others may still be open.");

    private void Check()
    {
        if (_isDisposed)
        {
            throw Disposed();
        }
    }
}
