using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net;

/// <summary>A resolver that answers as the test says, on the loop, and remembers what it was asked.</summary>
internal sealed class TestResolver(Func<string, AddressFamily, Coroutine<IPAddress[]>> answer) : NameResolver
{
    internal List<string> Asked { get; } = [];

    internal static TestResolver Failing(SocketError error) =>
        new((_, _) => Coroutine.FromException<IPAddress[]>(new SocketException((int)error)));

    internal static TestResolver Late(TimeSpan delay, params IPAddress[] addresses)
    {
        return new TestResolver((_, _) => Answer());

        async Coroutine<IPAddress[]> Answer()
        {
            await Coroutine.Sleep(delay);
            return addresses;
        }
    }

    public override Coroutine<IPAddress[]> GetHostAddressesAsync(string host, AddressFamily family)
    {
        Asked.Add(host);
        return answer(host, family);
    }
}
