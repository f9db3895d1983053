using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// A datagram that was sent earlier could not be delivered. Reported by the receives of a <see cref="UdpSocket"/> with
/// <see cref="UdpOptions.ReportUndelivered"/>; the socket is as good as before.
/// </summary>
public sealed class UndeliveredException : SocketException
{
    internal UndeliveredException(SocketError error, string message, IPEndPoint? receiver, IPAddress? reporter)
        : base((int)error, message)
    {
        Receiver = receiver;
        Reporter = reporter;
    }

    /// <summary>To whom it was sent; null where the system does not say.</summary>
    public IPEndPoint? Receiver { get; }

    /// <summary>The host that reported it: the receiver's, or a router on the way there; null where it did not leave this host.</summary>
    public IPAddress? Reporter { get; }
}
