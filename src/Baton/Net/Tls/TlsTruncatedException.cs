namespace Baton;

/// <summary>
/// The peer closed the connection without saying so in TLS (no close_notify), so that what it sent may have been cut short, by itself or by
/// somebody in between.
/// </summary>
public sealed class TlsTruncatedException : IOException
{
    internal TlsTruncatedException(string message)
        : base(message)
    {
    }
}
