namespace RedisServer;

/// <summary>The patterns of KEYS, SCAN, PSUBSCRIBE and CONFIG GET: <c>*</c>, <c>?</c>, <c>[a-z]</c>, <c>[^a]</c> and <c>\</c>.</summary>
internal static class Glob
{
    public static bool IsMatch(ReadOnlySpan<byte> pattern, ReadOnlySpan<byte> text)
    {
        // Where to go on when the text does not match: behind the last star, which then takes one byte more.
        var starPattern = -1;
        var starText = 0;
        var p = 0;
        var t = 0;
        while (t < text.Length)
        {
            if (p < pattern.Length && pattern[p] == '*')
            {
                starPattern = ++p;
                starText = t;
            }
            else if (p < pattern.Length && MatchesOne(pattern[p..], text[t], out var length))
            {
                p += length;
                t++;
            }
            else if (starPattern >= 0)
            {
                p = starPattern;
                t = ++starText;
            }
            else
            {
                return false;
            }
        }

        return pattern[p..].TrimStart((byte)'*').IsEmpty;
    }

    private static bool MatchesOne(ReadOnlySpan<byte> pattern, byte value, out int length)
    {
        length = 1;
        switch (pattern[0])
        {
            case (byte)'?':
                return true;
            case (byte)'[':
                return MatchesClass(pattern, value, out length);
            case (byte)'\\' when pattern.Length > 1:
                length = 2;
                return pattern[1] == value;
            default:
                return pattern[0] == value;
        }
    }

    private static bool MatchesClass(ReadOnlySpan<byte> pattern, byte value, out int length)
    {
        var i = 1;
        var isNegated = pattern.Length > 1 && pattern[1] == '^';
        if (isNegated)
        {
            i++;
        }

        var isMatch = false;
        while (i < pattern.Length && pattern[i] != ']')
        {
            if (pattern[i] == '\\' && i + 1 < pattern.Length)
            {
                isMatch |= pattern[i + 1] == value;
                i += 2;
            }
            else if (i + 2 < pattern.Length && pattern[i + 1] == '-')
            {
                var (low, high) = (Math.Min(pattern[i], pattern[i + 2]), Math.Max(pattern[i], pattern[i + 2]));
                isMatch |= value >= low && value <= high;
                i += 3;
            }
            else
            {
                isMatch |= pattern[i++] == value;
            }
        }

        length = Math.Min(i + 1, pattern.Length);
        return isMatch != isNegated;
    }
}
