using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>The base of protocols for datagrams: override what matters. Corresponds to <c>asyncio.DatagramProtocol</c>.</summary>
public abstract class DatagramProtocol : BaseProtocol, IDatagramProtocol
{
    /// <inheritdoc/>
    public virtual void ConnectionMade(IDatagramTransport transport)
    {
    }

    /// <inheritdoc/>
    public virtual void DatagramReceived(ReadOnlySpan<byte> data, EndPoint? sender)
    {
    }

    /// <inheritdoc/>
    public virtual void ErrorReceived(SocketException exception)
    {
    }
}
