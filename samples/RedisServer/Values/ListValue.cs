namespace RedisServer;

/// <summary>A list: a ring, so that both ends are cheap and any element can be reached.</summary>
internal sealed class ListValue : ICollectionValue
{
    private byte[][] _ring = new byte[4][];
    private int _first;

    public int Count { get; private set; }

    public byte[] this[int index]
    {
        get => _ring[Place(index)];
        set => _ring[Place(index)] = value;
    }

    public void Add(byte[] element, bool atLeft)
    {
        if (Count == _ring.Length)
        {
            var ring = new byte[Count * 2][];
            for (var i = 0; i < Count; i++)
            {
                ring[i] = this[i];
            }

            _ring = ring;
            _first = 0;
        }

        if (atLeft)
        {
            _first = Place(_ring.Length - 1);
        }

        Count++;
        this[atLeft ? 0 : Count - 1] = element;
    }

    public byte[] Take(bool atLeft)
    {
        var place = Place(atLeft ? 0 : Count - 1);
        var element = _ring[place];
        _ring[place] = null!;
        if (atLeft)
        {
            _first = Place(1);
        }

        Count--;
        return element;
    }

    /// <summary>Keeps what satisfies a condition; the condition sees each element once, from the left or from the right.</summary>
    public int RemoveAll(Func<byte[], bool> isRemoved, bool fromRight)
    {
        var before = Count;
        for (var i = 0; i < before; i++)
        {
            var element = Take(atLeft: !fromRight);
            if (!isRemoved(element))
            {
                Add(element, atLeft: fromRight);
            }
        }

        return before - Count;
    }

    private int Place(int index) => (_first + index) & (_ring.Length - 1);
}
