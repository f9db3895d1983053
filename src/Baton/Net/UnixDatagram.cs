using System.Net.Sockets;

namespace Baton;

/// <summary>A datagram that a <see cref="UnixDatagramSocket"/> has received, into the caller's buffer.</summary>
/// <param name="Length">Its length, as far as it fitted.</param>
/// <param name="IsTruncated">Whether it was longer than the buffer; the rest is lost.</param>
/// <param name="Sender">The sender's path or abstract name; null where it has none, and cannot be answered.</param>
public readonly record struct UnixDatagram(int Length, bool IsTruncated, UnixDomainSocketEndPoint? Sender);
