using System.Numerics;

namespace Baton.Bench.Net;

/// <summary>
/// Counts latencies in buckets that are 1/64 of their value wide (1.6 %): one array increment a request and no allocation, so that
/// measuring costs the load generator next to nothing however many requests there are.
/// </summary>
internal sealed class LatencyHistogram
{
    private const int SubBucketBits = 6;
    private const int SubBuckets = 1 << SubBucketBits;

    private readonly long[] _counts = new long[(64 - SubBucketBits + 1) * SubBuckets];

    public long Count { get; private set; }

    public void Record(long nanoseconds)
    {
        _counts[IndexOf(Math.Max(nanoseconds, 0))]++;
        Count++;
    }

    public void Clear()
    {
        Array.Clear(_counts);
        Count = 0;
    }

    /// <summary>The latency, in nanoseconds, that <paramref name="quantile"/> (0 to 1) of the requests did not exceed.</summary>
    public double Quantile(double quantile)
    {
        var rank = (long)Math.Ceiling(quantile * Count);
        var seen = 0L;
        for (var index = 0; index < _counts.Length; index++)
        {
            seen += _counts[index];
            if (seen >= rank && seen > 0) return MiddleOf(index);
        }
        return double.NaN;
    }

    // Below SubBuckets the value is its own index; above, the exponent chooses a row and the bits after the leading one the place in it.
    private static int IndexOf(long value)
    {
        if (value < SubBuckets) return (int)value;
        var shift = BitOperations.Log2((ulong)value) - SubBucketBits;
        return (shift * SubBuckets) + (int)(value >> shift);
    }

    private static double MiddleOf(int index)
    {
        if (index < SubBuckets) return index;
        var shift = (index / SubBuckets) - 1;
        var lowest = (long)(index - (shift * SubBuckets)) << shift;
        return lowest + ((1L << shift) / 2.0);
    }
}
