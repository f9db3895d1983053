using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>Between end points and <see cref="SocketAddress"/>, in place where the BCL would make an object.</summary>
internal static class AddressConversion
{
    private const int SizeV4 = 16;
    private const int SizeV6 = 28;

    // As long as the longest address, that of a local socket.
    private const int MaximumSize = 112;

    private static readonly IPEndPoint AnyV4 = new(IPAddress.Any, 0);
    private static readonly IPEndPoint AnyV6 = new(IPAddress.IPv6Any, 0);

    // The system's spelling of the families, which a SocketAddress knows and does not tell.
    private static readonly byte[] FamilyV4 = new SocketAddress(AddressFamily.InterNetwork, SizeV4).Buffer[..2].ToArray();
    private static readonly byte[] FamilyV6 = new SocketAddress(AddressFamily.InterNetworkV6, SizeV6).Buffer[..2].ToArray();

    /// <summary>A <see cref="SocketAddress"/> that any address fits into.</summary>
    internal static SocketAddress CreateSpace() => new(AddressFamily.InterNetworkV6, MaximumSize);

    /// <summary>The end point of an address; null where it is empty, as that of a local socket without a name.</summary>
    internal static EndPoint? ToEndPoint(SocketAddress address)
    {
        if (address.Size <= 2)
        {
            return null;
        }

        return address.Family switch
        {
            AddressFamily.InterNetwork => AnyV4.Create(address),
            AddressFamily.InterNetworkV6 => AnyV6.Create(address),
            _ => new UnixDomainSocketEndPoint("/").Create(address),
        };
    }

    /// <summary>The address of an end point for a socket of a family, as a new object.</summary>
    internal static SocketAddress ToSocketAddress(EndPoint endPoint, AddressFamily family)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        switch (endPoint)
        {
            case IPEndPoint ip:
                var address = new SocketAddress(AddressFamily.InterNetworkV6, SizeV6);
                Write(ip, family, address);
                return address;
            case DnsEndPoint:
                throw new ArgumentException(
                    $"{endPoint} is a name, not an address. Resolve it first, by NameResolution.", nameof(endPoint));
            default:
                return endPoint.Serialize();
        }
    }

    /// <summary>Writes an end point in place. An IPv4 address is mapped where the socket's family is IPv6.</summary>
    internal static void Write(IPEndPoint endPoint, AddressFamily family, SocketAddress target)
    {
        var isV4 = endPoint.AddressFamily == AddressFamily.InterNetwork;
        var isMapped = isV4 && family == AddressFamily.InterNetworkV6;
        var isShort = isV4 && !isMapped;
        target.Size = isShort ? SizeV4 : SizeV6;
        var bytes = target.Buffer.Span[..target.Size];
        bytes.Clear();
        (isShort ? FamilyV4 : FamilyV6).CopyTo(bytes);
        BinaryPrimitives.WriteUInt16BigEndian(bytes[2..], (ushort)endPoint.Port);
        endPoint.Address.TryWriteBytes(bytes[(isShort ? 4 : isMapped ? 20 : 8)..], out _);
        if (isMapped)
        {
            bytes[18] = 0xFF;
            bytes[19] = 0xFF;
        }
        else if (!isV4)
        {
            BitConverter.TryWriteBytes(bytes[24..], (uint)endPoint.Address.ScopeId);
        }
    }
}
