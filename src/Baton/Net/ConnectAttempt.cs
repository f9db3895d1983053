using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>One address that was tried, and how that failed: a part of a <see cref="ConnectException"/>.</summary>
public sealed class ConnectAttempt
{
    internal ConnectAttempt(EndPoint endPoint, SocketException exception)
    {
        EndPoint = endPoint;
        Exception = exception;
    }

    /// <summary>What was to be connected to; a <see cref="DnsEndPoint"/> where its name could not be resolved.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>How it failed; <see cref="SocketError.TimedOut"/> where there had been no answer when the time was over.</summary>
    public SocketException Exception { get; }

    /// <summary>The error of <see cref="Exception"/>.</summary>
    public SocketError SocketErrorCode => Exception.SocketErrorCode;

    /// <summary>The end point and the error.</summary>
    public override string ToString() => Exception.Message.Contains(EndPoint.ToString()!, StringComparison.Ordinal)
        ? Exception.Message
        : $"Connecting to {EndPoint} failed: {Exception.Message}";
}
