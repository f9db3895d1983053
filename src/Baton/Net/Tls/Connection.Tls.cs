using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;

namespace Baton;

// TLS, from the start or from somewhere in the middle.
public sealed partial class Connection
{
    private TlsSocket? _tls;
    private TimeSpan _shutdownTimeout;

    // The name or the end point that was connected to; null for a connection that was accepted or made of a socket.
    private object? _target;

    /// <summary>
    /// What was agreed upon in the TLS handshake, the last one where there were several; null for a connection without TLS.
    /// </summary>
    public TlsInfo? Tls { get; private set; }

    /// <summary>Whether a TLS handshake is in progress.</summary>
    internal bool IsUpgrading { get; private set; }

    /// <summary>
    /// Makes this end the client of a TLS session on the connection as it is: at its start, or later, as STARTTLS does; a second time, of a
    /// session within the first. Afterwards <see cref="Input"/>, <see cref="Output"/>, <see cref="AsStream"/> and all else are those of the
    /// session. Corresponds to <c>loop.start_tls</c> and <c>StreamWriter.start_tls</c>.
    /// </summary>
    /// <remarks>
    /// <para>What <see cref="Output"/> holds is sent first. Until this has completed, reads and writes are refused. Where it fails or is
    /// cancelled, the connection is closed.</para>
    /// <para>A server of TLS never speaks first. If bytes were received from it that nobody has consumed, they came from before the
    /// encryption, perhaps from somebody in between who wants them taken for a part of the session: the upgrade is refused.</para>
    /// <para>The cryptography runs on the loop's thread, certificate validation included.</para>
    /// </remarks>
    /// <param name="options">The BCL's options. Without a target host, the name or address that was connected to is taken.</param>
    /// <param name="handshakeTimeout">How long the handshake may take; null for 60 seconds.</param>
    /// <param name="shutdownTimeout">How long <see cref="CloseAsync"/> may take to send the rest; null for 30 seconds.</param>
    /// <exception cref="TlsHandshakeException">The handshake failed or took too long.</exception>
    /// <exception cref="IOException">The connection failed or was closed, or the server has sent more than its consent.</exception>
    /// <exception cref="InvalidOperationException">
    /// A read is in progress or was not advanced, or the output was completed, or a handshake is in progress.
    /// </exception>
    /// <exception cref="ArgumentException">There is no name to hold the server's certificate against.</exception>
    public Coroutine UpgradeToTlsAsync(
        SslClientAuthenticationOptions options, TimeSpan? handshakeTimeout = null, TimeSpan? shutdownTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var setup = new TlsSetup(handshakeTimeout, shutdownTimeout);
        if (options.TargetHost is null)
        {
            var host = _target as string ?? (_target as IPEndPoint)?.Address.ToString() ?? throw new ArgumentException(
                $"Set TargetHost, the name that the server's certificate has to show: the {this} was not made by a name or address that could stand for it.",
                nameof(options));
            options = TlsSetup.WithTargetHost(options, host);
        }

        return UpgradeAsync(
            options,
            setup,
            static (ssl, options) => ssl.AuthenticateAsClientAsync((SslClientAuthenticationOptions)options),
            isServer: false);
    }

    /// <summary>
    /// Makes this end the server of a TLS session on the connection as it is. See
    /// <see cref="UpgradeToTlsAsync(SslClientAuthenticationOptions, TimeSpan?, TimeSpan?)"/>.
    /// </summary>
    /// <remarks>
    /// Bytes that were received and that nobody has consumed are taken for the start of the handshake: a client may send that right after
    /// its request for TLS. What somebody in between has slipped in there is no handshake, and makes it fail; never can it pass for a part
    /// of the session.
    /// </remarks>
    /// <param name="options">The BCL's options, with a certificate or a way to choose one by the name that the client asks for.</param>
    /// <param name="handshakeTimeout">How long the handshake may take; null for 60 seconds.</param>
    /// <param name="shutdownTimeout">How long <see cref="CloseAsync"/> may take to send the rest; null for 30 seconds.</param>
    /// <exception cref="TlsHandshakeException">The handshake failed or took too long.</exception>
    /// <exception cref="IOException">The connection failed or was closed.</exception>
    /// <exception cref="InvalidOperationException">
    /// A read is in progress or was not advanced, or the output was completed, or a handshake is in progress.
    /// </exception>
    public Coroutine UpgradeToTlsAsync(
        SslServerAuthenticationOptions options, TimeSpan? handshakeTimeout = null, TimeSpan? shutdownTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        return UpgradeAsync(
            options,
            new TlsSetup(handshakeTimeout, shutdownTimeout),
            static (ssl, options) => ssl.AuthenticateAsServerAsync((SslServerAuthenticationOptions)options),
            isServer: true);
    }

