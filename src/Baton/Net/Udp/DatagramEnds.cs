using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>The two addresses between which a socket for datagrams can be opened; either may be missing, not both.</summary>
internal readonly record struct DatagramEnds(AddressFamily Family, EndPoint? Local, EndPoint? Remote)
{
    /// <summary>Resolves what are names, pairs the addresses by their family, and opens a socket at the first pair that works.</summary>
    /// <param name="local">The end to bind to; null lets the system choose.</param>
    /// <param name="remote">The peer; null for a socket that is connected to nobody.</param>
    /// <param name="family">The one family to take, also where there are no ends at all.</param>
    /// <param name="options">Details of the socket; null for the defaults.</param>
    /// <returns>The socket and its ends; null where no pair is of one family.</returns>
    /// <exception cref="SocketException">
    /// A name is unknown, or the only pair failed; where several did, a <see cref="ConnectException"/>.
    /// </exception>
    internal static async Coroutine<(LoopSocket Socket, DatagramEnds Ends)?> OpenFirstAsync(
        EndPoint? local, EndPoint? remote, AddressFamily family, UdpOptions? options)
    {
        var locals = await ResolveAsync(local, family);
        var remotes = await ResolveAsync(remote, family);
        List<ConnectAttempt>? failures = null;
        foreach (var ends in Pair(locals, remotes, family))
        {
            try
            {
                return (await ends.OpenAsync(options), ends);
            }
            catch (SocketException exception)
            {
                (failures ??= []).Add(new ConnectAttempt(ends.Remote ?? ends.Local ?? new IPEndPoint(IPAddress.Any, 0), exception));
            }
        }

        return failures switch
        {
            null => null,
            [var only] => throw only.Exception,
            _ => throw new ConnectException(
                failures[^1].SocketErrorCode,
                $"Opening {Describe(local, remote)} failed in all {failures.Count} ways. {string.Join(". ", failures)}.",
                failures),
        };
    }

    /// <summary>A socket with these ends, for messages.</summary>
    internal static string Describe(EndPoint? local, EndPoint? remote) =>
        $"a socket for datagrams{(local is null ? "" : $" at {local}")}{(remote is null ? "" : $" to {remote}")}";

    private static async Coroutine<EndPoint?[]> ResolveAsync(EndPoint? endPoint, AddressFamily family)
    {
        if (endPoint is not DnsEndPoint name)
        {
            return [endPoint];
        }

        var addresses = await NameResolution.GetHostAddressesAsync(
            name.Host, family == AddressFamily.Unspecified ? name.AddressFamily : family);
        return Array.ConvertAll(addresses, address => new IPEndPoint(address, name.Port));
    }

    /// <summary>The peer's addresses first and in their order: that is the one in which they are best reached.</summary>
    private static IEnumerable<DatagramEnds> Pair(EndPoint?[] locals, EndPoint?[] remotes, AddressFamily family) =>
        from remote in remotes
        from local in locals
        let itsFamily = remote?.AddressFamily ?? local?.AddressFamily ?? family
        where itsFamily != AddressFamily.Unspecified
            && (local is null || local.AddressFamily == itsFamily)
            && (family == AddressFamily.Unspecified || itsFamily == family)
        select new DatagramEnds(itsFamily, local, remote);

    private async Coroutine<LoopSocket> OpenAsync(UdpOptions? options)
    {
        var socket = LoopSocket.Create(Family, SocketType.Dgram);
        try
        {
            options?.ApplyTo(socket);
            if (Local is UnixDomainSocketEndPoint)
            {
                UnixSocketFile.Bind(socket, Local, mode: null, keep: false);
            }
            else if (Local is not null)
            {
                socket.Bind(Local);
            }

            if (Remote is not null && options?.AllowBroadcast != true)
            {
                await socket.ConnectAsync(Remote);
            }

            return socket;
        }
        catch
        {
            // Whatever it was, cancellation included: the descriptor has no owner yet but this.
            socket.Dispose();
            throw;
        }
    }
}
