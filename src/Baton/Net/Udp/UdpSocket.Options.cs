using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class UdpSocket
{
    private const int LevelV4 = 0;
    private const int LevelV6 = 41;
    private const int MaximumAddress = 128; // struct sockaddr_storage

    /// <summary>Whether datagrams may go to broadcast addresses.</summary>
    public bool EnableBroadcast
    {
        get => Get(SocketOptionLevel.Socket, SocketOptionName.Broadcast) != 0;
        set => Set(SocketOptionLevel.Socket, SocketOptionName.Broadcast, value ? 1 : 0);
    }

    /// <summary>
    /// The bytes of datagrams that may wait to be received. Linux counts its own overhead: it doubles what is set, and says so when asked.
    /// </summary>
    public int ReceiveBufferSize
    {
        get => Get(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer);
        set => Set(SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer, value);
    }

    /// <summary>
    /// The bytes of datagrams that may wait to leave. Linux counts its own overhead: it doubles what is set, and says so when asked.
    /// </summary>
    public int SendBufferSize
    {
        get => Get(SocketOptionLevel.Socket, SocketOptionName.SendBuffer);
        set => Set(SocketOptionLevel.Socket, SocketOptionName.SendBuffer, value);
    }

    /// <summary>How many routers a datagram to a single host may pass.</summary>
    public int TimeToLive
    {
        get => Get(IpLevel, IsV6 ? SocketOptionName.HopLimit : SocketOptionName.IpTimeToLive);
        set => Set(IpLevel, IsV6 ? SocketOptionName.HopLimit : SocketOptionName.IpTimeToLive, value);
    }

    /// <summary>
    /// Whether datagrams are sent whole or not at all, of which a send that is too long for the way fails with
    /// <see cref="SocketError.MessageSize"/>. For IPv4.
    /// </summary>
    /// <exception cref="SocketException">The socket is one of IPv6, whose routers never fragment.</exception>
    public bool DontFragment
    {
        get => Get(IpLevel, SocketOptionName.DontFragment) != 0;
        set => Set(IpLevel, SocketOptionName.DontFragment, value ? 1 : 0);
    }

    /// <summary>
    /// How many routers a datagram to a multicast group may pass. 1, which is the default, keeps it in the local network, and 0 in this
    /// machine.
    /// </summary>
    public int MulticastTimeToLive
    {
        get => Get(IpLevel, SocketOptionName.MulticastTimeToLive);
        set => Set(IpLevel, SocketOptionName.MulticastTimeToLive, value);
    }

    /// <summary>Whether what is sent to a multicast group comes to the members on this machine too. True unless set.</summary>
    public bool MulticastLoopback
    {
        get => Get(IpLevel, SocketOptionName.MulticastLoopback) != 0;
        set => Set(IpLevel, SocketOptionName.MulticastLoopback, value ? 1 : 0);
    }

    private bool IsV6 => AddressFamily == AddressFamily.InterNetworkV6;

    private SocketOptionLevel IpLevel => IsV6 ? SocketOptionLevel.IPv6 : SocketOptionLevel.IP;

    /// <summary>Chooses the interface from which datagrams to multicast groups leave.</summary>
    /// <param name="interfaceIndex">The system's number of the interface; 0 leaves the choice to the routes.</param>
    public void SetMulticastInterface(int interfaceIndex)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(interfaceIndex);
        CheckOpen();
        if (IsV6)
        {
            Io.SetOption(SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface, interfaceIndex);
        }
        else if (OperatingSystem.IsLinux())
        {
            Span<byte> request = stackalloc byte[12]; // struct ip_mreqn: group, address, index
            request.Clear();
            BitConverter.TryWriteBytes(request[8..], interfaceIndex);
            Io.SetRawOption(LevelV4, 32, request);
        }
        else
        {
            // The BCL's way to say that this is no address.
            Io.SetOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, BinaryPrimitives.ReverseEndianness(interfaceIndex));
        }
    }

    /// <summary>Joins a multicast group: what is sent to it and to the socket's port is received from now on.</summary>
    /// <param name="group">The group's address.</param>
    /// <param name="interfaceIndex">The system's number of the interface; 0 leaves the choice to the routes.</param>
    /// <param name="source">The one sender to hear; null hears all. Join again for another.</param>
    /// <exception cref="ArgumentException">The group is no multicast address, or not of the socket's family.</exception>
    /// <exception cref="SocketException">The socket is a member already, or there is no such interface.</exception>
    public void JoinMulticastGroup(IPAddress group, int interfaceIndex = 0, IPAddress? source = null) =>
        ChangeMembership(group, interfaceIndex, source, mustJoin: true);

    /// <summary>Leaves a multicast group, as it was joined. Closing the socket leaves all.</summary>
    /// <inheritdoc cref="JoinMulticastGroup"/>
    /// <exception cref="SocketException">The socket is no member.</exception>
    public void LeaveMulticastGroup(IPAddress group, int interfaceIndex = 0, IPAddress? source = null) =>
        ChangeMembership(group, interfaceIndex, source, mustJoin: false);

    // By the calls that are the same for both families (RFC 3678), whose numbers are each system's own.
    private void ChangeMembership(IPAddress group, int interfaceIndex, IPAddress? source, bool mustJoin)
    {
        ArgumentNullException.ThrowIfNull(group);
        ArgumentOutOfRangeException.ThrowIfNegative(interfaceIndex);
        CheckOpen();
        if (group.AddressFamily != AddressFamily || (source is not null && source.AddressFamily != AddressFamily))
        {
            throw new ArgumentException($"The group {group} is not of the socket's family, {AddressFamily}.", nameof(group));
        }

        if (!(IsV6 ? group.IsIPv6Multicast : group.GetAddressBytes()[0] is >= 224 and < 240))
        {
            throw new ArgumentException($"{group} is not the address of a multicast group.", nameof(group));
        }

        var first = OperatingSystem.IsMacOS() ? sizeof(int) : sizeof(long);
        Span<byte> request = stackalloc byte[first + (2 * MaximumAddress)];
        request.Clear();
        BitConverter.TryWriteBytes(request, interfaceIndex);
        WriteAddress(group, request[first..]);
        if (source is not null)
        {
            WriteAddress(source, request[(first + MaximumAddress)..]);
        }

        var (join, leave, joinSource, leaveSource) =
            OperatingSystem.IsWindows() ? (41, 42, 45, 46) : OperatingSystem.IsMacOS() ? (80, 81, 82, 83) : (42, 45, 46, 47);
        Io.SetRawOption(
            IsV6 ? LevelV6 : LevelV4,
            source is null ? mustJoin ? join : leave : mustJoin ? joinSource : leaveSource,
            source is null ? request[..(first + MaximumAddress)] : request);
    }

    private void WriteAddress(IPAddress address, Span<byte> target)
    {
        AddressConversion.Write(new IPEndPoint(address, 0), AddressFamily, _receiver);
        _receiver.Buffer.Span[.._receiver.Size].CopyTo(target);
    }

    private int Get(SocketOptionLevel level, SocketOptionName name)
    {
        CheckOpen();
        return Io.GetOption(level, name);
    }

    private void Set(SocketOptionLevel level, SocketOptionName name, int value)
    {
        CheckOpen();
        Io.SetOption(level, name, value);
    }
}
