namespace Baton;

/// <summary>
/// A TLS handshake did not succeed: the peer's certificate was refused, it refused ours, it does not speak TLS, it left, or it took too
/// long. The inner exception says which: an <c>AuthenticationException</c>, an <see cref="IOException"/>, a <c>SocketException</c> or a
/// <see cref="TimeoutException"/>.
/// </summary>
public sealed class TlsHandshakeException : IOException
{
    internal TlsHandshakeException(string message, Exception inner)
        : base(message, inner)
    {
    }
}
