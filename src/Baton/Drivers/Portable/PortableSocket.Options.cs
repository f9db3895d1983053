using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

// What is done once in the life of a socket, by calls that never wait.
internal sealed partial class PortableSocket
{
    /// <summary>Opens a socket of the BCL that does not block.</summary>
    internal static Socket Open(PortableDriver driver, AddressFamily addressFamily, SocketType socketType, ProtocolType protocolType)
    {
        driver.Counters.Others++;
        try
        {
            var socket = new Socket(addressFamily, socketType, protocolType) { Blocking = false };
            if (addressFamily == AddressFamily.InterNetworkV6)
            {
                // As the system has it, not as the BCL: for both families unless somebody says otherwise.
                socket.SetSocketOption(SocketOptionLevel.IPv6, SocketOptionName.IPv6Only, 0);
            }

            return socket;
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, "Creating a socket");
        }
    }

    public override void Bind(EndPoint endPoint)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        var socket = Use();
        try
        {
            socket.Bind(PortableEndPoint.Wrap(endPoint));
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, "Binding to", endPoint);
        }
    }

    public override void Listen(int backlog)
    {
        if (!_socket.IsBound && _addressFamily is AddressFamily.InterNetwork or AddressFamily.InterNetworkV6)
        {
            // The system takes any port for a socket that was not bound; the BCL does not accept from such.
            Bind(new IPEndPoint(_addressFamily == AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0));
        }

        Run(static (socket, count) => socket.Listen(count), backlog, "Listening");
        _isListening = true;
    }

    public override void Shutdown(SocketShutdown how) => Run(static (socket, how) => socket.Shutdown(how), how, "Shutting down");

    public override EndPoint? GetEndPoint(bool peer)
    {
        if (peer && _peer is not null)
        {
            return _peer;
        }

        if (IsClosed)
        {
            return null;
        }

        try
        {
            var socket = Use();
            return PortableEndPoint.Unwrap(peer ? socket.RemoteEndPoint : socket.LocalEndPoint);
        }
        catch (SocketException)
        {
            return null;
        }
    }

    public override void SetOption(SocketOptionLevel level, SocketOptionName name, int value)
    {
        if (!IsReuseAddress(level, name))
        {
            var socket = Use();
            try
            {
                socket.SetSocketOption(level, name, value);
            }
            catch (SocketException exception)
            {
                throw SocketFailure.Create(exception.SocketErrorCode, $"Setting a socket's option {name}");
            }
        }
        else if (ReuseAddressNumbers is var (rawLevel, rawName))
        {
            SetRaw(rawLevel, rawName, BitConverter.GetBytes(value), nameof(SocketOptionName.ReuseAddress));
        }
        else if (_socketType != SocketType.Stream)
        {
            Use().SetSocketOption(level, name, value);
        }
    }

    public override int GetOption(SocketOptionLevel level, SocketOptionName name)
    {
        var socket = Use();
        try
        {
            if (IsReuseAddress(level, name) && ReuseAddressNumbers is var (rawLevel, rawName))
            {
                Span<byte> value = stackalloc byte[sizeof(int)];
                socket.GetRawSocketOption(rawLevel, rawName, value);
                return BitConverter.ToInt32(value);
            }

            return (int)socket.GetSocketOption(level, name)!;
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, "Reading a socket's option");
        }
    }

    public override void SetReusePort(bool value)
    {
        var (level, name) = OperatingSystem.IsWindows()
            ? throw new PlatformNotSupportedException(
                "Windows does not spread connections between several sockets that listen at one end point.")
            : OperatingSystem.IsLinux() ? (LinuxSocketNumbers.LevelSocket, LinuxSocketNumbers.OptionReusePort) : (0xffff, 0x200);
        SetRaw(level, name, BitConverter.GetBytes(value ? 1 : 0), "ReusePort");
    }

    /// <summary>
    /// The BCL means by this option what it means on Windows, to take an end point from others; here it means what it means to the system:
    /// to take one whose former connections have not faded away. Null on Windows, which always allows that.
    /// </summary>
    private static (int Level, int Name)? ReuseAddressNumbers =>
        OperatingSystem.IsWindows() ? null : OperatingSystem.IsLinux() ? (LinuxSocketNumbers.LevelSocket, 2) : (0xffff, 4);

    private static bool IsReuseAddress(SocketOptionLevel level, SocketOptionName name) =>
        level == SocketOptionLevel.Socket && name == SocketOptionName.ReuseAddress;

    private void SetRaw(int level, int name, ReadOnlySpan<byte> value, string text)
    {
        var socket = Use();
        try
        {
            socket.SetRawSocketOption(level, name, value);
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, $"Setting a socket's option {text}");
        }
    }

    private void Run<TArgument>(Action<Socket, TArgument> call, TArgument argument, string operation)
    {
        try
        {
            call(Use(), argument);
        }
        catch (SocketException exception)
        {
            throw SocketFailure.Create(exception.SocketErrorCode, operation);
        }
    }

    private Socket Use()
    {
        ObjectDisposedException.ThrowIf(IsClosed, typeof(LoopSocket));
        _driver.Counters.Others++;
        return _socket;
    }
}
