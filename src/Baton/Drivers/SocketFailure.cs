using System.Net;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>Exceptions of sockets that say what was being done.</summary>
internal static class SocketFailure
{
    /// <summary>An exception whose message starts with the operation: "Connecting to 127.0.0.1:80 failed: Connection refused".</summary>
    internal static SocketException Create(SocketError error, string operation) => new((int)error, $"{operation} failed: {TextOf(error)}");

    /// <summary>An exception about an address.</summary>
    internal static SocketException Create(SocketError error, string operation, EndPoint endPoint) =>
        new((int)error, $"{operation} {endPoint} failed: {TextOf(error, endPoint)}");

    private static string TextOf(SocketError error, EndPoint endPoint) => (endPoint.AddressFamily, error) switch
    {
        // The names that the BCL has for these errors say something else of addresses that are paths.
        (AddressFamily.Unix, SocketError.AddressNotAvailable) => "No such file or directory",
        (AddressFamily.Unix, SocketError.NoBufferSpaceAvailable) =>
            "As many connections as the socket has room for wait there to be accepted",
        (AddressFamily.Unix, SocketError.ProtocolType) => "The socket that is there is of another type",
        _ => TextOf(error),
    };

    /// <summary>The system's words for an error.</summary>
    internal static string TextOf(SocketError error) => error switch
    {
        // The BCL has no words of the system's for these.
        SocketError.OperationAborted => "The socket was closed",
        SocketError.TooManyOpenSockets => "Too many open files",
        _ => new SocketException((int)error).Message,
    };
}