    /// <summary>What went wrong in the TLS layer; null where it was not there.</summary>
    internal IOException? CreateTlsFailure(string doing)
    {
        if (_tls is not { } tls)
        {
            return null;
        }

        if (tls.Failure is { } failure)
        {
            return new IOException($"{doing} failed: the TLS session of the {this} is broken. {failure.Message}", failure);
        }

        return tls.IsTruncated
            ? new TlsTruncatedException(
                $"{doing} failed: the peer of the {this} closed it without ending the TLS session. What it sent may have been cut short.")
            : null;
    }

    private async Coroutine UpgradeAsync(object options, TlsSetup setup, Func<SslStream, object, Task> authenticate, bool isServer)
    {
        Loop.CheckThread();
        if (IsClosed)
        {
            throw ConnectionFailure.Create(SocketError.OperationAborted, this, "Starting TLS");
        }

        _reader.CheckCanUpgrade();
        if (_writer.IsCompleted)
        {
            throw new InvalidOperationException($"The output of {this} was completed: there is nothing left to encrypt.");
        }

        if (_writer.IsSendingFile)
        {
            throw new InvalidOperationException($"A file is being sent over {this}: start TLS when SendFileAsync has completed.");
        }

        // While there is somebody to ask.
        _ = LocalEndPoint;
        _ = RemoteEndPoint;
        IsUpgrading = true;
        TlsSocket? tls = null;
        try
        {
            _writer.SendRest();
            if (_writer.WaitUntilTaken(CancellationToken.None) is { } wait)
            {
                await wait.AsVoid();
            }

            if (!isServer && _reader.UnreadLength is var unread and > 0)
            {
                throw new IOException(
                    $"The {this} cannot be upgraded to TLS: {unread} bytes came from the server before it could have started, and would pass for a part of the session.");
            }

            var first = _reader.Detach(out var start);
            tls = new TlsSocket(Loop, Io, first, start);
            await LoopTimeout.Run(setup.HandshakeTimeout, async () => await authenticate(tls.Ssl, options));
        }
        catch (Exception exception)
        {
            FailUpgrade(tls, exception, setup);
            throw;
        }
        finally
        {
            IsUpgrading = false;
        }

        tls.Open();
        _tls = tls;
        _shutdownTimeout = setup.ShutdownTimeout;
        Io = tls;
        _reader.Attach(tls);
        _writer.Attach(tls);
        Tls = new TlsInfo(tls.Ssl);
    }

    /// <summary>Closes the connection and, where it was the handshake that failed, throws what says so.</summary>
    private void FailUpgrade(TlsSocket? tls, Exception exception, TlsSetup setup)
    {
        var wasClosed = IsClosed;
        var cancellation = exception;
        while (cancellation is not null and not OperationCanceledException)
        {
            cancellation = cancellation.InnerException;
        }

        if (tls is null || cancellation is not null || exception is TimeoutException)
        {
            Abort();
        }
        else
        {
            // In good order, so that the peer gets the alert that says what was wrong.
            Dispose();
        }

        tls?.Discard();
        if (exception is not TimeoutException && cancellation is not null && !ReferenceEquals(cancellation, exception))
        {
            // SslStream wraps what it does not know.
            ExceptionDispatchInfo.Throw(cancellation);
        }

        if (tls is null || ReferenceEquals(cancellation, exception) || exception is ArgumentException or NotSupportedException)
        {
            return;
        }

        if (wasClosed)
        {
            throw ConnectionFailure.Create(SocketError.OperationAborted, this, "Handshaking");
        }

        throw new TlsHandshakeException(
            exception is TimeoutException
                ? $"The TLS handshake of {this} did not end within {setup.HandshakeTimeout.TotalSeconds} s."
                : $"The TLS handshake of {this} failed. {exception.Message}",
            exception);
    }

    private async ValueTask CloseWhenSentAsync()
    {
        var isLate = false;
        TimerHandle timer = default;
        if (_tls is not null && _shutdownTimeout != System.Threading.Timeout.InfiniteTimeSpan)
        {
            timer = Loop.CallLater(
                _shutdownTimeout,
                () =>
                {
                    isLate = true;
                    Abort();
                });
        }

        try
        {
            // A file that could not be sent whole has been reported to whoever sent it.
            await _writer.WaitForFileEnd();
            if (!_writer.HasFailed && _writer.WaitUntilTaken(CancellationToken.None) is { } wait)
            {
                await wait.AsVoid();
            }

            if (_tls is { } tls && !IsClosed && !_writer.HasFailed)
            {
                tls.Shutdown(SocketShutdown.Send);
                await tls.WaitUntilSentAsync();
            }
        }
        catch (IOException exception) when (isLate)
        {
            throw CreateLate(exception);
        }
        catch
        {
            Abort();
            throw;
        }
        finally
        {
            timer.Cancel();
            Dispose();
        }

        if (isLate)
        {
            throw CreateLate(null);
        }
    }

    private IOException CreateLate(Exception? inner) => new(
        $"The {this} was aborted: its peer did not take the rest within {_shutdownTimeout.TotalSeconds} s of closing.",
        new TimeoutException("The TLS shutdown took too long.", inner));
}
