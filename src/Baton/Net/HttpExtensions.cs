namespace Baton;

/// <summary>Puts <see cref="HttpClient"/> on a loop's sockets.</summary>
public static class HttpExtensions
{
    /// <summary>
    /// Has the handler open its connections on a loop: connecting, and all reading and writing, TLS included, happens on the loop's thread. The client may be used
    /// from any thread, but belongs to the loop: dispose of it before the loop closes, or requests that are under way never end.
    /// </summary>
    /// <param name="handler">The handler to change. It must not have sent a request yet.</param>
    /// <param name="loop">The loop.</param>
    /// <param name="options">How to connect; null for the defaults.</param>
    /// <returns>The handler.</returns>
    public static SocketsHttpHandler UseEventLoop(this SocketsHttpHandler handler, EventLoop loop, ConnectOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentNullException.ThrowIfNull(loop);
        handler.ConnectCallback = (context, cancellationToken) =>
            new ValueTask<Stream>(new StreamConnector(loop, options).ConnectAsync(context.DnsEndPoint, cancellationToken));
        return handler;
    }
}
