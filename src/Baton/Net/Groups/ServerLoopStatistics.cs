namespace Baton;

/// <summary>What one loop does for a <see cref="ServerGroup"/>, at a moment.</summary>
/// <param name="Loop">The loop.</param>
/// <param name="ConnectionCount">Connections whose handlers run there.</param>
/// <param name="AcceptedCount">Connections that were given to it so far, those that wait for their turn there included.</param>
/// <param name="FailedHandshakeCount">Those of them so far whose TLS handshake failed.</param>
public readonly record struct ServerLoopStatistics(EventLoop Loop, int ConnectionCount, long AcceptedCount, long FailedHandshakeCount);
