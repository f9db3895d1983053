using System.Net.Sockets;

namespace Baton;

/// <summary>How a <see cref="UdpSocket"/> is made. Everything has a default.</summary>
public sealed class UdpOptions
{
    /// <summary>
    /// Whether datagrams may go to broadcast addresses. A socket with a remote end point is then not connected to it, since the answers
    /// come from others: that end point is only where <see cref="UdpSocket.SendAsync"/> sends to.
    /// </summary>
    public bool AllowBroadcast { get; set; }

    /// <summary>
    /// Whether several sockets may be bound to the same end point, between which the system spreads the datagrams by their senders
    /// (SO_REUSEPORT).
    /// </summary>
    public bool ReusePort { get; set; }

    /// <summary>
    /// Whether several sockets may be bound to the same end point of which each is sent what goes to a multicast group (SO_REUSEADDR). Of
    /// other datagrams the last one bound gets all, so that it is for receivers of multicast alone.
    /// </summary>
    public bool ReuseAddress { get; set; }

    /// <summary>
    /// Whether a socket of IPv6 takes part in IPv4 too, whose addresses then look like <c>::ffff:192.0.2.1</c>. Null leaves that to the
    /// system, except for a socket that <see cref="UdpSocket.BindAsync"/> binds to all addresses, which does.
    /// </summary>
    public bool? DualMode { get; set; }

    /// <summary>
    /// Whether receives report each datagram that could not be delivered, and to whom it was sent, also where the socket is not connected.
    /// See <see cref="UndeliveredException"/>.
    /// </summary>
    public bool ReportUndelivered { get; set; }

    /// <summary>The bytes of datagrams that may wait to be received; null leaves the system's choice.</summary>
    public int? ReceiveBufferSize { get; set; }

    /// <summary>The bytes of datagrams that may wait to leave; null leaves the system's choice.</summary>
    public int? SendBufferSize { get; set; }

    internal void ApplyTo(LoopSocket socket)
    {
        if (DualMode is { } dual && socket.AddressFamily == AddressFamily.InterNetworkV6)
        {
            socket.SetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, dual ? 0 : 1);
        }

        if (ReuseAddress)
        {
            socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, 1);
        }

        if (ReusePort)
        {
            socket.SetReusePort(true);
        }

        if (AllowBroadcast)
        {
            socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.Broadcast, 1);
        }

        if (ReceiveBufferSize is { } receiveSize)
        {
            socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer, receiveSize);
        }

        if (SendBufferSize is { } sendSize)
        {
            socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.SendBuffer, sendSize);
        }
    }
}
