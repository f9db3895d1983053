using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>
/// The half of a channel through which items are received. Made by <see cref="AsyncChannel.Create"/>; dispose of it when nothing more will
/// be received through it. Enumerating it receives until the channel ends.
/// </summary>
/// <remarks>For the loop's thread only. The channel belongs to the loop that first uses it, and can be made before any runs.</remarks>
/// <typeparam name="T">The type of the items.</typeparam>
public sealed class ChannelReceiver<T> : IDisposable, IAsyncEnumerable<T>
{
    private readonly ChannelCore<T> _channel;
    private bool _isDisposed;

    internal ChannelReceiver(ChannelCore<T> channel)
    {
        _channel = channel;
        channel.AddReceiver();
    }

    /// <summary>What the channel is like now.</summary>
    public ChannelStatistics Statistics => _channel.Statistics;

    /// <summary>
    /// Receives an item, when there is one and everybody who came earlier has had theirs. A wait that is cancelled receives nothing; an
    /// item that has been handed over is the task's, and the cancellation arrives at its next suspension.
    /// </summary>
    /// <exception cref="EndOfChannelException">
    /// Every sender has been disposed of, and everything that was sent has been received.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The receiver has been disposed of, before or meanwhile.</exception>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop, or no loop runs on this thread.</exception>
    /// <exception cref="CancelledException">The task was cancelled while it waited.</exception>
    public ValueTask<T> ReceiveAsync()
    {
        Check();
        return _channel.ReceiveAsync(this);
    }

    /// <summary>Receives an item if there is one, or somebody waits to send one. False otherwise.</summary>
    /// <exception cref="EndOfChannelException">
    /// Every sender has been disposed of, and everything that was sent has been received.
    /// </exception>
    /// <exception cref="ObjectDisposedException">The receiver has been disposed of.</exception>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop.</exception>
    public bool TryReceive([MaybeNullWhen(false)] out T item)
    {
        Check();
        return _channel.TryReceive(out item);
    }

    /// <summary>Makes another receiver of the same channel, for another consumer. Each item goes to one of them.</summary>
    /// <exception cref="ObjectDisposedException">The receiver has been disposed of.</exception>
    /// <exception cref="InvalidOperationException">The channel belongs to another loop.</exception>
    public ChannelReceiver<T> Clone()
    {
        Check();
        _channel.CheckLoop();
        return new ChannelReceiver<T>(_channel);
    }

    /// <summary>
    /// Closes this receiver. What waits in its <see cref="ReceiveAsync"/> gets an <see cref="ObjectDisposedException"/>. If it was the last
    /// one, what was sent and not received is dropped, and whoever sends gets a <see cref="BrokenChannelException"/>.
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

    /// <summary>Receives items one after the other, as they come, until the channel ends.</summary>
    /// <param name="cancellationToken">Ends the enumeration; cancelling the task does so, too.</param>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    /// <exception cref="ObjectDisposedException">The receiver has been disposed of, before or meanwhile.</exception>
    public async IAsyncEnumerator<T> GetAsyncEnumerator(CancellationToken cancellationToken = default)
    {
        var waiter = TokenWaiter<T>.For(cancellationToken);
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            Check();
            T item;
            try
            {
                item = await (waiter is null ? _channel.ReceiveAsync(this) : _channel.ReceiveAsync(this, waiter));
            }
            catch (EndOfChannelException)
            {
                yield break;
            }

            yield return item;
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"{(_isDisposed ? "disposed receiver" : "receiver")} of {_channel}";

    internal static ObjectDisposedException Disposed() =>
        new("ChannelReceiver", "This receiver of the channel has been disposed of. Others may still be open.");

    private void Check()
    {
        if (_isDisposed)
        {
            throw Disposed();
        }
    }
}
