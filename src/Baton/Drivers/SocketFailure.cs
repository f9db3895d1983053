using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace Baton.Drivers;

/// <summary>Exceptions of sockets that say what was being done.</summary>
internal static class SocketFailure
{
    /// <summary>An exception whose message starts with the operation: "Connecting to 127.0.0.1:80 failed: Connection refused".</summary>
    internal static SocketException Create(SocketError error, string operation) => new((int)error, $"{operation} failed: {TextOf(error)}");

    /// <summary>The system's words for an error.</summary>
    internal static string TextOf(SocketError error) => error switch
    {
        // The BCL has no words of the system's for these.
        SocketError.OperationAborted => "The socket was closed",
        SocketError.TooManyOpenSockets => "Too many open files",
        _ => new SocketException((int)error).Message,
    };

    [DoesNotReturn]
    internal static void Throw(SocketError error, string operation) => throw Create(error, operation);
}
