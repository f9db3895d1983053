namespace Baton;

/// <summary>
/// <see cref="HttpClient"/> on a loop's connections: connecting, with happy eyeballs, and all reading and writing, TLS included, happen on
/// the loop's thread.
/// </summary>
/// <remarks>
/// <para>What is the BCL's stays so: the pool of connections, HTTP/1.1 and HTTP/2, redirects, proxies, decompression, cookies, and TLS by
/// <c>SslOptions</c>. The BCL looks after its pool, starts connections, and writes the frames of HTTP/2 on the thread pool, and goes to the
/// loop for the bytes; a request over an HTTP/1.1 connection that stands never leaves the loop's thread.</para>
/// <para>A client or handler may be used from any thread, but belongs to the loop. Connections that are left in its pool are closed when
/// the loop is; requests that other threads have under way then, or make later, fail.</para>
/// </remarks>
public static class LoopHttp
{
    /// <summary>
    /// Creates a client for code that runs on a loop: cancelling a task ends the request that it awaits. Dispose of it when it is no longer
    /// needed.
    /// </summary>
    /// <param name="handler">
    /// What sends the requests, and is disposed of with the client; the outcome of <see cref="CreateHandler"/> where null.
    /// </param>
    /// <exception cref="InvalidOperationException">No handler was given, and no loop runs on this thread.</exception>
    public static HttpClient CreateClient(HttpMessageHandler? handler = null) => new(new LoopTaskHandler(handler ?? CreateHandler()));

    /// <summary>
    /// Creates a handler whose connections are a loop's, otherwise with everything at its default: <c>SslOptions</c>,
    /// <c>ConnectTimeout</c>, <c>MaxConnectionsPerServer</c> and the others are the caller's to set.
    /// </summary>
    /// <param name="options">How to connect; null for the defaults.</param>
    /// <param name="loop">The loop; the one that runs on this thread where null.</param>
    /// <exception cref="InvalidOperationException">No loop was given, and none runs on this thread.</exception>
    public static SocketsHttpHandler CreateHandler(ConnectOptions? options = null, EventLoop? loop = null) =>
        new SocketsHttpHandler().UseEventLoop(loop ?? EventLoop.Current, options);

    /// <summary>Has a handler open its connections on a loop.</summary>
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
