using System.Net.Sockets;

namespace Baton;

/// <summary>
/// None of several addresses could be connected to, or <see cref="ConnectOptions.Timeout"/> was over. The message names every address and
/// its error. Corresponds to the <c>OSError</c> "Multiple exceptions" of asyncio, and to its <c>all_errors</c>.
/// </summary>
public sealed class ConnectException : SocketException
{
    internal ConnectException(SocketError error, string message, IReadOnlyList<ConnectAttempt> attempts)
        : base((int)error, message)
    {
        Attempts = attempts;
    }

    /// <summary>
    /// How each attempt failed, in the order of their starts. Empty where the time was over before the name had been resolved.
    /// </summary>
    public IReadOnlyList<ConnectAttempt> Attempts { get; }
}
