using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// Accepts connections and runs a handler for each, as a task of its own. Corresponds to asyncio's <c>Server</c> and <c>start_server</c>.
/// </summary>
/// <remarks>
/// <para>When a handler returns, its connection is flushed and closed. When one throws, the failure goes to the loop's exception handler
/// and the peer is told of a reset, so that half an answer is not taken for a whole one; the server goes on. A handler that is cancelled
/// ends in silence.</para>
/// <para>It ends in stages: <see cref="StopAccepting"/>; handlers may finish; they are cancelled; their connections are aborted.
/// <see cref="ShutdownAsync"/> goes through all of them; to cancel <see cref="ServeForeverAsync"/>, and to dispose of the server, skips the
/// second.</para>
/// <para>All members belong to the loop's thread.</para>
/// </remarks>
public sealed partial class Server : IAsyncDisposable
{
    private readonly Func<Connection, Coroutine> _handler;
    private readonly ServerOptions _options;
    private readonly List<LoopSocket> _listeners = [];
    private readonly List<LoopTask> _acceptLoops = [];
    private readonly List<Future> _closedWaiters = [];
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
    private ServerConnection? _connections;
    private int _acceptLoopCount;
    private bool _isStarted;
    private bool _isStopped;
    private bool _isServingForever;

    private Server(EventLoop loop, Func<Connection, Coroutine> handler, ServerOptions options)
    {
        TlsSetup.Check(options.Tls is not null, options.TlsHandshakeTimeout, options.TlsShutdownTimeout);
        Loop = loop;
        _handler = handler;
        _options = options;
    }

    /// <summary>The loop to which the server belongs.</summary>
    public EventLoop Loop { get; }

    /// <summary>Where the server listens, or listened, with the ports that it got.</summary>
    public IReadOnlyList<EndPoint> EndPoints { get; private set; } = [];

    /// <summary>Connections whose handlers run. Never more than <see cref="ServerOptions.MaxConnections"/>.</summary>
    public int ConnectionCount { get; private set; }

    /// <summary>Connections accepted so far.</summary>
    public long AcceptedCount { get; private set; }

    /// <summary>Connections so far whose TLS handshake failed. Each is logged as well.</summary>
    public long FailedHandshakeCount { get; private set; }

    /// <summary>Whether the server accepts connections. Corresponds to <c>Server.is_serving</c>.</summary>
    public bool IsServing => _isStarted && !_isStopped;

    /// <summary>
    /// Whether the server has been told to stop: it accepts no more connections, or is about to. Its handlers should come to an end.
    /// </summary>
    public bool IsStopping => _isStopped;

    /// <summary>Whether the server has stopped and no connection is left.</summary>
    public bool IsClosed => _isStopped && ConnectionCount == 0 && _waiting.Count == 0 && _acceptLoopCount == 0 && !_isFed;

    /// <summary>
    /// Listens and accepts connections from now on, where <see cref="ServerOptions.StartServing"/> was false; else does nothing.
    /// Corresponds to <c>Server.start_serving</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The server has been stopped.</exception>
    /// <exception cref="SocketException">An address was taken by somebody else meanwhile. The server is stopped.</exception>
    public void StartServing()
    {
        Loop.CheckThread();
        if (_isStopped)
        {
            throw new InvalidOperationException($"{this} has been stopped, and cannot be started again: start another.");
        }

        if (_isStarted)
        {
            return;
        }

        try
        {
            foreach (var listener in _listeners)
            {
                listener.Listen(_options.Backlog);
            }
        }
        catch
        {
            Stop(takesQueued: false);
            throw;
        }

        StartAccepting();
    }

    /// <summary>
    /// Stops accepting: serves the connections that the system has made for it already, closes the listening sockets, and cancels
    /// <see cref="Stopping"/>. Connections go on. Can be called again. Corresponds to <c>Server.close</c>, which resets what waits to be
    /// accepted.
    /// </summary>
    public void StopAccepting() => Stop(takesQueued: true);

