using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>A growing ring of items: first in, first out. Touched by the loop thread alone.</summary>
internal struct ReadyQueue
{
    private const int InitialCapacity = 256;

    // An array of a struct, because storing a reference into an array of a class pays for a type check.
    private Slot[] _slots;
    private int _head;
    private int _count;

    public ReadyQueue()
    {
        _slots = new Slot[InitialCapacity];
        _head = 0;
        _count = 0;
    }

    public readonly int Count => _count;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Enqueue(LoopItem item)
    {
        var slots = _slots;
        if (_count == slots.Length)
        {
            slots = Resize(slots.Length * 2);
        }

        slots[(_head + _count) & (slots.Length - 1)].Item = item;
        _count++;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public LoopItem Dequeue()
    {
        Debug.Assert(_count > 0, "the caller counts");
        var slots = _slots;
        ref var slot = ref slots[_head & (slots.Length - 1)];
        var item = slot.Item;
        slot.Item = null!;
        _head = (_head + 1) & (slots.Length - 1);
        _count--;
        return item;
    }

    /// <summary>Gives back the memory of a burst that is over. Called when the loop is about to sleep.</summary>
    public void TrimIfEmpty()
    {
        if (_count == 0 && _slots.Length > InitialCapacity * 64)
        {
            _slots = new Slot[InitialCapacity];
            _head = 0;
        }
    }

    public void Clear() => this = new ReadyQueue();

    private Slot[] Resize(int capacity)
    {
        var slots = new Slot[capacity];
        for (var i = 0; i < _count; i++)
        {
            slots[i] = _slots[(_head + i) & (_slots.Length - 1)];
        }

        _head = 0;
        return _slots = slots;
    }

    private struct Slot
    {
        public LoopItem Item;
    }
}
