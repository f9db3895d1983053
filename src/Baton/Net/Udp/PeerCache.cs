using System.Net;
using System.Runtime.InteropServices;

namespace Baton;

/// <summary>The end points of the last senders, so that to name a sender costs an object only when it is new.</summary>
internal sealed class PeerCache
{
    private const int Size = 64;
    private const int AddressRoom = 32;

    private readonly IPEndPoint?[] _endPoints = new IPEndPoint?[Size];
    private readonly byte[] _addresses = new byte[Size * AddressRoom];

    /// <summary>The end point of an address of IPv4 or IPv6; null where it is empty.</summary>
    internal IPEndPoint? Get(SocketAddress address)
    {
        var bytes = address.Buffer.Span[..address.Size];
        if (bytes.IsEmpty)
        {
            return null;
        }

        var index = IndexOf(bytes);
        var known = _addresses.AsSpan(index * AddressRoom, AddressRoom)[..bytes.Length];
        if (_endPoints[index] is { } endPoint && known.SequenceEqual(bytes))
        {
            return endPoint;
        }

        endPoint = (IPEndPoint)AddressConversion.ToEndPoint(address)!;
        bytes.CopyTo(known);
        _endPoints[index] = endPoint;
        return endPoint;
    }

    // The family stands in front, so that an address of one family is never the start of one of the other.
    private static int IndexOf(ReadOnlySpan<byte> bytes)
    {
        var hash = 0UL;
        foreach (var word in MemoryMarshal.Cast<byte, uint>(bytes))
        {
            hash = (hash ^ word) * 0x9E37_79B9_7F4A_7C15;
        }

        return (int)(hash >> 58);
    }
}
