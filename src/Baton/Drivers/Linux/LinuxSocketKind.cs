using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>What a descriptor that comes from outside is a socket of.</summary>
internal static class LinuxSocketKind
{
    /// <summary>Asks the system.</summary>
    /// <exception cref="SocketException">It is no socket, or of a family or type that the drivers do not know.</exception>
    internal static (AddressFamily Family, SocketType Type) Read(LinuxSocketCalls calls, int descriptor, string operation)
    {
        LinuxDriver.Check(
            calls.GetOption(descriptor, LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionDomain, out var family), operation);
        LinuxDriver.Check(
            calls.GetOption(descriptor, LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionType, out var type), operation);
        return (
            LinuxSocketNumbers.ToFamily(family) ?? throw new SocketException(
                (int)SocketError.AddressFamilyNotSupported, $"{operation} failed: the family {family} is none that this driver knows."),
            LinuxSocketNumbers.ToType(type) ?? throw new SocketException(
                (int)SocketError.SocketNotSupported, $"{operation} failed: the type {type} is none that this driver knows."));
    }
}
