namespace RedisServer;

/// <summary>Where an argument stands in the bytes of its command.</summary>
internal readonly record struct Argument(int Start, int Length);

/// <summary>
/// Finds the arguments of one command after the other, where they were received: nothing is copied. A command that has come in part is
/// gone on with when there is more, so that none is looked at twice.
/// </summary>
internal sealed class RequestParser
{
    private const int MaximumLine = 64 * 1024;
    private const int MaximumArguments = 1024 * 1024;
    private const long TooMuch = 1L << 40;
    private const int MaximumBulk = 512 * 1024 * 1024;

    private Argument[] _arguments = new Argument[8];
    private int _count;
    private int _missing = -1;
    private int _bulk = -1;
    private byte[] _inline = [];
    private int _inlineLength;

    /// <summary>How many bytes the command has.</summary>
    public int Length { get; private set; }

    /// <summary>Whether it was typed as a line.</summary>
    public bool IsInline { get; private set; }

    /// <summary>Whether a command has come in part.</summary>
    public bool IsInMiddle => _missing >= 0;

    public ReadOnlySpan<Argument> Arguments => _arguments.AsSpan(0, _count);

    /// <summary>The bytes in which the arguments of a line stand, after quotes were taken away.</summary>
    public ReadOnlySpan<byte> InlineSource => _inline.AsSpan(0, _inlineLength);

    /// <summary>Looks for the rest of a command; true when it is complete.</summary>
    /// <param name="source">What was received from the command's first byte on.</param>
    public bool TryParse(ReadOnlySpan<byte> source)
    {
        if (_missing < 0)
        {
            // A new command.
            _count = 0;
            Length = 0;
            IsInline = false;
            if (source.IsEmpty)
            {
                return false;
            }

            if (source[0] != '*')
            {
                return TryParseInline(source);
            }

            if (!TryReadHeader(source, "too big mbulk count string", "invalid multibulk length", out var count))
            {
                return false;
            }

            if (count > MaximumArguments)
            {
                throw new ProtocolException("invalid multibulk length");
            }

            _missing = (int)Math.Max(count, 0);
        }

        while (_missing > 0)
        {
            if (_bulk < 0)
            {
                if (Length >= source.Length)
                {
                    return false;
                }

                if (source[Length] != '$')
                {
                    throw new ProtocolException($"expected '$', got '{(char)source[Length]}'");
                }

                if (!TryReadHeader(source, "too big bulk count string", "invalid bulk length", out var bulk))
                {
                    return false;
                }

                if (bulk is < 0 or > MaximumBulk)
                {
                    throw new ProtocolException("invalid bulk length");
                }

                _bulk = (int)bulk;
            }

            if (source.Length - Length < _bulk + 2)
            {
                return false;
            }

            if (source[Length + _bulk] != '\r' || source[Length + _bulk + 1] != '\n')
            {
                throw new ProtocolException("expected the end of the line after a bulk");
            }

            Add(new Argument(Length, _bulk));
            Length += _bulk + 2;
            _bulk = -1;
            _missing--;
        }

        _missing = -1;
        return true;
    }

    private bool TryReadHeader(ReadOnlySpan<byte> source, string tooLong, string invalid, out long value)
    {
        value = 0;
        var line = source[(Length + 1)..];
        var isNegative = !line.IsEmpty && line[0] == '-';
        var i = isNegative ? 1 : 0;
        while (i < line.Length && line[i] is >= (byte)'0' and <= (byte)'9')
        {
            value = Math.Min((value * 10) + (line[i++] - '0'), TooMuch);
        }

        if (i + 1 >= line.Length)
        {
            if (line.Length > MaximumLine)
            {
                throw new ProtocolException(tooLong);
            }

            if (i < line.Length && line[i] != '\r')
            {
                throw new ProtocolException(invalid);
            }

            value = 0;
            return false;
        }

        if (i == (isNegative ? 1 : 0) || value == TooMuch || line[i] != '\r' || line[i + 1] != '\n')
        {
            throw new ProtocolException(invalid);
        }

        value = isNegative ? -value : value;
        Length += i + 3;
        return true;
    }

    private bool TryParseInline(ReadOnlySpan<byte> source)
    {
        var end = source.IndexOf((byte)'\n');
        if ((end < 0 ? source.Length : end) > MaximumLine)
        {
            throw new ProtocolException("too big inline request");
        }

        if (end < 0)
        {
            return false;
        }

        IsInline = true;
        Length = end + 1;
        SplitLine(source[..end].TrimEnd((byte)'\r'));
        return true;
    }

    private void SplitLine(ReadOnlySpan<byte> line)
    {
        _inlineLength = 0;
        if (_inline.Length < line.Length)
        {
            _inline = new byte[line.Length];
        }

        var i = 0;
        while (true)
        {
            while (i < line.Length && IsBlank(line[i]))
            {
                i++;
            }

            if (i == line.Length)
            {
                return;
            }

            var start = _inlineLength;
            while (i < line.Length && !IsBlank(line[i]))
            {
                if (line[i] is (byte)'"' or (byte)'\'')
                {
                    i = TakeQuoted(line, i);
                }
                else
                {
                    _inline[_inlineLength++] = line[i++];
                }
            }

            Add(new Argument(start, _inlineLength - start));
        }
    }

    private int TakeQuoted(ReadOnlySpan<byte> line, int i)
    {
        var quote = line[i++];
        while (i < line.Length && line[i] != quote)
        {
            var value = line[i++];
            if (value == '\\' && i < line.Length && (quote == '"' || line[i] == '\''))
            {
                value = line[i++];
                if (quote == '"')
                {
                    value = value switch
                    {
                        (byte)'n' => (byte)'\n',
                        (byte)'r' => (byte)'\r',
                        (byte)'t' => (byte)'\t',
                        (byte)'b' => (byte)'\b',
                        (byte)'a' => (byte)'\a',
                        (byte)'x' when TryHex(line[i..], out var code) => code,
                        _ => value,
                    };
                    i += line[i - 1] == 'x' && TryHex(line[i..], out _) ? 2 : 0;
                }
            }

            _inline[_inlineLength++] = value;
        }

        if (i == line.Length || (i + 1 < line.Length && !IsBlank(line[i + 1])))
        {
            throw new ProtocolException("unbalanced quotes in request");
        }

        return i + 1;
    }

    private static bool TryHex(ReadOnlySpan<byte> text, out byte value)
    {
        value = 0;
        return text.Length >= 2
            && byte.TryParse(text[..2], System.Globalization.NumberStyles.AllowHexSpecifier, null, out value);
    }

    private static bool IsBlank(byte value) => value is (byte)' ' or (byte)'\t' or (byte)'\r' or 0;

    private void Add(Argument argument)
    {
        if (_count == _arguments.Length)
        {
            Array.Resize(ref _arguments, _count * 2);
        }

        _arguments[_count++] = argument;
    }
}
