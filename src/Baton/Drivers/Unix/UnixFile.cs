using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>What is read and written as a socket and is none: it has no addresses and no options, and sends no datagrams.</summary>
internal abstract class UnixFile : IoSocket
{
    public sealed override AddressFamily AddressFamily => AddressFamily.Unspecified;

    public sealed override SocketType SocketType => SocketType.Stream;

    public sealed override void Abort() => Dispose();

    public sealed override EndPoint? GetEndPoint(bool peer) => null;

    public sealed override void Bind(EndPoint endPoint) => throw NoSocket();

    public sealed override void Listen(int backlog) => throw NoSocket();

    public sealed override void SetOption(SocketOptionLevel level, SocketOptionName name, int value) => throw NoSocket();

    public sealed override int GetOption(SocketOptionLevel level, SocketOptionName name) => throw NoSocket();

    public sealed override void SetRawOption(int level, int name, ReadOnlySpan<byte> value) => throw NoSocket();

    public sealed override int GetRawOption(int level, int name, Span<byte> value) => throw NoSocket();

    public sealed override void SetReusePort(bool value) => throw NoSocket();

    public sealed override int TryReceiveFrom(Span<byte> buffer, SocketAddress? address, out bool isTruncated, out SocketError error)
    {
        isTruncated = false;
        error = SocketError.NotSocket;
        return 0;
    }

    public sealed override int TrySendTo(ReadOnlySpan<byte> bytes, SocketAddress? address, out SocketError error)
    {
        error = SocketError.NotSocket;
        return 0;
    }

    private static SocketException NoSocket() => new((int)SocketError.NotSocket);
}
