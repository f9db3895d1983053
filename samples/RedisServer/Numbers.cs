using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace RedisServer;

/// <summary>Numbers as Redis reads and writes them.</summary>
internal static class Numbers
{
    private const NumberStyles Fraction =
        NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    /// <summary>A whole number without blanks, plus sign or leading zeros.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out long value)
    {
        value = 0;
        if (text.IsEmpty || text[0] == '+' || (text[0] == '0' && text.Length > 1) || text.StartsWith("-0"u8))
        {
            return false;
        }

        return Utf8Parser.TryParse(text, out value, out int consumed) && consumed == text.Length;
    }

    public static bool TryParse(ReadOnlySpan<byte> text, out double value)
    {
        if (text.Length is 3 or 4 && char.IsAsciiLetter((char)text[^1]) && Ascii.EqualsIgnoreCase(text[^3..], "inf"u8))
        {
            value = text[0] == '-' ? double.NegativeInfinity : double.PositiveInfinity;
            return text.Length == 3 || text[0] is (byte)'-' or (byte)'+';
        }

        return double.TryParse(text, Fraction, CultureInfo.InvariantCulture, out value) && double.IsFinite(value);
    }

    /// <summary>The shortest text that reads as the same number.</summary>
    public static string Format(double value) => double.IsPositiveInfinity(value) ? "inf"
        : double.IsNegativeInfinity(value) ? "-inf"
        : Math.Abs(value) < 1e17 && Math.Floor(value) == value ? ((long)value).ToString(CultureInfo.InvariantCulture)
        : value.ToString("R", CultureInfo.InvariantCulture).Replace('E', 'e');

    /// <summary>The sum of two numbers, exact where a decimal can hold it, without an exponent. Null where it is not finite.</summary>
    public static string? Add(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        if (decimal.TryParse(left, Fraction, CultureInfo.InvariantCulture, out var first)
            && decimal.TryParse(right, Fraction, CultureInfo.InvariantCulture, out var second))
        {
            try
            {
                return (first + second).ToString("0.#################", CultureInfo.InvariantCulture);
            }
            catch (OverflowException)
            {
                // As doubles, then.
            }
        }

        if (!TryParse(left, out double a) || !TryParse(right, out double b))
        {
            throw new CommandException(CommandException.NotAFloat);
        }

        return double.IsFinite(a + b) ? (a + b).ToString("0.#################", CultureInfo.InvariantCulture) : null;
    }
}
