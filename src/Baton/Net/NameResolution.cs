using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>Names to addresses. Corresponds to <c>loop.getaddrinfo</c>.</summary>
public static class NameResolution
{
    /// <summary>
    /// Resolves a host. An address in figures is returned at once; a name is looked up by the BCL, on a thread of the thread pool: one of the few
    /// things that leave the loop's thread. Cancelling abandons the wait at once; the lookup ends unheard.
    /// </summary>
    /// <param name="host">A name, or an IPv4 or IPv6 address, in brackets or not.</param>
    /// <exception cref="SocketException">The name is unknown, or no server answered.</exception>
    public static Coroutine<IPAddress[]> GetHostAddressesAsync(string host)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        return IPAddress.TryParse(host, out var address) ? Coroutine.FromResult<IPAddress[]>([address]) : LookUpAsync(host);
    }

    private static async Coroutine<IPAddress[]> LookUpAsync(string host)
    {
        try
        {
            var addresses = await Coroutine.FromTask(Dns.GetHostAddressesAsync(host));
            return addresses.Length > 0 ? addresses : throw new SocketException((int)SocketError.NoData);
        }
        catch (SocketException exception)
        {
            throw new SocketException((int)exception.SocketErrorCode, $"Resolving the name '{host}' failed: {exception.Message}");
        }
        catch (ArgumentException exception)
        {
            throw new SocketException((int)SocketError.HostNotFound, $"Resolving the name '{host}' failed: {exception.Message}");
        }
    }
}
