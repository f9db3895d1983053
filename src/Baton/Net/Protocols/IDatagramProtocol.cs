using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// What a transport of datagrams calls. Corresponds to the methods of <c>asyncio.DatagramProtocol</c>; derive from the class
/// <see cref="DatagramProtocol"/> unless there is another base class.
/// </summary>
/// <remarks>
/// What <see cref="DatagramReceived"/> or <see cref="ErrorReceived"/> throw goes to the loop's exception handler, and the transport goes
/// on: other datagrams are none the worse for it.
/// </remarks>
public interface IDatagramProtocol : IProtocol
{
    /// <summary>The socket is there. Called once, before anything is received. Corresponds to <c>connection_made</c>.</summary>
    void ConnectionMade(IDatagramTransport transport);

    /// <summary>A datagram has arrived. Corresponds to <c>datagram_received</c>.</summary>
    /// <param name="data">All of it; may be empty. The memory is the transport's and will be used again: copy what is to be kept.</param>
    /// <param name="sender">Who sent it; null for a local socket without a name.</param>
    void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender);

    /// <summary>
    /// A send or a receive failed, for example because nobody receives at the other end, which comes to light later. The transport goes on.
    /// Corresponds to <c>error_received</c>.
    /// </summary>
    void ErrorReceived(SocketException exception);
}
