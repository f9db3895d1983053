using System.Net;
using System.Net.Sockets;

namespace Baton.Tests.Net.Udp;

/// <summary>Datagrams that the network brings back.</summary>
public class UdpErrorTests
{
    [Fact]
    public void A_connected_socket_hears_from_a_receive_that_nobody_is_there() => NetTest.Run(async () =>
    {
        using var socket = await UdpSocket.ConnectAsync(UdpTest.Nobody());
        await socket.SendAsync(new byte[1]);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await socket.ReceiveAsync(new byte[10]));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);

        // While it waits, too.
        var receive = Coroutine.Start(UdpTest.ReceiveFrom(socket, new byte[10]));
        await NetTest.Iterate();
        Assert.False(receive.IsDone);
        await socket.SendAsync(new byte[1]);
        failure = await Assert.ThrowsAsync<SocketException>(async () => await receive);
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);
    });

    [Fact]
    public void A_connected_socket_hears_from_a_send_that_nobody_was_there() => NetTest.Run(async () =>
    {
        using var socket = await UdpSocket.ConnectAsync(UdpTest.Nobody());
        await socket.SendAsync(new byte[1]);
        var failure = await Assert.ThrowsAsync<SocketException>(async () => await socket.SendAsync(new byte[1]));
        Assert.Equal(SocketError.ConnectionRefused, failure.SocketErrorCode);

        // Once: this one is sent.
        await socket.SendAsync(new byte[1]);
    });

    [Fact]
    public void A_connected_socket_goes_on_when_somebody_comes() => NetTest.Run(async () =>
    {
        var endPoint = UdpTest.Nobody();
        using var socket = await UdpSocket.ConnectAsync(endPoint);
        await socket.SendAsync(new byte[1]);
        await Assert.ThrowsAsync<SocketException>(async () => await socket.ReceiveBatchAsync(new DatagramBatch(2, 10)));
        using var server = UdpSocket.Bind(endPoint);
        await socket.SendAsync(new byte[2]);
        Assert.Equal(2, (await server.ReceiveFromAsync(new byte[10])).Count);
    });

    [Fact]
    public void A_socket_that_is_not_connected_hears_nothing_unless_it_asks() => NetTest.Run(async () =>
    {
        using var socket = UdpTest.Bind();
        await socket.SendToAsync(new byte[1], UdpTest.Nobody());
        await socket.SendToAsync(new byte[2], socket.LocalEndPoint!);
        Assert.Equal(2, (await socket.ReceiveFromAsync(new byte[10])).Count);
    });

    [Theory]
    [InlineData(AddressFamily.InterNetwork)]
    [InlineData(AddressFamily.InterNetworkV6)]
    public void Reports_say_to_whom_a_datagram_could_not_be_delivered(AddressFamily family) => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(family);
        using var socket = WithReports(family);
        IPEndPoint[] nobodies = [Nobody(family), Nobody(family), Nobody(family)];
        foreach (var nobody in nobodies)
        {
            await socket.SendToAsync(new byte[1], nobody);
        }

        foreach (var nobody in nobodies)
        {
            var report = await Assert.ThrowsAsync<UndeliveredException>(async () => await socket.ReceiveFromAsync(new byte[10]));
            Assert.Equal(SocketError.ConnectionRefused, report.SocketErrorCode);
            Assert.Equal(nobody, report.Receiver);
            Assert.Equal(nobody.Address, report.Reporter);
            Assert.Contains(nobody.ToString(), report.Message, StringComparison.Ordinal);
        }

        await socket.SendToAsync(new byte[2], socket.LocalEndPoint!);
        Assert.Equal(2, (await socket.ReceiveFromAsync(new byte[10])).Count);
    });

    [Fact]
    public void A_socket_of_both_families_gets_reports_of_both() => NetTest.Run(async () =>
    {
        LoopSocketTests.SkipWithout(AddressFamily.InterNetworkV6);
        SkipWithoutReports();
        using var socket = await UdpSocket.BindAsync(null, 0, new UdpOptions { ReportUndelivered = true });
        var nobody = UdpTest.Nobody();
        await socket.SendToAsync(new byte[1], nobody);
        var report = await Assert.ThrowsAsync<UndeliveredException>(async () => await socket.ReceiveFromAsync(new byte[10]));
        Assert.Equal(nobody.Port, report.Receiver!.Port);
    });

    [Fact]
    public void Sends_do_not_fail_for_what_was_sent_to_others() => NetTest.Run(async () =>
    {
        using var server = UdpTest.Bind();
        using var socket = WithReports();
        var receive = Coroutine.Start(UdpTest.ReceiveFrom(socket, new byte[10]));
        await NetTest.Iterate();
        var nobody = UdpTest.Nobody();
        await socket.SendToAsync(new byte[1], nobody);
        await socket.SendToAsync(new byte[2], server.LocalEndPoint!);

        // The send came upon the report, and told the receive.
        var report = await Assert.ThrowsAsync<UndeliveredException>(async () => await receive);
        Assert.Equal(nobody, report.Receiver);
        Assert.Equal(2, (await server.ReceiveFromAsync(new byte[10])).Count);

        // Batches likewise, with nobody receiving meanwhile.
        var batch = new DatagramBatch(4, 10);
        batch.Add(new byte[3], nobody);
        batch.Add(new byte[4], server.LocalEndPoint!);
        await socket.SendBatchAsync(batch);
        await socket.SendBatchAsync(batch);
        Assert.Equal(2, batch.SentCount);
        for (var i = 0; i < 2; i++)
        {
            Assert.Equal(4, (await server.ReceiveFromAsync(new byte[10])).Count);
            report = await Assert.ThrowsAsync<UndeliveredException>(async () => await socket.ReceiveBatchAsync(batch));
            Assert.Equal(nobody, report.Receiver);
        }
    });

    [Fact]
    public void A_send_that_fails_by_itself_says_so_with_reports_too() => NetTest.Run(async () =>
    {
        using var socket = WithReports();
        var failure = await Assert.ThrowsAsync<SocketException>(
            async () => await socket.SendToAsync(new byte[65_508], socket.LocalEndPoint!));
        Assert.Equal(SocketError.MessageSize, failure.SocketErrorCode);
        Assert.IsNotType<UndeliveredException>(failure);
        await socket.SendToAsync(new byte[2], socket.LocalEndPoint!);
        Assert.Equal(2, (await socket.ReceiveFromAsync(new byte[10])).Count);
    });

    [Fact]
    public void A_program_that_only_sends_gathers_no_more_reports_than_some() => NetTest.Run(async () =>
    {
        using var socket = WithReports();
        var nobody = UdpTest.Nobody();
        for (var i = 0; i < 300; i++)
        {
            await socket.SendToAsync(new byte[1], nobody);
        }

        var reports = 0;
        while (true)
        {
            var receive = Coroutine.Start(UdpTest.ReceiveFrom(socket, new byte[10]));
            await NetTest.Iterate();
            if (!receive.IsDone)
            {
                receive.Cancel();
                await NetTest.AssertCancelled(receive);
                break;
            }

            await Assert.ThrowsAsync<UndeliveredException>(async () => await receive);
            reports++;
        }

        Assert.InRange(reports, 1, 65);
    });

    private static UdpSocket WithReports(AddressFamily family = AddressFamily.InterNetwork)
    {
        SkipWithoutReports();
        return UdpTest.Bind(family, new UdpOptions { ReportUndelivered = true });
    }

    private static void SkipWithoutReports()
    {
        try
        {
            UdpTest.Bind(options: new UdpOptions { ReportUndelivered = true }).Dispose();
        }
        catch (PlatformNotSupportedException exception)
        {
            Assert.Skip(exception.Message);
        }
    }

    private static IPEndPoint Nobody(AddressFamily family)
    {
        using var socket = UdpTest.Bind(family);
        return socket.LocalEndPoint!;
    }
}
