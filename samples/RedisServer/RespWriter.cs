using System.Buffers.Text;
using System.Text;

namespace RedisServer;

/// <summary>Bytes that grow: replies for a client, or commands for the append-only file.</summary>
internal sealed class RespWriter
{
    private const int MaximumHeader = 24;
    private const int KeptCapacity = 64 * 1024;

    private byte[] _bytes = new byte[1024];

    public int Length { get; private set; }

    /// <summary>Whether the client has asked for version 3 of the protocol.</summary>
    public bool IsResp3 { get; set; }

    public ReadOnlyMemory<byte> Written => _bytes.AsMemory(0, Length);

    public ReadOnlySpan<byte> WrittenSpan => _bytes.AsSpan(0, Length);

    /// <summary>Forgets everything; the memory stays, unless it is much.</summary>
    public void Clear()
    {
        Length = 0;
        if (_bytes.Length > KeptCapacity)
        {
            _bytes = new byte[1024];
        }
    }

    public void Truncate(int length) => Length = length;

    public void RemoveFront(int count)
    {
        _bytes.AsSpan(count, Length - count).CopyTo(_bytes);
        Length -= count;
        if (Length == 0)
        {
            Clear();
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(Reserve(bytes.Length));
        Length += bytes.Length;
    }

    public void Simple(ReadOnlySpan<byte> text)
    {
        var span = Reserve(text.Length + 3);
        span[0] = (byte)'+';
        text.CopyTo(span[1..]);
        "\r\n"u8.CopyTo(span[(text.Length + 1)..]);
        Length += text.Length + 3;
    }

    public void Ok() => Append("+OK\r\n"u8);

    public void Error(string message)
    {
        Append("-"u8);

        // An error is one line, whatever a client had put in what it quotes.
        Append(Encoding.UTF8.GetBytes(message.Replace('\r', ' ').Replace('\n', ' ')));
        Append("\r\n"u8);
    }

    public void Integer(long value) => Header((byte)':', value);

    public void Boolean(bool value) => Append(value ? ":1\r\n"u8 : ":0\r\n"u8);

    public void Array(int count) => Header((byte)'*', count);

    public void Map(int count) => Header(IsResp3 ? (byte)'%' : (byte)'*', IsResp3 ? count : count * 2);

    public void Set(int count) => Header(IsResp3 ? (byte)'~' : (byte)'*', count);

    public void Push(int count) => Header(IsResp3 ? (byte)'>' : (byte)'*', count);

    public void Null() => Append(IsResp3 ? "_\r\n"u8 : "$-1\r\n"u8);

    public void NullArray() => Append(IsResp3 ? "_\r\n"u8 : "*-1\r\n"u8);

    public void Bulk(ReadOnlySpan<byte> bytes)
    {
        var span = Reserve(checked(bytes.Length + MaximumHeader + 2));
        span[0] = (byte)'$';
        Utf8Formatter.TryFormat(bytes.Length, span[1..], out var digits);
        "\r\n"u8.CopyTo(span[(digits + 1)..]);
        var start = digits + 3;
        bytes.CopyTo(span[start..]);
        "\r\n"u8.CopyTo(span[(start + bytes.Length)..]);
        Length += start + bytes.Length + 2;
    }

    public void Bulk(string text) => Bulk(Encoding.UTF8.GetBytes(text));

    public void Bulk(long value)
    {
        Span<byte> digits = stackalloc byte[MaximumHeader];
        Utf8Formatter.TryFormat(value, digits, out var length);
        Bulk(digits[..length]);
    }

    public void BulkOrNull(byte[]? bytes)
    {
        if (bytes is null)
        {
            Null();
        }
        else
        {
            Bulk(bytes);
        }
    }

    public void Double(double value)
    {
        if (IsResp3)
        {
            Append(Encoding.ASCII.GetBytes($",{Numbers.Format(value)}\r\n"));
        }
        else
        {
            Bulk(Numbers.Format(value));
        }
    }

    private void Header(byte kind, long value)
    {
        var span = Reserve(MaximumHeader);
        span[0] = kind;
        Utf8Formatter.TryFormat(value, span[1..], out var digits);
        "\r\n"u8.CopyTo(span[(digits + 1)..]);
        Length += digits + 3;
    }

    private Span<byte> Reserve(int count)
    {
        var needed = (long)Length + count;
        if (needed > _bytes.Length)
        {
            Grow(needed);
        }

        return _bytes.AsSpan(Length);
    }

    private void Grow(long needed)
    {
        if (needed > System.Array.MaxLength)
        {
            throw new CommandException("ERR the reply is longer than this server can hold");
        }

        System.Array.Resize(ref _bytes, (int)Math.Min(Math.Max(needed, _bytes.Length * 2L), System.Array.MaxLength));
    }
}
