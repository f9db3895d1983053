using System.Net;
using System.Net.Sockets;

namespace Baton;

public sealed partial class Connection
{
    /// <summary>
    /// Connects to a host by name or address: resolves it, off the loop where it is a name, and tries its addresses in turn. Corresponds to
    /// <c>asyncio.open_connection</c>.
    /// </summary>
    /// <param name="host">A name, or an IPv4 or IPv6 address.</param>
    /// <param name="port">The port.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">
    /// The name is unknown, or the address refused or could not be reached; of several addresses, a <see cref="ConnectException"/>.
    /// </exception>
    public static async Coroutine<Connection> ConnectAsync(string host, int port, ConnectOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((uint)port, (uint)IPEndPoint.MaxPort, nameof(port));
        var addresses = await NameResolution.GetHostAddressesAsync(host);
        List<SocketException>? failures = null;
        foreach (var address in addresses)
        {
            if (options?.LocalEndPoint is { } local && local.AddressFamily != address.AddressFamily)
            {
                continue;
            }

            try
            {
                return await ConnectAsync(new IPEndPoint(address, port), options);
            }
            catch (SocketException exception)
            {
                (failures ??= []).Add(exception);
            }
        }

        if (failures is null)
        {
            throw new SocketException(
                (int)SocketError.AddressFamilyNotSupported,
                $"Connecting to {host}:{port} failed: no address of it has the family of the local end point {options?.LocalEndPoint}.");
        }

        throw failures.Count == 1
            ? failures[0]
            : new ConnectException(
                $"Connecting to {host}:{port} failed at all {failures.Count} addresses. {string.Join(". ", failures.Select(failure => failure.Message))}.",
                failures);
    }

    /// <summary>Connects to one address, that of a local (Unix) socket included.</summary>
    /// <param name="endPoint">The address; a <see cref="DnsEndPoint"/> is resolved.</param>
    /// <param name="options">Details; null for the defaults.</param>
    /// <exception cref="SocketException">The address refused or could not be reached.</exception>
    public static async Coroutine<Connection> ConnectAsync(EndPoint endPoint, ConnectOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(endPoint);
        if (endPoint is DnsEndPoint name)
        {
            return await ConnectAsync(name.Host, name.Port, options);
        }

        var socket = LoopSocket.Create(endPoint.AddressFamily);
        try
        {
            if (options?.LocalEndPoint is { } local)
            {
                socket.SetOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, 1);
                socket.Bind(local);
            }

            await socket.ConnectAsync(endPoint);
            return new Connection(socket, options?.NoDelay ?? true) { _remoteEndPoint = endPoint };
        }
        catch
        {
            // Whatever it was, cancellation included: the descriptor has no owner yet but this.
            socket.Dispose();
            throw;
        }
    }
}
