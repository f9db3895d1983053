using System.Runtime.CompilerServices;

namespace Baton;

/// <summary>
/// The timers of a loop: a four-ary heap ordered by deadline, then by the order in which the timers were set.
/// </summary>
/// <remarks>
/// Invariants. An entry is live while its item's <see cref="LoopItem.TimerSequence"/> equals the entry's; a cancelled timer only resets
/// that number, so its item may be used again at once while the stale entry waits to surface. <c>_stale</c> counts such entries exactly.
/// Once there are more than 100 entries and more than half of them are stale, the heap is rebuilt from the live ones when the loop next
/// polls, or when it would have to grow, so the garbage is bounded by the live timers.
/// </remarks>
internal struct TimerHeap
{
    private const int MinimumForCompaction = 100;
    private const int InitialCapacity = 64;

    private Entry[] _entries;
    private int _count;
    private int _stale;
    private long _lastSequence;

    public TimerHeap()
    {
        _entries = new Entry[InitialCapacity];
        _count = 0;
        _stale = 0;
        _lastSequence = 0;
    }

    /// <summary>Timers that will fire unless they are cancelled.</summary>
    public readonly int LiveCount => _count - _stale;

    public void Add(long when, LoopItem item)
    {
        var sequence = ++_lastSequence;
        item.TimerSequence = sequence;
        if (_count == _entries.Length)
        {
            MakeRoom();
        }

        SiftUp(_count++, new Entry(when, sequence, item));
    }

    /// <summary>Cancels the item's timer. The item may be used again as soon as this returns.</summary>
    public void Cancel(LoopItem item)
    {
        var sequence = item.TimerSequence;
        item.TimerSequence = 0;

        // The usual timeout is set later than all others and cancelled soon: then it is still the last entry and leaves at once.
        if (_entries[_count - 1].Sequence == sequence)
        {
            _entries[--_count] = default;
            return;
        }

        _stale++;
    }

    /// <summary>Drops stale entries from the top, or all of them once they are the majority.</summary>
    public void Purge()
    {
        if (_stale == 0)
        {
            return;
        }

        if (_count > MinimumForCompaction && _stale > _count / 2)
        {
            Compact();
            return;
        }

        while (_count > 0 && !_entries[0].IsLive)
        {
            RemoveTop();
            _stale--;
        }
    }

    /// <summary>The earliest live deadline. Call <see cref="Purge"/> first.</summary>
    public readonly bool TryPeek(out long when)
    {
        when = _count > 0 ? _entries[0].When : 0;
        return _count > 0;
    }

    /// <summary>Takes the next live item that is due at <paramref name="now"/>.</summary>
    public bool TryTakeDue(long now, out LoopItem item)
    {
        while (_count > 0 && _entries[0].When <= now)
        {
            var top = _entries[0];
            RemoveTop();
            if (top.IsLive)
            {
                item = top.Item;
                item.TimerSequence = 0;
                return true;
            }

            _stale--;
        }

        item = null!;
        return false;
    }

    public void Clear()
    {
        for (var i = 0; i < _count; i++)
        {
            if (_entries[i].IsLive)
            {
                _entries[i].Item.TimerSequence = 0;
            }
        }

        this = new TimerHeap();
    }

    private void MakeRoom()
    {
        // One batch may set and cancel any number of timers before the next purge.
        if (_stale > _count / 2)
        {
            Compact();
        }
        else
        {
            Array.Resize(ref _entries, _count * 2);
        }
    }

    private void Compact()
    {
        var live = 0;
        for (var i = 0; i < _count; i++)
        {
            if (_entries[i].IsLive)
            {
                _entries[live++] = _entries[i];
            }
        }

        Array.Clear(_entries, live, _count - live);
        _count = live;
        _stale = 0;
        if (_entries.Length > InitialCapacity && live < _entries.Length / 8)
        {
            Array.Resize(ref _entries, Math.Max(InitialCapacity, _entries.Length / 4));
        }

        for (var i = (live - 2) / 4; i >= 0 && live > 1; i--)
        {
            SiftDown(i, _entries[i]);
        }
    }

    private void RemoveTop()
    {
        var last = _entries[--_count];
        _entries[_count] = default;
        if (_count > 0)
        {
            SiftDown(0, last);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly void SiftUp(int index, Entry entry)
    {
        var entries = _entries;
        while (index > 0)
        {
            var parent = (index - 1) / 4;
            if (!entry.IsBefore(entries[parent]))
            {
                break;
            }

            entries[index] = entries[parent];
            index = parent;
        }

        entries[index] = entry;
    }

    private readonly void SiftDown(int index, Entry entry)
    {
        var entries = _entries;
        while (true)
        {
            var child = (index * 4) + 1;
            if (child >= _count)
            {
                break;
            }

            var least = child;
            var end = Math.Min(child + 4, _count);
            for (child++; child < end; child++)
            {
                if (entries[child].IsBefore(entries[least]))
                {
                    least = child;
                }
            }

            if (!entries[least].IsBefore(entry))
            {
                break;
            }

            entries[index] = entries[least];
            index = least;
        }

        entries[index] = entry;
    }

    private readonly struct Entry(long when, long sequence, LoopItem item)
    {
        public readonly long When = when;
        public readonly long Sequence = sequence;
        public readonly LoopItem Item = item;

        public bool IsLive => Item.TimerSequence == Sequence;

        public bool IsBefore(in Entry other) => When < other.When || (When == other.When && Sequence < other.Sequence);
    }
}
