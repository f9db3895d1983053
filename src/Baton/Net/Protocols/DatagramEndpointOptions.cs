using System.Net.Sockets;

namespace Baton;

/// <summary>How a loop's <c>CreateDatagramEndpointAsync</c> makes a socket. Everything has a default.</summary>
public sealed class DatagramEndpointOptions
{
    /// <summary>The family of addresses to take where a name has several, or where no end point is given.</summary>
    public AddressFamily AddressFamily { get; set; } = AddressFamily.Unspecified;

    /// <summary>Whether several sockets may be bound to the same end point, each getting a part of the datagrams (SO_REUSEPORT).</summary>
    public bool ReusePort { get; set; }

    /// <summary>
    /// Whether datagrams may be sent to broadcast addresses. The socket is then not connected to its remote end point, which only says
    /// where datagrams go, since the answers come from elsewhere.
    /// </summary>
    public bool AllowBroadcast { get; set; }
}
