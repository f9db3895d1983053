using System.Net.Sockets;

namespace Baton;

/// <summary>None of the addresses of a host could be connected to. Corresponds to the <c>OSError</c> "Multiple exceptions" of asyncio.</summary>
public sealed class ConnectException : SocketException
{
    internal ConnectException(string message, IReadOnlyList<SocketException> attempts)
        : base((int)attempts[^1].SocketErrorCode, message)
    {
        Attempts = attempts;
    }

    /// <summary>How each attempt failed, in order.</summary>
    public IReadOnlyList<SocketException> Attempts { get; }
}
