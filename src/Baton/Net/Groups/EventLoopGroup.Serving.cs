using System.Net;
using System.Net.Sockets;

namespace Baton;

// Servers on all loops.
public sealed partial class EventLoopGroup
{
    /// <summary>Starts a server at the addresses of a host, whose connections are served on all loops of the group.</summary>
    /// <param name="host">A name, all of whose addresses are listened at; an address; null or empty for all interfaces, IPv4 and
    /// IPv6.</param>
    /// <param name="port">The port; 0 takes a free one, the same for all loops.</param>
    /// <param name="handler">Runs for each connection, on its loop: so on several threads at once.</param>
    /// <param name="options">
    /// Details; null for the defaults. With <see cref="ConnectionDistribution.Kernel"/>, <see cref="ServerOptions.MaxConnections"/> and
    /// <see cref="ServerOptions.Backlog"/> hold for each loop; where one loop accepts for all, for all together.
    /// </param>
    /// <param name="distribution">How the connections come to the loops.</param>
    /// <param name="cancellationToken">Ends the start, unless it is too late.</param>
    /// <returns>A task of the BCL. Either all loops serve then, or nothing is left.</returns>
    /// <exception cref="SocketException">The name is unknown, or an address is in use or not permitted.</exception>
    /// <exception cref="PlatformNotSupportedException">The distribution is the kernel's, and this is not Linux.</exception>
    /// <exception cref="InvalidOperationException">The group has been shut down, or is about to be.</exception>
    public Task<ServerGroup> StartServerAsync(
        string? host,
        int port,
        Func<Connection, Coroutine> handler,
        ServerOptions? options = null,
        ConnectionDistribution distribution = ConnectionDistribution.Automatic,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        return StartServersAsync(
            options => Server.StartAsync(host, port, handler, options),
            handler,
            options,
            Resolve(distribution, isLocal: false),
            cancellationToken);
    }

    /// <summary>Starts a server at one end point, whose connections are served on all loops of the group.</summary>
    /// <param name="endPoint">Where to listen; port 0 takes a free one, the same for all loops. A <see cref="DnsEndPoint"/> is
    /// resolved.</param>
    /// <param name="handler">Runs for each connection, on its loop: so on several threads at once.</param>
    /// <param name="options">Details, as with a host; null for the defaults.</param>
    /// <param name="distribution">How the connections come to the loops.</param>
    /// <param name="cancellationToken">Ends the start, unless it is too late.</param>
    /// <inheritdoc cref="StartServerAsync(string, int, Func{Connection, Coroutine}, ServerOptions, ConnectionDistribution, CancellationToken)"/>
    /// <exception cref="ArgumentException">The distribution is the kernel's, and this is a local (Unix) end point.</exception>
    public Task<ServerGroup> StartServerAsync(
        EndPoint endPoint,
        Func<Connection, Coroutine> handler,
        ServerOptions? options = null,
        ConnectionDistribution distribution = ConnectionDistribution.Automatic,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        ArgumentNullException.ThrowIfNull(handler);
        var resolved = Resolve(distribution, endPoint.AddressFamily == AddressFamily.Unix);
        return StartServersAsync(options => Server.StartAsync(endPoint, handler, options), handler, options, resolved, cancellationToken);
    }

    private static ConnectionDistribution Resolve(ConnectionDistribution distribution, bool isLocal)
    {
        var canKernel = OperatingSystem.IsLinux();
        return distribution switch
        {
            ConnectionDistribution.Automatic => canKernel && !isLocal ? ConnectionDistribution.Kernel : ConnectionDistribution.RoundRobin,
            ConnectionDistribution.Kernel when isLocal => throw new ArgumentException(
                "Several sockets cannot listen at the same local (Unix) address: have one loop accept for all.", nameof(distribution)),
            ConnectionDistribution.Kernel when !canKernel => throw new PlatformNotSupportedException(
                "Only Linux distributes connections over sockets that listen at the same address: have one loop accept for all."),
            ConnectionDistribution.Kernel or ConnectionDistribution.RoundRobin or ConnectionDistribution.LeastConnections => distribution,
            _ => throw new ArgumentOutOfRangeException(nameof(distribution)),
        };
    }

    /// <summary>All are there, and have their end points, before any of them accepts.</summary>
    private async Task<ServerGroup> StartServersAsync(
        Func<ServerOptions, Coroutine<Server>> startFirst,
        Func<Connection, Coroutine> handler,
        ServerOptions? options,
        ConnectionDistribution distribution,
        CancellationToken cancellationToken)
    {
        options = (options ?? new ServerOptions()).Copy();
        var isServing = options.StartServing;
        var byKernel = distribution == ConnectionDistribution.Kernel;
        options.StartServing = false;
        options.ReusePort |= byKernel && Count > 1;
        var servers = new List<Server>();
        try
        {
            servers.Add(await StartOnAsync(_members[0], () => startFirst(options.Copy()), cancellationToken).ConfigureAwait(false));
            var endPoints = servers[0].EndPoints;
            foreach (var member in _members.Skip(1))
            {
                var own = options.Copy();
                var start = byKernel
                    ? StartOnAsync(member, () => Server.StartAsync(endPoints, handler, own), cancellationToken)
                    : StartOnAsync(member, () => StartFed(own), cancellationToken);
                servers.Add(await start.ConfigureAwait(false));
            }

            if (!byKernel && servers.Count > 1)
            {
                Server[] others = [.. servers.Skip(1)];
                var byLeast = distribution == ConnectionDistribution.LeastConnections;
                await servers[0].Loop.InvokeAsync(() => servers[0].HandOverTo(others, byLeast), cancellationToken).ConfigureAwait(false);
            }

            var group = new ServerGroup(this, [.. servers], distribution);
            if (isServing)
            {
                await group.StartServingAsync().ConfigureAwait(false);
            }

            return group;

            async Coroutine<Server> StartFed(ServerOptions own)
            {
                // The one that accepts sees to the limit.
                own.MaxConnections = int.MaxValue;
                await Coroutine.Yield();
                return Server.CreateFed(endPoints, handler, own);
            }
        }
        catch
        {
            await Task.WhenAll(servers.Select(ServerGroup.AbandonAsync)).ConfigureAwait(false);
            throw;
        }
    }

    private static Task<Server> StartOnAsync(GroupMember member, Func<Coroutine<Server>> start, CancellationToken cancellationToken)
    {
        return member.Loop.RunCoroutineThreadSafe(StartAndAdd(member, start), cancellationToken);

        static async Coroutine<Server> StartAndAdd(GroupMember member, Func<Coroutine<Server>> start)
        {
            var server = await start();
            try
            {
                member.Add(server);
                return server;
            }
            catch
            {
                server.EndFeed();
                await server.DisposeAsync();
                throw;
            }
        }
    }
}
