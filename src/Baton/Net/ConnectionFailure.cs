using System.Net.Sockets;
using Baton.Drivers;

namespace Baton;

/// <summary>
/// How a <see cref="Connection"/> says that it failed: with an <see cref="IOException"/>, as streams do, that names the connection and
/// holds the socket's error.
/// </summary>
internal static class ConnectionFailure
{
    internal static IOException Create(SocketError error, Connection connection, string doing)
    {
        if (error == SocketError.SocketError && connection.CreateTlsFailure(doing) is { } failure)
        {
            return failure;
        }

        var inner = SocketFailure.Create(error, doing);
        return error == SocketError.OperationAborted
            ? new IOException($"The {connection} was closed on this side while {char.ToLowerInvariant(doing[0])}{doing[1..]}.", inner)
            : new IOException($"The {connection} failed. {inner.Message}.", inner);
    }
}
