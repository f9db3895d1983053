using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>Names to addresses, and addresses to names. Corresponds to <c>loop.getaddrinfo</c> and <c>loop.getnameinfo</c>.</summary>
/// <remarks>
/// A name is looked up by the loop's <see cref="EventLoop.NameResolver"/>: the default one on a few threads of its own, one of the few
/// things that leave the loop's thread. Cancelling ends the wait at once. In debug mode every look-up is logged with its time, from
/// <see cref="EventLoop.SlowCallbackDuration"/> on at the information level.
/// </remarks>
public static class NameResolution
{
    /// <summary>
    /// Resolves a host. An address in figures is returned at once and asks nobody; a name is looked up. Corresponds to
    /// <c>loop.getaddrinfo</c>.
    /// </summary>
    /// <param name="host">
    /// A name, or an IPv4 or IPv6 address, in brackets or not. A link-local one may have a zone: the name of an interface or its number, as
    /// in <c>fe80::1%eth0</c>.
    /// </param>
    /// <param name="family">
    /// Which addresses: <see cref="AddressFamily.InterNetwork"/>, <see cref="AddressFamily.InterNetworkV6"/>, or both unless given.
    /// </param>
    /// <returns>At least one address, in the system's order of preference.</returns>
    /// <exception cref="SocketException">
    /// The name is unknown (<see cref="SocketError.HostNotFound"/>), has no address of the family (<see cref="SocketError.NoData"/>), or no
    /// server answered (<see cref="SocketError.TryAgain"/>).
    /// </exception>
    public static Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family = AddressFamily.Unspecified)
    {
        ArgumentException.ThrowIfNullOrEmpty(host);
        if (family is not (AddressFamily.Unspecified or AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
        {
            throw new ArgumentException(
                $"{family} is not a family of addresses that names have: use InterNetwork, InterNetworkV6, or Unspecified for both.",
                nameof(family));
        }

        if (!IPAddress.TryParse(host, out var address))
        {
            return LookUpAsync(host, family);
        }

        return Check(host, address, family) is { } failure
            ? Coroutine.FromException<IPAddress[]>(failure)
            : Coroutine.FromResult<IPAddress[]>([address]);
    }

    /// <summary>Finds the name of an address. Corresponds to <c>loop.getnameinfo</c>, as with <c>NI_NAMEREQD</c>.</summary>
    /// <param name="address">The address.</param>
    /// <exception cref="SocketException">
    /// The address has no name (<see cref="SocketError.HostNotFound"/>), or no server answered (<see cref="SocketError.TryAgain"/>).
    /// </exception>
    public static async Coroutine<string> GetHostNameAsync(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        var loop = EventLoop.Current;
        var start = loop.IsDebug ? loop.Time : 0;
        try
        {
            var name = await loop.NameResolver.GetHostNameAsync(address);
            Note(loop, address, start, name);
            return name;
        }
        catch (SocketException exception)
        {
            var reason = exception.SocketErrorCode == SocketError.HostNotFound ? "it has none" : ReasonOf(exception);
            Note(loop, address, start, reason);
            throw new SocketException((int)exception.SocketErrorCode, $"Finding the name of {address} failed: {reason}");
        }
    }

    private static async Coroutine<IPAddress[]> LookUpAsync(string host, AddressFamily family)
    {
        var loop = EventLoop.Current;
        var start = loop.IsDebug ? loop.Time : 0;
        try
        {
            var addresses = await loop.NameResolver.GetHostAddressesAsync(host, family);
            if (addresses.Length == 0)
            {
                throw new SocketException((int)SocketError.NoData);
            }

            Note(loop, host, start, string.Join<IPAddress>(", ", addresses));
            return addresses;
        }
        catch (SocketException exception)
        {
            var reason = ReasonOf(exception);
            Note(loop, host, start, reason);
            throw new SocketException((int)exception.SocketErrorCode, $"Resolving the name '{host}' failed: {reason}");
        }
        catch (ArgumentException exception)
        {
            throw new SocketException((int)SocketError.HostNotFound, $"Resolving the name '{host}' failed: {exception.Message}");
        }
    }

    /// <summary>What is wrong with an address in figures; null where nothing is.</summary>
    private static SocketException? Check(string host, IPAddress address, AddressFamily family)
    {
        if (family != AddressFamily.Unspecified && family != address.AddressFamily)
        {
            return new SocketException(
                (int)SocketError.NoData, $"'{host}' is an {(address.AddressFamily == AddressFamily.InterNetwork ? "IPv4" : "IPv6")} address, and one of the other family was asked for");
        }

        if (host[0] == '[' && host[^1] != ']')
        {
            return new SocketException((int)SocketError.HostNotFound, $"'{host}' is an address with a port: give the port by itself");
        }

        // The BCL takes the name of an interface that is not there for none.
        var zone = host.IndexOf('%') is >= 0 and var percent ? host.AsSpan(percent + 1).TrimEnd(']') : [];
        return zone.ContainsAnyExcept('0') && address.ScopeId == 0
            ? new SocketException((int)SocketError.HostNotFound, $"'{host}' names a network interface that there is not")
            : null;
    }

    private static string ReasonOf(SocketException exception) => exception.SocketErrorCode switch
    {
        SocketError.HostNotFound => "there is no such name",
        SocketError.NoData => "the name has no address of the kind that was asked for",
        SocketError.TryAgain => "no name server answered. It may work later",
        SocketError.NoRecovery => "a name server refused to answer",
        _ => exception.Message,
    };

    private static void Note(EventLoop loop, object subject, long start, string outcome)
    {
        if (!loop.IsDebug || start == 0)
        {
            return;
        }

        var time = TimeSpan.FromTicks((loop.Time - start) / TimeSpan.NanosecondsPerTick);
        if (time >= loop.SlowCallbackDuration)
        {
            LoopLog.SlowLookUp(loop.Logger, loop.Name, subject, time.TotalMilliseconds, outcome);
        }
        else
        {
            LoopLog.LookUp(loop.Logger, loop.Name, subject, time.TotalMilliseconds, outcome);
        }
    }
}
