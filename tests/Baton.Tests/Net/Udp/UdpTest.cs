using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Udp;

/// <summary>What the tests of UDP have in common.</summary>
internal static class UdpTest
{
    internal static UdpSocket Bind(AddressFamily family = AddressFamily.InterNetwork, UdpOptions? options = null) =>
        UdpSocket.Bind(new IPEndPoint(family == AddressFamily.InterNetworkV6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, 0), options);

    /// <summary>Two sockets, the first connected to the second, and the second to nobody.</summary>
    internal static async Coroutine<(UdpSocket Client, UdpSocket Server)> Connect()
    {
        var server = Bind();
        return (await UdpSocket.ConnectAsync(server.LocalEndPoint!), server);
    }

    /// <summary>An end point of this machine at which nobody listens.</summary>
    internal static IPEndPoint Nobody()
    {
        using var socket = Bind();
        return socket.LocalEndPoint!;
    }

    internal static async Coroutine<ReceivedDatagram> ReceiveFrom(UdpSocket socket, byte[] buffer) => await socket.ReceiveFromAsync(buffer);

    internal static async Coroutine<byte[]> Receive(UdpSocket socket)
    {
        var buffer = new byte[65_536];
        return buffer[..(await socket.ReceiveFromAsync(buffer)).Count];
    }

    /// <summary>
    /// Has the system tell of the room that a scripted call said there was not: an edge of any kind tells of everything, and a datagram
    /// that comes makes one.
    /// </summary>
    internal static async Coroutine TellOfRoom(UdpSocket socket, UdpSocket peer)
    {
        await peer.SendToAsync(new byte[1], socket.LocalEndPoint!);
        await NetTest.Polls(1);
    }

    internal static async Coroutine<int> Receive(UdpSocket socket, DatagramBatch batch) => await socket.ReceiveBatchAsync(batch);

    internal static async Coroutine Send(UdpSocket socket, byte[] bytes, IPEndPoint receiver) => await socket.SendToAsync(bytes, receiver);

    internal static async Coroutine Send(UdpSocket socket, DatagramBatch batch) => await socket.SendBatchAsync(batch);
}
