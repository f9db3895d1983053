using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// A socket for datagrams of UDP: sends and receives whole ones, one at a time or in batches, connected to a peer or not. Corresponds to
/// <c>loop.create_datagram_endpoint</c> and its transport and protocol.
/// </summary>
/// <remarks>
/// <para>One receive may be in progress at a time. Sends may be as many as like: those that find no room wait in their order. Nothing is
/// allocated per datagram in the steady state. Await the <see cref="ValueTask"/>s once, as all value tasks; what was given to an operation
/// belongs to it until it has ended.</para>
/// <para>Cancelling a task that receives loses no datagram: one that had been taken is delivered all the same. A send that is cancelled
/// while it waits for room sends nothing; of a batch, <see cref="DatagramBatch.SentCount"/> says how many had left.</para>
/// <para>UDP promises nothing: datagrams are lost where buffers are full, arrive twice or in another order. An error that a network reports
/// of an earlier datagram (ICMP) comes out of a later receive or send of a connected socket, once; a batch that meets it in its midst may
/// lose it. Of a socket that is not connected see <see cref="UdpOptions.ReportUndelivered"/>, which loses none.</para>
/// <para>All members belong to the loop's thread; <see cref="SocketException"/> messages name the operation.</para>
/// </remarks>
public sealed partial class UdpSocket : IDisposable
{
    private readonly PeerCache _peers = new();
    private SocketAddress? _remoteAddress;
    private IPEndPoint? _remoteEndPoint;
    private bool _isConnected;

    /// <summary>Makes a UDP socket of a socket for datagrams, which from now on belongs to it.</summary>
    /// <exception cref="ArgumentException">This is a socket for streams, or of another family than IPv4 or IPv6.</exception>
    public UdpSocket(LoopSocket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        Loop = socket.Loop;
        Loop.CheckThread();
        Io = socket.Io;
        if (Io.SocketType != SocketType.Dgram || Io.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
        {
            throw new ArgumentException(
                $"A UDP socket is made of a socket for datagrams of IPv4 or IPv6, and this is of the type {Io.SocketType} and the family {Io.AddressFamily}.",
                nameof(socket));
        }

        _sender = AddressConversion.CreateSpace();
        _receiver = AddressConversion.CreateSpace();
        _reading = new UdpReceive(this);
        if (Io.GetEndPoint(peer: true) is IPEndPoint peer)
        {
            SetRemote(peer, isConnected: true);
        }

        Loop.UntrackResource(socket);
        Loop.TrackResource(this, static udp => ((UdpSocket)udp).Io.Handle >= 0);
    }

    /// <summary>The loop to which the socket belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>The system's descriptor, for options that nobody wrapped; -1 once the socket is disposed of.</summary>
    public nint Handle => Io.Handle;

    /// <summary>The family of the socket's addresses.</summary>
    public AddressFamily AddressFamily => Io.AddressFamily;

    /// <summary>The address of this end; null before the socket is bound, which its first send does where nothing else did.</summary>
    public IPEndPoint? LocalEndPoint => Io.GetEndPoint(peer: false) is IPEndPoint { Port: > 0 } endPoint ? endPoint : null;

    /// <summary>The peer to which the socket is connected, or the one to which it sends by default; null where there is none.</summary>
    public IPEndPoint? RemoteEndPoint => _remoteEndPoint;

    internal IoSocket Io { get; }

    /// <summary>
    /// Closes the socket. A receive and sends in progress fail with <see cref="SocketError.OperationAborted"/>; what the system has taken
    /// leaves all the same. Can be called again.
    /// </summary>
    public void Dispose()
    {
        if (Io.Handle < 0)
        {
            return;
        }

        Loop.CheckThread();
        Loop.UntrackResource(this);
        Io.Dispose();
    }

    /// <inheritdoc/>
    public override string ToString() => Handle < 0 ? "a closed UDP socket"
        : RemoteEndPoint is { } remote ? $"UDP socket {LocalEndPoint} to {remote}"
        : $"UDP socket {LocalEndPoint}";

    private void SetRemote(IPEndPoint endPoint, bool isConnected)
    {
        _remoteEndPoint = endPoint;
        _remoteAddress = AddressConversion.ToSocketAddress(endPoint, AddressFamily);
        _isConnected = isConnected;
    }

    private void CheckOpen()
    {
        Loop.CheckThread();
        ObjectDisposedException.ThrowIf(Io.Handle < 0, this);
    }
}
