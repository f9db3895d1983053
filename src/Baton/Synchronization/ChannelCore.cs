using System.Diagnostics.CodeAnalysis;

namespace Baton;

/// <summary>What the halves of a channel share.</summary>
internal sealed class ChannelCore<T> : ILoopBound
{
    private readonly int _capacity;
    private readonly Queue<T> _items = new();
    private readonly WaiterQueue<T> _senders; // their values are the items that they send
    private readonly WaiterQueue<T> _receivers;
    private LoopBinding _binding;
    private int _openSenders;
    private int _openReceivers;

    internal ChannelCore(int capacity)
    {
        _capacity = capacity;
        _senders = new WaiterQueue<T>(this, "SendAsync");
        _receivers = new WaiterQueue<T>(this, "ReceiveAsync");
    }

    internal ChannelStatistics Statistics => new(_items.Count, _capacity, _openSenders, _openReceivers, _senders.Count, _receivers.Count);

    string ILoopBound.Kind => "channel";

    bool ILoopBound.IsIdle => _senders.Count == 0 && _receivers.Count == 0;

    public override string ToString() =>
        $"channel ({_items.Count} of {_capacity} items, {_openSenders} senders, {_openReceivers} receivers, {_senders.Count} sending, {_receivers.Count} receiving)";

    internal void AddSender() => _openSenders++;

    internal void AddReceiver() => _openReceivers++;

    internal void CheckLoop() => _binding.Check(this);

    internal ValueTask SendAsync(ChannelSender<T> sender, T item)
    {
        var loop = _binding.Enter(this);
        if (_openReceivers == 0)
        {
            return ValueTask.FromException(Broken());
        }

        if (!TryAccept(item))
        {
            var waiter = _senders.Rent(loop);
            waiter.Value = item;
            waiter.Half = sender;
            waiter.Wait(_senders);
            return waiter.VoidTask;
        }

        return loop.TryConsumeBudget() ? default : Waiter<VoidResult>.Done(loop, default).VoidTask;
    }

    internal bool TrySend(T item)
    {
        _binding.Check(this);
        return _openReceivers > 0 ? TryAccept(item) : throw Broken();
    }

    internal ValueTask<T> ReceiveAsync(ChannelReceiver<T> receiver)
    {
        var loop = _binding.Enter(this);
        if (TryTake(out var item))
        {
            return loop.TryConsumeBudget() ? new ValueTask<T>(item) : Waiter<T>.Done(loop, item).Task;
        }

        return _openSenders == 0 ? ValueTask.FromException<T>(Ended()) : Wait(receiver, _receivers.Rent(loop)).Task;
    }

    internal bool TryReceive([MaybeNullWhen(false)] out T item)
    {
        _binding.Check(this);
        if (TryTake(out item))
        {
            return true;
        }

        return _openSenders > 0 ? false : throw Ended();
    }

    /// <summary>Receives so that a token can end the wait.</summary>
    internal ValueTask<T> ReceiveAsync(ChannelReceiver<T> receiver, TokenWaiter<T> waiter)
    {
        _binding.Enter(this);
        if (_items.Count > 0 || _senders.First is not null || _openSenders == 0)
        {
            return ReceiveAsync(receiver);
        }

        Wait(receiver, waiter);
        waiter.Register();
        return waiter.Task;
    }

    internal void Close(ChannelSender<T> sender)
    {
        CheckUnlessClosed();
        _openSenders--;
        _senders.FailAllOf(sender, ChannelSender<T>.Disposed);
        if (_openSenders == 0)
        {
            _receivers.FailAll(Ended);
        }
    }

    internal void Close(ChannelReceiver<T> receiver)
    {
        CheckUnlessClosed();
        _openReceivers--;
        _receivers.FailAllOf(receiver, ChannelReceiver<T>.Disposed);
        if (_openReceivers == 0)
        {
            _items.Clear();
            _senders.FailAll(Broken);
        }
    }

    private static EndOfChannelException Ended() =>
        new("Every sender of the channel has been disposed of, and everything that was sent has been received.");

    private static BrokenChannelException Broken() =>
        new("Every receiver of the channel has been disposed of: what is sent would not arrive.");

    /// <summary>Halves may well be disposed of when their loop has closed.</summary>
    private void CheckUnlessClosed()
    {
        if (!_binding.IsClosed)
        {
            CheckLoop();
        }
    }

    private Waiter<T> Wait(ChannelReceiver<T> receiver, Waiter<T> waiter)
    {
        waiter.Half = receiver;
        waiter.Wait(_receivers);
        return waiter;
    }

    /// <summary>Gives the item to the first who waits for one, or stores it where there is room.</summary>
    private bool TryAccept(T item)
    {
        if (_receivers.TryDequeue(out var receiver))
        {
            receiver.Succeed(item);
            return true;
        }

        if (_items.Count >= _capacity)
        {
            return false;
        }

        _items.Enqueue(item);
        return true;
    }

    /// <summary>Takes the next item, and lets the first one in who waits for room.</summary>
    private bool TryTake([MaybeNullWhen(false)] out T item)
    {
        if (_items.TryDequeue(out item))
        {
            if (_senders.TryDequeue(out var next))
            {
                _items.Enqueue(next.Value);
                next.Succeed();
            }

            return true;
        }

        // Without a capacity, directly from hand to hand.
        if (_senders.TryDequeue(out var sender))
        {
            item = sender.Value;
            sender.Succeed();
            return true;
        }

        return false;
    }
}
