using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Baton.Drivers;

// What is done once in the life of a socket, by calls that never wait.
internal partial class LinuxSocket
{
    public override void Bind(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        Span<byte> address = stackalloc byte[SocketAddresses.MaximumSize];
        var length = SocketAddresses.Write(endPoint, address);
        var result = _driver.Calls.Bind(Descriptor(), address[..length]);
        if (result < 0)
        {
            throw SocketFailure.Create(Errno.ToSocketError(result), "Binding to", endPoint);
        }
    }

    public override void Listen(int backlog) => LinuxDriver.Check(_driver.Calls.Listen(Descriptor(), backlog), "Listening");

    public override void Shutdown(SocketShutdown how)
    {
        if ((_flags & Flags.IsFile) != 0)
        {
            ShutDownFile(how);
            return;
        }

        LinuxDriver.Check(_driver.Calls.Shutdown(Descriptor(), (int)how), "Shutting down");
    }

    public override EndPoint? GetEndPoint(bool peer)
    {
        if (peer && _peerAddress is not null)
        {
            return SocketAddresses.Read(_peerAddress);
        }

        if (_descriptor < 0 || (_flags & Flags.IsFile) != 0)
        {
            return null;
        }

        Span<byte> address = stackalloc byte[SocketAddresses.MaximumSize];
        var result = _driver.Calls.GetName(Descriptor(), peer, address, out var length);
        return result < 0 ? null : SocketAddresses.Read(address[..length]);
    }

    public override void SetOption(SocketOptionLevel level, SocketOptionName name, int value)
    {
        var (systemLevel, systemName) = LinuxSocketNumbers.Option(level, name);
        if (name == SocketOptionName.DontFragment)
        {
            // To the system that is a way to find out how long a datagram may be.
            value = value != 0 ? LinuxSocketNumbers.MtuDiscoverDo : 0;
        }

        SetOption(systemLevel, systemName, value, name.ToString());
    }

    public override int GetOption(SocketOptionLevel level, SocketOptionName name)
    {
        var (systemLevel, systemName) = LinuxSocketNumbers.Option(level, name);
        LinuxDriver.Check(_driver.Calls.GetOption(Descriptor(), systemLevel, systemName, out var value), "Reading a socket's option");
        return name switch
        {
            SocketOptionName.Error => (int)Errno.ToSocketError(value),
            SocketOptionName.DontFragment => value == LinuxSocketNumbers.MtuDiscoverDo ? 1 : 0,
            _ => value,
        };
    }

    public override void SetReusePort(bool value) =>
        SetOption(LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionReusePort, value ? 1 : 0, "ReusePort");

    private void SetOption(int level, int name, int value, string text)
    {
        var result = _driver.Calls.SetOption(Descriptor(), level, name, MemoryMarshal.AsBytes(new ReadOnlySpan<int>(in value)));
        if (result < 0)
        {
            LinuxDriver.Check(result, $"Setting a socket's option {text}");
        }
    }

    private int Descriptor()
    {
        ObjectDisposedException.ThrowIf(_descriptor < 0, typeof(LoopSocket));
        _driver.Counters.Others++;
        return _descriptor;
    }
}
