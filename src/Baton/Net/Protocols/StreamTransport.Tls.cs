using System.Net.Security;

namespace Baton;

// TLS: the connection is upgraded in place, under the transport.
internal sealed partial class StreamTransport
{
    public TlsInfo? Tls => Connection.Tls;

    public Coroutine StartTlsAsync(
        SslClientAuthenticationOptions options, TimeSpan? handshakeTimeout = null, TimeSpan? shutdownTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        return StartTlsAsync(() => Connection.UpgradeToTlsAsync(options, handshakeTimeout, shutdownTimeout));
    }

    public Coroutine StartTlsAsync(
        SslServerAuthenticationOptions options, TimeSpan? handshakeTimeout = null, TimeSpan? shutdownTimeout = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        return StartTlsAsync(() => Connection.UpgradeToTlsAsync(options, handshakeTimeout, shutdownTimeout));
    }

    private async Coroutine StartTlsAsync(Func<Coroutine> upgrade)
    {
        CheckCanWrite();
        var wasPaused = await QuietenAsync();
        try
        {
            await upgrade();
        }
        catch (Exception exception)
        {
            if (Connection.IsClosed)
            {
                FailConnection(exception);
            }

            throw;
        }
        finally
        {
            if (!wasPaused)
            {
                ResumeReading();
            }
        }
    }

    /// <summary>
    /// Closes the connection, with a session's end that may have to wait for room. Nobody waits for that, and nobody is told how it went.
    /// </summary>
    private void CloseSession()
    {
        var close = AwaiterOf(Connection.CloseAsync());
        if (close.IsCompleted)
        {
            EndClose();
        }
        else
        {
            close.OnCompleted(EndClose);
        }

        void EndClose()
        {
            try
            {
                close.GetResult();
            }
            catch (IOException exception)
            {
                if (Loop.IsDebug)
                {
                    LoopLog.TransportFailed(Loop.Logger, Loop.Name, ToString(), exception);
                }
            }

            GiveUp();
        }
    }

    private static System.Runtime.CompilerServices.ValueTaskAwaiter AwaiterOf(ValueTask close) => close.GetAwaiter();
}
