using System.Net;
using System.Net.Sockets;

namespace Baton;

/// <summary>
/// What a loop asks for the addresses of names, when <see cref="NameResolution"/> has to. <see cref="EventLoopOptions.NameResolver"/>
/// replaces it: by one of another size, one that asks elsewhere, or in tests one that knows what it is told, fails, or takes its time.
/// </summary>
/// <remarks>One resolver may serve several loops, each on its own thread.</remarks>
public abstract class NameResolver
{
    /// <summary>
    /// The resolver of loops that were given none: a <see cref="ThreadedNameResolver"/> that all loops of the process share.
    /// </summary>
    public static NameResolver Default { get; } = new ThreadedNameResolver();

    /// <summary>
    /// Looks a name up, on the loop that awaits this. Never called with an address in figures. Corresponds to <c>loop.getaddrinfo</c>.
    /// </summary>
    /// <param name="host">The name.</param>
    /// <param name="family">
    /// Which addresses: <see cref="AddressFamily.InterNetwork"/>, <see cref="AddressFamily.InterNetworkV6"/>, or unspecified for both.
    /// </param>
    /// <returns>The addresses, best first. The array is the caller's. An empty one means that the name has none.</returns>
    /// <exception cref="SocketException">The name is unknown, or nobody could tell. The caller adds the name to the message.</exception>
    public abstract Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family);

    /// <summary>
    /// Looks up the name of an address, on the loop that awaits this; a resolver that does not override this knows none. Corresponds to
    /// <c>loop.getnameinfo</c>.
    /// </summary>
    /// <param name="address">The address.</param>
    /// <exception cref="SocketException">
    /// The address has no name, or nobody could tell. The caller adds the address to the message.
    /// </exception>
    public virtual Coroutine<string> GetHostNameAsync(IPAddress address) =>
        Coroutine.FromException<string>(new SocketException((int)SocketError.HostNotFound));
}
