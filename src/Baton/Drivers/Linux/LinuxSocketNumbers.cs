using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>Linux's numbers for what the BCL names by enumerations.</summary>
internal static class LinuxSocketNumbers
{
    internal const int LevelSocket = 1;
    internal const int OptionError = 4;
    internal const int OptionLinger = 13;
    internal const int OptionReusePort = 15;
    internal const int OptionMtuDiscover = 10; // of level IP
    internal const int MtuDiscoverDo = 2;
    internal const int OptionType = 3;
    internal const int OptionDomain = 39;

    internal static int Family(AddressFamily family) => family switch
    {
        AddressFamily.Unix => 1,
        AddressFamily.InterNetwork => 2,
        AddressFamily.InterNetworkV6 => 10,
        _ => throw new SocketException((int)SocketError.AddressFamilyNotSupported),
    };

    internal static int Type(SocketType type) => type switch
    {
        SocketType.Stream => 1,
        SocketType.Dgram => 2,
        SocketType.Raw => 3,
        SocketType.Seqpacket => 5,
        _ => throw new SocketException((int)SocketError.SocketNotSupported),
    };

    internal static AddressFamily? ToFamily(int family) => family switch
    {
        1 => AddressFamily.Unix,
        2 => AddressFamily.InterNetwork,
        10 => AddressFamily.InterNetworkV6,
        _ => null,
    };

    internal static SocketType? ToType(int type) => type switch
    {
        1 => SocketType.Stream,
        2 => SocketType.Dgram,
        3 => SocketType.Raw,
        5 => SocketType.Seqpacket,
        _ => null,
    };

    internal static int Protocol(ProtocolType protocol) => protocol switch
    {
        ProtocolType.Unspecified => 0,
        ProtocolType.Tcp => 6,
        ProtocolType.Udp => 17,
        ProtocolType.Icmp => 1,
        ProtocolType.IcmpV6 => 58,
        _ => throw new SocketException((int)SocketError.ProtocolNotSupported),
    };

    internal static (int Level, int Name) Option(SocketOptionLevel level, SocketOptionName name) => (level, name) switch
    {
        (SocketOptionLevel.Socket, SocketOptionName.ReuseAddress) => (LevelSocket, 2),
        (SocketOptionLevel.Socket, SocketOptionName.Type) => (LevelSocket, 3),
        (SocketOptionLevel.Socket, SocketOptionName.Error) => (LevelSocket, OptionError),
        (SocketOptionLevel.Socket, SocketOptionName.DontRoute) => (LevelSocket, 5),
        (SocketOptionLevel.Socket, SocketOptionName.Broadcast) => (LevelSocket, 6),
        (SocketOptionLevel.Socket, SocketOptionName.SendBuffer) => (LevelSocket, 7),
        (SocketOptionLevel.Socket, SocketOptionName.ReceiveBuffer) => (LevelSocket, 8),
        (SocketOptionLevel.Socket, SocketOptionName.KeepAlive) => (LevelSocket, 9),
        (SocketOptionLevel.Socket, SocketOptionName.OutOfBandInline) => (LevelSocket, 10),
        (SocketOptionLevel.Socket, SocketOptionName.ReceiveLowWater) => (LevelSocket, 18),
        (SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) => (LevelSocket, 30),
        (SocketOptionLevel.Tcp, SocketOptionName.NoDelay) => (6, 1),
        (SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime) => (6, 4),
        (SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval) => (6, 5),
        (SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount) => (6, 6),
        (SocketOptionLevel.Tcp, SocketOptionName.FastOpen) => (6, 23),
        (SocketOptionLevel.IP, SocketOptionName.TypeOfService) => (0, 1),
        (SocketOptionLevel.IP, SocketOptionName.IpTimeToLive) => (0, 2),
        (SocketOptionLevel.IP, SocketOptionName.DontFragment) => (0, OptionMtuDiscover),
        (SocketOptionLevel.IP, SocketOptionName.MulticastTimeToLive) => (0, 33),
        (SocketOptionLevel.IP, SocketOptionName.MulticastLoopback) => (0, 34),
        (SocketOptionLevel.IPv6, SocketOptionName.HopLimit) => (41, 16),
        (SocketOptionLevel.IPv6, SocketOptionName.MulticastInterface) => (41, 17),
        (SocketOptionLevel.IPv6, SocketOptionName.MulticastTimeToLive) => (41, 18),
        (SocketOptionLevel.IPv6, SocketOptionName.MulticastLoopback) => (41, 19),
        (SocketOptionLevel.IPv6, SocketOptionName.IPv6Only) => (41, 26),
        _ => throw new SocketException((int)SocketError.ProtocolOption, $"The option {name} of level {level} is not known here."),
    };
}
