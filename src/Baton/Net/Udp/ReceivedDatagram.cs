using System.Net;

namespace Baton;

/// <summary>What a <see cref="UdpSocket"/> received.</summary>
/// <param name="Count">The bytes in the buffer; 0 for an empty datagram.</param>
/// <param name="IsTruncated">Whether the datagram was longer than the buffer, so that its rest is lost.</param>
/// <param name="RemoteEndPoint">
/// Who sent it. The object is the same for many datagrams of a sender: it must not be changed. Null where the caller asked for the address
/// in a <see cref="SocketAddress"/>.
/// </param>
public readonly record struct ReceivedDatagram(int Count, bool IsTruncated, IPEndPoint? RemoteEndPoint);
