using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net;

/// <summary>A datagram costs no object, whichever way it is sent and received.</summary>
public class UdpAllocationTests
{
    [Fact]
    public void An_echo_of_datagrams_allocates_nothing() => NetTest.Run(async () =>
    {
        using var server = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var client = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var receiver = server.LocalEndPoint!;
        var sender = new SocketAddress(AddressFamily.InterNetwork);
        var buffer = new byte[100];
        await NetAllocationTests.AssertAllocatesNothing(Echo);

        async Coroutine Echo()
        {
            await client.SendToAsync(buffer, receiver);
            var received = await server.ReceiveFromAsync(buffer);
            await server.SendToAsync(buffer, received.RemoteEndPoint!);
            await client.ReceiveFromAsync(buffer, sender);
            await client.SendToAsync(buffer, sender);
            await server.ReceiveAsync(buffer);
        }
    });

    [Fact]
    public void Receives_that_wait_allocate_nothing() => NetTest.Run(async () =>
    {
        using var server = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var client = await UdpSocket.ConnectAsync(server.LocalEndPoint!);
        var echo = Coroutine.Start(EchoAll());
        var message = new byte[100];
        var buffer = new byte[100];
        await NetAllocationTests.AssertAllocatesNothing(Echo);
        await client.SendAsync(default);
        await echo;

        async Coroutine Echo()
        {
            await client.SendAsync(message);
            await client.ReceiveAsync(buffer);
        }

        async Coroutine EchoAll()
        {
            var own = new byte[100];
            while (await server.ReceiveFromAsync(own) is { Count: > 0 } received)
            {
                await server.SendToAsync(own, received.RemoteEndPoint!);
            }
        }
    });

    [Fact]
    public void Batches_allocate_nothing() => NetTest.Run(async () =>
    {
        using var server = UdpSocket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        using var client = await UdpSocket.ConnectAsync(server.LocalEndPoint!);
        var outgoing = new DatagramBatch(32, 100);
        var incoming = new DatagramBatch(32, 100);
        var message = new byte[100];
        await NetAllocationTests.AssertAllocatesNothing(Echo);

        async Coroutine Echo()
        {
            outgoing.Clear();
            while (!outgoing.IsFull)
            {
                outgoing.Add(message);
            }

            await client.SendBatchAsync(outgoing);
            for (var received = 0; received < outgoing.Count; received += incoming.Count)
            {
                await server.ReceiveBatchAsync(incoming);
                await server.SendBatchAsync(incoming);
            }

            for (var received = 0; received < outgoing.Count; received += incoming.Count)
            {
                await client.ReceiveBatchAsync(incoming);
            }
        }
    });

    [Fact]
    public void Datagrams_of_bare_sockets_allocate_nothing() => NetTest.Run(async () =>
    {
        using var socket = LoopSocket.Create(AddressFamily.InterNetwork, SocketType.Dgram);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var receiver = socket.LocalEndPoint!.Serialize();
        var sender = new SocketAddress(AddressFamily.InterNetwork);
        var buffer = new byte[100];
        await NetAllocationTests.AssertAllocatesNothing(Echo);

        async Coroutine Echo()
        {
            await socket.SendToAsync(buffer, receiver);
            await socket.ReceiveFromAsync(buffer, sender);
        }
    });
}
