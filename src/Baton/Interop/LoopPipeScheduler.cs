using System.IO.Pipelines;

namespace Baton;

/// <summary>See <see cref="EventLoop.PipeScheduler"/>.</summary>
internal sealed class LoopPipeScheduler(EventLoop loop) : PipeScheduler
{
    private const int PoolLimit = 256;

    // Used on the loop thread only, where nearly all calls come from.
    private Item? _pool;
    private int _pooled;

    public override void Schedule(Action<object?> action, object? state)
    {
        ArgumentNullException.ThrowIfNull(action);
        var item = loop.IsOnLoopThread ? Rent() : new Item(this);
        item.Set(action, state);
        loop.TryPost(item);
    }

    private Item Rent()
    {
        var item = _pool;
        if (item is null)
        {
            return new Item(this);
        }

        _pool = (Item?)item.Link;
        _pooled--;
        item.Link = null;
        return item;
    }

    private void Return(Item item)
    {
        if (_pooled < PoolLimit)
        {
            _pooled++;
            item.Link = _pool;
            _pool = item;
        }
    }

    private sealed class Item(LoopPipeScheduler scheduler) : LoopItem
    {
        private Action<object?>? _action;
        private object? _state;

        internal void Set(Action<object?> action, object? state)
        {
            _action = action;
            _state = state;
        }

        internal override void Run(EventLoop loop)
        {
            var action = _action!;
            var state = _state;
            _action = null;
            _state = null;
            scheduler.Return(this);
            loop.EnterForeign(null, null, useContext: false, context: null);
            action(state);
        }

        internal override string Describe() => "a continuation of a pipe";
    }
}
