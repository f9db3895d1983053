using System.Buffers;
using System.Buffers.Binary;

namespace Baton.Soak;

/// <summary>
/// An endless sequence of bytes that a seed determines, any part of which can be made and checked by itself: what is lost, doubled,
/// changed or out of order shows at the first byte.
/// </summary>
public readonly struct Pattern(uint seed)
{
    /// <summary>The seed.</summary>
    public uint Seed { get; } = seed;

    /// <summary>Makes a part.</summary>
    public byte[] Make(long offset, int length)
    {
        var bytes = new byte[length];
        Fill(bytes, offset);
        return bytes;
    }

    /// <summary>Fills a span with the part that begins at an offset.</summary>
    public void Fill(Span<byte> bytes, long offset)
    {
        Span<byte> block = stackalloc byte[sizeof(ulong)];
        while (!bytes.IsEmpty)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(block, BlockAt(offset >> 3));
            var part = block[(int)(offset & 7)..];
            part = part[..Math.Min(part.Length, bytes.Length)];
            part.CopyTo(bytes);
            bytes = bytes[part.Length..];
            offset += part.Length;
        }
    }

    /// <summary>Checks that bytes are the part that begins at an offset.</summary>
    /// <exception cref="SoakException">They are not.</exception>
    public void Check(ReadOnlySpan<byte> bytes, long offset)
    {
        Span<byte> expected = stackalloc byte[512];
        while (!bytes.IsEmpty)
        {
            var part = expected[..Math.Min(expected.Length, bytes.Length)];
            Fill(part, offset);
            var same = part.CommonPrefixLength(bytes);
            if (same < part.Length)
            {
                throw new SoakException(
                    $"Byte {offset + same} of the pattern {Seed:x8} should be {part[same]:x2} and is {bytes[same]:x2}, " +
                    $"in {bytes.Length} bytes from {offset}.");
            }

            bytes = bytes[part.Length..];
            offset += part.Length;
        }
    }

    /// <inheritdoc cref="Check(ReadOnlySpan{byte}, long)"/>
    public void Check(ReadOnlySequence<byte> bytes, long offset)
    {
        foreach (var segment in bytes)
        {
            Check(segment.Span, offset);
            offset += segment.Length;
        }
    }

    private ulong BlockAt(long index)
    {
        var mixed = (ulong)index + (Seed * 0x9E3779B97F4A7C15);
        mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9;
        mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EB;
        return mixed ^ (mixed >> 31);
    }
}
