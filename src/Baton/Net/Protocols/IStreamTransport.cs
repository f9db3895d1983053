using System.Net.Security;
using Microsoft.Win32.SafeHandles;

namespace Baton;

/// <summary>A transport over a stream connection. Corresponds to <c>asyncio.Transport</c>.</summary>
public interface IStreamTransport : IReadTransport, IWriteTransport
{
    /// <summary>
    /// What was agreed upon in the TLS handshake; null without TLS. Corresponds to the keys <c>ssl_object</c>, <c>cipher</c> and
    /// <c>peercert</c>.
    /// </summary>
    TlsInfo? Tls { get; }

    /// <summary>
    /// Makes this end the client of a TLS session on the connection as it is. The transport and the protocol stay, and are those of the
    /// session afterwards: the protocol is told of no other connection. Corresponds to <c>loop.start_tls</c>.
    /// </summary>
    /// <remarks>
    /// What is queued is sent first, and nothing is received until it is over; nothing may be written. Where it fails or is cancelled, the
    /// connection is closed, and <see cref="IProtocol.ConnectionLost"/> gets the failure.
    /// </remarks>
    /// <param name="options">The BCL's options. Without a target host, the name or address that was connected to is taken.</param>
    /// <param name="handshakeTimeout">How long the handshake may take; null for 60 seconds.</param>
    /// <param name="shutdownTimeout">How long a close may take to send the rest; null for 30 seconds.</param>
    /// <exception cref="TlsHandshakeException">The handshake failed or took too long.</exception>
    /// <exception cref="IOException">The connection failed, or the server has sent more than its consent.</exception>
    /// <exception cref="InvalidOperationException">
    /// The transport is closing, or <see cref="IWriteTransport.WriteEof"/> was called.
    /// </exception>
    Coroutine StartTlsAsync(SslClientAuthenticationOptions options, TimeSpan? handshakeTimeout = null, TimeSpan? shutdownTimeout = null);

    /// <summary>Makes this end the server of a TLS session on the connection as it is.</summary>
    /// <inheritdoc cref="StartTlsAsync(SslClientAuthenticationOptions, TimeSpan?, TimeSpan?)"/>
    /// <param name="options">The BCL's options, with a certificate or a way to choose one by the name that the client asks for.</param>
    /// <param name="handshakeTimeout">How long the handshake may take; null for 60 seconds.</param>
    /// <param name="shutdownTimeout">How long a close may take to send the rest; null for 30 seconds.</param>
    Coroutine StartTlsAsync(SslServerAuthenticationOptions options, TimeSpan? handshakeTimeout = null, TimeSpan? shutdownTimeout = null);

    /// <summary>
    /// Sends a file, or a part, once what is queued has been sent. Corresponds to <c>loop.sendfile</c>;
    /// <see cref="Connection.SendFileAsync(LoopFile, long, long?, SendFileFallback)"/> tells by which ways.
    /// </summary>
    /// <remarks>
    /// Nothing is received meanwhile, and nothing may be written. Where it fails, or is cancelled, after a part has been sent, the connection
    /// is lost. To close the transport meanwhile waits for the file.
    /// </remarks>
    /// <param name="file">The file. It may be closed meanwhile, which waits until it is sent.</param>
    /// <param name="offset">Where in the file to begin.</param>
    /// <param name="count">How many bytes at most; null for all to the end.</param>
    /// <param name="fallback">Whether to read and send the file where the system cannot send it by itself.</param>
    /// <returns>The bytes sent. The system has taken them.</returns>
    /// <exception cref="IOException">The connection failed or was closed, or the file could not be read.</exception>
    /// <exception cref="InvalidOperationException">
    /// The transport is closing, or <see cref="IWriteTransport.WriteEof"/> was called, or another file is being sent.
    /// </exception>
    /// <exception cref="NotSupportedException">
    /// The system cannot send it by itself, and the fallback is forbidden. Nothing was sent.
    /// </exception>
    Coroutine<long> SendFileAsync(LoopFile file, long offset = 0, long? count = null, SendFileFallback fallback = SendFileFallback.Allowed);

    /// <inheritdoc cref="SendFileAsync(LoopFile, long, long?, SendFileFallback)"/>
    Coroutine<long> SendFileAsync(
        SafeFileHandle file, long offset = 0, long? count = null, SendFileFallback fallback = SendFileFallback.Allowed);

    /// <summary>
    /// Takes the connection back from the protocol, which is not called any more. What the peer has sent and the protocol was not given is
    /// there to be read; what is queued is sent. The transport is over by this. asyncio has no such thing.
    /// </summary>
    /// <exception cref="InvalidOperationException">The transport is closing.</exception>
    Coroutine<Connection> DetachAsync();
}
