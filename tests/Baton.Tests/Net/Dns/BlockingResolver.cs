using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net;

/// <summary>
/// A resolver whose look-ups block their thread until the test lets the name go, as getaddrinfo does while no server answers.
/// </summary>
internal sealed class BlockingResolver(int maximumThreads) : ThreadedNameResolver(maximumThreads)
{
    private readonly ConcurrentDictionary<string, ManualResetEventSlim> _gates = new();
    private readonly ConcurrentQueue<string> _begun = new();

    /// <summary>The names whose look-ups have begun, in order.</summary>
    internal string[] Begun => [.. _begun];

    internal void Release(string host) => GateOf(host).Set();

    protected override IPAddress[] LookUpAddresses(string host, AddressFamily family)
    {
        _begun.Enqueue(host);
        Assert.True(Thread.CurrentThread.IsBackground);
        Assert.False(Thread.CurrentThread.IsThreadPoolThread);
        Assert.StartsWith("name resolver", Thread.CurrentThread.Name, StringComparison.Ordinal);
        LoopTest.Await(GateOf(host).WaitHandle);
        return host.StartsWith("bad", StringComparison.Ordinal)
            ? throw new SocketException((int)SocketError.HostNotFound)
            : [IPAddress.Loopback];
    }

    protected override string LookUpName(IPAddress address) => LookUpAddresses(address.ToString(), address.AddressFamily)[0].ToString();

    private ManualResetEventSlim GateOf(string host) => _gates.GetOrAdd(host, static _ => new ManualResetEventSlim());
}
