namespace RedisServer;

/// <summary>
/// A sorted set: its members in the order of their scores, found by halving. To insert moves what stands behind, which costs little up to
/// some hundred thousand members; Redis has skip lists.
/// </summary>
internal sealed class SortedValue : ICollectionValue
{
    private readonly Dictionary<byte[], double> _scores = new(BytesComparer.Instance);
    private readonly List<(double Score, byte[] Member)> _sorted = [];

    public int Count => _sorted.Count;

    public (double Score, byte[] Member) this[int rank] => _sorted[rank];

    public double? ScoreOf(ReadOnlySpan<byte> member) =>
        _scores.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(member, out var score) ? score : null;

    /// <summary>Adds a member or moves it.</summary>
    public void Set(ReadOnlySpan<byte> member, double score)
    {
        var lookup = _scores.GetAlternateLookup<ReadOnlySpan<byte>>();
        byte[] stored;
        if (lookup.TryGetValue(member, out var known, out var before))
        {
            _sorted.RemoveAt(PlaceOf(before, known));
            stored = known;
        }
        else
        {
            stored = member.ToArray();
        }

        _scores[stored] = score;
        _sorted.Insert(PlaceOf(score, stored), (score, stored));
    }

    public bool Remove(ReadOnlySpan<byte> member)
    {
        if (!_scores.GetAlternateLookup<ReadOnlySpan<byte>>().Remove(member, out var stored, out var score))
        {
            return false;
        }

        _sorted.RemoveAt(PlaceOf(score, stored));
        return true;
    }

    public int? RankOf(ReadOnlySpan<byte> member) => ScoreOf(member) is { } score ? PlaceOf(score, member) : null;

    /// <summary>The rank of the first member that is not below a score; or not at it either.</summary>
    public int FirstFrom(double score, bool isExclusive)
    {
        var (low, high) = (0, _sorted.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (_sorted[middle].Score < score || (isExclusive && _sorted[middle].Score == score))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }

    private int PlaceOf(double score, ReadOnlySpan<byte> member)
    {
        var (low, high) = (0, _sorted.Count);
        while (low < high)
        {
            var middle = (low + high) / 2;
            var there = _sorted[middle];
            if (there.Score < score || (there.Score == score && there.Member.AsSpan().SequenceCompareTo(member) < 0))
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        return low;
    }
}
