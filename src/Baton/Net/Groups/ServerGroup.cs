using System.Net;

namespace Baton;

/// <summary>
/// A server on all loops of an <see cref="EventLoopGroup"/>: one <see cref="Server"/> a loop, at the same end points, that begin and end
/// together. Made by
/// <see cref="EventLoopGroup.StartServerAsync(string, int, Func{Connection, Coroutine}, ServerOptions, ConnectionDistribution, CancellationToken)"/>.
/// </summary>
/// <remarks>
/// <para>A connection belongs to one loop for all its life, and its handler runs there. Handlers of different loops run at the same time:
/// what they share must be made for that.</para>
/// <para>All members may be called on any thread. Those that return a task of the BCL do something on every loop; the continuations of
/// these run on the thread pool, unless a coroutine awaits them. Not for a handler to await where they wait for handlers, which would wait
/// for themselves.</para>
/// <para>When the group is shut down, so are its servers. On a loop that has closed, nothing is left to do, and the members do nothing.</para>
/// </remarks>
public sealed class ServerGroup : IAsyncDisposable
{
    private readonly Server[] _servers;

    internal ServerGroup(EventLoopGroup group, Server[] servers, ConnectionDistribution distribution)
    {
        Group = group;
        _servers = servers;
        Distribution = distribution;
        EndPoints = servers[0].EndPoints;
    }

    /// <summary>The group on whose loops the connections are served.</summary>
    public EventLoopGroup Group { get; }

    /// <summary>Where the servers listen, or listened, with the ports that they got: all at the same.</summary>
    public IReadOnlyList<EndPoint> EndPoints { get; }

    /// <summary>How connections come to the loops. Never <see cref="ConnectionDistribution.Automatic"/>: what was chosen.</summary>
    public ConnectionDistribution Distribution { get; }

    /// <summary>
    /// Has all listen and accept from now on, where <see cref="ServerOptions.StartServing"/> was false; else does nothing. As
    /// <see cref="Server.StartServing"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">The servers have been stopped.</exception>
    /// <exception cref="System.Net.Sockets.SocketException">An address was taken by somebody else meanwhile. That loop's server is
    /// stopped.</exception>
    public Task StartServingAsync() => OnEach(static server => server.StartServing());

    /// <summary>Has all stop accepting, as <see cref="Server.StopAccepting"/>. Connections go on. Can be called again.</summary>
    public Task StopAcceptingAsync() => OnEach(static server => server.StopAccepting());

    /// <summary>Closes the connection of every client in good order, as <see cref="Server.CloseClients"/>. The servers go on.</summary>
    public Task CloseClientsAsync() => OnEach(static server => server.CloseClients());

    /// <summary>Aborts the connection of every client, as <see cref="Server.AbortClients"/>. The servers go on.</summary>
    public Task AbortClientsAsync() => OnEach(static server => server.AbortClients());

    /// <summary>Waits until all have been stopped and the last handler has ended, as <see cref="Server.WaitClosedAsync"/>.</summary>
    /// <param name="cancellationToken">Ends the wait, and nothing else.</param>
    public Task WaitClosedAsync(CancellationToken cancellationToken = default) =>
        OnEach(static server => server.WaitClosedAsync(), cancellationToken);

    /// <summary>
    /// Ends the servers in stages, all at the same time, as <see cref="Server.ShutdownAsync"/>: stops accepting; waits for the handlers;
    /// cancels those that are left, and waits for <see cref="ServerOptions.CancelGracePeriod"/>; aborts the connections that are left, and
    /// waits for their handlers.
    /// </summary>
    /// <param name="drain">
    /// How long handlers may take to finish by themselves, by each loop's own clock; <see cref="Timeout.InfiniteTimeSpan"/> sets no limit.
    /// </param>
    /// <param name="cancellationToken">Aborts all connections at once.</param>
    public Task ShutdownAsync(TimeSpan drain, CancellationToken cancellationToken = default) =>
        OnEach(server => server.ShutdownAsync(drain), cancellationToken);

    /// <summary>
    /// What each loop does, in the order of the loops. Each is asked on its own loop, and not all at the same moment.
    /// </summary>
    public Task<ServerLoopStatistics[]> GetStatisticsAsync()
    {
        return Task.WhenAll(_servers.Select(ReadThereAsync));

        static async Task<ServerLoopStatistics> ReadThereAsync(Server server)
        {
            try
            {
                return await server.Loop.InvokeAsync(() => Read(server)).ConfigureAwait(false);
            }
            catch (InvalidOperationException) when (server.Loop.IsClosed)
            {
                // Nothing changes there any more.
                return Read(server);
            }
        }

        static ServerLoopStatistics Read(Server server) =>
            new(server.Loop, server.ConnectionCount, server.OwnCount, server.FailedHandshakeCount);
    }

    /// <summary>Stops accepting, cancels the handlers and waits for them.</summary>
    public async ValueTask DisposeAsync() =>
        await OnEach(static async server => await server.DisposeAsync(), CancellationToken.None).ConfigureAwait(false);

    /// <inheritdoc/>
    public override string ToString() => $"The servers at {string.Join(", ", EndPoints)} of {Group}";

    /// <summary>Ends a server of a group that does not come about.</summary>
    internal static Task AbandonAsync(Server server) => RunThereAsync(
        server,
        static async server =>
        {
            server.EndFeed();
            await server.DisposeAsync();
        },
        CancellationToken.None);

    private static async Task RunThereAsync(Server server, Func<Server, Coroutine> function, CancellationToken cancellationToken)
    {
        try
        {
            await server.Loop.RunCoroutineThreadSafe(Call(server, function), cancellationToken).ConfigureAwait(false);
        }
        catch (InvalidOperationException) when (server.Loop.IsClosed)
        {
            // The server has ended with its loop.
        }

        static async Coroutine Call(Server server, Func<Server, Coroutine> function) => await function(server);
    }

    private Task OnEach(Func<Server, Coroutine> function, CancellationToken cancellationToken) =>
        Task.WhenAll(_servers.Select(server => RunThereAsync(server, function, cancellationToken)));

    private Task OnEach(Action<Server> action)
    {
        return OnEach(Call, CancellationToken.None);

        async Coroutine Call(Server server)
        {
            await Coroutine.Yield();
            action(server);
        }
    }
}
