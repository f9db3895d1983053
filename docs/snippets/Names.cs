using System.Net;
using System.Net.Sockets;
using Baton;

namespace DocsSnippets;

public static class Names
{
    #region resolve
    public static void Resolve() => EventLoop.Run(async Coroutine () =>
    {
        Console.WriteLine(string.Join<IPAddress>(", ", await NameResolution.GetHostAddressesAsync("localhost", AddressFamily.InterNetwork)));
        Console.WriteLine(string.Join<IPAddress>(", ", await NameResolution.GetHostAddressesAsync("2001:db8::7"))); // asks nobody
    });
    #endregion

    #region limit
    public static void Limit() => EventLoop.Run(
        async Coroutine () =>
        {
            try
            {
                await LoopTimeout.Run(TimeSpan.FromMilliseconds(50), async Coroutine () => await Connection.ConnectAsync("db.example", 5432));
            }
            catch (TimeoutException)
            {
                Console.WriteLine("no connection within 50 ms");
            }
        },
        new EventLoopOptions { NameResolver = new SlowResolver() });
    #endregion

    #region own
    /// <summary>Knows names that the system does not.</summary>
    private sealed class ServiceNames(NameResolver others) : NameResolver
    {
        public override Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family) =>
            host == "orders.internal" ? Coroutine.FromResult<IPAddress[]>([IPAddress.Loopback]) : others.GetHostAddressesAsync(host, family);

        public override Coroutine<string> GetHostNameAsync(IPAddress address) => others.GetHostNameAsync(address);
    }

    public static void Own() => EventLoop.Run(
        async Coroutine () =>
        {
            await using var server = await Server.StartAsync("orders.internal", 0, async Coroutine (connection) => await connection.CloseAsync());
            Console.WriteLine(((IPEndPoint)server.EndPoints[0]).Address);
        },
        new EventLoopOptions { NameResolver = new ServiceNames(NameResolver.Default) });
    #endregion

    #region test
    /// <summary>For tests: never answers in time.</summary>
    private sealed class SlowResolver : NameResolver
    {
        public override async Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family)
        {
            await Coroutine.Sleep(TimeSpan.FromSeconds(30));
            throw new SocketException((int)SocketError.TryAgain);
        }
    }
    #endregion

    public static void Messages() => EventLoop.Run(
        async Coroutine () =>
        {
            foreach (var host in new[] { "hostnotfound", "nodata", "tryagain", "[::1]:80", "fe80::1%nope" })
            {
                await ErrorMessages.PrintAsync(async Coroutine () => await NameResolution.GetHostAddressesAsync(host));
            }
        },
        new EventLoopOptions { NameResolver = new FailingResolver() });

    private sealed class FailingResolver : NameResolver
    {
        public override Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family) =>
            Coroutine.FromException<IPAddress[]>(new SocketException((int)Enum.Parse<SocketError>(host, ignoreCase: true)));
    }
}
