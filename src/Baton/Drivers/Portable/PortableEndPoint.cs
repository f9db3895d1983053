using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>
/// The end point of a local socket under another type: the BCL deletes the file of one that it knows as such when the socket is closed,
/// whosever the file is by then.
/// </summary>
internal sealed class PortableEndPoint : EndPoint
{
    private readonly EndPoint _endPoint;

    private PortableEndPoint(EndPoint endPoint) => _endPoint = endPoint;

    public override AddressFamily AddressFamily => _endPoint.AddressFamily;

    public override SocketAddress Serialize() => _endPoint.Serialize();

    public override EndPoint Create(SocketAddress socketAddress) => new PortableEndPoint(_endPoint.Create(socketAddress));

    public override bool Equals(object? obj) => obj is PortableEndPoint other && _endPoint.Equals(other._endPoint);

    public override int GetHashCode() => _endPoint.GetHashCode();

    public override string ToString() => _endPoint.ToString()!;

    /// <summary>The end point as the BCL is to see it.</summary>
    /// <exception cref="ArgumentException">This is a name, not an address.</exception>
    internal static EndPoint Wrap(EndPoint endPoint)
    {
        SocketAddresses.CheckIsAddress(endPoint);
        return endPoint is UnixDomainSocketEndPoint ? new PortableEndPoint(endPoint) : endPoint;
    }

    /// <summary>The end point as everybody else is to see it; null where there is none, as for the unnamed end of a local socket.</summary>
    internal static EndPoint? Unwrap(EndPoint? endPoint)
    {
        var inner = endPoint is PortableEndPoint portable ? portable._endPoint : endPoint;
        return inner is UnixDomainSocketEndPoint && inner.Serialize().Size <= 2 ? null : inner;
    }
}
