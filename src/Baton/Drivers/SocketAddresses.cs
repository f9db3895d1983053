using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>End points as the system writes them, in <c>struct sockaddr</c>.</summary>
internal static class SocketAddresses
{
    /// <summary>Enough for the longest address there is, that of a local socket.</summary>
    internal const int MaximumSize = 112;

    private const int SizeV4 = 16;
    private const int SizeV6 = 28;
    private const ushort FamilyV4 = 2;
    private const ushort FamilyV6 = 10;

    /// <summary>Writes an end point; returns the length.</summary>
    internal static int Write(EndPoint endPoint, Span<byte> target)
    {
        if (endPoint is not IPEndPoint ip)
        {
            CheckIsAddress(endPoint);

            // The BCL lays its addresses out as the system does.
            var other = endPoint.Serialize();
            other.Buffer.Span[..other.Size].CopyTo(target);
            return other.Size;
        }

        var isV6 = ip.AddressFamily == AddressFamily.InterNetworkV6;
        target = target[..(isV6 ? SizeV6 : SizeV4)];
        target.Clear();
        BitConverter.TryWriteBytes(target, isV6 ? FamilyV6 : FamilyV4);
        BinaryPrimitives.WriteUInt16BigEndian(target[2..], (ushort)ip.Port);
        ip.Address.TryWriteBytes(target[(isV6 ? 8 : 4)..], out _);
        if (isV6)
        {
            BitConverter.TryWriteBytes(target[24..], (uint)ip.Address.ScopeId);
        }

        return target.Length;
    }

    /// <exception cref="ArgumentException">This is a name, not an address.</exception>
    internal static void CheckIsAddress(EndPoint endPoint)
    {
        if (endPoint is DnsEndPoint)
        {
            throw new ArgumentException(
                $"{endPoint} is a name. Resolve it first, or use Connection.ConnectAsync, which does.", nameof(endPoint));
        }
    }

    /// <summary>Reads an end point; null where there is none, as for the unnamed end of a local socket.</summary>
    internal static EndPoint? Read(ReadOnlySpan<byte> source)
    {
        if (source.Length < 2)
        {
            return null;
        }

        switch (BitConverter.ToUInt16(source))
        {
            case FamilyV4 when source.Length >= SizeV4:
                return new IPEndPoint(new IPAddress(source.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(source[2..]));
            case FamilyV6 when source.Length >= SizeV6:
                return new IPEndPoint(
                    new IPAddress(source.Slice(8, 16), BitConverter.ToUInt32(source[24..])),
                    BinaryPrimitives.ReadUInt16BigEndian(source[2..]));
            default:
                if (source.Length <= 2)
                {
                    return null;
                }

                var address = new SocketAddress(AddressFamily.Unix, source.Length);
                source.CopyTo(address.Buffer.Span);
                return new UnixDomainSocketEndPoint("/").Create(address);
        }
    }

    /// <summary>Copies an address to keep it, unless there is nothing to keep.</summary>
    internal static byte[]? Keep(ReadOnlySpan<byte> source) => source.Length > 2 ? source.ToArray() : null;
}
