using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class UdpSocket
{
    /// <summary>Makes a socket that is bound to nothing yet: it gets an address of its own when it first sends.</summary>
    /// <param name="addressFamily">IPv4 or IPv6.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="InvalidOperationException">No loop runs on this thread.</exception>
    public static UdpSocket Create(AddressFamily addressFamily, UdpOptions? options = null)
    {
        var socket = LoopSocket.Create(addressFamily, SocketType.Dgram);
        try
        {
            options?.ApplyTo(socket);
            var udp = new UdpSocket(socket);
            if (options?.ReportUndelivered == true)
            {
                udp.ReportUndelivered();
            }

            return udp;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a socket that is bound to a local end point; port 0 takes a free one.</summary>
    /// <param name="localEndPoint">
    /// The address; to take part in both families at once, that of all IPv6 addresses with <see cref="UdpOptions.DualMode"/>.
    /// </param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The address is in use, not ours, or not permitted.</exception>
    public static UdpSocket Bind(IPEndPoint localEndPoint, UdpOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(localEndPoint);
        var udp = Create(localEndPoint.AddressFamily, options);
        try
        {
            udp.Io.Bind(localEndPoint);
            return udp;
        }
        catch
        {
            udp.Dispose();
            throw;
        }
    }

    /// <summary>Makes a socket that is bound to a host's address, the first that works.</summary>
    /// <param name="host">A name or an address; null for all addresses of this machine, of IPv4 and of IPv6 where it has that.</param>
    /// <param name="port">The port; 0 takes a free one.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The name is unknown, or the address is in use, not ours, or not permitted.</exception>
    public static async Coroutine<UdpSocket> BindAsync(string? host, int port, UdpOptions? options = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        return string.IsNullOrEmpty(host) ? BindToAll(port, options) : await OpenAsync(new DnsEndPoint(host, port), null, options);
    }

    /// <summary>
    /// Makes a socket that is connected to a host: it sends to the first of its addresses for which a socket can be made, and receives from
    /// there alone.
    /// </summary>
    /// <remarks>Nothing is sent: whether anybody is there shows only later.</remarks>
    /// <param name="host">A name or an address.</param>
    /// <param name="port">The port.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The name is unknown, or there is no way to any of its addresses.</exception>
    public static Coroutine<UdpSocket> ConnectAsync(string host, int port, UdpOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        return OpenAsync(null, new DnsEndPoint(host, port), options);
    }

    /// <summary>Makes a socket that is connected to a peer: it sends to it, and receives from it alone.</summary>
    /// <param name="remoteEndPoint">The peer; a <see cref="DnsEndPoint"/> is resolved.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">There is no way to the address.</exception>
    public static Coroutine<UdpSocket> ConnectAsync(EndPoint remoteEndPoint, UdpOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(remoteEndPoint);
        return OpenAsync(null, remoteEndPoint, options);
    }

    /// <summary>
    /// Makes a socket that is bound to one end and connected to the other: resolves what are names, pairs the addresses by their family,
    /// and takes the first pair that works. Corresponds to <c>loop.create_datagram_endpoint</c>.
    /// </summary>
    /// <param name="localEndPoint">The end to bind to; null lets the system choose.</param>
    /// <param name="remoteEndPoint">The peer; null for a socket that is connected to nobody.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="ArgumentException">Neither end is given, or one is not an end point of IP.</exception>
    /// <exception cref="SocketException">
    /// A name is unknown, the two ends have no family in common, or the only pair failed; where several did, a
    /// <see cref="ConnectException"/>.
    /// </exception>
    public static async Coroutine<UdpSocket> OpenAsync(EndPoint? localEndPoint, EndPoint? remoteEndPoint, UdpOptions? options = null)
    {
        if (localEndPoint is null && remoteEndPoint is null)
        {
            throw new ArgumentException("Give one end at least; a socket that is bound to nothing is made by Create.");
        }

        CheckIsOfIP(localEndPoint, nameof(localEndPoint));
        CheckIsOfIP(remoteEndPoint, nameof(remoteEndPoint));
        var (socket, ends) = await DatagramEnds.OpenFirstAsync(localEndPoint, remoteEndPoint, AddressFamily.Unspecified, options)
            ?? throw new SocketException(
                (int)SocketError.AddressFamilyNotSupported,
                $"Opening {DatagramEnds.Describe(localEndPoint, remoteEndPoint)} failed: the two ends have no address family in common.");
        try
        {
            var udp = new UdpSocket(socket);
            if (ends.Remote is IPEndPoint remote)
            {
                udp.SetRemote(remote, isConnected: options?.AllowBroadcast != true);
            }

            if (options?.ReportUndelivered == true)
            {
                udp.ReportUndelivered();
            }

            return udp;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static UdpSocket BindToAll(int port, UdpOptions? options)
    {
        if (Socket.OSSupportsIPv6)
        {
            try
            {
                var udp = Create(AddressFamily.InterNetworkV6, options);
                try
                {
                    udp.Io.SetOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, options?.DualMode == false ? 1 : 0);
                    udp.Io.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
                    return udp;
                }
                catch
                {
                    udp.Dispose();
                    throw;
                }
            }
            catch (SocketException exception)
                when (exception.SocketErrorCode is SocketError.AddressFamilyNotSupported or SocketError.AddressNotAvailable
                    && options?.DualMode != false)
            {
                // The system knows IPv6 and has it switched off.
            }
        }

        return Bind(new IPEndPoint(IPAddress.Any, port), options);
    }

    private static void CheckIsOfIP(EndPoint? endPoint, string parameter)
    {
        if (endPoint is not (null or IPEndPoint or DnsEndPoint))
        {
            throw new ArgumentException($"{endPoint} is not an end point of IP.", parameter);
        }
    }
}