    /// <summary>Stops accepting, cancels every handler and aborts its connection, without waiting.</summary>
    public void Abort()
    {
        Stop(takesQueued: false);
        for (var client = _connections; client is not null; client = client.Next)
        {
            client.Task?.Cancel();
        }

        AbortClients();
    }

    /// <summary>Waits until the server has been stopped and the last handler has ended. Corresponds to <c>Server.wait_closed</c>.</summary>
    public async Coroutine WaitClosedAsync()
    {
        while (!IsClosed)
        {
            await WaitClosedOrAsync(System.Threading.Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>
    /// Serves until the server is stopped by other means, or this is cancelled, which stops accepting, cancels the handlers and waits for
    /// them; a second cancel aborts their connections. Corresponds to <c>Server.serve_forever</c>.
    /// </summary>
    /// <exception cref="InvalidOperationException">It is being called already, or the server has been stopped.</exception>
    public async Coroutine ServeForeverAsync()
    {
        if (_isServingForever)
        {
            throw new InvalidOperationException($"{this} is already being served by another call of ServeForeverAsync.");
        }

        StartServing();

        _isServingForever = true;
        try
        {
            await WaitClosedAsync();
        }
        catch (CancelledException)
        {
            await StopAsync();
            throw;
        }
        finally
        {
            _isServingForever = false;
        }
    }

    /// <summary>
    /// Ends the server in stages: stops accepting, as <see cref="StopAccepting"/>; waits for the handlers; cancels those that are left, and
    /// waits for <see cref="ServerOptions.CancelGracePeriod"/>; aborts the connections that are left, and waits for their handlers.
    /// </summary>
    /// <param name="drain">
    /// How long handlers may take to finish by themselves; <see cref="System.Threading.Timeout.InfiniteTimeSpan"/> sets no limit.
    /// </param>
    /// <remarks>
    /// Not for a handler of the same server to await, which would wait for itself. Cancelling the wait aborts all connections at once.
    /// </remarks>
    public async Coroutine ShutdownAsync(TimeSpan drain)
    {
        try
        {
            StopAccepting();
            if (await WaitClosedOrAsync(drain))
            {
                return;
            }

            _takesQueued = false;
            DropWaiting();
            CancelHandlers();
            if (await WaitClosedOrAsync(_options.CancelGracePeriod))
            {
                return;
            }

            Abort();
            await WaitClosedAsync();
        }
        catch (CancelledException)
        {
            Abort();
            throw;
        }
    }

    /// <summary>Stops accepting, cancels the handlers and waits for them.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!IsClosed)
        {
            await StopAsync();
        }
    }

    /// <inheritdoc/>
    public override string ToString() => $"The server at {string.Join(", ", EndPoints)}";

    private async Coroutine StopAsync()
    {
        Stop(takesQueued: false);
        DropWaiting();
        CancelHandlers();
        try
        {
            await WaitClosedAsync();
        }
        catch (CancelledException)
        {
            Abort();
            throw;
        }
    }

    private void CancelHandlers()
    {
        for (var client = _connections; client is not null; client = client.Next)
        {
            client.Cancel();
        }
    }

    /// <summary>
    /// Waits until the server is closed, or for a time. Each waiter has a future of its own: to cancel one wait must not end the others.
    /// </summary>
    private async Coroutine<bool> WaitClosedOrAsync(TimeSpan limit)
    {
        if (IsClosed)
        {
            return true;
        }

        var closed = Loop.CreateFuture();
        _closedWaiters.Add(closed);
        TimerHandle timer = default;
        if (limit != System.Threading.Timeout.InfiniteTimeSpan)
        {
            timer = Loop.CallLater(limit, static future => ((Future)future!).TrySetResult(), closed);
        }

        try
        {
            await closed;
        }
        finally
        {
            timer.Cancel();
            _closedWaiters.Remove(closed);
        }

        return IsClosed;
    }

    private void NotifyIfClosed()
    {
        EndFeedIfOver();
        if (!IsClosed)
        {
            return;
        }

        foreach (var waiter in _closedWaiters)
        {
            waiter.TrySetResult();
        }
    }
}
