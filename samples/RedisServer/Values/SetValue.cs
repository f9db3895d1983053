using System.Collections;

namespace RedisServer;

/// <summary>A set, with its members in a list as well, so that one can be picked at random.</summary>
internal sealed class SetValue : ICollectionValue, IEnumerable<byte[]>
{
    private readonly Dictionary<byte[], int> _places = new(BytesComparer.Instance);
    private readonly List<byte[]> _members = [];

    public int Count => _members.Count;

    public byte[] this[int index] => _members[index];

    public bool Contains(ReadOnlySpan<byte> member) => _places.GetAlternateLookup<ReadOnlySpan<byte>>().ContainsKey(member);

    public bool Add(ReadOnlySpan<byte> member)
    {
        var lookup = _places.GetAlternateLookup<ReadOnlySpan<byte>>();
        if (lookup.ContainsKey(member))
        {
            return false;
        }

        var copy = member.ToArray();
        _places.Add(copy, _members.Count);
        _members.Add(copy);
        return true;
    }

    public bool Remove(ReadOnlySpan<byte> member)
    {
        if (!_places.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(member, out _, out var place))
        {
            return false;
        }

        var last = _members[^1];
        _members.RemoveAt(_members.Count - 1);
        if (place < _members.Count)
        {
            _members[place] = last;
            _places[last] = place;
        }

        return true;
    }

    public List<byte[]>.Enumerator GetEnumerator() => _members.GetEnumerator();

    IEnumerator<byte[]> IEnumerable<byte[]>.GetEnumerator() => GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
